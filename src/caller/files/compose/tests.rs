//! Projects with the images that Compose pulls, then `|`, then the images that Compose pushes. `?` is an unknown image.

use std::time::Duration;

use super::super::fixtures::answer;
use crate::system::thread_time;

const DOCKERFILE: (&str, &str) = ("Dockerfile", "ARG A=base\nFROM c.io/$A\nCOPY --from=more / /\n");

fn hold(cases: &[(&str, &[&str], &str)]) {
    for (command, texts, expected) in cases {
        let names = ["compose.yaml", "compose.override.yaml", "other/compose.yaml"];
        let mut files = vec![DOCKERFILE, ("other/Dockerfile", "FROM c.io/other\n")];
        files.extend([
            ("other/Containerfile", "FROM c.io/contained\n"),
            ("staged", "FROM c.io/unused\nFROM c.io/used\n"),
        ]);
        files.extend(names.into_iter().zip(texts.iter().copied()));
        assert_eq!(answer(&files, command), *expected, "{command} {texts:?}");
    }
}

#[test]
fn services_are_selected_as_compose_does() {
    let two = "services: {a: {image: c.io/a}, b: {image: c.io/b}}";
    let waits = "services: {a: {image: c.io/a, depends_on: [b]}}";
    let may_wait =
        "services: {a: {image: c.io/a, depends_on: {b: {required: false}}}, b: {image: c.io/b, profiles: [x]}}";
    hold(&[
        ("docker compose run a b", &[two], "c.io/a |"),
        ("docker compose run a cmd -f none.yaml", &[two], "c.io/a |"),
        ("docker compose pull a b", &[two], "c.io/a c.io/b |"),
        ("docker compose pull z", &[two], "? | ?"),
        ("docker compose pull", &[waits], "? | ?"),
        ("podman-compose pull", &[waits], "c.io/a |"),
        ("podman-compose up a", &[waits], "c.io/a |"),
        ("docker compose pull", &[may_wait], "c.io/a |"),
        ("docker compose up a", &[may_wait], "c.io/a |"),
        ("docker compose up a", &["services: {a: {image: c.io/a, depends_on: {z: {required: false}}}}"], "? | ?"),
        ("docker compose pull", &[&may_wait.replace("false", "False")], "c.io/a |"),
        ("docker compose pull", &["services: {a: {command: x}}"], "? | ?"),
        ("docker compose pull", &["services: {a: {provider: {type: x}}, b: {image: c.io/b}}"], "c.io/b |"),
        (
            "docker compose pull",
            &["services: {a: {image: x, links: [b]}, b: {image: x, network_mode: 'service:a'}}"],
            "? | ?",
        ),
        ("docker compose pull", &["services: {a: {image: c.io/a, links: [b]}, b: {image: c.io/b}}"], "c.io/a c.io/b |"),
    ]);
}

#[test]
fn services_name_images_in_many_places() {
    let hooks = "services: {a: {image: c.io/a, pre_start: [{image: c.io/hook}]}}";
    let volumes = "services: {a: {image: c.io/a, volumes: ['x:/x', {type: image, source: c.io/v, target: /y}, \
                   {type: volume, source: c.io/n, target: /z}]}}";
    let builds = "services: {a: {image: c.io/a, build: {context: ., tags: [c.io/t]}}, b: {image: c.io/b}}";
    let without_name = "services: {a: {build: {context: ., tags: [c.io/t], cache_to: [c.io/c]}}}";
    let scanned = "services: {a: {build: {context: ., sbom: generator=c.io/scan}}}";
    let policies = "services: {a: {image: c.io/a, pull_policy: never}, \
                    b: {image: c.io/b, pull_policy: build, build: ., depends_on: [a]}, \
                    c: {image: c.io/c, pre_start: [{image: c.io/hook}]}}";
    hold(&[
        ("docker compose config --resolve-image-digests", &[policies], "c.io/a c.io/b c.io/c |"),
        ("docker compose config --lock-image-digests b", &[policies], "c.io/a c.io/b |"),
        (
            "docker compose up a",
            &["services: {a: {image: c.io/a, volumes_from: ['container:x', b]}, b: {image: c.io/b}}"],
            "c.io/a c.io/b |",
        ),
        ("docker compose up", &[hooks], "c.io/a c.io/hook |"),
        ("docker compose up --pull never", &[hooks], "|"),
        ("docker compose pull", &[hooks], "c.io/a c.io/hook |"),
        ("docker compose push", &[hooks], "| +"),
        ("docker compose build", &[hooks], "|"),
        ("docker compose up", &[volumes], "c.io/a c.io/v |"),
        ("docker compose pull", &[volumes], "c.io/a |"),
        ("docker compose pull", &[builds], "c.io/a c.io/b |"),
        ("docker compose pull --ignore-buildable", &[builds], "c.io/b |"),
        ("docker compose push", &[builds], "| +c.io/a c.io/t"),
        ("docker compose build --push", &[builds], "c.io/base more | +c.io/a c.io/t"),
        ("docker compose up --no-build", &[builds], "c.io/a c.io/b |"),
        ("docker compose build --push", &[without_name], "c.io/base more | +c.io/c"),
        ("docker compose push", &[without_name], "| +"),
        ("docker compose build", &[scanned], "c.io/base c.io/scan more |"),
        ("docker compose build --sbom=generator=c.io/flag", &[builds], "c.io/base c.io/flag more | c.io/a c.io/t"),
        ("docker compose up", &["services: {a: {provider: {type: x}, image: c.io/a}}"], "|"),
    ]);
}

