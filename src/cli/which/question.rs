//! `Question`: the image, registry or command that a person asks about, as the input of the rules.

use std::path::PathBuf;

use crate::accounts::ANY_COMMAND;
use crate::caller::{self, Program};
use crate::cli::CommandContext;
use crate::docker::ClientFamily;
use crate::model::choice::{
    AccountRequest, CallerContext, CommandImages, ExplicitAccount, FileImages, ImageRole, ProjectAccounts, TrustedFile,
};
use crate::model::{CallerFacts, CallerRule, ImageReference, Operation, Registry};
use crate::system::text::one_line;
use crate::system::{env, folders};

/// A question about one registry, and about the command's images in this registry.
pub(super) struct Question {
    pub(super) registry: Registry,
    pub(super) command: CommandImages,
    /// The operation (pull or push) that the command's files imply.
    in_files: Option<Operation>,
    pub(super) mentions: FileImages,
    pub(super) typed: String,
    /// The family of the command's client, if a command was typed.
    pub(super) reader: Option<ClientFamily>,
    /// The registry's name as the user typed the name.
    pub(super) name: String,
    /// The value that the typed command sets for `ENSIGN_ACCOUNT`.
    account: Option<String>,
}

impl Question {
    /// Makes the question about an image or a host. The answer for an image is the answer for any command with this
    /// image. The answer for a host is the answer for a command without an image.
    pub(super) fn for_image(registry: &Registry, image: Option<ImageReference>, operation: Option<Operation>) -> Self {
        let command = CommandImages { images: image.into_iter().collect(), operation, ..CommandImages::default() };
        let typed = ANY_COMMAND.to_owned();
        Self {
            registry: registry.clone(),
            command,
            in_files: None,
            mentions: FileImages::default(),
            typed,
            reader: None,
            name: registry.to_string(),
            account: None,
        }
    }

    /// Makes the question about the account that the command `program` gets for `registry`. `typed` is the whole
    /// command line.
    pub(super) fn for_command(program: &Program, typed: &str, registry: Registry) -> Self {
        let command = caller::command_of([program], &registry);
        let is_for_files = command.images.is_empty() || command.role != ImageRole::Needed;
        let mentions =
            if is_for_files { caller::images_in_files_of([program], &registry) } else { FileImages::default() };
        let in_files =
            if command.operation.is_none() { caller::operation_in_files_of([program], &registry) } else { None };
        let is_containers_tool = ["podman", "buildah", "skopeo"].contains(&program.name.as_str());
        let reader = Some(if is_containers_tool { ClientFamily::Containers } else { ClientFamily::Docker });
        let mut spelled = program.args.iter().flat_map(|word| word.split([',', '='])).filter_map(|text| {
            Registry::spelled(text.rsplit("//").next().unwrap_or_default())
                .filter(|(named, _)| *named == registry && !registry.is_docker_hub())
        });
        let name = spelled.find_map(|(_, spelling)| spelling).unwrap_or_else(|| registry.to_string());
        let account = program.typed_variable("ENSIGN_ACCOUNT").map(str::to_owned);
        Self { registry, command, in_files, mentions, typed: one_line(typed, usize::MAX), reader, name, account }
    }

    /// Returns the request for the rules. The request contains neither a pinned helper nor a user in the address,
    /// because only a client's call can contain these.
    pub(super) fn request(&self, context: &CommandContext<'_>) -> AccountRequest {
        let environment = ExplicitAccount::parse(self.named(context), &self.registry);
        AccountRequest { environment, ..AccountRequest::default() }
    }

    /// Returns the value of `ENSIGN_ACCOUNT` in the typed command, or else in the environment.
    fn named<'v>(&'v self, context: &'v CommandContext<'_>) -> Option<&'v str> {
        self.account.as_deref().or(context.env.account.as_deref())
    }
}

impl CallerContext for Question {
    fn command(&self) -> CommandImages {
        self.command.clone()
    }

    fn operation_in_files(&self) -> Option<Operation> {
        self.in_files
    }

    fn mentions(&self) -> FileImages {
        self.mentions.clone()
    }

    fn project(&self, trusted: &[TrustedFile]) -> Option<ProjectAccounts> {
        caller::project::trusted_in(&env::current_dir()?, trusted)
    }

    fn folder(&self) -> Vec<PathBuf> {
        folders::of_caller()
    }

    fn facts(&self, rule: &CallerRule) -> CallerFacts {
        caller::facts(rule)
    }
}
