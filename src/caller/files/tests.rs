//! Commands with the files that they read: the images that each command pulls, then `|`, then the images that it
//! pushes.

use std::time::Duration;

use super::fixtures::answer;
use crate::system::thread_time;

fn hold(files: &[(&str, &str)], cases: &[(&str, &str)]) {
    for (command, expected) in cases {
        assert_eq!(answer(files, command), *expected, "{command} {files:?}");
    }
}

#[test]
fn a_build_reads_the_files_of_its_client() {
    let files = [
        ("Dockerfile", "ARG A=base\nFROM c.io/unused AS unused\nFROM c.io/$A\n"),
        ("Containerfile", "FROM c.io/container\n"),
        ("more", "ARG A\nARG TARGETARCH\nFROM c.io/$A-$TARGETARCH\n"),
        ("more.in", "FROM c.io/more\n"),
        ("arguments", "# A=no\nA=yes\n"),
        ("unset", "A\n"),
        ("copies", "ARG A=given\nFROM c.io/a\nARG A\nARG B=b\nCOPY --from=c.io/$A / /\nCOPY --from=c.io/${B} / /\n"),
        ("sub/Dockerfile", "FROM c.io/sub\n"),
        ("sub/inner", "FROM c.io/inner\n"),
        ("triggers", "FROM docker://c.io/a AS a\nONBUILD COPY --from=c.io/b / /\nFROM a\n"),
    ];
    hold(
        &files,
        &[
            ("docker build .", "c.io/base |"),
            ("docker build --build-arg A=x .", "c.io/x |"),
            ("docker build -f more -f Dockerfile .", "c.io/base |"),
            ("docker build -f - .", "? |"),
            ("docker build -f https://c.io/Dockerfile .", "? |"),
            ("docker build -f Dockerfile https://c.io/x.git", "? |"),
            ("docker build --target unused .", "c.io/unused |"),
            ("docker build --check .", "c.io/base c.io/unused |"),
            ("docker build --check=false .", "c.io/base |"),
            ("docker build --call check .", "c.io/base c.io/unused |"),
            ("docker buildx build --call=lint,format=json .", "c.io/base c.io/unused |"),
            ("docker build --call=build .", "c.io/base |"),
            ("docker build --check --target unused .", "c.io/unused |"),
            ("docker build --build-context c.io/base:latest=docker-image://new .", "new |"),
            ("DOCKER_BUILDKIT=0 docker build .", "c.io/base c.io/unused |"),
            ("DOCKER_BUILDKIT=1 docker build .", "c.io/base |"),
            ("kaniko --context dir://.", "c.io/base c.io/unused |"),
            ("kaniko --skip-unused-stages --context dir://.", "c.io/base |"),
            ("kaniko --context sub", "c.io/base c.io/unused |"),
            ("kaniko --context sub --dockerfile inner", "c.io/inner |"),
            ("kaniko --context https://c.io/x.git", "c.io/base c.io/unused |"),
            ("kaniko --context https://c.io/x.git --dockerfile inner", "? |"),
            ("kaniko --context dir://. --context-sub-path /sub --dockerfile inner", "c.io/inner |"),
            ("kaniko --context . --context-sub-path sub --dockerfile inner", "|"),
            ("podman build .", "c.io/container |"),
            ("podman build -f Dockerfile https://c.io/x.git", "c.io/base |"),
            ("podman build -f Dockerfile -f Containerfile .", "c.io/container |"),
            ("podman build --from c.io/from .", "c.io/from |"),
            ("podman build --skip-unused-stages=false -f Dockerfile .", "c.io/base c.io/unused |"),
            ("buildah bud --skip-unused-stages=false --target unused -f Dockerfile .", "c.io/unused |"),
            ("podman build --build-context c.io/base=docker://c.io/new -f Dockerfile .", "c.io/new |"),
            ("podman build --build-context c.io/base=container-image://c.io/new -f Dockerfile .", "c.io/new |"),
            ("podman build --target 0 -f Dockerfile .", "c.io/unused |"),
            ("podman build -f copies .", "c.io/a c.io/b c.io/given |"),
            ("podman build --build-arg A=x --build-arg B=y -f copies .", "c.io/a c.io/x c.io/y |"),
            ("docker build -f copies .", "? |"),
            ("podman build --from c.io/from --sbom-scanner-image c.io/scan .", "c.io/from c.io/scan |"),
            ("podman build --source-policy-file x .", "c.io/container ? |"),
            ("EXPERIMENTAL_BUILDKIT_SOURCE_POLICY=x docker build .", "c.io/base ? |"),
            ("EXPERIMENTAL_BUILDKIT_SOURCE_POLICY=x docker compose push", "|"),
            ("docker build --sbom=generator=c.io/scan --provenance=true .", "c.io/base c.io/scan |"),
            ("docker build --attest type=provenance,generator=c.io/scan --sbom=true .", "c.io/base |"),
            ("podman build --target 1 .", "? |"),
            ("podman build --target 1 -f Dockerfile .", "c.io/base |"),
            ("podman build -f triggers .", "c.io/a |"),
            ("docker build -f triggers .", "? |"),
            ("podman build -f more.in .", "c.io/more ? |"),
            ("podman build --build-arg-file arguments -f Dockerfile .", "c.io/yes |"),
            ("podman build --build-arg-file arguments --build-arg A -f Dockerfile .", "c.io/base |"),
            ("A=env podman build --build-arg-file arguments --build-arg A -f Dockerfile .", "c.io/env |"),
            ("podman build --build-arg-file arguments --build-arg-file unset -f Dockerfile .", "c.io/base |"),
            ("buildah build --build-arg A=x --build-arg A -f Dockerfile .", "c.io/base |"),
            ("buildah build --build-arg A --build-arg A=x -f Dockerfile .", "c.io/x |"),
            ("docker build --build-arg A=x --build-arg A .", "c.io/x |"),
            ("A=env docker build --build-arg A=x --build-arg A .", "c.io/env |"),
            ("DOCKER_BUILDKIT=0 docker build --build-arg A=x --build-arg A .", "c.io/base c.io/unused |"),
            ("docker build --platform linux/arm64 --build-arg A=x -f more .", "c.io/x-arm64 |"),
            ("podman build --os linux --arch arm64 --build-arg A=x -f more .", "c.io/x-arm64 |"),
            ("DOCKER_DEFAULT_PLATFORM=linux/arm64 docker build --build-arg A=x -f more .", "c.io/x-arm64 |"),
            (
                "DOCKER_DEFAULT_PLATFORM=linux/arm64 docker build --platform linux/s390x --build-arg A=x -f more .",
                "c.io/x-s390x |",
            ),
            ("A=env cosign dockerfile verify Dockerfile", "c.io/env c.io/unused |"),
            ("A=env cosign dockerfile verify --base-image-only Dockerfile", "c.io/env |"),
            ("buildctl build --local context=. --local dockerfile=.", "c.io/base |"),
            (
                "buildctl build --local dockerfile=. --opt build-arg:A=x --opt filename=Containerfile",
                "c.io/container |",
            ),
            ("buildctl build --local dockerfile=. --opt build-arg:A=x", "c.io/x |"),
            ("buildctl build --local dockerfile=. --opt context:c.io/base=docker-image://c.io/new", "c.io/new |"),
            (
                "buildctl build --local dockerfile=. --opt filename=more --opt build-arg:A=x --opt platform=linux/arm64",
                "c.io/x-arm64 |",
            ),
            ("buildctl build --local dockerfile=. --opt target=unused", "c.io/unused |"),
            ("buildctl build --frontend gateway.v0 --opt source=c.io/frontend", "c.io/frontend |"),
            (
                "buildctl build --local dockerfile=. --opt source=c.io/frontend --opt attest:sbom=generator=c.io/scan",
                "c.io/base c.io/frontend c.io/scan |",
            ),
            ("buildctl build --local dockerfile=none --local dockerfile=.", "c.io/base |"),
        ],
    );
}

