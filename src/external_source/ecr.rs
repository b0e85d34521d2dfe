//! Recognises the hosts of Amazon's registries. Only Amazon's own hosts get a password of AWS, because a host with a
//! similar name may be somebody else's.

use crate::model::Registry;

/// The kind and the region of a registry, as its host name states them.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum EcrHost<'h> {
    Public,
    Private { region: &'h str, fips: bool },
}

/// The domains of AWS's partitions (amazon-ecr-credential-helper `ecr-login/api/client.go`).
const DOMAINS: [&str; 9] = [
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "on.aws",
    "on.amazonwebservices.com.cn",
    "sc2s.sgov.gov",
    "c2s.ic.gov",
    "cloud.adc-e.uk",
    "csp.hci.ic.gov",
];

/// Parses a host name such as `123456789012.dkr.ecr.eu-west-1.amazonaws.com`. The whole name must match, as in the
/// official helper.
pub(super) fn parse(registry: &Registry) -> Option<EcrHost<'_>> {
    if is_public(registry) {
        return Some(EcrHost::Public);
    }
    let (account, rest) = registry.as_str().split_once('.')?;
    let rest = rest.strip_prefix("dkr.ecr").or_else(|| rest.strip_prefix("dkr-ecr"))?;
    let (fips, rest) = rest.strip_prefix("-fips").map_or((false, rest), |rest| (true, rest));
    let (region, domain) = rest.strip_prefix('.')?.split_once('.')?;
    let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    let is_region = region.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        && region.starts_with(|c: char| c.is_ascii_alphanumeric());
    (is_account && is_region && DOMAINS.contains(&domain)).then_some(EcrHost::Private { region, fips })
}

/// Tells whether the registry is ECR Public, which allows pulls without a login. There, a program that fails must not
/// stop a pull.
pub(crate) fn is_public(registry: &Registry) -> bool {
    matches!(registry.as_str(), "public.ecr.aws" | "ecr-public.aws.com")
}

#[cfg(test)]
mod tests {
    use super::*;
    use fancy_regex::Regex;

    const OFFICIAL: &str = r"^(\d{12})\.dkr[\.\-]ecr(\-fips)?\.([a-zA-Z0-9][a-zA-Z0-9-_]*)\.(amazonaws\.(?:com(?:\.cn)?|eu)|on\.(?:aws|amazonwebservices\.com\.cn)|sc2s\.sgov\.gov|c2s\.ic\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)$";

    #[test]
    fn only_amazons_hosts_are_ecr_and_they_name_the_region() {
        let private = |region, fips| Some(EcrHost::Private { region, fips });
        let official = Regex::new(OFFICIAL).unwrap();
        for (host, expected) in [
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", private("eu-west-1", false)),
            ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", private("us-gov-west-1", true)),
            ("123456789012.dkr-ecr.us-west-2.on.aws", private("us-west-2", false)),
            ("123456789012.dkr-ecr-fips.us-west-2.on.aws", private("us-west-2", true)),
            ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", private("cn-north-1", false)),
            ("123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov", private("us-iso-east-1", false)),
            ("123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu", private("eusc-de-east-1", false)),
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example", None),
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com:8443", None),
            ("12345678901.dkr.ecr.eu-west-1.amazonaws.com", None),
            ("x123456789012.dkr.ecr.eu-west-1.amazonaws.com", None),
            ("123456789012.dkr.ecr.amazonaws.com", None),
            ("123456789012.dkr.ecr..amazonaws.com", None),
            ("123456789012.dkr.ecr.-a.amazonaws.com", None),
            ("123456789012.dkr.ecr.a.b.amazonaws.com", None),
            ("123456789012.dkr.ecrx.eu-west-1.amazonaws.com", None),
            ("secret.example.com", None),
            ("decrypt.io", None),
            ("public.ecr.aws.evil.example", None),
            ("xpublic.ecr.aws", None),
            ("", None),
        ] {
            assert_eq!(parse(&Registry::from_key(host)), expected, "{host}");
            assert_eq!(official.is_match(host).unwrap(), expected.is_some(), "{host}");
        }
        for host in ["public.ecr.aws", "ecr-public.aws.com"] {
            assert_eq!(parse(&Registry::from_key(host)), Some(EcrHost::Public));
        }
    }
}
