//! Runs `install.sh` as a person does, in its own home. The installed program is the one that cargo has built for the
//! tests.
#![cfg(unix)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{Run, Sandbox, finish, write};

/// A home folder whose name contains blanks.
struct Home {
    _sandbox: Sandbox,
    path: PathBuf,
}

impl Home {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let path = sandbox.home().join("home of me");
        fs::create_dir(&path).unwrap();
        Self { _sandbox: sandbox, path }
    }

    fn bin(&self) -> PathBuf {
        self.path.join(".local/bin")
    }

    /// Returns a command that runs `install.sh` from the home folder.
    fn script(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("/bin/sh");
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/install.sh")).args(arguments);
        command.env_clear().env("HOME", &self.path).env("PATH", "/usr/bin:/bin").env("SHELL", "/bin/bash");
        command.current_dir(&self.path);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn install(&self, arguments: &[&str]) -> Run {
        run(&mut self.script(&[&["--program", Sandbox::program()], arguments].concat()))
    }

    /// Returns all paths below the home, and the targets of links.
    fn tree(&self) -> Vec<String> {
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

fn run(command: &mut Command) -> Run {
    finish(command.spawn().unwrap(), b"")
}

fn succeeds(run: Run) -> String {
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    run.stdout
}

/// Returns the error without the script's name.
fn fails(run: &Run) -> String {
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{run:?}");
    run.stderr.strip_prefix("install.sh: ").unwrap_or_else(|| panic!("{run:?}")).to_owned()
}

fn write_program(path: &Path, text: &str) {
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
    assert!(output.contains("linked ~/.docker/cli-plugins/docker-ensign\n"), "a link to a program that is gone: {output}");
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
fn what_a_killed_process_left_is_removed() {
    let home = Home::new();
    succeeds(home.install(&[]));
    let [old, new] = [".ensign-install.abcdef", ".ensign-install.ghijkl"].map(|name| home.bin().join(name));
    for stage in [&old, &new] {
        write(&stage.join("program"), b"unfinished");
    }
    let two_days = std::time::Duration::from_hours(48);
    fs::File::open(&old).unwrap().set_modified(std::time::SystemTime::now() - two_days).unwrap();
    succeeds(home.install(&[]));
    assert!(!old.exists() && new.exists(), "the new one may belong to another installation");
    for left in ["bin/.ensign-previous.new", "bin/.ensign-next.12-0.new", "lib/ensign/installed-texts.12-0.new"] {
        write(&home.path.join(".local").join(left), b"unfinished");
    }
    succeeds(run(&mut home.script(&["--uninstall"])));
    assert_eq!(home.tree(), Vec::<String>::new());
}

/// Root may write everywhere, so root cannot run this test.
#[test]
fn nothing_is_undone_in_a_folder_of_another_user() {
    let home = Home::new();
    succeeds(home.install(&[]));
    write(&home.path.join(".docker/config.json"), br#"{"credHelpers": {"ghcr.io": "ensign"}}"#);
    fs::set_permissions(home.bin(), Permissions::from_mode(0o555)).unwrap();
    let before = home.tree();
    if fs::write(home.bin().join("probe"), b"").is_ok() {
        return eprintln!("skipped: this user may write everywhere");
    }
    let error = fails(&run(&mut home.script(&["--uninstall"])));
    fs::set_permissions(home.bin(), Permissions::from_mode(0o755)).unwrap();
    assert!(error.contains("may not write to `"), "{error}");
    assert!(error.ends_with("bin/docker-credential-ensign\" configure-docker --undo\n"), "{error}");
    assert_eq!(home.tree(), before);
    let config = fs::read_to_string(home.path.join(".docker/config.json")).unwrap();
    assert!(config.contains("ensign"), "{config}");
}

#[test]
fn an_empty_folder_that_was_there_before_stays() {
    let home = Home::new();
    for folder in ["bin", "lib", "share/man/man1", "share/zsh"] {
        fs::create_dir_all(home.path.join(".local").join(folder)).unwrap();
    }
    let before = home.tree();
    assert_eq!(home.install(&["--program", "/bin/true"]).code, Some(1));
    assert_eq!(home.tree(), before, "a failed installation");
    succeeds(home.install(&[]));
    succeeds(home.install(&[]));
    succeeds(run(&mut home.script(&["--uninstall"])));
    assert_eq!(home.tree(), before);
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
fn docker_no_longer_asks_a_program_that_is_gone() {
    let home = Home::new();
    succeeds(home.install(&[]));
    let program = home.bin().join("docker-credential-ensign");
    let config = home.path.join(".docker/config.json");
    write(&config, br#"{"credHelpers": {"ghcr.io": "ensign"}}"#);

    write_program(&program, "#!/bin/sh\nexit 1\n");
    let before = home.tree();
    let run_failing = run(&mut home.script(&["--uninstall"]));
    assert!(fails(&run_failing).starts_with("Docker's settings could not be put back, so nothing was removed.\n"));
    assert_eq!(home.tree(), before);

    write_program(
        &program,
        "#!/bin/sh\n[ \"$*\" = 'configure-docker --undo' ] && echo '{}' >\"$HOME/.docker/config.json\"\n",
    );
    succeeds(run(&mut home.script(&["--uninstall"])));
    assert_eq!(home.tree(), Vec::<String>::new(), "an empty Docker config is removed");
}

/// The folder of buildx names a pinned program, although Docker's config does not name Ensign.
#[test]
fn no_folder_of_buildx_names_a_program_that_is_gone() {
    let home = Home::new();
    succeeds(home.install(&[]));
    let folder = home.path.join(".docker/buildx/config/ghcr.io/acme/app");
    let text = "{\n  \"credHelpers\": {\n    \"ghcr.io\": \"ensign-work\"\n  }\n}\n";
    write(&folder.join("config.json"), text.as_bytes());
    let run = run(&mut home.script(&["--uninstall"]));
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), "✓ Removed 1 of buildx's folders\n"), "{run:?}");
    assert!(!folder.exists() && !home.bin().exists());
}

/// Docker and Podman fail if a helper is named in their files but not installed.
#[test]
fn no_file_of_a_client_names_a_pinned_helper_that_is_gone() {
    let home = Home::new();
    let own = home.path.join("own");
    fs::create_dir(&own).unwrap();
    let before = home.tree();
    succeeds(home.install(&[]));
    symlink("docker-credential-ensign", home.bin().join("docker-credential-ensign-work")).unwrap();
    symlink(home.bin().join("docker-credential-ensign"), own.join("docker-credential-ensign-work")).unwrap();
    for file in [".docker/config.json", ".config/containers/auth.json"] {
        write(&home.path.join(file), br#"{"credHelpers": {"ghcr.io": "ensign-work"}}"#);
    }
    let conf = home.path.join(".config/containers/registries.conf");
    write(&conf, b"credential-helpers = ['ensign-work', 'pass']\n");
    let path = format!("/usr/bin:/bin:{}", own.display());
    let run = run(home.script(&["--uninstall"]).env("PATH", path));
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(fs::read_to_string(&conf).unwrap(), "credential-helpers = ['pass']\n");
    fs::remove_file(&conf).unwrap();
    fs::remove_dir(conf.parent().unwrap()).expect("an empty auth.json is removed");
    fs::remove_dir_all(home.path.join(".config")).unwrap(); // contains the lock of Ensign
    assert_eq!(home.tree(), before, "{run:?}");
}

#[test]
fn accounts_stay_and_the_last_words_say_how_to_remove_them() {
    let home = Home::new();
    succeeds(home.install(&[]));
    for folder in [".config/ensign", ".local/share/ensign"] {
        fs::create_dir_all(home.path.join(folder)).unwrap();
    }
    let output =
        succeeds(run(home.script(&["--uninstall"]).env("ENSIGN_CONFIG_DIR", home.path.join(".config/ensign"))));
    let command = format!("  rm -r '{}'\n", home.path.join(".config/ensign").display());
    assert!(output.contains(&command), "{output}");
    assert!(home.path.join(".local/share/ensign").is_dir());
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
