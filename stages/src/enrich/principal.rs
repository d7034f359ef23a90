//! Whom a text names, as policies, shares and permissions name them.
//!
//! It does not say whether that is a stranger: that depends on the record and the tables.

use super::tables::{is_account, is_organization};

/// Whom a text names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Principal<'t> {
    /// Everyone.
    Everyone,
    /// An account, or somebody in it: its 12 digits.
    Account(&'t str),
    /// An organisation: its id.
    Organization(&'t str),
    /// An organisational unit: its id, and that of its organisation if it is told.
    Unit(&'t str, Option<&'t str>),
    /// One of AWS's services, by its DNS name.
    Service(&'t str),
    /// Something else: a canonical user, a unique id, a word.
    Other(&'t str),
}

impl<'t> Principal<'t> {
    /// Reads `*`, an account, an ARN, an organisation or unit, or a service.
    pub(super) fn of(text: &'t str) -> Self {
        let text = text.trim();
        if text == "*" {
            return Self::Everyone;
        }
        if is_account(text) {
            return Self::Account(text);
        }
        if is_organization(text) {
            return Self::Organization(text);
        }
        if text.starts_with("ou-") {
            return Self::Unit(text, None);
        }
        if text.ends_with(".amazonaws.com") || text.ends_with(".amazonaws.com.cn") {
            return Self::Service(text);
        }
        Self::of_arn(text).unwrap_or(Self::Other(text))
    }

    fn of_arn(text: &'t str) -> Option<Self> {
        let arn = Arn::parse(text)?;
        if arn.service == "organizations" {
            // The account in it is that of the organisation's management, not of who is meant.
            let mut parts = arn.resource.split('/');
            let (kind, organization, below) = (parts.next(), parts.next()?, parts.next());
            return Some(match (kind, below) {
                (Some("ou"), Some(unit)) => Self::Unit(unit, Some(organization)),
                (Some("account"), Some(account)) if is_account(account) => Self::Account(account),
                _ => Self::Organization(organization),
            });
        }
        is_account(arn.account).then_some(Self::Account(arn.account))
    }
}

/// The parts of an ARN that tell whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arn<'t> {
    pub service: &'t str,
    /// Empty where the service is one for all regions.
    pub region: &'t str,
    /// Empty where the service's names are one space for everybody.
    pub account: &'t str,
    pub resource: &'t str,
}

impl<'t> Arn<'t> {
    /// Takes `arn:partition:service:region:account:resource` apart; patterns are taken apart alike.
    pub(super) fn parse(text: &'t str) -> Option<Self> {
        let (first, rest) = text.split_once(':')?;
        let (_partition, rest) = rest.split_once(':')?;
        first.eq_ignore_ascii_case("arn").then(|| Self::parts(rest)).flatten()
    }

    /// Takes `service:region:account:resource` apart, an ARN behind its partition.
    pub(super) fn parts(text: &'t str) -> Option<Self> {
        let mut parts = text.splitn(4, ':');
        let (service, region) = (parts.next()?, parts.next()?);
        let (account, resource) = (parts.next()?, parts.next()?);
        Some(Self { service, region, account, resource })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_of_naming_somebody_is_read() {
        for (text, expected) in [
            ("*", Principal::Everyone),
            ("111122223333", Principal::Account("111122223333")),
            ("arn:aws:iam::111122223333:root", Principal::Account("111122223333")),
            ("arn:aws-cn:sts::111122223333:assumed-role/a/b", Principal::Account("111122223333")),
            ("o-exampleorgid", Principal::Organization("o-exampleorgid")),
            (
                "arn:aws:organizations::111122223333:organization/o-exampleorgid",
                Principal::Organization("o-exampleorgid"),
            ),
            (
                "arn:aws:organizations::111122223333:ou/o-exampleorgid/ou-ab12-cd34",
                Principal::Unit("ou-ab12-cd34", Some("o-exampleorgid")),
            ),
            ("s3.amazonaws.com", Principal::Service("s3.amazonaws.com")),
            ("arn:aws:iam::aws:policy/x", Principal::Other("arn:aws:iam::aws:policy/x")),
            ("arn:aws:iam::1111222233:root", Principal::Other("arn:aws:iam::1111222233:root")),
            ("arn:aws:iam", Principal::Other("arn:aws:iam")),
            ("AIDACKCEVSQ6C2EXAMPLE", Principal::Other("AIDACKCEVSQ6C2EXAMPLE")),
            ("", Principal::Other("")),
        ] {
            assert_eq!(Principal::of(text), expected, "{text}");
        }
    }
}
