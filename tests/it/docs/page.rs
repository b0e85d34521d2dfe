//! `Page`: a file of Markdown as the blocks it shows, with what hidden comments before them tell the tests.

use std::path::Path;

/// A fenced block.
#[derive(Debug)]
pub struct Block {
    pub line: usize,
    pub language: String,
    pub text: String,
    pub marks: Vec<Mark>,
}

/// `<!-- test: … -->` before a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A script that runs before the block.
    Before(String),
    /// A script that must end with 0 after the block.
    After(String),
    /// What a person types at which question: the block runs on a terminal.
    Answers(Vec<(String, String)>),
    /// The block is written to this file.
    File(String),
    /// The exit code of the block's last command.
    Exit(i32),
    /// It needs the world outside: only the words of our commands are checked.
    Outside,
    /// A page's next session, in a new home.
    NewHome,
}

/// Reads the blocks of a page.
pub fn read(path: &Path) -> Vec<Block> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines().enumerate();
    let (mut blocks, mut marks) = (Vec::new(), Vec::new());
    while let Some((number, line)) = lines.next() {
        let place = || format!("{}:{}", path.display(), number + 1);
        if let Some(rest) = line.trim_start().strip_prefix("<!-- test: ") {
            let mut comment = rest.to_owned();
            while !comment.trim_end().ends_with("-->") {
                comment += "\n";
                comment += lines.next().unwrap_or_else(|| panic!("{}: a comment without an end", place())).1;
            }
            let words = comment.trim_end().trim_end_matches("-->").trim();
            marks.push(Mark::read(words).unwrap_or_else(|| panic!("{}: no mark: {words}", place())));
        } else if let Some(language) = line.trim_start().strip_prefix("```") {
            let indent = line.len() - line.trim_start().len();
            let body = lines.by_ref().map(|(_, line)| line).take_while(|line| line.trim() != "```");
            let text = body.map(|line| line.get(indent..).unwrap_or("").to_owned() + "\n").collect();
            let (language, marks) = (language.trim().to_owned(), std::mem::take(&mut marks));
            blocks.push(Block { line: number + 1, language, text, marks });
        }
    }
    assert!(marks.is_empty(), "{}: marks without a block behind them: {marks:?}", path.display());
    blocks
}

impl Mark {
    fn read(words: &str) -> Option<Self> {
        let (key, rest) = words.split_once([' ', '\n']).unwrap_or((words, ""));
        Some(match key {
            "before" => Self::Before(rest.to_owned()),
            "after" => Self::After(rest.to_owned()),
            "answers" => Self::Answers(rest.split("; ").map(answer).collect::<Option<_>>()?),
            "file" => Self::File(rest.to_owned()),
            "exit" => Self::Exit(rest.parse().ok()?),
            "outside" => Self::Outside,
            "new" if rest == "home" => Self::NewHome,
            _ => return None,
        })
    }
}

/// `Password=pw`; to yes or no one key is the answer.
fn answer(pair: &str) -> Option<(String, String)> {
    let (question, answer) = pair.split_once('=')?;
    let end = if matches!(answer, "y" | "n") { "" } else { "\r" };
    Some((question.to_owned(), answer.to_owned() + end))
}

/// The commands of a `console` block, each with the output that is shown below it.
pub fn session(text: &str) -> Vec<(String, String)> {
    let mut steps: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push((command.to_owned(), String::new()));
        } else if let (Some((command, output)), Some(more)) = (steps.last_mut(), line.strip_prefix("> ")) {
            assert!(output.is_empty(), "`> ` goes on with a command, in {text}");
            *command += "\n";
            *command += more;
        } else {
            let (_, output) = steps.last_mut().unwrap_or_else(|| panic!("output without a command in {text}"));
            *output += line;
            *output += "\n";
        }
    }
    steps
}

/// The words of our own commands in a script, each up to where the shell's next command begins.
pub fn own_commands(script: &str) -> Vec<Vec<String>> {
    let joined = script.replace("\\\n", " ").replace('`', "\n").replace("$(", "\n");
    let mut commands = Vec::new();
    for line in joined.lines() {
        let line = line.strip_prefix("$ ").unwrap_or(line);
        let mut words: Vec<String> = Vec::new();
        for word in shell_words(line).into_iter().chain([(";".to_owned(), true)]) {
            if !word.1 {
                words.push(word.0);
                continue;
            }
            let name = |word: &String| word == "ensign" || word == "docker-credential-ensign";
            if let Some(place) = words.iter().position(name) {
                let own = words.split_off(place + 1);
                commands.push(own.into_iter().take_while(|word| word != "--").collect());
            }
            words.clear();
        }
    }
    commands
}

/// Words and operators (`true`) of a line; a comment ends it. Enough for what a page shows.
fn shell_words(line: &str) -> Vec<(String, bool)> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut end = |word: &mut Option<String>| words.extend(word.take().map(|text| (text, false)));
    for letter in line.chars() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, ' ') => end(&mut word),
            (None, '|' | ';' | '&' | '<' | '>' | ')') => {
                end(&mut word);
                // What follows is another command, or a file's name, which is none of ours.
                word = Some(String::from("\0"));
                end(&mut word);
            }
            _ => word.get_or_insert_default().push(letter),
        }
    }
    end(&mut word);
    words.into_iter().map(|(text, _)| (text.clone(), text == "\0")).collect()
}
