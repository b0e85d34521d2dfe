//! Reads command lines, and compares the client, the user and the images with the expected ones.

use std::time::Duration;

use super::*;
use crate::system::thread_time;
use crate::system::{self, files::Access};
use proptest::prelude::*;

fn programs(argvs: &[&str]) -> Vec<Program> {
    argvs.iter().map(|argv| Program::new(None, argv.split(' ').map(str::to_owned).collect())).collect()
}

fn nearest_client(argvs: &[&str]) -> Option<String> {
    nearest(programs(argvs), |_, program| Some(program.name.clone()), |_| None)
}

#[test]
fn the_user_of_a_login_is_the_one_of_that_registry() {
    for (argvs, registry, user) in [
        (&["docker login -u alice -p pw localhost:15000"][..], "localhost:15000", Some("alice")),
        (&["docker login --username=alice --password-stdin https://ghcr.io/"], "ghcr.io", Some("alice")),
        (&["docker login -ualice ghcr.io/alice"], "ghcr.io", Some("alice")),
        (&["docker login -u alice ghcr.io"], "quay.io", None),
        (&["docker login -u alice"], "docker.io", Some("alice")),
        (&["docker login -u alice"], "ghcr.io", None),
        (&["docker --config d login ghcr.io"], "ghcr.io", None),
        (&["docker push -u alice ghcr.io"], "ghcr.io", None),
        (&["podman login -u bob quay.io", "podman login -u bob quay.io"], "quay.io", Some("bob")),
        (&["podman login -u bob"], "quay.io", Some("bob")),
        (&["buildah login -u bob quay.io"], "quay.io", Some("bob")),
        (&["skopeo login --username bob quay.io"], "quay.io", Some("bob")),
        (&["nerdctl login -u bob"], "docker.io", Some("bob")),
        (&["oras login -u bob ghcr.io"], "ghcr.io", Some("bob")),
        (&["helm registry login ghcr.io -u bob -p pw"], "ghcr.io", Some("bob")),
        (&["crane auth login ghcr.io -u bob -p pw"], "ghcr.io", Some("bob")),
        (&["regctl registry login ghcr.io -u bob"], "ghcr.io", Some("bob")),
        (&["sh -c x", "sudo docker login -u bob ghcr.io", "docker login -u bob ghcr.io"], "ghcr.io", Some("bob")),
        (&["mytool login -u bob ghcr.io"], "ghcr.io", None),
    ] {
        let found = login_username(programs(argvs), &registry.parse().unwrap());
        assert_eq!(found.as_deref(), user, "{argvs:?}");
    }
}

#[test]
fn the_nearest_client_stands_behind_wrappers_only() {
    for (argvs, expected) in [
        (&["docker-buildx buildx build .", "docker build ."][..], Some("docker-buildx")),
        (&["sh -c x", "sudo docker pull a", "docker pull a", "make"], Some("docker")),
        (
            &["docker-buildx bake --file -", "docker-compose compose build", "docker compose build"],
            Some("docker-compose"),
        ),
        (&["docker-buildx bake --file x", "docker-compose compose build"], Some("docker-buildx")),
        (&["docker-buildx bake --file -", "docker buildx bake --file -"], Some("docker-buildx")),
        (&["mytool", "docker pull a"], None),
        (&["code", "docker pull a"], None),
        (&[], None),
    ] {
        let name = nearest_client(argvs);
        assert_eq!(name.as_deref(), expected, "{argvs:?}");
    }
}

#[test]
fn six_wrappers_are_passed_over() {
    for (wrappers, is_met) in [(6, true), (7, false)] {
        let argvs: Vec<&str> = [vec!["sh -c x"; wrappers], vec!["docker pull ghcr.io/acme/app"]].concat();
        assert_eq!(nearest_client(&argvs).is_some(), is_met);
        let command = command_of(programs(&argvs), &"ghcr.io".parse().unwrap());
        assert_eq!(!command.images.is_empty(), is_met);
    }
}

#[test]
fn a_client_is_described_by_its_own_name() {
    for (argv, expected) in [
        ("docker push ghcr.io/a/b", "docker push"),
        ("docker --context c buildx build .", "docker buildx build"),
        ("docker-buildx buildx build .", "docker buildx build"),
        ("docker-compose up", "docker compose up"),
        ("docker image pull a", "docker image pull"),
        ("docker", "docker"),
        ("com.docker.cli pull a", "docker pull"),
        ("nerdctl pull a", "nerdctl pull"),
        ("nerdctl compose up", "nerdctl compose up"),
        ("finch pull a", "finch pull"),
        ("finch compose up", "finch compose up"),
        ("crane ls a", "crane ls"),
        ("gcrane ls a", "gcrane ls"),
        ("podman-remote push a", "podman push"),
    ] {
        let described = facts::described_call(&programs(&[argv])[0]);
        assert_eq!(described.as_deref(), Some(expected), "{argv}");
    }
}