#[test]
fn files_are_merged_as_compose_does() {
    let built = "services: {a: {build: {context: ., args: {A: one, B: two}}}}";
    let extends = "services: {a: {extends: {service: b, file: other/compose.yaml}}}";
    hold(&[
        ("docker compose build", &[built], "c.io/one more |"),
        ("docker compose build", &[built, "services: {a: {build: {args: {A: x}}}}"], "c.io/x more |"),
        ("docker compose build", &[built, "services: {a: {build: {args: [A=x]}}}"], "c.io/x more |"),
        ("docker compose build", &[built, "services: {a: {build: {args: !reset {}}}}"], "c.io/base more |"),
        ("docker compose build", &[built, "services: {a: {build: {args: !override {B: x}}}}"], "c.io/base more |"),
        ("docker compose build", &[built, "services: {a: {build: {args: {A: !reset null}}}}"], "c.io/base more |"),
        ("docker compose build", &[built, "services: {a: {build: other}}"], "c.io/other |"),
        ("podman-compose build", &[built, "services: {a: {build: other}}"], "c.io/contained |"),
        ("docker compose build", &["services: {a: {build: {dockerfile: staged}}}"], "c.io/used |"),
        (
            "DOCKER_BUILDKIT=0 docker compose build",
            &["services: {a: {build: {dockerfile: staged}}}"],
            "c.io/unused c.io/used |",
        ),
        (
            "docker compose build",
            &[built, "services: {a: {build: {additional_contexts: {more: docker-image://c.io/m}}}}"],
            "c.io/m c.io/one |",
        ),
        (
            "docker compose build",
            &["services: {a: {build: {context: other, additional_contexts: {'c.io/other:latest': docker-image://m}}}}"],
            "c.io/other |",
        ),
        (
            "docker compose build --check",
            &["services: {a: {build: {dockerfile_inline: \"FROM x\\nFROM y\"}}}"],
            "x y |",
        ),
        ("docker compose build", &[built, "services: {a: !reset {}}"], "|"),
        ("docker compose build", &[built, "services: {a: {<<: {build: other}, build: !reset null}}"], "c.io/other |"),
        ("docker compose build", &[built, "services: {a: {<<: {build: null}, build: !reset null}}"], "? | ?"),
        (
            "docker compose pull",
            &[
                "services: {a: {image: c.io/a, depends_on: [z]}}",
                "services: {a: {depends_on: {z: {required: false}}}, z: {image: c.io/z, profiles: [x]}}",
            ],
            "c.io/a |",
        ),
        ("docker compose pull", &["services: {a: {image: c.io/a}}", "services: {a: {image: [x]}}"], "? | ?"),
        ("docker compose build", &[built, "services: {a: {build: {args: text}}}"], "? | ?"),
        ("docker compose build", &[extends, "", "services: {b: {build: 'https://c.io/x.git'}}"], "? |"),
        ("docker compose build", &[extends, "", "services: {b: {build: .}}"], "c.io/other |"),
        (
            "docker compose build",
            &[extends, "", "services: {b: {build: {context: .., additional_contexts: {more: .}}}}"],
            "c.io/base |",
        ),
        (
            "docker compose build",
            &[extends, "", "services: {b: {extends: {service: c, file: compose.yaml}}, c: {build: .}}"],
            "c.io/other |",
        ),
        (
            "docker compose build",
            &["services: {a: {build: {dockerfile_inline: 'FROM c.io/$$TARGETARCH', platforms: [linux/arm64]}}}"],
            "c.io/arm64 |",
        ),
        ("docker compose pull", &["services: {a: {extends: b}, b: {extends: a}}"], "? | ?"),
        ("docker compose pull", &["services: {a: {image: c.io/a, extends: b}, b: {image: c.io/b}}"], "c.io/a c.io/b |"),
    ]);
}

