//! Tests which images Dockerfiles pull. The cases are tables and recorded requests of `BuildKit`.

use std::time::Duration;

use super::*;
use crate::system::thread_time;
use proptest::prelude::*;
use serde::Deserialize;

pub(super) fn filling(target: &str, arguments: &[(&str, &str)]) -> BuildParameters {
    let pairs = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    };
    BuildParameters {
        arguments: pairs(arguments),
        target: Some(target.to_owned()).filter(|target| !target.is_empty()),
        contexts: pairs(&[("local", "dir"), ("other", "docker-image://image"), ("old", "docker-image://new")]),
        ..BuildParameters::default()
    }
}

/// Returns the images, and the reason if some images are unknown.
pub(super) fn shown(text: &str, filling: &BuildParameters) -> String {
    let PulledImages { images, refusal } = pulled(text, filling, &Budget::new());
    let refusal = refusal.map(|refusal| format!("({refusal})"));
    images.into_iter().chain(refusal).collect::<Vec<_>>().join(" ")
}

#[test]
fn only_images_of_needed_stages_are_pulled() {
    for (text, target, expected) in [
        ("FROM a", "", "a"),
        ("from --platform=$BUILDPLATFORM a as b\nFROM b", "", "a"),
        ("FROM a AS one\nFROM b\nCOPY --from=one / /", "", "b a"),
        ("FROM a AS one\nFROM b\nCOPY --link --from=0 / /", "", "b a"),
        ("FROM a\nCOPY --from=later / /\nFROM b AS later", "0", "(the stage to build is missing)"),
        ("FROM a AS one\nCOPY --from=later / /\nFROM b AS later", "one", "(a stage needs a later stage)"),
        ("FROM a AS one\nFROM c\nCOPY --from=later / /\nFROM b AS later", "one", "a"),
        ("FROM a AS one\nCOPY --from=local / /\nFROM b AS local", "one", "a"),
        ("FROM a AS one\nCOPY --from=one / /", "", "(stages need one another in a circle)"),
        ("FROM a\nCOPY --from=7 / /", "", "(no stage has the number in a `--from`)"),
        ("FROM a\nFROM b", "", "b"),
        ("FROM a AS One\nFROM b", "ONE", "a"),
        ("FROM a\nCOPY --from=b / /\nRUN --mount=type=bind,from=c,target=/x cmd --from=d", "", "a b c"),
        ("FROM a\nCOPY --from=$B / /", "", "(a `--from` has a variable)"),
        ("FROM a\nRUN --mount=from=$B x", "", "(a `--from` has a variable)"),
        ("FROM a\nADD --from=b / /", "", "(`ADD` does not accept `--from`)"),
        ("FROM a AS one\nONBUILD COPY --from=b / /\nFROM one AS two\nFROM two", "", "b a"),
        ("FROM a AS one\nONBUILD COPY --from=b / /\nFROM one AS two\nFROM two", "one", "a"),
        ("FROM scratch\nCOPY --from=local / /", "", ""),
        ("FROM a AS local\nCOPY --from=b / /\nFROM local", "", "b"),
        ("FROM other\nCOPY --from=old / /", "", "image new"),
        ("FROM docker.io/library/old:latest", "", "new"),
        ("# syntax=s x\n# escape=`\nFROM `\n  a", "", "s a"),
        ("//syntax=s\nFROM a", "", "s (an instruction is unknown)"),
        ("# note\n# syntax=s\nFROM a", "", "a"),
        ("# syntax=s\n# syntax=t\nFROM a", "", "s (a parser directive appears twice)"),
        ("\n# escape=`\nFROM \\\n a", "", "a"),
        ("\u{feff}FROM \\\r\n# comment\r\n\r\n  a \\\r\n AS b\r\n", "", "a"),
        ("FROM a AS one\nFROM ONE", "", "(an image's name is not valid)"),
        ("FROM a is b", "", "(a `FROM` is not well formed)"),
        ("FROM a\nADD x y", "", "a"),
        ("FROM a\nCOPY --from=\\b / /", "", "a b"),
        ("FROM a\nONBUILD FROM b", "", "(an instruction is unknown)"),
        ("FROM a\nONBUILD X b", "", "(an instruction is unknown)"),
        ("FROM a\nRUN [\"x\", \"<<A\"]\nFROM b", "", "b"),
        ("FROM a\nRUN [1, \"<<A\"]", "", "(a JSON list contains a value that is not a string)"),
        ("ARG\nFROM a", "", "(an `ARG` is not well formed)"),
        ("ARG =x\nFROM a", "", "(an `ARG` is not well formed)"),
        ("# note=x\n# escape=`\nFROM \\\n a", "", "a"),
        ("# syntax=\n# escape=`\nFROM \\\n a", "", "a"),
        ("FROM a AS one\nWORKDIR C:\\\\\nFROM b", "", "b"),
        ("FROM a AS one\nRUN x \\\u{a0}\nFROM b", "", "b"),
        ("FROM a AS one\nRUN x \\\t\nFROM b", "", "a"),
        ("FROM a\nLABEL x=\"FROM c\"", "", "a"),
        ("FROM one AS one\nFROM one", "", "one"),
        ("FROM a AS one\nFROM b AS one", "one", "b"),
        ("FROM a AS one\nFROM b AS one\nFROM one", "", "b"),
        ("FROM a AS one\nFROM b AS One\nFROM c\nCOPY --from=one / /", "", "c b"),
        ("FROM a AS one\nFROM b AS one\nFROM x$TARGETSTAGE AS one", "", "xone"),
        ("FROM a AS one two", "", "(a `FROM` is not well formed)"),
        ("FROM a AS 1", "", "(the name of a stage is not valid)"),
        ("FROM a\nFRMO b", "", "(an instruction is unknown)"),
        ("RUN x\nFROM b", "", "(an instruction comes before the first stage)"),
        ("FROM", "", "(a `FROM` is not well formed)"),
        ("", "", "(the file has no stage)"),
    ] {
        assert_eq!(shown(text, &filling(target, &[])), expected, "{text}");
    }
}

