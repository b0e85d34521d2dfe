//! Runs `install.sh` as a person does, in its own home. The installed program is the one that cargo has built for the
//! tests.
#![cfg(unix)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{Run, Sandbox, finish, write};

/// A home folder whose name contains blanks.
pub struct Home {
    _sandbox: Sandbox,
    pub path: PathBuf,
}

impl Home {
    pub fn new() -> Self {
        let sandbox = Sandbox::new();
        let path = sandbox.home().join("home of me");
        fs::create_dir(&path).unwrap();
        Self { _sandbox: sandbox, path }
    }

    pub fn bin(&self) -> PathBuf {
        self.path.join(".local/bin")
    }

    /// Returns a command that runs `install.sh` from the home folder.
    pub fn script(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("/bin/sh");
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/install.sh")).args(arguments);
        command.env_clear().env("HOME", &self.path).env("PATH", "/usr/bin:/bin").env("SHELL", "/bin/bash");
        command.current_dir(&self.path);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn install(&self, arguments: &[&str]) -> Run {
        run(&mut self.script(&[&["--program", Sandbox::program()], arguments].concat()))
    }

    /// Returns all paths below the home, and the targets of links.
    pub fn tree(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.path.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let target = fs::read_link(&path).map(|target| format!(" -> {}", target.display()));
                let name = path.strip_prefix(&self.path).unwrap().display().to_string();
                found.push(name + &target.unwrap_or_default());
                if path.is_dir() {
                    folders.push(path);
                }
            }
        }
        found.sort();
        found
    }
}

pub fn run(command: &mut Command) -> Run {
    finish(command.spawn().unwrap(), b"")
}

pub fn succeeds(run: Run) -> String {
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    run.stdout
}

/// Returns the error without the script's name.
pub fn fails(run: &Run) -> String {
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{run:?}");
    run.stderr.strip_prefix("install.sh: ").unwrap_or_else(|| panic!("{run:?}")).to_owned()
}

