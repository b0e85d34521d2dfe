//! `Answer`: the ladder in words, rung by rung, and what to do where it decides nothing.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::chosen::{for_any, none_for, purposes};
use super::question::Question;
use crate::cli::failure::Failure;
use crate::cli::folder::Seen;
use crate::cli::reason::{self, Advice};
use crate::cli::{Context, callers, first, route};
use crate::docker::{Reader, containers};
use crate::model::choice::{Finding, Grounds, ImageRole, Ladder, Route, Rung};
use crate::model::{Account, Operation, Registry, Source};
use crate::system::text::word;

/// What is answered at one registry.
pub(super) struct Answer {
    registry: Registry,
    pub(super) json: Value,
    /// Who answers, and below it why.
    lines: Vec<String>,
    advice: Vec<Advice>,
    end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Somebody, or nobody is needed.
    Answered,
    NoChoice,
    /// The registry is unknown here.
    NoAccounts,
}

impl Answer {
    pub(super) fn to(context: &Context<'_>, question: &Question) -> Result<Self, Failure> {
        let candidates = context.accounts.of(&question.registry)?;
        let wish = question.wish(context);
        context.refuse_unknown_account(&wish, &candidates)?;
        let ladder = Ladder::new(&candidates, &wish, question);
        let route = context.accounts.route(&question.registry)?;
        let answer = match route.filter(|_| ladder.public_image().is_none()) {
            Some(route) => routed(context, &question.registry, &route),
            None if candidates.accounts.is_empty() && candidates.public.is_empty() => no_accounts(context, question),
            None => Climb::of(context, question, &ladder).told(),
        };
        Ok(answer.behind(context, question))
    }

    /// The answer with whoever goes before Ensign at the client, or at each of them if no command was typed.
    fn behind(mut self, context: &Context<'_>, question: &Question) -> Self {
        let (registry, name) = (&question.registry, question.name.as_str());
        let image = question.command.images.first();
        let Some(reader) = question.reader else {
            for (reader, who) in [(Reader::Docker, "Docker"), (Reader::Containers, "Podman, Buildah and Skopeo")] {
                let is_used = reader == Reader::Docker || containers::are_found(context.env);
                let before = is_used.then(|| first::before_us(context, reader, registry, name, image)).flatten();
                let sentence = before.and_then(|before| first::sentence(context, who, name, &before));
                self.advice.extend(sentence.map(Advice::from));
                if is_used && first::is_missed(context, reader, registry, name) {
                    self.advice.push(Advice::from(format!(
                        "{who}: exactly `{name}` is looked for, and Ensign is not asked for that:  {} configure-docker {name}",
                        context.program
                    )));
                }
            }
            return self;
        };
        if first::is_missed(context, reader, registry, name) {
            self.advice.push(Advice::from(format!(
                "exactly `{name}` is looked for, and Ensign is not asked for that:  {} configure-docker {name}",
                context.program
            )));
        }
        let Some(before) = first::before_us(context, reader, registry, name, image) else { return self };
        self.advice.extend(first::sentence(context, "these clients", name, &before).map(Advice::from));
        let would_be = self.lines.first().cloned().unwrap_or_default();
        let who = context.ui.bold(&first::name_of(&before));
        self.lines.insert(0, format!("{who}   (found before Ensign is asked, which would say: {would_be})"));
        self.lines.remove(1);
        self.json["first"] = first::value(&before);
        self.json["would_be"] = self.json["account"].take();
        self.end = End::Answered;
        self
    }

    pub(super) fn has_nobody(&self) -> bool {
        self.end == End::NoAccounts
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        if self.end == End::Answered { ExitCode::SUCCESS } else { ExitCode::from(3) }
    }

    pub(super) fn text(&self) -> String {
        self.lines.join("\n")
    }

    pub(super) fn text_with_registry(&self) -> String {
        format!("{}: {}", self.registry, self.text())
    }

    pub(super) fn advise(&self, context: &Context<'_>) {
        self.advice.iter().for_each(|advice| advice.show(&context.ui));
    }

    /// For where nobody else answers either.
    pub(super) fn advise_login(&self, context: &Context<'_>) {
        let (registry, program) = (&self.registry, context.program);
        let host = word(registry.as_str());
        context.ui.note(format_args!("{registry} has no account: run `{program} login {host}`"));
    }
}