#[test]
fn a_typed_command_names_its_images() {
    let registry = "ghcr.io".parse().unwrap();
    let typed = |text: &str| -> String {
        command_of(command_line(text).ok(), &registry).images.iter().map(ToString::to_string).collect()
    };
    assert_eq!(typed("A=1 sudo /usr/bin/docker push 'ghcr.io/acme/app:1'"), "ghcr.io/acme/app:1");
    assert_eq!(typed("mytool --image=ghcr.io/acme/app"), "ghcr.io/acme/app");
    assert_eq!(typed("docker push 'ghcr.io/acme/app"), "");
    for (text, expected) in [
        ("KO_DOCKER_REPO=ghcr.io/acme ko build ./cmd/app", "ghcr.io/acme"),
        ("KO_DOCKER_REPO=ghcr.io/acme/app ko apply --bare -f k8s/", "ghcr.io/acme/app"),
        ("KO_DOCKER_REPO=quay.io/acme ko build ./cmd/app", ""),
        ("COSIGN_REPOSITORY=ghcr.io/acme/signed cosign sign quay.io/a/b", "ghcr.io/acme/signed"),
        ("COSIGN_REPOSITORY= cosign sign ghcr.io/a/b", "ghcr.io/a/b"),
        ("docker --context c scout cves --only-severity high ghcr.io/acme/app", "ghcr.io/acme/app"),
        ("docker tag ghcr.io/acme/app ghcr.io/other/app", ""),
    ] {
        assert_eq!(typed(text), expected, "{text}");
    }
    assert!(command_line(" ").is_ok_and(|program| program.name.is_empty()));
}

#[test]
fn a_typed_command_pushes_what_it_writes() {
    for (text, expected) in [
        ("crane copy ghcr.io/a/b", Operation::Pull),
        ("crane copy quay.io/a/b ghcr.io/a/b", Operation::Push),
        ("crane copy ghcr.io/a/b quay.io/a/b", Operation::Pull),
        ("crane mutate ghcr.io/a/b", Operation::Push),
        ("crane mutate ghcr.io/a/b -t quay.io/a/b", Operation::Pull),
        ("cosign sign ghcr.io/a/b", Operation::Push),
        ("COSIGN_REPOSITORY=quay.io/signed cosign sign ghcr.io/a/b", Operation::Pull),
    ] {
        let command = command_of(command_line(text).ok(), &"ghcr.io".parse().unwrap());
        assert_eq!(command.operation, Some(expected), "{text}");
    }
}

#[test]
fn a_typed_command_works_on_its_files() {
    let (folder, registry) = (tempfile::tempdir().unwrap(), "ghcr.io".parse().unwrap());
    let folder = folder.path();
    for (name, text) in [
        ("Dockerfile", "FROM ghcr.io/acme/base"),
        ("compose.yaml", "services: {app: {image: ghcr.io/acme/app, build: .}}"),
    ] {
        system::files::replace(&folder.join(name), text.as_bytes(), Access::Private).unwrap();
    }
    for (command, images, operation) in [
        ("docker build ''", "ghcr.io/acme/base", None),
        ("docker compose --project-directory '' build", "ghcr.io/acme/base", Some(Operation::Pull)),
        ("docker compose --project-directory '' build --push", "ghcr.io/acme/app", Some(Operation::Push)),
        ("docker pull ''", "", None),
    ] {
        let typed = || command_line(&command.replace("''", &format!("'{}'", folder.display()))).ok();
        let found = images_in_files_of(typed(), &registry).images;
        let found: Vec<_> = found.iter().map(|found| found.image.to_string()).collect();
        assert_eq!(
            (found.join(" ").as_str(), operation_in_files_of(typed(), &registry)),
            (images, operation),
            "{command}"
        );
    }
}

#[test]
fn nothing_is_read_beyond_the_first_answer() {
    let mut programs = programs(&["docker push ghcr.io/acme/app", "docker push ghcr.io/other/app"]).into_iter();
    command_of(&mut programs, &"ghcr.io".parse().unwrap());
    assert_eq!(programs.len(), 1);
}

#[test]
fn two_megabytes_of_arguments_take_no_time() {
    let registry = "ghcr.io".parse().unwrap();
    for (client, word) in [
        ("docker run", "-e"),
        ("docker run", "-abcd"),
        ("docker pull", "ghcr.io/a/b"),
        ("docker buildx build", "-t=ghcr.io/a/b"),
        ("skopeo copy", "docker://ghcr.io/a/b"),
        ("mytool", "ghcr.io/a/b,ghcr.io/"),
        ("helm", "x"),
    ] {
        for words in [vec![word.to_owned(); 100_000], vec![word.repeat(100_000)]] {
            let mut argv: Vec<String> = client.split(' ').map(str::to_owned).collect();
            argv.extend(words);
            let start = thread_time();
            assert!(command_of([Program::new(None, argv)], &registry).images.len() <= 2);
            assert!(thread_time() < start + Duration::from_secs(5), "{client} {word}");
        }
    }
}

proptest! {
    #[test]
    fn no_command_line_makes_the_parser_panic(
        client in prop::sample::select(clients::names().collect::<Vec<_>>()),
        words in prop::collection::vec(
            "push|run|build|copy|image|buildx|sync|login|-[tou]|--set|--cache-to|--src|--|docker://.*|.*=.*|\\PC*",
            0..8,
        ),
        registry in "ghcr\\.io|docker\\.io|\\PC{0,8}",
    ) {
        let argv: Vec<String> = std::iter::once(client.to_owned()).chain(words).collect();
        let registry = Registry::from_key(&registry);
        for program in [Program::new(None, argv.clone()), Program::new(None, argv[1..].to_vec())] {
            command_of([&program], &registry);
            login_username([&program], &registry);
        }
        let _ = command_line(&argv.join(" "));
    }
}
