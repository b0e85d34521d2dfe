//! `Requester`: the account or anonymous user that a registry and its token server see.

use crate::model::{Credential, Secret, Username};
use crate::system::http::{Authorization, FormField};

/// An account's credentials, or no credentials for an anonymous user. If a server issues a new identity token, later
/// requests use the new token, because the server may refuse the old token.
#[derive(Debug)]
pub(super) struct Requester<'a> {
    credential: Option<&'a Credential>,
    renewed: Option<Secret>,
}

impl<'a> Requester<'a> {
    pub(super) fn new(credential: &'a Credential) -> Self {
        Self { credential: Some(credential), renewed: None }
    }

    pub(super) fn anonymous() -> Self {
        Self { credential: None, renewed: None }
    }

    /// Replaces the identity token. If the credential is a password, the server's token is ignored, because the
    /// password remains the saved secret.
    pub(super) fn renew(&mut self, refresh: Option<Secret>) {
        let Some(credential) = self.identity() else { return };
        let shown = self.renewed.as_ref().unwrap_or(&credential.secret);
        if let Some(refresh) = refresh.filter(|refresh| refresh != shown) {
            self.renewed = Some(refresh);
        }
    }

    /// Returns the new identity token to save, if there is one.
    pub(super) fn into_renewed(self) -> Option<Secret> {
        self.renewed
    }

    pub(super) fn is_anonymous(&self) -> bool {
        self.credential.is_none()
    }

    pub(super) fn has_identity_token(&self) -> bool {
        self.identity().is_some()
    }

    pub(super) fn identity_token(&self) -> Option<FormField<'a>> {
        let credential = self.identity()?;
        Some(match &self.renewed {
            Some(renewed) => FormField::Own(renewed.copy()),
            None => FormField::Secret(&credential.secret),
        })
    }

    pub(super) fn username(&self) -> Option<&'a Username> {
        self.credential.map(|credential| &credential.username)
    }

    /// Returns the credential if it is an identity token.
    fn identity(&self) -> Option<&'a Credential> {
        self.credential.filter(|credential| credential.username.is_identity_token())
    }

    /// Returns the Basic authorization with user name and password. Returns no authorization for an identity token,
    /// because only the token server accepts an identity token.
    pub(super) fn password(&self) -> Authorization<'a> {
        match self.credential {
            Some(credential) if !credential.username.is_identity_token() => Authorization::Basic(credential),
            _ => Authorization::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(requester: &Requester<'_>) -> String {
        #[expect(clippy::disallowed_methods, reason = "the test looks at what is shown")]
        match requester.identity_token() {
            Some(FormField::Own(secret)) => secret.expose().to_owned(),
            Some(FormField::Secret(secret)) => secret.expose().to_owned(),
            _ => String::new(),
        }
    }

    #[test]
    fn a_new_identity_token_takes_the_place_of_the_old_one() {
        let credential = |name: &str| Credential { username: name.parse().unwrap(), secret: Secret::new("1".into()) };
        let fresh = |text: &str| Some(Secret::new(text.to_owned()));
        let (token, password) = (credential("<token>"), credential("alice"));
        let mut requester = Requester::new(&token);
        for (renewed, expected) in
            [(None, "1"), (fresh("1"), "1"), (fresh("2"), "2"), (fresh("2"), "2"), (None, "2"), (fresh("3"), "3")]
        {
            requester.renew(renewed);
            assert_eq!(shown(&requester), expected);
        }
        assert_eq!(requester.into_renewed(), Some(Secret::new("3".into())));
        for mut other in [Requester::new(&password), Requester::anonymous()] {
            other.renew(fresh("2"));
            assert_eq!(shown(&other), "");
            assert!(other.into_renewed().is_none(), "a password is not renewed");
        }
        let mut same = Requester::new(&token);
        same.renew(fresh("1"));
        assert!(same.into_renewed().is_none());
    }
}
