//! Where a target's result goes, as its outputs say.
//!
//! docker/buildx `util/buildflags/export.go`, `build/opt.go`.

use std::path::Path;
use std::rc::Rc;

use crate::caller::files::Side;
use crate::caller::files::side::UNKNOWN;
use crate::caller::images::csv_fields;
use crate::caller::words::Meaning;

/// One output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Output {
    pub(super) text: String,
    pub(super) file: Rc<Path>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goes {
    Nowhere,
    /// To the registry of each tag, or of each name of an output if there are no tags.
    AsTagged,
    /// Which of them is not known.
    PerhapsSomewhere,
}

/// Whether anything is pushed.
pub(super) fn goes(outputs: &[Output]) -> Goes {
    let each: Vec<Goes> = outputs.iter().map(|output| one_goes(&output.text)).collect();
    match () {
        () if each.contains(&Goes::AsTagged) => Goes::AsTagged,
        () if each.contains(&Goes::PerhapsSomewhere) => Goes::PerhapsSomewhere,
        () => Goes::Nowhere,
    }
}

fn one_goes(text: &str) -> Goes {
    let fields = csv_fields(text);
    let push = field(&fields, "push");
    match kind(text) {
        Some("registry") => Goes::AsTagged,
        Some("image") if push.is_some_and(|push| push.contains(UNKNOWN)) => Goes::PerhapsSomewhere,
        Some("image") if push.is_some_and(is_true) => Goes::AsTagged,
        Some(_) => Goes::Nowhere,
        None => Goes::PerhapsSomewhere,
    }
}

/// The names that outputs which are pushed have.
pub(super) fn names(outputs: &[Output]) -> Side {
    let mut side = Side::default();
    for Output { text, file } in outputs.iter().filter(|output| one_goes(&output.text) == Goes::AsTagged) {
        side.add(Meaning::Output, text, file);
    }
    side
}

/// What `--set TARGET.push=true` and `--push` do: an image is pushed, and one is made where nothing but Docker gets any.
pub(super) fn set_push(outputs: &mut Vec<Output>, push: bool, file: &Rc<Path>) {
    if !push {
        outputs.retain(|output| kind(&output.text) != Some("registry"));
        return replace_push(outputs, "false");
    }
    replace_push(outputs, "true");
    if outputs.iter().all(|output| kind(&output.text) == Some("docker")) {
        outputs.push(Output { text: "type=image,push=true".to_owned(), file: file.clone() });
    }
}

fn replace_push(outputs: &mut [Output], push: &str) {
    for output in outputs.iter_mut().filter(|output| kind(&output.text) == Some("image")) {
        let others = csv_fields(&output.text).into_iter().filter(|field| !field.starts_with("push="));
        let quoted = |field: String| {
            if field.contains([',', '"']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
        };
        let fields: Vec<String> = others.map(quoted).chain([format!("push={push}")]).collect();
        output.text = fields.join(",");
    }
}

/// `None` if it is not known. A text without any `=` is a folder or an archive.
pub(super) fn kind(text: &str) -> Option<&'static str> {
    if !text.contains('=') {
        return (!text.contains(UNKNOWN)).then_some("local");
    }
    let fields = csv_fields(text);
    let kind = field(&fields, "type").unwrap_or_default();
    match kind {
        "registry" => Some("registry"),
        "image" => Some("image"),
        "docker" => Some("docker"),
        kind if kind.contains(UNKNOWN) => None,
        _ => Some("other"),
    }
}

fn field<'f>(fields: &'f [String], name: &str) -> Option<&'f str> {
    fields
        .iter()
        .find_map(|field| field.split_once('=').filter(|(key, _)| key.trim().eq_ignore_ascii_case(name)))
        .map(|(_, value)| value)
}

pub(super) fn is_true(text: &str) -> bool {
    matches!(text, "1" | "t" | "T" | "TRUE" | "true" | "True")
}