/// There is no account, and so no ladder to climb.
fn routed(context: &Context<'_>, registry: &Registry, chosen: &Route) -> Answer {
    let program = chosen.helper.program();
    let by = chosen.by.as_ref().map(Registry::as_str);
    let helper = chosen.helper.to_string();
    let json = json!({"registry": registry.as_str(), "account": null, "helper": helper, "route": by});
    let why = by.map_or("it is the one for all registries without an account here".to_owned(), |by| {
        format!("it was chosen for {by}")
    });
    let line = format!("{}   ({why})", context.ui.bold(&program));
    let dead = route::is_dead(context, &chosen.helper);
    let advice = dead.then(|| format!("`{program}` is not installed: until it is, nobody answers there"));
    let advice = advice.map(Advice::from).into_iter().collect();
    Answer { registry: registry.clone(), json, lines: vec![line], advice, end: End::Answered }
}

fn no_accounts(context: &Context<'_>, question: &Question) -> Answer {
    let registry = question.registry.clone();
    let json = json!({"registry": registry.as_str(), "images": images(question), "account": null});
    let line = format!("{}   (the registry has none)", context.ui.bold("no account"));
    Answer { registry, json, lines: vec![line], advice: vec![], end: End::NoAccounts }
}

fn images(question: &Question) -> Vec<String> {
    question.command.images.iter().map(ToString::to_string).collect()
}

/// The ladder with all its rungs, also those beyond the one that decides.
struct Climb<'c, 'l> {
    context: &'c Context<'c>,
    question: &'c Question,
    ladder: &'c Ladder<'l, 'l, Question>,
    rungs: Vec<(Rung, Finding<'l>)>,
    /// Where it ends.
    chosen: Option<usize>,
    found: Option<&'l Account>,
    passed_over: Vec<&'l Account>,
    seen: Option<Seen>,
}

impl<'c, 'l> Climb<'c, 'l> {
    fn of(context: &'c Context<'c>, question: &'c Question, ladder: &'c Ladder<'l, 'l, Question>) -> Self {
        let rungs: Vec<_> = Rung::ALL.into_iter().map(|rung| (rung, ladder.finding(rung))).collect();
        let ends =
            |finding: &Finding<'_>| !matches!(finding, Finding::Nothing | Finding::Torn(_) | Finding::Unknown(_));
        let chosen = rungs.iter().position(|(_, finding)| ends(finding));
        let found = chosen.and_then(|place| match &rungs[place].1 {
            Finding::Account(account, _) => Some(*account),
            _ => None,
        });
        let accounts = ladder.candidates.accounts.iter();
        let passed_over =
            accounts.filter(|account| !account.serves(ladder.operation()) && Some(*account) != found).collect();
        let seen = Seen::here(&ladder.candidates.trusted);
        Self { context, question, ladder, rungs, chosen, found, passed_over, seen }
    }

    fn told(&self) -> Answer {
        let end = if self.found.is_some() || self.is_public() { End::Answered } else { End::NoChoice };
        let (json, lines, advice) = (self.json(), self.lines(), self.advice());
        Answer { registry: self.question.registry.clone(), json, lines, advice, end }
    }

    fn json(&self) -> Value {
        let (ladder, registry) = (self.ladder, &self.question.registry);
        let rungs = self.rungs.iter().enumerate();
        json!({
            "registry": registry.as_str(),
            "images": images(self.question),
            "operation": ladder.operation().map(Operation::as_str),
            "account": self.found.map(|account| account.name.as_str()),
            "username": self.found.map(|account| account.username.as_str()),
            "source": self.found.map(|account| account.source.to_string()),
            "callers": self.found.map(|account| callers::json(&account.callers)),
            "passed_over": self.passed_over.iter().map(|account| account.name.as_str()).collect::<Vec<_>>(),
            "ladder": rungs
                .map(|(place, (rung, finding))| rung_json(*rung, finding, self.chosen == Some(place)))
                .collect::<Vec<_>>(),
            "project": self.seen.as_ref().map(|seen| seen.json(registry)),
        })
    }

    fn lines(&self) -> Vec<String> {
        let nobody = if self.is_public() { "no account needed" } else { "no account" };
        let source = match self.found.map(|account| &account.source) {
            None | Some(Source::Given) => String::new(),
            Some(source) => format!("   (secret from {source})"),
        };
        let who = self.found.map_or(nobody, |account| account.name.as_str());
        let mut lines = vec![format!("{}{source}", self.context.ui.bold(who))];
        for (place, (rung, finding)) in self.rungs.iter().enumerate() {
            let mark = match self.chosen {
                Some(end) if end == place && self.found.is_none() => "   ← ends here",
                Some(end) if end == place => "   ← chosen",
                _ => "",
            };
            lines.push(format!("{:>3} {:22} {}{mark}", place + 1, rung.to_string(), self.sentence(*rung, finding)));
        }
        if let Some(callers) = self.found.and_then(|account| self.context.callers(account)) {
            lines.push(format!("  May ask: {callers}"));
        }
        if self.ladder.candidates.is_alias() {
            let (host, registry) = (&self.question.registry, &self.ladder.candidates.registry);
            lines.push(format!("  {host} is answered as {registry}"));
        }
        if !self.passed_over.is_empty() {
            let taken = match self.ladder.operation() {
                Some(operation) => format!("It is a {operation}"),
                None => "Taken for a pull".to_owned(),
            };
            lines.push(format!("  {taken}: {}", purposes(self.passed_over.iter().copied())));
        }
        lines
    }

