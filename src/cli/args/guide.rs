//! The examples of each command, in the groups that `help` shows. A new command needs one row here.

/// A command, a command line as an example, and the effect of the example.
pub(super) type GuideRow = (&'static str, &'static str, &'static str);

/// The groups, in the order of the help. The short help describes each command of the first group. Of the other groups
/// it lists only the commands' names.
pub(super) const GROUPS: [(&str, &[GuideRow]); 5] = [
    (
        "Every day",
        &[
            ("login", "ensign login ghcr.io", "ask for name and token"),
            ("login", "ensign login ghcr.io/acme -u me-acme", "log in for acme's images"),
            ("login", "ensign login ghcr.io -u me --password-stdin < FILE", "read the token from a file"),
            ("status", "ensign status", "list all accounts"),
            ("status", "ensign status ghcr.io", "list the accounts of one registry"),
            ("status", "ensign status --expiring 7d", "list what expires within a week"),
            ("which", "ensign which ghcr.io/acme/app", "show which account pulls the image"),
            ("which", "ensign which ghcr.io/acme/app --push", "show which account pushes the image"),
            ("which", "ensign which --as 'docker compose push'", "show the accounts of a command"),
            ("doctor", "ensign doctor", "check this machine"),
            ("doctor", "ensign doctor --online", "check the registries too"),
            ("doctor", "ensign doctor --fix CHECK", "fix what a check found"),
            ("switch", "ensign switch", "switch to the other account, or show a menu"),
            ("switch", "ensign switch ghcr.io work", "switch to the account `work`"),
            ("switch", "ensign switch ghcr.io -", "switch back to the previous account"),
            ("check", "ensign check", "check all accounts"),
            ("check", "ensign check ghcr.io/acme/app --push", "ask whether the account may push"),
            ("why", "ensign why", "show the last ten answers"),
            ("why", "ensign why ghcr.io/acme/app", "show the answers about an image"),
            ("logout", "ensign logout ghcr.io", "remove the only account, or show a menu"),
            ("logout", "ensign logout ghcr.io work", "remove the account `work`"),
            ("logout", "ensign logout ghcr.io --all", "remove all accounts of the registry"),
        ],
    ),
    (
        "Set-up",
        &[
            ("configure-docker", "ensign configure-docker", "set up all registries with accounts"),
            ("configure-docker", "ensign configure-docker --dry-run", "only show what would change"),
            ("configure-docker", "ensign configure-docker --import", "import plain-text logins too"),
            ("configure-docker", "ensign configure-docker --undo", "remove Ensign from the configs"),
            ("import", "ensign import --dry-run", "list what can be imported"),
            ("import", "ensign import", "import everything, after a question"),
            ("import", "ensign import docker --remove", "move the logins out of Docker's file"),
            ("account", "ensign account show ghcr.io", "show everything about the accounts"),
            ("account", "ensign account edit ghcr.io me --alias work", "change the alias"),
            ("account", "ensign account edit work --images '+acme/**'", "use the account for more images"),
            ("store", "ensign store sealed", "keep new secrets sealed"),
            ("store", "ensign store move --to sealed", "seal the existing secrets too"),
            ("store", "ensign store key", "show who holds the key"),
            ("public", "ensign public add 'docker.io/library/**'", "pull these images without an account"),
            ("public", "ensign public remove ghcr.io/acme/base", "pull this image with an account"),
            ("route", "ensign route", "list the routes"),
            ("route", "ensign route '*.azurecr.io' acr-env", "let docker-credential-acr-env answer"),
            ("route", "ensign route '*.azurecr.io' --remove", "remove the route"),
            ("update", "ensign update", "install the newest release"),
            ("update", "ensign update --check", "only check; exit code 7 means a newer release"),
            ("update", "ensign update --rollback", "go back to the previous program"),
            ("completions", "ensign completions fish | source", "load completions into fish"),
            ("completions", "source <(ensign completions bash)", "load completions into bash"),
            ("completions", "source <(ensign completions zsh)", "load completions into zsh, after compinit"),
        ],
    ),
    (
        "For one shell, folder or build",
        &[
            ("use", "ensign use --none", "print the line that unsets the account"),
            ("exec", "ensign exec -a work -- docker compose push", "use each account named `work`"),
            ("exec", "ensign exec -a ghcr.io=me -- make release", "use `me` on ghcr.io"),
            ("trust", "ensign trust", "trust the nearest .ensign.toml"),
            ("trust", "ensign trust --list", "list the trusted files"),
            ("trust", "ensign trust --revoke", "stop trusting the file"),
            ("grant", "ensign account edit ghcr.io work --grant required", "require a grant"),
            ("grant", "ensign grant ghcr.io work --for 15m", "allow use for 15 minutes"),
            ("grant", "ensign grant ghcr.io work --end", "end the grant"),
            ("prompt", "PS1='$(ensign prompt) '$PS1", "show the account in bash's prompt"),
            ("buildx", "ensign buildx sync", "write folders for the builds here"),
            ("buildx", "ensign buildx sync ghcr.io/acme/app", "write a folder for this image too"),
            ("buildx", "ensign buildx sync --remove", "remove the folders"),
            ("pin", "ensign pin work", "make docker-credential-ensign-work"),
            ("pin", "ensign pin", "list the pinned helpers"),
            ("pin", "ensign pin work --remove", "remove the pinned helper"),
        ],
    ),
    (
        "For scripts",
        &[
            ("token", "ensign token ghcr.io/acme/app", "print a token that can pull"),
            ("token", "ensign token ghcr.io/acme/app --push", "print a token that can also push"),
            ("api", "ensign api ghcr.io acme/app/tags/list --paginate", "list all tags"),
            ("api", "ensign api ghcr.io acme/app/manifests/1.0 -i", "print a manifest and headers"),
            ("export", "ensign export ghcr.io --format auth.json -o auth.json", "set up Podman"),
            ("export", "ensign export ghcr.io --format secret | kubectl apply -f -", "set up Kubernetes"),
        ],
    ),
    (
        "Special",
        &[
            ("unlock", "ensign unlock", "type the passphrase once"),
            ("lock", "ensign lock", "close the key until the next `unlock`"),
            ("restore", "ensign restore", "put back the last good copy"),
            ("version", "ensign version", "print the version of this program"),
            ("help", "ensign help login", "show all options of a command"),
            ("help", "ensign help patterns", "show a topic"),
        ],
    ),
];

/// The topics of `help`: name, one-line description and text.
pub(super) const TOPICS: [(&str, &str, &str); 4] = [
    ("patterns", "How to name the images of an account", include_str!("topics/patterns.txt")),
    ("environment", "The most important variables that Ensign reads", include_str!("topics/environment.txt")),
    ("json", "What `--json` prints, for programs", include_str!("topics/json.txt")),
    ("exit-codes", "What exit codes mean, for scripts", include_str!("topics/exit-codes.txt")),
];

/// The names of a group's commands.
pub(super) fn commands(rows: &[GuideRow]) -> impl Iterator<Item = &'static str> {
    rows.chunk_by(|(command, ..), (next, ..)| command == next).map(|rows| rows[0].0)
}

/// The examples of a command.
pub(super) fn examples(command: &str) -> impl Iterator<Item = &'static GuideRow> {
    GROUPS.iter().flat_map(|(_, rows)| *rows).filter(move |(name, ..)| *name == command)
}
