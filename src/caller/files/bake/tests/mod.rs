//! Projects with their expected answers. The answers come from the output of `docker buildx bake --print` (buildx
//! 0.36), or from the source code of buildx.

mod outputs;
mod sources;

use crate::caller::files::fixtures::answer;

const DOCKERFILE: (&str, &str) = ("Dockerfile", "ARG BASE=base\nFROM ${BASE}\n");

/// The files, a command, and the answer.
type BakeCase<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);

fn hold(cases: &[BakeCase<'_>]) {
    for (files, command, expected) in cases {
        assert_eq!(answer(files, command), *expected, "{command}\n{files:#?}");
    }
}

#[test]
fn targets_are_chosen() {
    let groups = "group \"default\" { targets = [\"a\", \"more\"] }\n\
        group \"more\" { targets = [\"b\"] }\n\
        group \"c\" { targets = [\"c\", \"a\"] }\n\
        target \"a\" { tags = [\"a\"] }\ntarget \"b\" { tags = [\"b\"] }\ntarget \"c\" { tags = [\"c\"] }\n";
    let matrix = "target \"app\" {\n name = \"app-${v}-${o.n}\"\n matrix = { v = [\"1.0\", 2], o = [{ n = \"x\" }, { n = \"y\" }] }\n\
        tags = [\"r/${o.n}:${v}\"]\n}\n";
    let matrix = matrix.replace("app-${v}", "app-${replace(v, \".\", \"-\")}");
    let bake = |text: &'static str| [("docker-bake.hcl", text)];
    for (command, expected) in [
        ("docker buildx bake", "| a b"),
        ("docker buildx bake more", "| b"),
        ("docker buildx bake c", "| a c"),
        ("docker buildx bake b c", "| a b c"),
        ("docker buildx bake [ab]", "| a b"),
        ("docker buildx bake '*'", "| a b c"),
        ("docker buildx bake x*", "? | ?"),
        ("docker buildx bake missing", "? | ?"),
        ("docker buildx bake a --push", "| +a"),
    ] {
        assert_eq!(answer(&[("docker-bake.hcl", groups)], command), expected, "{command}");
    }
    for (command, expected) in [
        ("docker buildx bake app", "| r/x:1.0 r/x:2 r/y:1.0 r/y:2"),
        ("docker buildx bake app-1-0-x", "| r/x:1.0"),
        ("docker buildx bake app-2-*", "| r/x:2 r/y:2"),
        ("docker buildx bake app.2.x", "? | ?"),
        ("docker buildx bake app --set app-2-x.tags=z", "| r/x:1.0 r/y:1.0 r/y:2 z"),
    ] {
        assert_eq!(answer(&[("docker-bake.hcl", &matrix)], command), expected, "{command}");
    }
    hold(&[
        (&bake("target \"my_app\" { tags = [\"a\"] }"), "docker buildx bake my.app", "| a"),
        (&bake("target \"a\" { tags = [\"a\"] }"), "docker buildx bake", "? | ?"),
        (&bake("target \"default\" { tags = [\"a\"] }"), "docker buildx bake f", "? | ?"),
        (&bake("target \"default\" { tags = [\"a\"] }"), "docker buildx f", "| a"),
        (
            &bake("target \"x\" {\n matrix = { v = timestamp() }\n name = v\n tags = [\"a\"]\n}"),
            "docker buildx bake x",
            "? | ?",
        ),
        (
            &bake(
                "target \"x\" {\n matrix = { v = [\"1\", timestamp()] }\n name = \"x-${v}\"\n tags = [\"a:${v}\"]\n}",
            ),
            "docker buildx bake x",
            "| a a:1",
        ),
        (
            &bake(
                "target \"x\" {\n matrix = { v = [\"1\", timestamp()] }\n name = \"x-${v}\"\n tags = [\"a:${v}\"]\n}",
            ),
            "docker buildx bake x-2",
            "? | ?",
        ),
        (
            &bake(
                "target \"default\" {\n matrix = { a = range(1000), b = range(1000), c = range(1000) }\n name = \"x\"\n tags = [\"a\"]\n}",
            ),
            "docker buildx bake",
            "? | ?",
        ),
        (&[], "docker buildx bake", "|"),
        (&bake("target \"default\" { tags = [\"a\"] }"), "docker buildx bake https://github.com/x/y.git", "? | ?"),
        (&bake("target \"default\" { tags = [\"a\"] }"), "docker buildx bake -f -", "? | ?"),
        (&bake("target \"default\" { tags = [\"a\"] }"), "docker buildx bake -f - --push --set *.tags=r/x", "? | +r/x"),
        (&bake("target \"a\" {}"), "docker buildx bake https://github.com/x/y.git --push --set a.tags=r/x", "? | +?"),
        (&bake("target \"default\" { tags = "), "docker buildx bake", "? | ?"),
        (
            &[
                (
                    "docker-bake.hcl",
                    "target \"m\" {\n matrix = { i = [\"a\"] }\n name = \"m-${i}\"\n tags = [\"r/${i}\"]\n}\n",
                ),
                ("docker-bake.override.hcl", "target \"m\" { tags = [\"r/m\"] }\n"),
            ],
            "docker buildx bake m",
            "| r/a r/m",
        ),
        // If a group contains a group that contains it, the name means the target with this name. The name of an empty
        // group also means the target.
        (
            &bake(
                "group \"default\" { targets = [\"more\"] }\ngroup \"more\" { targets = [\"a\", \"default\"] }\n\
                target \"a\" { tags = [\"a\"] }\ntarget \"default\" { tags = [\"d\"] }\n",
            ),
            "docker buildx bake",
            "| a d",
        ),
        (
            &bake(
                "group \"all\" { targets = [\"none\"] }\ngroup \"none\" { targets = [] }\n\
                target \"none\" { tags = [\"n\"] }\n",
            ),
            "docker buildx bake all",
            "| n",
        ),
    ]);
}

#[test]
fn files_go_over_each_other() {
    let hcl = "variable \"TAG\" { default = \"1\" }\ntarget \"default\" {\n tags = [\"a:${TAG}\"]\n args = { A = \"1\", BASE = \"one\" }\n cache-from = [\"c1\"]\n}\n";
    hold(&[
        (
            &[
                ("docker-bake.hcl", hcl),
                (
                    "docker-bake.override.hcl",
                    "TAG = \"2\"\ntarget \"default\" {\n args = { BASE = \"two\" }\n cache-from = [\"c2\"]\n}\n",
                ),
                DOCKERFILE,
            ],
            "docker buildx bake",
            "c1 c2 two | a:2",
        ),
        (
            &[
                ("docker-bake.hcl", hcl),
                ("docker-bake.json", "{\"target\": {\"default\": {\"tags\": [\"b:${TAG}\"]}}}"),
            ],
            "docker buildx bake",
            "c1 | a:1",
        ),
        (
            &[
                ("docker-bake.hcl", hcl),
                ("docker-bake.override.json", "{\"target\": {\"default\": [{\"tags\": [\"b:${TAG}\"]}]}}"),
            ],
            "docker buildx bake",
            "c1 | b:1",
        ),
        (&[("a.hcl", hcl), ("b.hcl", "TAG = \"3\"\n")], "docker buildx bake -f a.hcl -f b.hcl", "c1 | a:3"),
        (&[("a.hcl", hcl), ("b.hcl", "TAG = \"3\"\n")], "TAG=4 docker buildx bake -f a.hcl -f b.hcl", "c1 | a:4"),
        (&[("a.hcl", hcl), ("b.hcl", "TAG = \"3\"\n")], "docker buildx bake -f a.hcl --var TAG=5", "c1 | a:5"),
        (&[("a.hcl", hcl)], "BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP=1 TAG=4 docker buildx bake -f a.hcl", "c1 | a:1"),
        (
            &[("a.hcl", hcl), ("b.hcl", "target \"default\" { tags = [\"b\"] }")],
            "BUILDX_BAKE_FILE=b.hcl,a.hcl BUILDX_BAKE_PATH_SEPARATOR=, docker buildx bake",
            "c1 | a:1",
        ),
        (&[("a.hcl", hcl), ("bake", "target \"default\" { tags = [\"b\"] }\n")], "docker buildx bake -f bake", "| b"),
        (&[("bake", "{\"target\": {\"default\": {\"tags\": [\"b\"]}}}")], "docker buildx bake -f bake", "| b"),
        (&[("bake", "services: {a: {image: b, build: .}}")], "docker buildx bake -f bake", "| b"),
        // A Compose service without a cache does not remove an inherited cache.
        (
            &[
                ("compose.yaml", "services: {tool: {image: t, build: .}}"),
                (
                    "docker-bake.hcl",
                    "target \"base\" { cache-to = [\"r/c\"] }\n\
                    target \"app\" {\n inherits = [\"base\", \"tool\"]\n output = [\"type=registry\"]\n}\n",
                ),
            ],
            "docker buildx bake app",
            "| +r/c t",
        ),
        (
            &[("compose.yaml", "services: {a: {image: \"b:${TAG}\", build: .}}")],
            "BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP=1 TAG=4 docker buildx bake a",
            "| b:4",
        ),
        (
            &[
                ("docker-bake.hcl", "group \"default\" { targets = [\"a\"] }\ntarget \"a\" { tags = [\"a\"] }"),
                (
                    "docker-bake.override.hcl",
                    "group \"default\" { targets = [\"b\"] }\ntarget \"b\" { tags = [\"b\"] }",
                ),
            ],
            "docker buildx bake",
            "| b",
        ),
        (
            &[
                ("compose.yaml", "services: {web: {image: w, build: .}, db: {image: d}}"),
                ("docker-bake.hcl", "target \"web\" { args = { BASE = \"x\" } }"),
                DOCKERFILE,
            ],
            "docker buildx bake",
            "x | w",
        ),
        (
            &[
                ("compose.yaml", "services: {web: {image: w, build: .}}"),
                ("docker-bake.hcl", "target \"default\" { tags = [\"t\"] }"),
                DOCKERFILE,
            ],
            "docker buildx bake",
            "base | w",
        ),
    ]);
}

#[test]
fn compose_files_are_one_project() {
    hold(&[
        (
            &[("compose.yaml", "services: {my.app: {image: a, build: .}}"), DOCKERFILE],
            "docker buildx bake my.app",
            "base | a",
        ),
        (
            &[("compose.yaml", "services: {a: {image: a, build: {context: ., tags: [b, c]}}}")],
            "docker buildx bake",
            "| b c",
        ),
        (
            &[(
                "compose.yaml",
                "services: {a: {image: a, build: {context: ., x-bake: {tags: x y, cache-from: [c], cache-to: 'type=registry,ref=d', output: 'type=registry', platforms: linux/arm64}}}}",
            )],
            "docker buildx bake",
            "c | +type=registry,ref=d x y",
        ),
        (
            &[(
                "compose.yaml",
                "services: {a: {image: a, build: {dockerfile_inline: 'FROM $$TARGETARCH', platforms: [linux/arm64]}}}",
            )],
            "docker buildx bake",
            "arm64 | a",
        ),
        (
            &[("compose.yaml", "services: {a: {image: '${R}/${COMPOSE_PROJECT_NAME}', build: .}}"), (".env", "R=r\n")],
            "docker buildx bake",
            "| r/bake",
        ),
        (
            &[("compose.yaml", "services: {a: {image: '${R}/a', build: .}}"), (".env", "R=r\n")],
            "docker buildx bake --var R=v",
            "| v/a",
        ),
        (
            &[
                (
                    "compose.yaml",
                    "services: {a: {image: a, build: {context: ., additional_contexts: {base: 'service:b'}}}, b: {image: b, build: sub}}",
                ),
                DOCKERFILE,
                ("sub/Dockerfile", "FROM other\n"),
            ],
            "docker buildx bake a --push",
            "other | +a",
        ),
        (
            &[("c1.yaml", "services: {a: {image: a, build: .}}"), ("c2.yaml", "services: {b: {image: b, build: .}}")],
            "docker buildx bake -f c1.yaml -f c2.yaml",
            "| a b",
        ),
        (&[("compose.yaml", "services: {a: {image: a}}")], "docker buildx bake", "|"),
        (
            &[("docker-bake.hcl", "variable \"R\" {}\ntarget \"default\" { tags = [\"r${R}\"] }"), (".env", "R=e\n")],
            "docker buildx bake",
            "| r",
        ),
    ]);
}