pub fn write_program(path: &Path, text: &str) {
    write(path, text.as_bytes());
    fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn the_program_and_its_links_come_and_go_without_a_trace() {
    let home = Home::new();
    let output = succeeds(home.install(&[]));
    let installed = [
        ".local",
        ".local/bin",
        ".local/bin/docker-credential-atcr -> docker-credential-ensign",
        ".local/bin/docker-credential-ensign",
        ".local/bin/docker-ensign -> docker-credential-ensign",
        ".local/bin/ensign -> docker-credential-ensign",
        ".local/lib",
        ".local/lib/ensign",
        ".local/lib/ensign/installed-folders",
        ".local/lib/ensign/installed-from",
        ".local/lib/ensign/installed-texts",
    ];
    let (texts, program): (Vec<_>, Vec<_>) = home.tree().into_iter().partition(|path| path.starts_with(".local/share"));
    assert_eq!(program, installed);
    for text in [
        "man/man1/ensign.1",
        "man/man1/ensign-account-edit.1",
        "man/man7/ensign-patterns.7",
        "bash-completion/completions/ensign",
        "bash-completion/completions/docker-credential-ensign",
        "fish/vendor_completions.d/ensign.fish",
        "zsh/site-functions/_ensign",
    ] {
        assert!(texts.contains(&format!(".local/share/{text}")), "{text}: {texts:?}");
    }
    for line in
        ["docker push ghcr.io/acme/app   is answered by  acme", "docker push ghcr.io/alice/app  is answered by  alice"]
    {
        assert!(output.contains(line), "{output}");
    }
    assert!(output.contains("Next:\n  ensign login ghcr.io  "), "{output}");

    let before = home.tree();
    let list = home.path.join(".local/lib/ensign/installed-texts");
    let old = fs::read_to_string(&list).unwrap() + "man/man1/ensign-gone.1\n";
    write(&list, old.as_bytes());
    write(&home.path.join(".local/share/man/man1/ensign-gone.1"), b"of an older Ensign");
    assert_eq!(succeeds(home.install(&[])), output, "the second installation prints the same");
    assert_eq!(home.tree(), before);

    succeeds(run(&mut home.script(&["--uninstall"])));
    assert_eq!(home.tree(), Vec::<String>::new());
    let output = succeeds(run(&mut home.script(&["--uninstall"])));
    assert_eq!(output, "Ensign is not installed in ~/.local/bin\n");
}

#[test]
fn the_line_for_path_fits_the_shell_and_is_only_given_where_it_is_missing() {
    let home = Home::new();
    for (shell, line) in [
        ("/bin/bash", "~/.bashrc and open a new terminal:\n  export PATH=\"$HOME/.local/bin:$PATH\"\n"),
        ("/bin/zsh", "~/.zshrc and open a new terminal:\n  export PATH=\"$HOME/.local/bin:$PATH\"\n"),
        ("/usr/bin/fish", "Run this once:\n  fish_add_path \"$HOME/.local/bin\"\n"),
        ("", "~/.profile and open a new terminal:\n  export PATH=\"$HOME/.local/bin:$PATH\"\n"),
    ] {
        let output = succeeds(run(home.script(&["--program", Sandbox::program()]).env("SHELL", shell)));
        assert!(output.contains(line), "{output}");
    }
    let path = format!("/usr/bin:/bin:{}", home.bin().display());
    let output = succeeds(run(home.script(&["--program", Sandbox::program()]).env("PATH", path)));
    assert!(!output.contains("PATH"), "{output}");
}

#[test]
fn another_folder_is_taken_relative_to_the_current_one() {
    let home = Home::new();
    let output = succeeds(home.install(&["--prefix=a $b"]));
    assert!(output.contains("Installed ~/a $b/bin/docker-credential-ensign\n"), "{output}");
    assert!(output.contains(r#"export PATH="$HOME/a \$b/bin:$PATH""#), "{output}");
    assert!(!home.bin().exists());
    succeeds(run(&mut home.script(&["--uninstall", "--prefix", "a $b"])));
    assert_eq!(home.tree(), Vec::<String>::new());
}

/// People complete the name of a folder with the Tab key, and a home folder may be a link.
#[test]
fn one_folder_has_many_spellings() {
    let home = Home::new();
    let plugins = home.path.join(".docker/cli-plugins");
    fs::create_dir_all(&plugins).unwrap();
    let link = home.path.parent().unwrap().join("link");
    symlink(&home.path, &link).unwrap();
    for (prefix, path) in [
        ("x/", "home of me/x/bin"),
        ("../home of me/./x//", "home of me/x/bin/"),
        ("x", "link/x/bin"),
        ("../link/x", "home of me/x/bin"),
    ] {
        let path = format!("/usr/bin:/bin:{}/{path}", home.path.parent().unwrap().display());
        let run = run(home.script(&["--program", Sandbox::program(), "--prefix", prefix]).env("PATH", path));
        let output = succeeds(run);
        assert!(!output.contains("PATH") && !output.contains("not ours"), "{prefix}: {output}");
        succeeds(self::run(&mut home.script(&["--uninstall", "--prefix", prefix])));
        assert!(fs::read_dir(&plugins).unwrap().next().is_none(), "{prefix}");
    }
    symlink("/nowhere//bin/docker-credential-ensign", plugins.join("docker-ensign")).unwrap();
    let output = succeeds(home.install(&[]));
    assert!(
        output.contains("linked ~/.docker/cli-plugins/docker-ensign\n"),
        "a link to a program that is gone: {output}"
    );
}

#[test]
fn what_another_made_is_named_and_kept() {
    let home = Home::new();
    write(&home.bin().join("ensign"), b"theirs");
    symlink("elsewhere", home.bin().join("docker-credential-atcr")).unwrap();
    let before = home.tree();
    let output = succeeds(home.install(&[]));
    for name in ["ensign", "docker-credential-atcr"] {
        assert!(output.contains(&format!("kept ~/.local/bin/{name}, which is not ours\n")), "{output}");
    }
    assert!(output.contains("Next:\n  docker-credential-ensign login ghcr.io  "), "{output}");
    assert!(home.bin().join("docker-ensign").exists());
    succeeds(run(&mut home.script(&["--uninstall"])));
    assert_eq!(home.tree(), before);
    assert_eq!(fs::read(home.bin().join("ensign")).unwrap(), b"theirs");
}

#[test]
fn a_text_that_another_made_is_kept() {
    let home = Home::new();
    let page = home.path.join(".local/share/man/man1/ensign.1");
    write(&page, b"theirs");
    let before = home.tree();
    succeeds(home.install(&[]));
    succeeds(home.install(&[]));
    assert_eq!(fs::read(&page).unwrap(), b"theirs");
    succeeds(run(&mut home.script(&["--uninstall"])));
    assert_eq!(home.tree(), before);
}

#[test]
fn a_link_in_the_programs_place_stops_the_installation() {
    let home = Home::new();
    fs::create_dir_all(home.bin()).unwrap();
    symlink("/opt/theirs", home.bin().join("docker-credential-ensign")).unwrap();
    let before = home.tree();
    assert!(fails(&home.install(&[])).contains("is not a file of this script: remove it"));
    succeeds(run(&mut home.script(&["--uninstall"])));
    assert_eq!(home.tree(), before);
}

#[test]
fn docker_gets_its_plugin_where_it_keeps_plugins() {
    let home = Home::new();
    fs::create_dir_all(home.path.join(".docker/cli-plugins")).unwrap();
    let before = home.tree();
    succeeds(home.install(&[]));
    let plugin = fs::read_link(home.path.join(".docker/cli-plugins/docker-ensign")).unwrap();
    assert_eq!(plugin, home.bin().join("docker-credential-ensign"));
    succeeds(run(&mut home.script(&["--uninstall"])));
    assert_eq!(home.tree(), before);
}

#[test]
fn an_upgrade_that_answers_with_the_wrong_account_leaves_the_old_program_there() {
    let home = Home::new();
    write_program(&home.bin().join("docker-credential-ensign"), "old");
    let before = home.tree();
    let wrong = home.path.parent().unwrap().join("wrong");
    write_program(&wrong, "#!/bin/sh\necho '{\"Username\":\"alice\",\"Secret\":\"secret-of-alice\"}'\n");
    let error = fails(&run(&mut home.script(&["--program", wrong.to_str().unwrap()])));
    assert!(error.starts_with("this program does not tell accounts apart, so nothing was installed\n"), "{error}");
    assert!(error.contains("should be    acme\n"), "{error}");
    assert_eq!(home.tree(), before);
    assert_eq!(fs::read(home.bin().join("docker-credential-ensign")).unwrap(), b"old");
}

#[test]
fn an_error_names_its_cure() {
    let home = Home::new();
    let tools = home.path.parent().unwrap().join("tools");
    let cargo = |version: &str| write_program(&tools.join("cargo"), &format!("#!/bin/sh\necho 'cargo {version}'\n"));
    let path = format!("{}:/usr/bin:/bin", tools.display());
    cargo("1.70.0 (ec8a8a0ca 2023-04-25)");
    for (arguments, error) in [
        (&["--frobnicate"][..], "`--frobnicate` is not an option of this script: see `"),
        (&["--prefix"], "`--prefix` needs a value: see `"),
        (&["--prefix="], "`--prefix` needs a value: see `"),
        (&["--prefix", "/a:b"], "`/a:b` contains a colon, so PATH cannot contain this folder: choose another one\n"),
        (&["--version", "v"], "`v` is not a version: name one such as 0.2.0\n"),
        (&["--version=../0.2.0"], "`../0.2.0` is not a version: name one such as 0.2.0\n"),
        (&["--program", "/nowhere"], "`/nowhere` is not a program\n"),
        (&[], "Rust 1.70 is too old, Ensign needs "),
    ] {
        let output = fails(&run(home.script(arguments).env("PATH", &path)));
        assert!(output.starts_with(error), "{output}");
    }
    let output = fails(&run(home.script(&["--program", Sandbox::program()]).env_remove("HOME")));
    assert!(output.starts_with("HOME is not set: set it, or choose a folder with `--prefix DIR`"), "{output}");
    assert_eq!(home.tree(), Vec::<String>::new());
}
