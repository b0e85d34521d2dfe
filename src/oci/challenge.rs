//! Parses the header `WWW-Authenticate`, with which a registry asks for a login (RFC 9110 section 11.6.1).

/// A method of authentication that a server offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    scheme: String,
    parameters: Vec<(String, String)>,
    /// Whether this challenge is malformed and thus not trusted.
    malformed: bool,
}

/// Parses all `WWW-Authenticate` headers of one response. One header may contain several challenges. If a challenge is
/// malformed, the rest of its header is ignored.
pub(super) fn parse(headers: &[String]) -> Vec<Challenge> {
    headers.iter().flat_map(|header| HeaderReader(header).challenges()).collect()
}

impl Challenge {
    pub(super) fn is(&self, scheme: &str) -> bool {
        !self.malformed && self.scheme.eq_ignore_ascii_case(scheme)
    }

    pub(super) fn is_malformed(&self) -> bool {
        self.malformed
    }

    /// Returns the scheme as the server wrote it, at most 32 printable characters.
    pub(super) fn scheme(&self) -> &str {
        &self.scheme
    }

    #[cfg(any(test, fuzzing))]
    pub(super) fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Returns the first value of `key`, ignoring case.
    pub(super) fn parameter(&self, key: &str) -> Option<&str> {
        self.parameters.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value.as_str())
    }
}

/// The part of a header that has not been read yet.
struct HeaderReader<'a>(&'a str);

impl<'a> HeaderReader<'a> {
    /// Commas separate the parameters of a challenge, and commas separate challenges too. A word before `=` is the name
    /// of a parameter. Any other word begins a challenge.
    fn challenges(&mut self) -> Vec<Challenge> {
        let mut challenges: Vec<Challenge> = Vec::new();
        while !self.skip_separators().is_empty() {
            let word = self.take(is_token);
            let spaced = !self.take(is_space).is_empty();
            if !word.is_empty() && self.0.starts_with('=') {
                let value = self.value();
                let Some(challenge) = challenges.last_mut() else { break };
                let Some(value) = value else {
                    challenge.malformed = true;
                    break;
                };
                challenge.parameters.push((word.to_owned(), value));
            } else if !word.is_empty() && word.len() <= 32 && (spaced || self.at_end_of_item()) {
                challenges.push(Challenge { scheme: word.to_owned(), parameters: Vec::new(), malformed: false });
                self.skip_token68();
            } else {
                if let Some(challenge) = challenges.last_mut() {
                    challenge.malformed = true;
                }
                break;
            }
        }
        challenges
    }

    /// Reads `="quoted"` or `=bare`. Returns `None` if the value or the closing quote is missing.
    fn value(&mut self) -> Option<String> {
        self.0 = self.0.strip_prefix('=')?;
        self.take(is_space);
        if self.at_end_of_item() {
            return None;
        }
        let value = match self.0.strip_prefix('"') {
            Some(rest) => {
                self.0 = rest;
                self.quoted()?
            }
            None => self.take(|c| !is_space(c) && !matches!(c, ',' | '"') && !c.is_control()).to_owned(),
        };
        (self.at_end_of_item() || self.0.starts_with(is_space)).then_some(value)
    }

    /// Reads up to the closing quote. A `\` makes the next character literal.
    fn quoted(&mut self) -> Option<String> {
        let mut value = String::new();
        let mut chars = self.0.chars();
        loop {
            let c = match chars.next()? {
                '"' => break,
                '\\' => chars.next()?,
                c => c,
            };
            if c.is_control() {
                return None;
            }
            value.push(c);
        }
        self.0 = chars.as_str();
        Some(value)
    }

    /// Skips the data that a scheme such as `Negotiate` has instead of parameters.
    fn skip_token68(&mut self) {
        let before = self.0;
        self.take(|c| c.is_ascii_alphanumeric() || "-._~+/".contains(c));
        self.take(|c| c == '=');
        self.take(is_space);
        if !self.at_end_of_item() {
            self.0 = before;
        }
    }

