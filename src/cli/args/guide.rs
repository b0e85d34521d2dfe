//! The commands with their examples, in the groups that `help` shows. A new command needs one row here.

/// A command and its examples. Each example is a command line and its effect.
pub(super) type GuideRow = (&'static str, &'static [(&'static str, &'static str)]);

/// The groups, in the order of the help. The short help describes each command of the first group. Of the other groups
/// it lists only the commands' names.
pub(super) const GROUPS: [(&str, &[GuideRow]); 5] = [
    (
        "Every day",
        &[
            (
                "login",
                &[
                    ("ensign login ghcr.io", "asks for name and token"),
                    ("ensign login ghcr.io/acme -u me-acme", "for images of acme"),
                    ("ensign login ghcr.io -u me --password-stdin < FILE", "for scripts"),
                ],
            ),
            (
                "status",
                &[
                    ("ensign status", "all accounts"),
                    ("ensign status ghcr.io", "those of one registry"),
                    ("ensign status --expiring 7d", "what you must renew within a week"),
                ],
            ),
            (
                "which",
                &[
                    ("ensign which ghcr.io/acme/app", "the account that pulls it"),
                    ("ensign which ghcr.io/acme/app --push", "the account that pushes it"),
                    ("ensign which --as 'docker compose push'", "what a whole command gets"),
                ],
            ),
            (
                "doctor",
                &[
                    ("ensign doctor", "look at everything here"),
                    ("ensign doctor --online", "ask the registries too"),
                    ("ensign doctor --fix CHECK", "fix what a check found"),
                ],
            ),
            (
                "switch",
                &[
                    ("ensign switch", "to the other of two; with more, a menu"),
                    ("ensign switch ghcr.io work", "to the account `work`"),
                    ("ensign switch ghcr.io -", "back to the one before"),
                ],
            ),
            (
                "check",
                &[
                    ("ensign check", "all accounts, one line for each"),
                    ("ensign check ghcr.io/acme/app --push", "may the account push there?"),
                ],
            ),
            ("why", &[("ensign why", "the last ten answers"), ("ensign why ghcr.io/acme/app", "those about an image")]),
            (
                "logout",
                &[
                    ("ensign logout ghcr.io", "the only account, or a menu"),
                    ("ensign logout ghcr.io work", "the account `work`"),
                    ("ensign logout ghcr.io --all", "all accounts of the registry"),
                ],
            ),
        ],
    ),
    (
        "Set-up",
        &[
            (
                "configure-docker",
                &[
                    ("ensign configure-docker", "for all registries with accounts"),
                    ("ensign configure-docker --dry-run", "only show what would change"),
                    ("ensign configure-docker --import", "take over plain-text logins too"),
                    ("ensign configure-docker --undo", "remove Ensign again"),
                ],
            ),
            (
                "import",
                &[
                    ("ensign import --dry-run", "what there is to import"),
                    ("ensign import", "import all of it, after a question"),
                    ("ensign import docker --remove", "and remove it from Docker's file"),
                ],
            ),
            (
                "account",
                &[
                    ("ensign account show ghcr.io", "all there is to know"),
                    ("ensign account edit ghcr.io me --alias work", "another label"),
                    ("ensign account edit work --images '+acme/**'", "for more images"),
                ],
            ),
            (
                "store",
                &[
                    ("ensign store sealed", "keep new secrets sealed"),
                    ("ensign store move --to sealed", "seal the existing secrets too"),
                    ("ensign store key", "who holds the key"),
                ],
            ),
            (
                "public",
                &[
                    ("ensign public add 'docker.io/library/**'", "pulled without an account"),
                    ("ensign public remove ghcr.io/acme/base", "pulled with an account again"),
                ],
            ),
            (
                "route",
                &[
                    ("ensign route", "who answers for what"),
                    ("ensign route '*.azurecr.io' acr-env", "by docker-credential-acr-env"),
                    ("ensign route '*.azurecr.io' --remove", "no longer"),
                ],
            ),
            (
                "update",
                &[
                    ("ensign update", "to the newest release"),
                    ("ensign update --check", "only check; exit code 7 if there is a newer one"),
                    ("ensign update --rollback", "back to the previous program"),
                ],
            ),
            (
                "completions",
                &[
                    ("ensign completions fish | source", "fish, this shell"),
                    ("source <(ensign completions bash)", "bash, this shell; zsh too"),
                ],
            ),
        ],
    ),
    (
        "For one shell, folder or build",
        &[
            ("use", &[("ensign use --none", "print the line that unsets the account")]),
            (
                "exec",
                &[
                    ("ensign exec -a work -- docker compose push", "as any account called `work`"),
                    ("ensign exec -a ghcr.io=me -- make release", "on one registry"),
                ],
            ),
            (
                "trust",
                &[
                    ("ensign trust", "the nearest .ensign.toml, after a question"),
                    ("ensign trust --list", "what is trusted"),
                    ("ensign trust --revoke", "stop trusting it"),
                ],
            ),
            (
                "grant",
                &[
                    ("ensign account edit ghcr.io work --grant required", "require a grant"),
                    ("ensign grant ghcr.io work --for 15m", "allow it for 15 minutes"),
                    ("ensign grant ghcr.io work --end", "end the grant"),
                ],
            ),
            ("prompt", &[("PS1='$(ensign prompt) '$PS1", "in bash")]),
            (
                "buildx",
                &[
                    ("ensign buildx sync", "for the builds of this folder"),
                    ("ensign buildx sync ghcr.io/acme/app", "and for this image"),
                    ("ensign buildx sync --remove", "remove the folders"),
                ],
            ),
            (
                "pin",
                &[
                    ("ensign pin work", "make docker-credential-ensign-work"),
                    ("ensign pin", "what is pinned"),
                    ("ensign pin work --remove", "remove it again"),
                ],
            ),
        ],
    ),
    (
        "For scripts",
        &[
            (
                "token",
                &[
                    ("ensign token ghcr.io/acme/app", "to pull"),
                    ("ensign token ghcr.io/acme/app --push", "to push too"),
                ],
            ),
            (
                "api",
                &[
                    ("ensign api ghcr.io acme/app/tags/list --paginate", "all tags"),
                    ("ensign api ghcr.io acme/app/manifests/1.0 -i", "with the headers"),
                ],
            ),
            (
                "export",
                &[
                    ("ensign export ghcr.io --format auth.json -o auth.json", "for Podman"),
                    ("ensign export ghcr.io --format secret | kubectl apply -f -", "for a cluster"),
                ],
            ),
        ],
    ),
    (
        "Special",
        &[
            ("unlock", &[("ensign unlock", "with the passphrase")]),
            ("lock", &[("ensign lock", "until the next `unlock`")]),
            ("restore", &[("ensign restore", "when a message says so")]),
            ("version", &[("ensign version", "the version of this copy")]),
            ("help", &[("ensign help login", "all options of a command"), ("ensign help patterns", "a topic")]),
        ],
    ),
];

/// The topics of `help`: name, one-line description and text.
pub(super) const TOPICS: [(&str, &str, &str); 4] = [
    ("patterns", "How images are named for an account", include_str!("topics/patterns.txt")),
    ("environment", "The variables that Ensign reads", include_str!("topics/environment.txt")),
    ("json", "What `--json` prints, for programs", include_str!("topics/json.txt")),
    ("exit-codes", "What exit codes mean, for scripts", include_str!("topics/exit-codes.txt")),
];

/// The rows of all groups.
pub(super) fn rows() -> impl Iterator<Item = &'static GuideRow> {
    GROUPS.iter().flat_map(|(_, rows)| rows.iter())
}
