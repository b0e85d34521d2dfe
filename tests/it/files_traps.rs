//! Files that could delay an answer: pipes, devices, bombs and endless lines.
#![cfg(unix)]

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::files::{get_within, who, with_files};
use crate::support::write;

#[test]
fn one_folder_full_of_traps_does_not_hold_up_an_answer() {
    let sandbox = with_files(&[("image/Dockerfile", "FROM x\n")]);
    for (name, words, set) in traps() {
        let folder = format!("trap/{name}");
        std::fs::create_dir_all(sandbox.home().join(&folder)).unwrap();
        set(&sandbox.home().join(&folder));
        assert_eq!(who(&get_within(&sandbox, &folder, words)), "alice", "{name}");
    }
}

type Trap = (&'static str, &'static [&'static str], fn(&Path));

fn traps() -> Vec<Trap> {
    const COMPOSE: &[&str] = &["docker-compose", "pull"];
    const BUILD: &[&str] = &["docker", "build", "."];
    const BAKE: &[&str] = &["docker", "buildx", "bake"];
    vec![
        ("ten megabytes", COMPOSE, |folder| write(&folder.join("compose.yaml"), bomb(10 << 20).as_bytes())),
        ("a bomb", COMPOSE, |folder| write(&folder.join("compose.yaml"), bomb(1 << 20).as_bytes())),
        ("many services", COMPOSE, |folder| {
            let services: String = many(20_000, |n| format!("  s{n}: *s\n"));
            let large: String = many(20_000, |n| format!(", k{n}: v"));
            write(&folder.join("compose.yaml"), format!("x: &s {{image: y{large}}}\nservices:\n{services}").as_bytes());
        }),
        ("variables", COMPOSE, |folder| {
            write(&folder.join(".env"), "A=$B$C$D\n".repeat(100_000).as_bytes());
            write(
                &folder.join("compose.yaml"),
                format!("services: {{a: {{image: \"{}\"}}}}", "$A".repeat(500_000)).as_bytes(),
            );
        }),
        ("includes", COMPOSE, |folder| {
            let list = |name: &str| format!("include:\n{}", format!("- {name}\n").repeat(20_000));
            for (name, next) in [("compose.yaml", "b.yaml"), ("b.yaml", "c.yaml"), ("c.yaml", "compose.yaml")] {
                write(&folder.join(name), list(next).as_bytes());
            }
        }),
        ("a pipe", COMPOSE, |folder| pipe(&folder.join("compose.yaml"))),
        ("a pipe of variables", COMPOSE, |folder| pipe(&folder.join(".env"))),
        ("a device", COMPOSE, |folder| symlink("/dev/zero", folder.join("compose.yaml")).unwrap()),
        ("a terminal", COMPOSE, |folder| symlink("/dev/tty", folder.join("compose.yaml")).unwrap()),
        ("a link to itself", COMPOSE, |folder| symlink("compose.yaml", folder.join("compose.yaml")).unwrap()),
        ("a folder", COMPOSE, |folder| std::fs::create_dir(folder.join("compose.yaml")).unwrap()),
        ("a sparse file", COMPOSE, |folder| {
            std::fs::File::create(folder.join("compose.yaml")).unwrap().set_len(1 << 40).unwrap();
        }),
        ("unreadable", COMPOSE, |folder| {
            write(&folder.join("closed/compose.yaml"), b"services: {}");
            symlink("closed/compose.yaml", folder.join("compose.yaml")).unwrap();
            std::fs::set_permissions(folder.join("closed"), std::fs::Permissions::from_mode(0o0)).unwrap();
        }),
        ("a pipe to build from", BUILD, |folder| pipe(&folder.join("Dockerfile"))),
        ("a large build", BUILD, |folder| {
            write(&folder.join("Dockerfile"), "FROM a AS b\nCOPY --from=b / /\n".repeat(30_000).as_bytes());
        }),
        ("a line for each instruction", BUILD, |folder| {
            write(&folder.join("Dockerfile"), "`\n".repeat(250_000).as_bytes());
        }),
        ("here-documents", BUILD, |folder| {
            write(&folder.join("Dockerfile"), format!("FROM a\nRUN {}\n", "<<A ".repeat(200_000)).as_bytes());
        }),
        ("a deep bake file", BAKE, |folder| write(&folder.join("docker-bake.hcl"), "a {".repeat(300_000).as_bytes())),
        ("a wide bake file", BAKE, |folder| {
            let all: Vec<String> = (0..10_000).map(|n| format!("\"t{n}\"")).collect();
            let targets: String = many(10_000, |n| format!("target t{n} {{ inherits = all }}\n"));
            let text = format!(
                "variable all {{ default = [{}] }}\ngroup default {{ targets = all }}\n{targets}",
                all.join(",")
            );
            write(&folder.join("docker-bake.hcl"), text.as_bytes());
        }),
        ("a bake file that doubles", BAKE, |folder| {
            let variables: String =
                many(5000, |n| format!("variable v{n} {{ default = \"${{v{0}}}${{v{0}}}\" }}\n", n + 1));
            write(&folder.join("docker-bake.hcl"), format!("{variables}target default {{ tags = [v0] }}").as_bytes());
        }),
        ("a bake file that asks for gigabytes", BAKE, |folder| {
            let objects = format!("{{{}}},", "a = v,".repeat(200)).repeat(400);
            let text = format!(
                "variable v {{ default = \"{}\" }}\ntarget default {{ cache-from = [{objects}] }}\n",
                "x".repeat(4090)
            );
            write(&folder.join("docker-bake.hcl"), text.as_bytes());
        }),
        ("a bake file that inherits the same a hundred times", BAKE, |folder| {
            let arguments = many(500, |n| format!("a{n} = v\n"));
            let all = "\"x\",".repeat(99);
            let text = format!(
                "variable v {{ default = \"{}\" }}\ntarget x {{ args = {{\n{arguments}}} }}\ntarget default {{ inherits = [{all}] }}\n",
                "x".repeat(4090)
            );
            write(&folder.join("docker-bake.hcl"), text.as_bytes());
        }),
        ("a pipe to bake", BAKE, |folder| pipe(&folder.join("docker-bake.json"))),
    ]
}

fn many(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).map(one).collect::<Vec<_>>().concat()
}

/// Returns YAML with aliases of aliases, of at least this size.
fn bomb(size: usize) -> String {
    let mut text = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
    let mut last = "a".to_owned();
    while text.len() < size {
        let name = format!("n{}", text.len());
        let line = format!("{name}: &{name} [{}]\n", vec![format!("*{last}"); 9].join(", "));
        text.push_str(&line);
        last = name;
    }
    format!("{text}services: *{last}\n")
}

fn pipe(path: &Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}