    fn advice(&self) -> Vec<Advice> {
        let (context, candidates, registry) = (self.context, self.ladder.candidates, &self.question.registry);
        let mut advice = Vec::new();
        if self.ladder.serving().is_empty() && self.chosen.is_none() && !candidates.accounts.is_empty() {
            let operation = self.ladder.operation().unwrap_or(Operation::Pull);
            let (why, command) = (none_for(candidates, operation), for_any(context, candidates));
            advice.push(Advice::from(format!("{why}. To change that:  {command}")));
        }
        if let Some((_, finding)) = self.rungs.iter().find(|(_, finding)| matches!(finding, Finding::Torn(_))) {
            let torn = Grounds::of(finding).torn;
            let answered = self.found.map(|account| account.name.as_str());
            let typed = &self.question.typed;
            advice.extend(reason::ways_out(context, registry.as_str(), &torn, &candidates.accounts, answered, typed));
        }
        if self.rungs.iter().any(|(_, finding)| matches!(finding, Finding::Unknown(_))) {
            let Question { typed, .. } = self.question;
            let way = format!("ENSIGN_ACCOUNT={}=NAME {typed}", word(registry.as_str()));
            advice.push(Advice::from(format!(
                "files that are not known whole choose no account. For this command:  {way}"
            )));
        }
        let seen = self.seen.as_ref();
        let shown = seen.map(|seen| reason::shown(context, &seen.path));
        let about_file = seen.zip(shown).and_then(|(seen, shown)| seen.advice(context, &shown, candidates));
        advice.extend(about_file.map(Advice::from));
        advice
    }

    /// The command line would decide, did it not leave it to the files.
    fn is_about_files(&self) -> bool {
        self.question.command.role != ImageRole::Needed && self.ladder.finding(Rung::Files) != Finding::Nothing
    }

    fn is_public(&self) -> bool {
        self.chosen.is_some_and(|place| matches!(self.rungs[place].1, Finding::Public(..)))
    }

    fn sentence(&self, rung: Rung, finding: &Finding<'_>) -> String {
        let (context, question, ladder) = (self.context, self.question, self.ladder);
        let told = reason::told(context, &Grounds::of(finding));
        match finding {
            Finding::Account(account, _) if told.is_empty() => format!("→ {}", account.name),
            Finding::Account(account, _) => format!("→ {}   ({told})", account.name),
            Finding::NoSuchAccount(_) | Finding::Public(..) | Finding::Torn(_) | Finding::Unknown(_) => told,
            Finding::Nothing => match rung {
                Rung::Environment if question.named(context).is_some() => "names no account of this registry",
                Rung::Environment => "not set",
                Rung::PinnedName => "the program is not pinned",
                Rung::AddressUser | Rung::AddressImage | Rung::Active => "none",
                Rung::CommandLine | Rung::Files | Rung::Folder if ladder.candidates.sole_answer() => {
                    "not asked, for there is one account"
                }
                Rung::CommandLine if question.command.images.is_empty() => "names no image of this registry",
                Rung::CommandLine if self.is_about_files() => "names only what is built, which is not pushed",
                Rung::CommandLine if !self.passed_over.is_empty() => "names no image of an account that is for this",
                Rung::CommandLine => "names no image that belongs to an account",
                Rung::Files if !question.command.images.is_empty() && question.command.role == ImageRole::Needed => {
                    "not read, for the command line names an image"
                }
                Rung::Files if question.mentions.images.is_empty() => "name no image of this registry",
                Rung::Files if !self.passed_over.is_empty() => "name no image of an account that is for this",
                Rung::Files => "name no image that belongs to an account",
                Rung::Project => {
                    return self.seen.as_ref().map_or("none".into(), |seen| {
                        seen.sentence(&reason::shown(context, &seen.path), ladder.candidates)
                    });
                }
                Rung::Folder => "no account's folder",
                Rung::Only if ladder.serving().is_empty() => "none",
                Rung::Only if ladder.serving().len() > 1 => "there are several",
                Rung::Only => "the registry is signed out",
            }
            .to_owned(),
        }
    }
}

fn rung_json(rung: Rung, finding: &Finding<'_>, chosen: bool) -> Value {
    let account = match finding {
        Finding::Account(account, _) => Some(account.name.as_str()),
        _ => None,
    };
    json!({"rung": rung.to_string(), "account": account, "chosen": chosen, "detail": Grounds::of(finding)})
}
