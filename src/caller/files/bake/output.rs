//! `BakeOutput`: the destination of a target's result.
//!
//! Sources: docker/buildx `util/buildflags/export.go`, `build/opt.go`.

use std::path::{Path, PathBuf};

use crate::caller::command_words::FlagKind;
use crate::caller::files::ImageSide;
use crate::caller::files::image_side::UNKNOWN;
use crate::caller::images::{csv_fields, field, is_push};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BakeOutput {
    pub(super) text: String,
    pub(super) file: PathBuf,
}

/// The destination of a result. If a target has several outputs, the destination that comes last in this list counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum OutputDestination {
    Nowhere,
    /// Ensign cannot tell whether the image is pushed.
    PerhapsSomewhere,
    /// The image is pushed to the registry of each tag. An image without tags is pushed to the registry of each name in
    /// an output.
    AsTagged,
}

/// Returns the destination of all outputs together.
pub(super) fn destination_of_all(outputs: &[BakeOutput]) -> OutputDestination {
    outputs.iter().map(|output| destination(&output.text)).max().unwrap_or(OutputDestination::Nowhere)
}

pub(super) fn destination(text: &str) -> OutputDestination {
    let fields = csv_fields(text);
    let push = field(&fields, "push");
    match kind(text) {
        Some("registry") => OutputDestination::AsTagged,
        Some("image") if push.is_some_and(|push| push.contains(UNKNOWN)) => OutputDestination::PerhapsSomewhere,
        Some("image") if push.is_some_and(is_push) => OutputDestination::AsTagged,
        Some(_) => OutputDestination::Nowhere,
        None => OutputDestination::PerhapsSomewhere,
    }
}

/// Returns the image names in those outputs that push the image.
pub(super) fn names(outputs: &[BakeOutput]) -> ImageSide {
    let mut side = ImageSide::default();
    for BakeOutput { text, file } in
        outputs.iter().filter(|output| destination(&output.text) == OutputDestination::AsTagged)
    {
        side.add(FlagKind::Output, text, file);
    }
    side
}

/// Applies `--push` or `--set TARGET.push=VALUE` to the image outputs. If a pushed target has only outputs for Docker,
/// or no outputs, an image output is added.
pub(super) fn set_push(outputs: &mut Vec<BakeOutput>, push: bool, file: &Path) {
    if !push {
        outputs.retain(|output| kind(&output.text) != Some("registry"));
        return replace_push(outputs, "false");
    }
    replace_push(outputs, "true");
    if outputs.iter().all(|output| kind(&output.text) == Some("docker")) {
        outputs.push(BakeOutput { text: "type=image,push=true".to_owned(), file: file.to_owned() });
    }
}

fn replace_push(outputs: &mut [BakeOutput], push: &str) {
    for output in outputs.iter_mut().filter(|output| kind(&output.text) == Some("image")) {
        let mut fields = csv_fields(&output.text);
        fields.retain(|pair| field(std::slice::from_ref(pair), "push").is_none());
        output.text = csv_record(fields.into_iter().chain([format!("push={push}")]));
    }
}

/// Returns the type of an output, or `None` if the type is unknown. A text without `=` is the path of a folder or an
/// archive.
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

/// Joins fields to one record of comma-separated values, with quotes where needed.
pub(super) fn csv_record(fields: impl Iterator<Item = String>) -> String {
    let quoted = |field: String| {
        if field.contains([',', '"']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
    };
    fields.map(quoted).collect::<Vec<_>>().join(",")
}
