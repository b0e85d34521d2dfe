//! Reads a Markdown page as a list of its code blocks. Hidden comments before a block tell the tests how to run it.

use std::path::Path;

#[derive(Debug)]
pub struct Block {
    pub line: usize,
    pub language: String,
    pub text: String,
    pub marks: Vec<Mark>,
}

/// An instruction before a block: `<!-- test: … -->`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Runs this script before the block.
    Before(String),
    /// Runs this script after the block; it must exit with 0.
    After(String),
    /// Runs the block on a terminal, and types these answers to these questions.
    Answers(Vec<(String, String)>),
    /// Writes the block to this file.
    File(String),
    /// Expects this exit code from the block's last command.
    Exit(i32),
    /// The block needs the internet, so the tests only check the words of Ensign's commands.
    Outside,
    /// Starts a new session of the page, in a new home.
    NewHome,
}

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

/// Parses `QUESTION=ANSWER`, such as `Password=pw`. Enter follows the answer.
fn answer(pair: &str) -> Option<(String, String)> {
    let (question, answer) = pair.split_once('=')?;
    Some((question.to_owned(), format!("{answer}\r")))
}

/// Returns the commands of a `console` block, each with the output below it.
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

/// Returns the words of Ensign's commands in a script. A command ends where the shell's next one begins.
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

/// Splits a line into words, and operators (marked by `true`). A comment ends the line. The function supports only the
/// shell syntax that the pages use.
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
                // The word `\0` ends the command's words, because another command or a file's name follows.
                word = Some(String::from("\0"));
                end(&mut word);
            }
            _ => word.get_or_insert_default().push(letter),
        }
    }
    end(&mut word);
    words.into_iter().map(|(text, _)| (text.clone(), text == "\0")).collect()
}
