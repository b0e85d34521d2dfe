//! The outputs of targets: own ones, inherited ones, and those from the command line.

use proptest::prelude::*;

use super::{DOCKERFILE, answer, hold};

#[test]
fn targets_inherit_and_are_overridden() {
    let family = "target \"base\" {\n tags = [\"base\"]\n args = { BASE = \"b1\" }\n output = [\"type=registry\"]\n}\n\
        target \"other\" { args = { BASE = \"b2\" } }\n\
        target \"app\" {\n inherits = [\"base\", \"other\"]\n}\n\
        target \"named\" {\n inherits = [\"app\"]\n tags = [\"named\"]\n output = [\"type=docker\"]\n}\n\
        target \"self\" {\n inherits = [\"self\"]\n tags = [\"self\"]\n}\n\
        target \"lost\" {\n inherits = [\"nobody\"]\n tags = [\"lost\"]\n}\n\
        target \"open\" {\n inherits = [timestamp()]\n tags = [\"open\"]\n}\n";
    for (command, expected) in [
        ("docker buildx bake app", "b2 | +base"),
        ("docker buildx bake named", "b2 | named"),
        ("docker buildx bake named --push", "b2 | +named"),
        ("docker buildx bake self", "base | self"),
        ("docker buildx bake lost", "base ? | lost ?"),
        ("docker buildx bake open", "base ? | open ?"),
        ("docker buildx bake app --set app.args.BASE=set", "set | +base"),
        ("docker buildx bake app --set base.args.BASE=set", "b2 | +base"),
        ("docker buildx bake app --set *.args.BASE=set", "set | +base"),
        ("docker buildx bake app --set a?p.args.BASE=set", "set | +base"),
        ("BASE=env docker buildx bake app --set app.args.BASE", "env | +base"),
        ("docker buildx bake app --set app.tags=t1 --set app.tags=t2", "b2 | +t1 t2"),
        ("docker buildx bake app --set app.tags+=t", "b2 | +base t"),
        ("docker buildx bake app --set app.output=type=docker", "b2 | base"),
        ("docker buildx bake app --set app.output+=type=docker", "b2 | +base"),
        ("docker buildx bake app --set app.output=type=docker --push", "b2 | +base"),
        ("docker buildx bake app --set app.push=false", "b2 | base"),
        ("docker buildx bake app --set other.push=false", "b2 | +base"),
        ("docker buildx bake app --set other.load=false", "b2 | +base"),
        ("docker buildx bake app --set other.load=true", "b2 | base"),
        ("docker buildx bake app --set app.output=type=local,dest=x --push", "b2 | base"),
        (
            "docker buildx bake app --set app.cache-from=c --set app.cache-to=type=registry,ref=d",
            "b2 c | +base type=registry,ref=d",
        ),
        ("docker buildx bake app --set app.cache-from=type=gha", "b2 | +base"),
        ("docker buildx bake app --set app.context=sub", "sub | +base"),
        ("docker buildx bake app --set app.dockerfile=sub/Dockerfile", "sub | +base"),
        ("docker buildx bake app --set app.dockerfile=", "b2 | +base"),
        ("docker buildx bake app --set app.contexts.b2=target:other", "b2 | +base"),
        ("docker buildx bake app --set app.context=https://github.com/x/y.git", "? | +base"),
        ("docker buildx bake app --set app", "b2 | +base"),
        ("docker buildx bake app --set =", "b2 | +base"),
        ("docker buildx bake app --set app.=x --set .args.=", "b2 | +base"),
        ("docker buildx bake app --set [.args.BASE=x", "b2 | +base"),
    ] {
        let files = [("docker-bake.hcl", family), DOCKERFILE, ("sub/Dockerfile", "FROM sub\n")];
        assert_eq!(answer(&files, command), expected, "{command}");
    }
}

#[test]
fn what_is_pushed_is_what_outputs_say() {
    let with = |output: &str| format!("target \"default\" {{\n tags = [\"t\"]\n output = [{output}]\n}}\n");
    for (output, command, expected) in [
        ("", "", "| t"),
        ("", "--push", "| +t"),
        ("", "--load", "| t"),
        ("", "--push --load", "| +t"),
        ("\"type=registry\"", "", "| +t"),
        ("\"type=image,push=true\"", "", "| +t"),
        ("\"type=image,push=true,name=n\"", "", "| +t"),
        ("\"type=image\"", "", "| t"),
        ("\"type=image,push=false\"", "", "| t"),
        ("\"type=image\"", "--push", "| +t"),
        ("\"type=image,Push=false\"", "--push", "| +t"),
        ("{ type = \"image\", push = true }", "", "| +t"),
        ("{ type = \"image\", push = timestamp() }", "", "? | +?"),
        ("timestamp()", "", "? | +?"),
        ("\"type=local,dest=out\"", "--push", "| t"),
        ("\"out\"", "--push", "| t"),
        ("\"type=cacheonly\"", "--push", "| t"),
        ("\"type=docker\", \"type=registry\"", "", "| +t"),
    ] {
        let command = format!("docker buildx bake {command}");
        assert_eq!(answer(&[("docker-bake.hcl", &with(output))], &command), expected, "{output} {command}");
    }
}