#[test]
fn here_documents_are_passed_over_and_nothing_else_is() {
    for (line, is_one) in [
        ("RUN <<END", true),
        ("RUN <<-END", true),
        ("RUN << END", true),
        ("RUN cat <<\"END\" > /x", true),
        ("RUN 3<<'END'", true),
        ("RUN $(cat <<END", true),
        ("ONBUILD RUN <<END", true),
        ("COPY <<END /x", true),
        ("RUN cat<<END", false),
        ("RUN x=<<END", false),
        ("RUN '<<END'", false),
        ("RUN \"cat <<END\"", false),
        ("RUN \\<<END", false),
        ("RUN <<<END", false),
        ("RUN it's <<END", false),
        ("RUN [\"<<END\"]", false),
        ("RUN [ <<END ]", true),
        ("CMD <<END", false),
        ("ONBUILD CMD <<END", false),
    ] {
        let text = format!("FROM a AS one\n{line}\nFROM b\nEND\nFROM c");
        let expected = if is_one { "c" } else { "(an instruction is unknown)" };
        assert_eq!(shown(&text, &filling("", &[])), expected, "{line}");
        let text = format!("FROM a AS one\n{line}\nFROM b");
        let expected = if is_one { "(a here-document has no end)" } else { "b" };
        assert_eq!(shown(&text, &filling("", &[])), expected, "{line}");
    }
    for (text, expected) in [
        ("FROM a\nRUN <<A <<-B\nFROM x\nA\nFROM y\n\tB\nCOPY --from=c / /", "a c"),
        ("FROM a\r\nRUN <<A\r\nFROM x\r\nA\r\nCOPY --from=c / /", "a c"),
        ("FROM a\nRUN <<A>x\nFROM x\nA>x", "a"),
        ("FROM a\nRUN <<$A\nFROM x\n$A", "a"),
        ("FROM a\nRUN <<A\nA \nA\nCOPY --from=c / /", "a c"),
    ] {
        assert_eq!(shown(text, &filling("", &[])), expected, "{text}");
    }
}