#[test]
fn a_development_container_has_an_image_or_a_build() {
    let image = r#"{"image": "c.io/a:${localEnv:TAG:1}", "features":
        {"c.io/f/x:1": {}, "./mine": {}, "https://c.io/f.tgz": {}, "git": {}}} // note"#;
    let build = r#"{"build": {"dockerfile": "../Dockerfile", "args": {"A": "${localEnv:A}"}, "cacheFrom": CACHE}}"#;
    let file = ("Dockerfile", "ARG A\nFROM c.io/$A\n");
    let place = ".devcontainer/devcontainer.json";
    hold(
        &[(place, image)],
        &[("devcontainer up", "c.io/a:1 c.io/f/x:1 |"), ("TAG=2 devcontainer up", "c.io/a:2 c.io/f/x:1 |")],
    );
    hold(
        &[(".devcontainer.json", image)],
        &[
            ("devcontainer build --workspace-folder .", "c.io/a:1 c.io/f/x:1 |"),
            ("devcontainer read-configuration --workspace-folder .", "c.io/f/x:1 |"),
            ("devcontainer read-configuration --include-merged-configuration", "c.io/a:1 c.io/f/x:1 |"),
            ("devcontainer outdated --output-format json --workspace-folder .", "c.io/f/x:1 |"),
            ("devcontainer upgrade -f c.io/f/y -v 2 --dry-run", "c.io/f/x:1 |"),
            ("devcontainer features resolve-dependencies", "c.io/f/x:1 |"),
        ],
    );
    hold(
        &[("x.json", r#"{"image": "c.io/a${localEnv:B}${localEnv:C:c:no}"}"#)],
        &[
            ("devcontainer up --config x.json", "c.io/ac |"),
            ("B= C= devcontainer up --config x.json", "c.io/a |"),
            ("B=b C=d devcontainer up --config x.json", "c.io/abd |"),
        ],
    );
    hold(&[("x.json", "{\"image\": \"c.io/${x}\"}")], &[("devcontainer up --config x.json", "? |")]);
    hold(&[("x.json", "{\"image\": ")], &[("devcontainer up --config x.json", "? | ?")]);
    let target = r#"{"build": {"dockerfile": "Dockerfile", "target": "a"}}"#;
    hold(
        &[(".devcontainer.json", target), ("Dockerfile", "FROM c.io/a AS a\nFROM c.io/b\n")],
        &[("devcontainer up", "c.io/a |")],
    );
    let single = build.replace("CACHE", r#""c.io/cache""#);
    hold(&[(place, &single), file], &[("A=x devcontainer up", "c.io/cache c.io/x |")]);
    let two = build.replace("CACHE", r#"["c.io/c", "c.io/d"]"#);
    hold(
        &[(place, &two), file],
        &[("A=x devcontainer up", "c.io/c c.io/d c.io/x |"), ("devcontainer up", "c.io/c c.io/d ? |")],
    );
}

#[test]
fn lists_of_images_are_read() {
    let pod = "spec: {containers: [{image: c.io/a}], initContainers: [{image: c.io/b}]}";
    hold(
        &[("pod.yaml", pod), ("-", pod), ("pods/x.yml", pod), ("pods/x.txt", pod)],
        &[
            ("kubectl apply -f pod.yaml", "c.io/a c.io/b |"),
            ("kubectl apply -f pods", "c.io/a c.io/b |"),
            ("kubectl apply -f -", "? |"),
            ("kubectl apply -f https://c.io/pod.yaml", "? |"),
        ],
    );
    let charts = "dependencies: [{name: a, repository: 'oci://c.io/charts'}]";
    hold(&[("Chart.yaml", "apiVersion: v1"), ("requirements.yaml", charts)], &[("helm dep build", "c.io/charts/a |")]);
    let list = "c.io: {images: {a/b: [], c: []}}";
    hold(
        &[("x.yml", list)],
        &[
            ("skopeo sync --src yaml --dest dir x.yml c.io/x", "c.io/a/b c.io/c |"),
            ("skopeo sync --src yaml --dest docker x.yml d.io/x/", "c.io/a/b c.io/c | +d.io/x/b d.io/x/c"),
            (
                "skopeo sync --src yaml --dest docker --scoped x.yml d.io",
                "c.io/a/b c.io/c | +d.io/c.io/a/b d.io/c.io/c",
            ),
            ("skopeo sync --src yaml --dest docker --dry-run x.yml d.io", "c.io/a/b c.io/c |"),
        ],
    );
    let documents = "services: {a: {image: c.io/a}}\n---\nservices: {a: {image: c.io/b}}";
    hold(
        &[("x.yml", documents)],
        &[("docker stack deploy -c x.yml x", "c.io/a |"), ("docker compose -f x.yml pull", "c.io/b |")],
    );
    let sync = "sync: [{source: 'ocidir://x:{{.x}}', target: 'c.io/b'}, {source: c.io/a, target: 'ocidir://y'}]";
    hold(&[("x.yml", sync)], &[("regsync -c x.yml once", "c.io/a | +c.io/b")]);
}

#[test]
fn podman_builds_the_images_whose_folders_have_a_containerfile() {
    let manifest = "kind: Pod\nspec:\n  containers:\n  - image: c.io/x/app:1\n  \
                    - {image: c.io/b, imagePullPolicy: never}\n  initContainers: [{image: c.io/c}]\n  volumes:\n  \
                    - image: {reference: c.io/model}\n  - image: {reference: c.io/old, pullPolicy: Never}\n---\n\
                    kind: List\nitems: [{kind: Job, spec: {template: {spec: {containers: [{image: c.io/job}]}}}}]\n\
                    ---\n\
                    kind: StatefulSet\nspec: {template: {spec: {containers: [{image: c.io/state}]}}}\n";
    hold(
        &[("k.yaml", manifest), ("app/Containerfile", "FROM c.io/base\n"), ("src/model/Dockerfile", "FROM c.io/m\n")],
        &[
            ("podman kube play k.yaml", "c.io/base c.io/c c.io/job c.io/model |"),
            ("podman kube play --build k.yaml", "c.io/base c.io/c c.io/job c.io/model |"),
            ("podman kube play --build=false k.yaml", "c.io/c c.io/job c.io/model c.io/x/app:1 |"),
            ("podman kube play --context-dir src k.yaml", "c.io/c c.io/job c.io/m c.io/x/app:1 |"),
            ("podman kube play -", "? |"),
        ],
    );
}

/// Aliases make the lists much larger than the file.
#[test]
fn lists_with_many_aliases_end_soon() {
    let many = |count: usize, entry: &dyn Fn(usize) -> String| (0..count).map(entry).collect::<String>();
    let keys = many(12_000, &|n| format!("k{n}: x,"));
    let map = format!("&m {{{keys}}}");
    let long = format!("&t {}", "a".repeat(100_000));
    let times = |count: usize, text: &str| text.repeat(count);
    for (what, command, text) in [
        (
            "containers",
            "kubectl apply -f x.yaml",
            format!(
                "items: [{{containers: &l [{map}, {}]}}, {}]",
                times(12_000, "*m,"),
                times(21, "{containers: *l},")
            ),
        ),
        (
            "repositories",
            "skopeo sync --src yaml --dest docker x.yaml c.io/x",
            format!("x: &l {{images: {map}}}\n{}", many(5_000, &|n| format!("r{n}: *l\n"))),
        ),
        (
            "long repositories",
            "skopeo sync --src yaml --dest docker x.yaml c.io/x",
            format!("? {}\n: &l {{images: {map}}}\n", "r".repeat(100_000)),
        ),
        (
            "steps",
            "regsync -c x.yaml once",
            format!("x: &s {{source: '{}'}}\nsync: [{}]", "{{env \"PATH\"}}".repeat(10_000), times(10_000, "*s,")),
        ),
        (
            "scripts",
            "regbot -c x.yaml once",
            format!("x: &s {{script: '{}'}}\nscripts: [{}]", times(20_000, "\"c.io/a\""), times(12_000, "*s,")),
        ),
        (
            "charts",
            "helm dependency update",
            format!("x: {long}\ndependencies: [&d {{repository: 'oci://c.io', name: *t}}, {}]", times(12_000, "*d,")),
        ),
    ] {
        let start = thread_time();
        let file = if what == "charts" { "Chart.yaml" } else { "x.yaml" };
        assert!(answer(&[(file, &text)], command).contains('?'), "{what}");
        assert!(thread_time() < start + Duration::from_secs(10), "{what}");
    }
}