#[test]
fn a_volume_replaces_an_earlier_one_of_its_target() {
    for (volume, is_left) in [
        ("/v", false),
        ("x:/v", true), // on Windows this is a drive
        ("xy:/v", false),
        ("xy:/v/", false),
        ("'xy:/w/../v//.'", false),
        ("xy:/v:ro", false),
        ("'C:\\x:/v:ro'", false),
        ("{type: bind, source: ., target: /v}", false),
        ("{type: bind, source: ., target: /v/}", true),
    ] {
        let text = format!(
            "services: {{a: {{image: c.io/a, volumes: [{{type: image, source: c.io/v, target: /v}}, {volume}]}}}}"
        );
        let expected = if is_left { "c.io/a c.io/v |" } else { "c.io/a |" };
        assert_eq!(answer(&[("compose.yaml", &text)], "docker compose up"), expected, "{volume}");
    }
}

/// Compose resolves the context of an included project before the merge. Compose resolves the context of an extended
/// service only if that service sets one.
#[test]
fn a_context_is_relative_to_its_project() {
    let extends = "services: {a: {extends: {service: b, file: other/compose.yaml}}}";
    let include = "include: [other/compose.yaml]";
    for (build, extended, included) in [
        ("{context: .}", "other", "other"),
        ("{target: ''}", "base", "other"),
        ("{context: null}", "base", "base"),
        ("{context: ''}", "base", "base"),
        ("''", "base", "base"),
    ] {
        let other = format!("services: {{b: {{build: {build}}}}}");
        for (main, source) in [(extends, extended), (include, included)] {
            let more = if source == "base" { " more" } else { "" };
            hold(&[("docker compose build", &[main, "services: {}", &other], &format!("c.io/{source}{more} |"))]);
        }
    }
    // An empty context is the folder in which the command runs.
    hold(&[
        ("docker compose -f other/compose.yaml build", &["", "", "services: {b: {build: ''}}"], "c.io/base more |"),
        ("docker compose -f other/compose.yaml build", &["", "", "services: {b: {build: {}}}"], "c.io/other |"),
    ]);
}

#[test]
fn nothing_replaces_nothing() {
    let base = "services: {a: {image: c.io/a, build: {context: other, args: {A: x}}, profiles: [p], depends_on: [b]}, \
                b: {image: c.io/b}}";
    for later in [
        "a: ~",
        "a: {image: ~}",
        "a: {build: ~}",
        "a: {build: {context: ~}}",
        "a: {build: {args: ~}}",
        "a: {profiles: ~}",
        "a: {depends_on: ~}",
        "a: {depends_on: {b: ~}}",
        "b: ~",
        "b: {image: ~}",
    ] {
        let later = format!("services: {{{later}}}");
        hold(&[
            ("docker compose pull", &[base, &later], "c.io/b |"),
            ("docker compose --profile p up a", &[base, &later], "c.io/a c.io/b c.io/other | c.io/a"),
        ]);
    }
    hold(&[
        ("docker compose pull", &[base, "services: {a: !override {image: c.io/x}}"], "c.io/b c.io/x |"),
        ("docker compose pull", &["services: {a: ~, b: {image: c.io/b}}"], "? | ?"),
    ]);
}

#[test]
fn projects_include_others() {
    let include = "include: [other/compose.yaml]\nservices: {a: {image: c.io/a}}";
    hold(&[
        ("docker compose pull", &[include, "", "services: {b: {image: c.io/b}}"], "c.io/a c.io/b |"),
        ("docker compose pull", &[include, "", "services: {a: {image: c.io/a}}"], "c.io/a |"),
        ("docker compose pull", &[include, "", "services: {a: {image: c.io/b}}"], "? | ?"),
        ("docker compose pull", &["include: [compose.yaml]\nservices: {a: {image: c.io/a}}"], "? | ?"),
        ("docker compose pull", &["include: ['https://c.io/x.git']\nservices: {a: {image: c.io/a}}"], "? | ?"),
        ("docker compose pull", &["include: ['oci://c.io/p']\nservices: {a: {image: c.io/a}}"], "c.io/p ? | ?"),
        ("docker compose -f oci://c.io/p -f compose.yaml pull z", &["services: {a: {image: c.io/a}}"], "c.io/p ? | ?"),
        ("docker compose -f oci://c.io/p -f compose.yaml pull", &["[]"], "c.io/p ? | ?"),
        ("docker compose -f - pull", &[], "? | ?"),
        ("docker compose -f https://c.io/x.git pull", &[], "? | ?"),
        (
            "docker compose -f oci://c.io/p -f other/compose.yaml build",
            &["", "", "services: {b: {build: .}}"],
            "c.io/base c.io/p more ? | ?",
        ),
    ]);
}