#[test]
fn arguments_fill_in_what_stands_before_the_first_stage() {
    let text = "ARG BASE=ghcr.io/acme/base TAG=\"1\"\nARG FULL=${BASE}:${TAG:-2}\nFROM $FULL\nARG TAG=9\nFROM ${BASE}\n\
                COPY --from=0 / /";
    for (arguments, expected) in [
        (&[][..], "ghcr.io/acme/base ghcr.io/acme/base:1"),
        (&[("BASE", "x")], "x x:1"),
        (&[("TAG", "")], "ghcr.io/acme/base ghcr.io/acme/base:2"),
        (&[("FULL", "y"), ("OTHER", "z")], "ghcr.io/acme/base y"),
        (&[("TAG", "\u{fffd}")], "ghcr.io/acme/base ghcr.io/acme/base:\u{fffd}"),
        (&[("BUILDKIT_SYNTAX", "s")], "s ghcr.io/acme/base ghcr.io/acme/base:1"),
    ] {
        assert_eq!(shown(text, &filling("", arguments)), expected, "{arguments:?}");
    }
}

#[test]
fn images_of_every_platform_count() {
    let text = "FROM a AS linux\nFROM b AS windows-amd64\nFROM c AS windows-arm64\n\
                FROM ${TARGETOS/windows/windows-$TARGETARCH} AS last";
    for (platforms, expected) in [
        (&[][..], "a"),
        (&["linux/arm64,linux/arm/v7"], "a"),
        (&["windows/amd64"], "b"),
        (&["windows/amd64", "linux/amd64, windows/arm64"], "b a c"),
        (&["linux/amd64", "nothing/"], "a (a platform is unknown)"),
    ] {
        let platforms = platforms.iter().map(|platform| (*platform).to_owned()).collect();
        assert_eq!(shown(text, &BuildParameters { platforms, ..filling("", &[]) }), expected, "{expected}");
    }
    let fixed = filling("", &[("TARGETOS", "linux")]);
    assert_eq!(shown(text, &BuildParameters { platforms: vec!["windows/amd64".into()], ..fixed }), "a");
}

#[test]
fn each_builder_reads_it_its_own_way() {
    let text = "# syntax=s\nFROM a\nFROM b\nFROM c AS last";
    for (builder, target, expected) in [
        (BuilderKind::BuildKit, "", "s c"),
        (BuilderKind::Buildah, "", "c"),
        (BuilderKind::Buildah, "1", "b"),
        (BuilderKind::InOrder, "", "a b c"),
        (BuilderKind::InOrder, "1", "(the stage to build is missing)"),
    ] {
        assert_eq!(shown(text, &BuildParameters { builder, ..filling(target, &[]) }), expected, "{builder:?} {target}");
    }
    let other = BuildParameters { base: Some("x".into()), ..filling("", &[]) };
    assert_eq!(shown("FROM a AS one\nFROM b\nCOPY --from=one / /", &other), "b x");
}

/// The expected images are the requests of the old builder of dockerd 28.2.2. The old builder builds all stages up to
/// the target, and runs no unused triggers.
#[test]
fn the_old_builder_of_docker_builds_what_is_not_used() {
    for (text, target, arguments, expected) in [
        ("FROM a AS one\nFROM b AS two\nFROM c", "", &[][..], "a b c"),
        ("FROM a AS one\nFROM b AS two\nFROM c", "two", &[], "a b"),
        ("FROM a AS one\nFROM b AS two\nFROM c", "TWO", &[], "a b"),
        ("FROM a AS one\nFROM b AS two\nFROM c", "1", &[], "(the stage to build is missing)"),
        ("ARG X=a\nFROM ${X}", "", &[("X", "y")], "y"),
        ("FROM a AS One\nFROM ONE", "", &[], "a"),
        ("# syntax=docker/dockerfile:1\nFROM a", "", &[], "a"),
        ("FROM --platform=linux/arm64 a", "", &[], "a"),
        ("FROM scratch\nCOPY --from=a /x /", "", &[], "a"),
        ("FROM a\nONBUILD COPY --from=o / /\nFROM b", "", &[], "a b"),
        ("ARG X=a\nFROM n${X:-b}\nFROM n${Y:-c}\nFROM n${X:+d}", "", &[], "na nc nd"),
    ] {
        let filling = BuildParameters { builder: BuilderKind::InOrder, ..filling(target, arguments) };
        assert_eq!(shown(text, &filling), expected, "{text} {target}");
    }
}

