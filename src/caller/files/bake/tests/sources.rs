//! The images that a target is built from, also after `--set`.

use super::{DOCKERFILE, answer};

const SUB: (&str, &str) = ("sub/Dockerfile", "FROM sub\n");

#[test]
fn a_target_is_built_from_its_files() {
    let away = "context = \"https://c.io/x.git\"";
    let absolute = if cfg!(windows) { "C:/none/there" } else { "/none/there" };
    for (attributes, more, expected) in [
        ("", "", "base | t"),
        ("context = \"sub\"", "", "sub | t"),
        ("context = \"cwd://sub\"", "", "sub | t"),
        ("context = \"${BAKE_CMD_CONTEXT}sub\"", "", "sub | t"),
        ("context = timestamp()", "", "? | t"),
        (away, "", "? | t"),
        ("context = \"-\"", "", "? | t"),
        ("dockerfile = \"sub/Dockerfile\"", "", "sub | t"),
        ("context = \"sub\"\ndockerfile = \"cwd://Dockerfile\"", "", "base | t"),
        ("dockerfile = timestamp()", "", "? | t"),
        ("dockerfile = \"https://c.io/Dockerfile\"", "", "? | t"),
        (&format!("{away}\ndockerfile = \"none\""), "", "? | t"),
        (&format!("{away}\ndockerfile = \"{absolute}\""), "", "| t"),
        ("dockerfile = \"none\"\ndockerfile-inline = \"FROM inline\"", "", "inline | t"),
        (&format!("{away}\ndockerfile-inline = \"FROM inline\""), "", "inline | t"),
        ("cache-from = [null, \"c\"]", "", "base c | t"),
        ("output = [\"type=${timestamp()}\"]", "", "base ? | +?"),
        ("", "--set '*.context=sub'", "sub | t"),
        ("", "--set '*.contexts.base=docker-image://set'", "set | t"),
        ("", "BASE=env --set '*.args.BASE'", "env | t"),
        ("", "base=env --set '*.contexts.base'", "base | t"),
        ("", "--set '*.platform=linux/arm64'", "base | t"),
        (
            "platforms = [\"linux/s390x\"]\ndockerfile-inline = \"FROM $TARGETARCH\"",
            "--set '*.platform=linux/arm64'",
            "arm64 | t",
        ),
        (
            "platforms = [\"linux/s390x\"]\ndockerfile-inline = \"FROM $TARGETARCH\"",
            "--set '*.platform+=linux/arm64'",
            "arm64 s390x | t",
        ),
        ("", "--load", "base | t"),
        ("dockerfile-inline = \"FROM x\\nFROM y\"", "--check", "x y | t"),
        ("dockerfile-inline = \"FROM x\\nFROM y\"", "--call=check", "x y | t"),
        ("dockerfile-inline = \"FROM x\\nFROM y\"\ncall = \"check\"", "", "x y | t"),
        ("dockerfile-inline = \"FROM x\\nFROM y\"\ncall = \"check\"", "--call=build", "y | t"),
        ("dockerfile-inline = \"FROM x\\nFROM y\"", "--set '*.call=lint'", "x y | t"),
        ("attest = [\"type=sbom,generator=s\", \"type=provenance,mode=max\"]", "", "base s | t"),
        ("attest = [{ type = \"sbom\", generator = \"s\" }]", "--set '*.attest=type=provenance'", "base s | t"),
        ("attest = [\"type=sbom,generator=s\"]", "--set '*.attest=type=sbom,generator=x'", "base x | t"),
        ("attest = [\"type=sbom,generator=s\"]", "--sbom=generator=x", "base x | t"),
        ("attest = [\"type=sbom,generator=s\"]", "--sbom=false", "base | t"),
        ("attest = [timestamp()]", "", "base ? | t"),
        ("contexts = { base = \"docker-image://new\" }", "", "new | t"),
        ("contexts = { \"base:latest\" = \"docker-image://new\" }", "", "base | t"),
        ("output = [\"type=image,push=\"]", "", "base | +t"),
        ("output = [\"type=registry\"]", "--load", "base | +t"),
        ("output = [\"type=image,push=true\"]", "--set '*.load=false'", "base | +t"),
    ] {
        let text = format!("target \"default\" {{\ntags = [\"t\"]\n{attributes}\n}}\n");
        let (variable, flags) =
            more.split_once(" --set").map_or(("", more), |(variable, _)| (variable, &more[variable.len()..]));
        let found =
            answer(&[("docker-bake.hcl", &text), DOCKERFILE, SUB], &format!("{variable} docker buildx bake {flags}"));
        assert_eq!(found, expected, "{attributes} {more}");
    }
}

#[test]
fn other_files_are_read_with_a_target() {
    let hcl = ("docker-bake.hcl", "target \"default\" { tags = [\"t\"] }");
    let service = "name: My.App\nservices: {default: {image: \"c.io/${COMPOSE_PROJECT_NAME}\", build: .}}";
    let inherits = "target \"base\" { output = [\"type=registry\"] }\n\
        target \"app\" {\n inherits = [\"base\", \"tool\"]\n tags = [\"t\"]\n}\n";
    for (files, command, expected) in [
        (&[hcl, (".env", "A B=c")][..], "docker buildx bake", "| t"),
        (
            &[("docker-bake.json", "{\"target\": {\"default\": {\"tags\": [\"t\"]}}}"), (".env", "A B=c")],
            "docker buildx bake",
            "| t",
        ),
        (&[("docker-bake.json", hcl.1)], "docker buildx bake", "? | ?"),
        (&[("compose.yaml", service)], "docker buildx bake", "| c.io/myapp"),
        (&[("compose.yaml", &service[13..])], "docker buildx bake", "| c.io/bake"),
        (&[("compose.yaml", &service[13..])], "COMPOSE_PROJECT_NAME=given docker buildx bake", "| c.io/given"),
        (&[("compose.yaml", &service[13..])], "COMPOSE_PROJECT_NAME= docker buildx bake", "| c.io/bake"),
        (
            &[("compose.yaml", "services: {tool: {image: t, build: .}}"), ("docker-bake.hcl", inherits)],
            "docker buildx bake app",
            "| +t",
        ),
        (&[], "docker buildx bake --set '*.tags=t' --set '*.output=type=registry' https://c.io/x.git", "? | +t"),
        (&[], "docker buildx bake --set '*.tags=t' --set '*.output=type=docker' https://c.io/x.git", "? | t"),
        (&[], "docker buildx bake --set '*.tags=t' --set 'a.push=true' https://c.io/x.git", "? | t"),
    ] {
        assert_eq!(answer(files, command), expected, "{command} {files:?}");
    }
}