/// A comparison of the two services would take longer than anyone waits.
#[test]
fn included_services_with_many_aliases_end_soon() {
    let lists: Vec<String> = (1..40).map(|n| format!("x-{n}: &l{n} [*l{0}, *l{0}, *l{0}]\n", n - 1)).collect();
    let bomb = format!("x-0: &l0 [c.io/a]\n{}services: {{a: {{image: c.io/a, volumes: *l39}}}}", lists.concat());
    let files = [("compose.yaml", "include: [a.yaml, b.yaml]"), ("a.yaml", &bomb), ("b.yaml", &bomb)];
    let start = thread_time();
    assert_eq!(answer(&files, "docker compose pull"), "? | ?");
    assert!(thread_time() < start + Duration::from_secs(10));
}

/// Aliases make the services much larger than the file.
#[test]
fn many_services_end_soon() {
    let many = |count: usize, entry: &dyn Fn(usize) -> String| (0..count).map(entry).collect::<String>();
    let keys = many(12_000, &|n| format!("k{n}: x,"));
    let list = "a,".repeat(30_000);
    let map = format!("&x {{{keys}}}");
    let long_texts = format!("[&t {}, {}]", "a/".repeat(50_000), "*t,".repeat(5_000));
    for (what, shared, service) in [
        ("services", &format!("&x {{image: c.io/a, {keys}}}"), "*x"),
        ("volumes", &format!("&x [{list}]"), "{image: c.io/a, volumes: *x}"),
        ("long volumes", &format!("&x {long_texts}"), "{image: c.io/a, volumes: *x}"),
        ("mounts", &format!("&y [{map}, {}]", "*x,".repeat(5_000)), "{image: c.io/a, volumes: *y}"),
        ("hooks", &format!("&y [{map}, {}]", "*x,".repeat(5_000)), "{image: c.io/a, pre_start: *y}"),
        ("needed services", &map, "{image: c.io/a, depends_on: *x}"),
        ("arguments", &format!("&y {{args: {map}}}"), "{image: c.io/a, build: *y}"),
        (
            "merged maps",
            &format!("{map}\nx-b: &y {{{}}}", many(3_000, &|n| format!("l{n}: x,"))),
            "{depends_on: *y, extends: s}",
        ),
        ("extended services", &format!("&x [{list}]"), "{extends: s}"),
        ("many keys for none", &map, "{extends: n, depends_on: *x}"),
    ] {
        let services = many(2_000, &|n| format!("  s{n}: {service}\n"));
        let text = format!(
            "x-a: {shared}\nservices:\n  s: {{image: c.io/a, volumes: *x, depends_on: *x}}\n  n: {{image: c.io/a, depends_on: {{}}}}\n{services}"
        );
        let start = thread_time();
        let found = answer(&[("compose.yaml", &text)], "docker compose pull");
        assert_eq!(found, "? | ?", "{what}");
        assert!(thread_time() < start + Duration::from_secs(10), "{what}");
    }
}

#[test]
fn a_project_has_variables_and_a_name() {
    let named = "name: My.App\nservices: {a: {image: 'c.io/$COMPOSE_PROJECT_NAME'}}";
    let text = "services: {a: {image: 'c.io/${TAG-none}'}}";
    let hold = |cases: &[(&str, &str, &str)]| {
        for (command, text, expected) in cases {
            let files = [("compose.yaml", *text), (".env", "TAG=env"), ("x/.env", "TAG=x"), ("x/compose.yaml", *text)];
            assert_eq!(answer(&files, command), *expected, "{command} {text}");
        }
    };
    let disabled = [
        ("compose.yaml", text),
        (".env", "TAG=env\nCOMPOSE_DISABLE_ENV_FILE=1\nCOMPOSE_FILE=x.yaml"),
        ("x.yaml", text),
    ];
    assert_eq!(answer(&disabled, "docker compose pull"), "c.io/none |");
    hold(&[
        ("docker compose pull", named, "c.io/myapp |"),
        ("docker compose -p other pull", named, "c.io/other |"),
        ("COMPOSE_PROJECT_NAME=third docker compose pull", named, "c.io/third |"),
        ("COMPOSE_PROJECT_NAME= docker compose -p '' pull", named, "c.io/myapp |"),
        ("COMPOSE_PROJECT_NAME=My.App docker compose pull", named, "? | ?"),
        ("docker compose pull", text, "c.io/env |"),
        ("docker compose --env-file /dev/null pull", text, "c.io/none |"),
        ("docker compose -f x/compose.yaml pull", text, "c.io/x |"),
        ("COMPOSE_FILE=x/compose.yaml docker compose pull", text, "c.io/env |"),
        ("COMPOSE_DISABLE_ENV_FILE=1 docker compose pull", text, "c.io/none |"),
        ("COMPOSE_DISABLE_ENV_FILE=1 COMPOSE_FILE=x/compose.yaml docker compose pull", text, "c.io/none |"),
        ("COMPOSE_DISABLE_ENV_FILE=maybe docker compose pull", text, "? | ?"),
    ]);
}
