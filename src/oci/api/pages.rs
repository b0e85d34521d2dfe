//! Handles lists in pages: finds the next page (RFC 8288, distribution-spec «Listing Tags»), and merges all pages.

use serde_json::Value;

use super::endpoint::EndpointKind;
use crate::system::http::Url;

/// Returns the name of the JSON field that contains the list, or `None` for an endpoint without a list.
pub(super) fn list_of(kind: EndpointKind) -> Option<&'static str> {
    match kind {
        EndpointKind::Catalog => Some("repositories"),
        EndpointKind::Tags => Some("tags"),
        EndpointKind::Referrers => Some("manifests"),
        _ => None,
    }
}

/// Returns the address of the page after `page_url`, if there is one. An address outside the registry is an error.
pub(super) fn next(links: &[&str], page_url: &Url) -> Result<Option<Url>, String> {
    let Some(target) = links.iter().find_map(|header| target(header)) else { return Ok(None) };
    let target = if target.starts_with('?') { format!("{}{target}", page_url.path()) } else { target.to_owned() };
    let url = page_url.follow(&target).ok_or("the address of the next page is not valid")?;
    if !url.is_same_origin(page_url) || !url.path().starts_with("/v2/") {
        return Err(format!("the next page is outside the registry, at `{}`", url.authority()));
    }
    Ok(Some(url))
}

/// Returns the address between `<` and `>` in the first link with `rel="next"`.
fn target(header: &str) -> Option<&str> {
    let mut rest = header;
    loop {
        let (_, after) = rest.split_once('<')?;
        let (target, after) = after.split_once('>')?;
        let (parameters, next) = after.split_at(after.find('<').unwrap_or(after.len()));
        let is_next = |parameter: &str| {
            parameter.trim().trim_end_matches(',').trim_end().split_once('=').is_some_and(|(key, value)| {
                key.trim().eq_ignore_ascii_case("rel")
                    && value
                        .trim()
                        .trim_matches('"')
                        .split_ascii_whitespace()
                        .any(|rel| rel.eq_ignore_ascii_case("next"))
            })
        };
        if parameters.split(';').any(is_next) {
            return Some(target);
        }
        rest = next;
    }
}

/// Appends a page to the previous pages. A registry that is written in Go may send an empty list as `null`.
pub(super) fn merge(all: &mut Option<Value>, mut page: Value, list: &str) -> Result<(), String> {
    let items = match page.get_mut(list).map(Value::take) {
        Some(Value::Array(items)) => items,
        Some(Value::Null) => Vec::new(),
        _ => return Err(format!("the response has no list of {list}")),
    };
    let all = all.get_or_insert(page);
    match &mut all[list] {
        Value::Array(before) => before.extend(items),
        other => *other = Value::Array(items),
    }
    Ok(())
}

/// Sorts the tags. Lists other than tags keep the order of the response.
pub(super) fn sort_tags(all: &mut Value) {
    if let Some(Value::Array(tags)) = all.get_mut("tags") {
        tags.sort_unstable_by(|first, other| first.as_str().cmp(&other.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_next_page_lies_on_the_same_registry() {
        let page_url = Url::parse("http://localhost:5000/v2/_catalog").unwrap();
        for (header, expected) in [
            (r#"</v2/_catalog?last=b&n=2>; rel="next""#, "/v2/_catalog"),
            ("<http://localhost:5000/v2/a/tags/list?last=b>;rel=next", "/v2/a/tags/list"),
            (r#"<?last=b>; rel="next""#, "/v2/_catalog"),
            (r#"</v2/x>; rel="prev", </v2/y>; title="a"; REL="last Next""#, "/v2/y"),
            (r#"</v2/x>; rel="prev""#, "none"),
            ("</v2/x", "none"),
            ("", "none"),
            (
                r#"<http://evil.example/v2/_catalog>; rel="next""#,
                "the next page is outside the registry, at `evil.example`",
            ),
            (
                r#"<https://localhost:5000/v2/_catalog>; rel="next""#,
                "the next page is outside the registry, at `localhost:5000`",
            ),
            (r#"</admin>; rel="next""#, "the next page is outside the registry, at `localhost:5000`"),
            (r#"<//evil.example/v2/>; rel="next""#, "the address of the next page is not valid"),
            (r#"<>; rel="next""#, "the address of the next page is not valid"),
        ] {
            let found = match next(&[header], &page_url) {
                Ok(url) => url.map_or("none".to_owned(), |url| url.path().to_owned()),
                Err(why) => why,
            };
            assert_eq!(found, expected, "{header}");
        }
        assert_eq!(next(&[], &page_url), Ok(None));
        assert!(next(&["", r#"</v2/b>; rel="next""#], &page_url).unwrap().is_some());
    }

    #[test]
    fn pages_become_one_list_and_tags_are_sorted() {
        let mut all = None;
        for page in
            [json!({"name": "a", "tags": ["2", "10"]}), json!({"name": "a", "tags": null}), json!({"tags": ["1"]})]
        {
            merge(&mut all, page, "tags").unwrap();
        }
        let mut all = all.unwrap();
        sort_tags(&mut all);
        assert_eq!(all, json!({"name": "a", "tags": ["1", "10", "2"]}));
        let mut all = None;
        for page in [json!({"repositories": ["b", "a"]}), json!({"repositories": ["c"]})] {
            merge(&mut all, page, "repositories").unwrap();
        }
        assert_eq!(all, Some(json!({"repositories": ["b", "a", "c"]})));
        for odd in [json!([]), json!({"tags": "1"}), json!({}), json!(null)] {
            assert!(merge(&mut None, odd, "tags").is_err());
        }
    }
}