#[test]
fn what_is_open_and_what_is_not() {
    hold(&[
        (
            &[("docker-bake.hcl", "target \"default\" { output = [\"type=image,\\\"name=n1,n2\\\",push=true\"] }")],
            "docker buildx bake",
            "| +type=image,\"name=n1,n2\",push=true",
        ),
        (
            &[(
                "docker-bake.hcl",
                "target \"default\" {\n tags = [\"a:${timestamp()}\", \"b/${timestamp()}\"]\n output = [\"type=registry\"]\n}",
            )],
            "docker buildx bake",
            "| +a ?",
        ),
        (
            &[("docker-bake.hcl", "target \"default\" {\n tags = [\"a\"]\n args = timestamp()\n}")],
            "docker buildx bake",
            "? | a",
        ),
        (
            &[
                (
                    "docker-bake.hcl",
                    "target \"default\" {\n tags = [\"a\"]\n args = { BASE = \"x/${timestamp()}\" }\n}",
                ),
                DOCKERFILE,
            ],
            "docker buildx bake",
            "? | a",
        ),
        (
            &[(
                "docker-bake.hcl",
                "target \"default\" {\n tags = [\"a\"]\n contexts = { dep = \"target:dep\" }\n}\ntarget \"dep\" {\n tags = [\"d\"]\n dockerfile-inline = \"FROM inline\"\n output = [\"type=registry\"]\n}",
            )],
            "docker buildx bake --push",
            "inline | +a",
        ),
        (
            &[(
                "docker-bake.hcl",
                "target \"default\" {\n tags = null\n inherits = [\"p\"]\n}\ntarget \"p\" { tags = [\"p\"] }",
            )],
            "docker buildx bake",
            "| p",
        ),
        (
            &[(
                "docker-bake.hcl",
                "target \"default\" {\n tags = []\n inherits = [\"p\"]\n}\ntarget \"p\" { tags = [\"p\"] }",
            )],
            "docker buildx bake",
            "|",
        ),
        (
            &[
                (
                    "docker-bake.hcl",
                    "target \"meta\" {}\ntarget \"default\" { tags = [for t in target.meta.tags : \"${t}-x\"] }",
                ),
                ("meta.json", "{\"target\": {\"meta\": {\"tags\": [\"a:1\"]}}}"),
            ],
            "docker buildx bake -f docker-bake.hcl -f meta.json",
            "| a:1-x",
        ),
        (
            &[(
                "docker-bake.hcl",
                "target \"a\" { tags = target.b.tags }\ntarget \"b\" { tags = target.a.tags }\ntarget \"default\" { tags = target.a.tags }",
            )],
            "docker buildx bake",
            "| ?",
        ),
        (
            &[
                ("sub/b.hcl", "target \"default\" {\n context = \"c\"\n}"),
                ("sub/c/Dockerfile", "FROM there"),
                ("c/Dockerfile", "FROM here"),
            ],
            "docker buildx bake -f sub/b.hcl",
            "here |",
        ),
        (
            &[
                ("sub/b.hcl", "target \"default\" {\n context = \"c\"\n}"),
                ("sub/c/Dockerfile", "FROM there"),
                ("c/Dockerfile", "FROM here"),
            ],
            "BUILDX_BAKE_FILE_RELATIVE_PATHS=1 docker buildx bake -f sub/b.hcl",
            "there |",
        ),
    ]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_override_makes_it_panic(
        set in "([*?\\[a\\]]{0,3}|app)\\.?(tags|args|contexts|output|push|load|platform|cache-from|x)?[+.]{0,2}(BASE|=|,|\\*|type=image|push=|\"|true| ){0,6}",
        more in "(--push|--load|app|a\\*|default|-f docker-bake\\.hcl| ){0,3}",
    ) {
        let file = "target \"app\" {\n tags = [\"a\"]\n output = [\"type=image,\\\"name=a,b\\\"\"]\n}\n";
        let quoted = set.replace('\'', "");
        answer(&[("docker-bake.hcl", file), DOCKERFILE], &format!("docker buildx bake --set '{quoted}' {more} app"));
    }
}