/// A real build, and the images that `BuildKit` requested from Docker Hub (tests/e2e/dockerfiles.py).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordedBuild {
    dockerfile: String,
    #[serde(default)]
    arguments: BTreeMap<String, String>,
    #[serde(default)]
    target: Option<String>,
    #[serde(default)]
    platforms: Vec<String>,
    #[serde(default)]
    contexts: BTreeMap<String, String>,
    #[serde(default)]
    images: Option<Vec<String>>,
    #[serde(default)]
    refused: Option<String>,
}

#[test]
fn the_images_are_those_that_buildkit_asks_for() {
    let recorded: Vec<RecordedBuild> =
        serde_json::from_str(include_str!("../../../../tests/fixtures/dockerfiles.json")).unwrap();
    let mut faults = Vec::new();
    for RecordedBuild { dockerfile, arguments, target, platforms, contexts, images, refused } in recorded {
        let contexts = contexts.into_iter().map(|(name, source)| (familiar(&name).to_owned(), source)).collect();
        let filling = BuildParameters { arguments, target, contexts, platforms, ..BuildParameters::default() };
        let PulledImages { images: found, refusal } = pulled(&dockerfile, &filling, &Budget::new());
        let mut found: Vec<String> = found.iter().map(|image| repository(image)).collect();
        found.sort_unstable();
        found.dedup();
        let is_same = match &images {
            Some(images) => refusal.is_none() && *images == found,
            None => refusal.is_some(),
        };
        if !is_same {
            faults.push(format!("{found:?} {refusal:?}, not {images:?} {refused:?}: {filling:?}\n{dockerfile}"));
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

fn repository(image: &str) -> String {
    image.parse::<crate::model::ImageReference>().map(|image| image.repository().to_string()).unwrap_or_default()
}

#[test]
fn hostile_files_end_soon() {
    let nested = format!("FROM {}x{}", "${A:-".repeat(100_000), "}".repeat(100_000));
    let copies = "COPY --from=a / /\n".repeat(9);
    let stages: Vec<String> = (0..499).map(|number| format!("FROM a AS s{number}\n{copies}")).collect();
    let growing: Vec<String> = (0..200).map(|number| format!("ARG A{}=$A{number}$A{number}x\n", number + 1)).collect();
    let pattern = format!("ARG A={}\nFROM ${{A//{}b/c}}", "a".repeat(4000), "*a".repeat(2000));
    for (text, filling) in [
        (nested, filling("", &[])),
        (
            stages.concat(),
            BuildParameters { platforms: vec!["linux/amd64,".repeat(30) + "linux/arm64"], ..filling("", &[]) },
        ),
        (growing.concat() + "FROM $A200", filling("", &[])),
        (pattern, filling("", &[])),
        ("RUN <<A <<B <<C\n".repeat(20_000), filling("", &[])),
        (format!("FROM a\nRUN {}", "<<A ".repeat(100_000)), filling("", &[])),
        (format!("FROM a\nRUN [{}", "[".repeat(100_000)), filling("", &[])),
        ("FROM \\\n".repeat(70_000), filling("", &[])),
    ] {
        let start = thread_time();
        let found = pulled(&text, &filling, &Budget::new());
        assert!(thread_time() < start + Duration::from_secs(10), "{}", &text[..40]);
        assert!(found.refusal.is_some() || found.images.len() <= 2, "{}", &text[..40]);
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "((FROM|ARG|COPY|RUN|# escape=`|--from=|--mount=|<<-?EOF|\\$\\{|[#%/*]|as|\\PC{0,3})[ \\n\\\\]?){0,30}") {
        pulled(&text, &filling("a", &[]), &Budget::new());
    }
}
