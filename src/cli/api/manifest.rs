//! Reads the media type and the platforms of a manifest.

use serde_json::Value;

use crate::system::text::one_line;

/// Returns the media type of a manifest, or `None` if the manifest contains no valid media type (image-spec
/// `manifest.md`).
pub(super) fn media_type(bytes: &[u8]) -> Option<String> {
    let document: Value = serde_json::from_slice(bytes).ok()?;
    let text = document.get("mediaType")?.as_str()?;
    let plain = !text.is_empty() && text.len() <= 255 && text.bytes().all(|b| b.is_ascii_graphic());
    plain.then(|| text.to_owned())
}

/// Returns the platforms in a manifest, such as `linux/amd64` or `linux/arm64/v8`.
pub(super) fn platforms(bytes: &[u8]) -> Vec<String> {
    let Ok(document) = serde_json::from_slice::<Value>(bytes) else { return Vec::new() };
    let entries = document.get("manifests").and_then(Value::as_array);
    let own = [Some(&document), document.get("config")].into_iter().flatten();
    let descriptors = own.chain(entries.into_iter().flatten());
    descriptors.filter_map(|descriptor| platform(descriptor.get("platform")?)).collect()
}

fn platform(value: &Value) -> Option<String> {
    let part = |name: &str| value.get(name).and_then(Value::as_str).filter(|part| !part.is_empty());
    let parts: Vec<&str> =
        [Some(part("os")?), Some(part("architecture")?), part("variant")].into_iter().flatten().collect();
    Some(one_line(&parts.join("/"), 60))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_manifest_says_what_it_is_and_for_which_platforms() {
        let index = r#"{"mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [
            {"platform": {"os": "linux", "architecture": "amd64"}},
            {"platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}}, {"digest": "sha256:1"}]}"#;
        for (text, media_type, platforms) in [
            (index, Some("application/vnd.oci.image.index.v1+json"), "linux/amd64 linux/arm64/v8"),
            (r#"{"config": {"platform": {"os": "linux", "architecture": "s390x"}}}"#, None, "linux/s390x"),
            (r#"{"platform": {"os": "linux", "architecture": ""}, "mediaType": 5}"#, None, ""),
            (r#"{"mediaType": "a b"}"#, None, ""),
            ("[]", None, ""),
            ("x", None, ""),
        ] {
            assert_eq!(super::media_type(text.as_bytes()).as_deref(), media_type, "{text}");
            assert_eq!(super::platforms(text.as_bytes()).join(" "), platforms, "{text}");
        }
    }
}