    fn skip_separators(&mut self) -> &'a str {
        self.take(|c| is_space(c) || c == ',');
        self.0
    }

    fn at_end_of_item(&self) -> bool {
        self.0.is_empty() || self.0.starts_with(',')
    }

    fn take(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let end = self.0.find(|c| !belongs(c)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(end);
        self.0 = rest;
        taken
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

/// RFC 9110 section 5.6.2.
fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Returns each challenge as `scheme key=[value] …`, with a `!` if it is malformed.
    fn show(headers: &[&str]) -> Vec<String> {
        let headers: Vec<String> = headers.iter().map(|&header| header.to_owned()).collect();
        let show = |challenge: &Challenge| {
            let parameters = challenge.parameters.iter().map(|(key, value)| format!(" {key}=[{value}]"));
            let fault = if challenge.malformed { "!" } else { "" };
            format!("{fault}{}{}", challenge.scheme, parameters.collect::<String>())
        };
        parse(&headers).iter().map(show).collect()
    }

    #[test]
    fn w1_to_w19_the_challenges_of_real_registries_are_read() {
        let cases: &[(&str, &[&str], &[&str])] = &[
            (
                "W1 Docker Hub",
                &[r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io""#],
                &["Bearer realm=[https://auth.docker.io/token] service=[registry.docker.io]"],
            ),
            (
                "W2 a comma inside quotes",
                &[r#"Bearer realm="https://h/t",service="s",scope="repository:samalba/my-app:pull,push""#],
                &["Bearer realm=[https://h/t] service=[s] scope=[repository:samalba/my-app:pull,push]"],
            ),
            (
                "W3 ghcr",
                &[r#"Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:user/image:pull""#],
                &["Bearer realm=[https://ghcr.io/token] service=[ghcr.io] scope=[repository:user/image:pull]"],
            ),
            (
                "W4 ECR",
                &[r#"Basic realm="https://1.dkr.ecr.eu-central-1.amazonaws.com/",service="ecr.amazonaws.com""#],
                &["Basic realm=[https://1.dkr.ecr.eu-central-1.amazonaws.com/] service=[ecr.amazonaws.com]"],
            ),
            ("W5 Artifactory", &[r#"Basic realm="Artifactory Realm""#], &["Basic realm=[Artifactory Realm]"]),
            (
                "W6 Gitea: two headers, no service, a bare scheme",
                &[r#"Bearer realm="https://h/v2/token""#, "Basic"],
                &["Bearer realm=[https://h/v2/token]", "Basic"],
            ),
            (
                "W7 Codeberg: two challenges in one header",
                &[
                    r#"Bearer realm="https://h/v2/token",service="container_registry",scope="*",Basic realm="https://h/v2",service="container_registry",scope="*""#,
                ],
                &[
                    "Bearer realm=[https://h/v2/token] service=[container_registry] scope=[*]",
                    "Basic realm=[https://h/v2] service=[container_registry] scope=[*]",
                ],
            ),
            (
                "W8 SUSE",
                &[
                    r#"Bearer realm="https://registry.suse.com/auth",service="SUSE Linux Docker Registry",scope="registry:catalog:*",error="insufficient_scope""#,
                ],
                &[
                    "Bearer realm=[https://registry.suse.com/auth] service=[SUSE Linux Docker Registry] scope=[registry:catalog:*] error=[insufficient_scope]",
                ],
            ),
            (
                "W9 OpenShift",
                &[r#"Bearer realm="http://127.0.0.1:5000/openshift/token""#],
                &["Bearer realm=[http://127.0.0.1:5000/openshift/token]"],
            ),
            (
                "W10 a realm without scheme",
                &[r#"Bearer realm="localhost:1447/token",service="localhost""#],
                &["Bearer realm=[localhost:1447/token] service=[localhost]"],
            ),
            ("W11 any case", &[r"bEaReR realm=x", r#"BaSiC ReAlM="y""#], &["bEaReR realm=[x]", "BaSiC ReAlM=[y]"]),
            (
                "W12 bare value and escapes",
                &[r#"Bearer realm="r",service="s",other=fun,slashed="he\"\l\lo""#],
                &[r#"Bearer realm=[r] service=[s] other=[fun] slashed=[he"llo]"#],
            ),
            ("W13 no closing quote", &[r#"Bearer realm="https://a/token"#], &["!Bearer"]),
            ("W13 no value", &[r#"Bearer realm="r",service="#], &["!Bearer realm=[r]"]),
            (
                "W14 an empty value",
                &[r#"Bearer realm="r",empty="",service="x""#],
                &["Bearer realm=[r] empty=[] service=[x]"],
            ),
            (
                "W15 a relative realm",
                &[r#"Bearer realm="/token2",service="x""#],
                &["Bearer realm=[/token2] service=[x]"],
            ),
            (
                "W16 an unknown key, spaces",
                &[r#"Bearer realm = "r" , service="s", scopes="repository:a:pull""#],
                &["Bearer realm=[r] service=[s] scopes=[repository:a:pull]"],
            ),
            (
                "W17 proxies",
                &["Negotiate", r#"Negotiate YIIB+/==, Basic realm="x""#, "NTLM"],
                &["Negotiate", "Negotiate", "Basic realm=[x]", "NTLM"],
            ),
            ("W18 a character set", &[r#"Basic realm="x", charset="UTF-8""#], &["Basic realm=[x] charset=[UTF-8]"]),
            ("W19 control characters", &["Basic realm=\"a\r\nb\"", "Bearer\r\n realm=x"], &["!Basic"]),
            (
                "control characters, bare or escaped",
                &["Basic realm=a\u{85}b", "Basic realm=\"\\\u{7f}\""],
                &["!Basic", "!Basic"],
            ),
            ("W19 outside ASCII", &["Basic realm=\"Zürich\""], &["Basic realm=[Zürich]"]),
            ("the first is kept", &[r#"Basic realm="x", Bearer realm="y"z"#], &["Basic realm=[x]", "!Bearer"]),
            ("nothing", &["", ",", "=", "=x", "realm=\"x\""], &[]),
        ];
        for (name, headers, expected) in cases {
            assert_eq!(show(headers), *expected, "{name}");
        }
    }

    #[test]
    fn schemes_and_keys_compare_without_case() {
        let challenge = &parse(&[r#"bEaReR ReAlM="x",realm="y""#.to_owned()])[0];
        assert!(challenge.is("Bearer"));
        assert_eq!(challenge.parameter("realm"), Some("x"));
    }

    proptest! {
        #[test]
        fn no_header_is_too_odd(header in r#"(Bearer|Basic|realm|=|"|\\|,| |\PC){0,20}"#) {
            parse(&[header]);
        }
    }
}
