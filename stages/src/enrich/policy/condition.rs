//! Whether a condition keeps strangers out.
//!
//! It does if strangers cannot meet it: if it asks for something of the caller, or of the place that is
//! called from, that they do not have, and has a value for it that is fixed. What the caller chooses
//! freely (tags, names, the referer, MFA, encryption) narrows nothing, nor does an operator that holds
//! where the key is missing.

use super::super::cidr::{Network, is_world};
use super::super::principal::Arn;
use super::super::tables::{is_account, is_organization};
use super::statement::Condition;

/// What a key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Account,
    Organization,
    Arn,
    /// Ids of networks or endpoints that begin with this.
    Id(&'static str),
    UserId,
    Address,
    /// A name or token that nobody else has.
    Name,
    /// True where strangers are kept out.
    Fact,
}

/// What an operator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Operator<'c> {
    /// Without prefix and suffix.
    name: &'c str,
    /// `ForAllValues`, which holds where the key is missing.
    needs_all: bool,
    /// `ForAnyValue`, which does not.
    needs_any: bool,
    /// `IfExists`.
    if_exists: bool,
}

impl<'c> Operator<'c> {
    fn of(text: &'c str) -> Self {
        let (needs_all, text) = match text.strip_prefix("forallvalues:") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (needs_any, text) = match text.strip_prefix("foranyvalue:") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        match text.strip_suffix("ifexists") {
            Some(name) => Self { name, needs_all, needs_any, if_exists: true },
            None => Self { name: text, needs_all, needs_any, if_exists: false },
        }
    }
}

impl Condition {
    /// True if strangers cannot meet it.
    pub(super) fn keeps_strangers_out(&self) -> bool {
        let operator = Operator::of(&self.operator);
        let Some(kind) = kind(&self.key).filter(|_| !operator.if_exists && !operator.needs_all)
        else {
            return false;
        };
        let is_literal = match (operator.name, kind) {
            ("bool", Kind::Fact) => return self.is_always("true"),
            (_, Kind::Fact) => return false,
            ("stringequals" | "stringequalsignorecase", _) => true,
            ("stringlike" | "arnequals" | "arnlike", _) => false,
            ("ipaddress", Kind::Address) => false,
            _ => return false,
        };
        self.has_fixed_values(kind, is_literal)
    }

    /// In a statement that denies: true if all strangers meet it.
    pub(super) fn hits_strangers(&self) -> bool {
        let operator = Operator::of(&self.operator);
        if operator.needs_any {
            return false;
        }
        let Some(kind) = kind(&self.key) else {
            // A usual exception from such denials: what services do by order of somebody.
            return operator.name == "bool"
                && self.key == "aws:viaawsservice"
                && self.is_always("false");
        };
        let is_literal = match (operator.name, kind) {
            ("bool", Kind::Fact) => return self.is_always("false"),
            (_, Kind::Fact) => return false,
            ("stringnotequals" | "stringnotequalsignorecase", _) => true,
            ("stringnotlike" | "arnnotequals" | "arnnotlike", _) => false,
            ("notipaddress", Kind::Address) => false,
            _ => return false,
        };
        self.has_fixed_values(kind, is_literal)
    }

    /// The accounts that it asks for, where it keeps others out.
    pub(super) fn accounts(&self) -> Vec<&str> {
        let values = self.values.iter().map(String::as_str);
        let accounts = values.filter_map(|value| match kind(&self.key) {
            Some(Kind::Account) => Some(value),
            Some(Kind::Arn) => Arn::parse(value).map(|arn| arn.account),
            Some(_) | None => None,
        });
        accounts.filter(|account| is_account(account)).collect()
    }

    fn is_always(&self, expected: &str) -> bool {
        !self.values.is_empty()
            && self.values.iter().all(|value| value.eq_ignore_ascii_case(expected))
    }

    fn has_fixed_values(&self, kind: Kind, is_literal: bool) -> bool {
        if kind == Kind::Address {
            let networks: Option<Vec<_>> =
                self.values.iter().map(|value| Network::parse(value)).collect();
            return networks.is_some_and(|networks| !networks.is_empty() && !is_world(networks));
        }
        !self.values.is_empty() && self.values.iter().all(|value| is_fixed(kind, value, is_literal))
    }
}

/// What a key, in lower case, holds; `None` if strangers may have any value of it.
fn kind(key: &str) -> Option<Kind> {
    Some(match key {
        "aws:principalaccount"
        | "aws:sourceaccount"
        | "aws:sourceowner"
        | "aws:vpceaccount"
        | "kms:calleraccount"
        | "s3:dataaccesspointaccount" => Kind::Account,
        "aws:principalorgid"
        | "aws:principalorgpaths"
        | "aws:sourceorgid"
        | "aws:sourceorgpaths"
        | "aws:vpceorgid"
        | "aws:vpceorgpaths" => Kind::Organization,
        "aws:principalarn"
        | "aws:sourcearn"
        | "aws:sourcevpcarn"
        | "lambda:sourcefunctionarn"
        | "s3:dataaccesspointarn"
        | "elasticfilesystem:accesspointarn" => Kind::Arn,
        "aws:sourcevpc" => Kind::Id("vpc-"),
        "aws:sourcevpce" => Kind::Id("vpce-"),
        "aws:userid" => Kind::UserId,
        "aws:sourceip" => Kind::Address,
        "aws:principalservicename"
        | "aws:principalservicenameslist"
        | "lambda:eventsourcetoken" => Kind::Name,
        "aws:principalisawsservice" | "elasticfilesystem:accessedviamounttarget" => Kind::Fact,
        _ => return None,
    })
}

/// True if a value stands for somebody in particular. `is_literal`: `*` and `?` are letters like others.
fn is_fixed(kind: Kind, value: &str, is_literal: bool) -> bool {
    if value.contains("${") {
        // Filled in for each request. Of what belongs to the resource it is fixed; what belongs to the
        // caller fits every caller.
        let value = value.to_ascii_lowercase();
        return ["${aws:resourceaccount}", "${aws:resourceorgid}", "${aws:resourceorgpaths}"]
            .iter()
            .any(|own| value.starts_with(own));
    }
    if is_literal {
        return true;
    }
    let fixed = value.split(['*', '?']).next().unwrap_or_default();
    let is_whole = fixed.len() == value.len();
    match kind {
        Kind::Account | Kind::Name => is_whole && !value.is_empty(),
        Kind::Organization => {
            // A path goes on behind the organisation.
            let (organization, _) = fixed.split_once('/').unwrap_or((fixed, ""));
            is_organization(organization) && (is_whole || fixed.contains('/'))
        }
        Kind::Arn => is_fixed_arn(value),
        Kind::Id(start) => is_whole && value.starts_with(start),
        // An id of a user or role has 21 letters and digits; behind it may stand the session's name.
        Kind::UserId => is_account(value) || fixed.len() >= 20 && fixed.starts_with('A'),
        Kind::Address | Kind::Fact => false,
    }
}

/// An account stands in it, or the name of a bucket, which no two accounts share.
fn is_fixed_arn(value: &str) -> bool {
    let Some(arn) = Arn::parse(value) else { return false };
    let is_bucket = arn.service == "s3" && matches!(arn.account, "" | "*");
    is_account(arn.account)
        || is_bucket && !arn.resource.starts_with(['*', '?']) && !arn.resource.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(operator: &str, key: &str, values: &[&str]) -> Condition {
        Condition {
            operator: operator.to_ascii_lowercase(),
            key: key.to_ascii_lowercase(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        }
    }

    #[test]
    fn conditions_narrow_by_what_strangers_do_not_have() {
        for (operator, key, values, expected) in [
            ("StringEquals", "aws:PrincipalOrgID", &["o-exampleorgid"][..], true),
            ("StringLike", "aws:PrincipalOrgID", &["o-*"], false),
            ("StringLike", "aws:PrincipalOrgID", &["*"], false),
            ("StringEqualsIfExists", "aws:PrincipalOrgID", &["o-exampleorgid"], false),
            ("StringNotEquals", "aws:PrincipalOrgID", &["o-exampleorgid"], false),
            ("Null", "aws:PrincipalOrgID", &["false"], false),
            ("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", &["o-exampleorgid/r-ab12/*"], true),
            ("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", &["o-*/r-ab12/*"], false),
            ("ForAllValues:StringLike", "aws:PrincipalOrgPaths", &["o-exampleorgid/*"], false),
            ("StringEquals", "AWS:SourceAccount", &["111122223333"], true),
            ("StringLike", "aws:SourceAccount", &["1111*"], false),
            ("StringLike", "aws:SourceAccount", &["111122223333", "*"], false),
            ("StringEquals", "aws:SourceAccount", &[], false),
            ("StringEquals", "kms:CallerAccount", &["111122223333"], true),
            ("StringEquals", "kms:ViaService", &["s3.us-east-1.amazonaws.com"], false),
            ("ArnLike", "aws:SourceArn", &["arn:aws:sns:*:111122223333:*"], true),
            ("ArnLike", "aws:SourceArn", &["arn:aws:sns:*:*:topic"], false),
            ("ArnLike", "aws:SourceArn", &["arn:aws:s3:::my-bucket"], true),
            ("ArnLike", "aws:SourceArn", &["arn:aws:s3:*:*:my-bucket"], true),
            ("ArnLike", "aws:SourceArn", &["arn:aws:s3:::*"], false),
            ("StringLike", "aws:PrincipalArn", &["arn:aws:iam::*:role/admin"], false),
            ("StringLike", "aws:PrincipalArn", &["*111122223333*"], false),
            ("IpAddress", "aws:SourceIp", &["203.0.113.0/24"], true),
            ("IpAddress", "aws:SourceIp", &["0.0.0.0/0"], false),
            ("IpAddress", "aws:SourceIp", &["0.0.0.0/1", "128.0.0.0/1"], false),
            ("IpAddress", "aws:VpcSourceIp", &["10.0.0.0/8"], false),
            ("StringEquals", "aws:SourceVpce", &["vpce-1a2b3c4d"], true),
            ("StringLike", "aws:SourceVpce", &["vpce-*"], false),
            ("StringLike", "aws:userid", &["AROACKCEVSQ6C2EXAMPLE:*"], true),
            ("StringLike", "aws:userid", &["*:mei"], false),
            ("StringEquals", "aws:PrincipalAccount", &["${aws:ResourceAccount}"], true),
            ("StringEquals", "aws:PrincipalAccount", &["${aws:PrincipalAccount}"], false),
            ("StringEquals", "aws:PrincipalTag/team", &["shop"], false),
            ("Bool", "aws:SecureTransport", &["true"], false),
            ("Bool", "aws:MultiFactorAuthPresent", &["true"], false),
            ("Bool", "aws:PrincipalIsAWSService", &["true"], true),
            ("Bool", "aws:PrincipalIsAWSService", &["false"], false),
            ("Bool", "elasticfilesystem:AccessedViaMountTarget", &["true"], true),
            ("StringEquals", "sts:ExternalId", &["secret"], false),
            ("StringLike", "aws:Referer", &["https://example.com/*"], false),
        ] {
            let found = condition(operator, key, values).keeps_strangers_out();
            assert_eq!(found, expected, "{operator} {key} {values:?}");
        }
    }

    #[test]
    fn denials_hit_strangers_by_the_opposite() {
        for (operator, key, values, expected) in [
            ("StringNotEquals", "aws:PrincipalOrgID", &["o-exampleorgid"][..], true),
            ("StringNotEqualsIfExists", "aws:PrincipalOrgID", &["o-exampleorgid"], true),
            ("StringNotLike", "aws:PrincipalOrgID", &["*"], false),
            ("ForAnyValue:StringNotEquals", "aws:PrincipalOrgPaths", &["o-exampleorgid/x"], false),
            ("StringEquals", "aws:PrincipalOrgID", &["o-exampleorgid"], false),
            ("NotIpAddress", "aws:SourceIp", &["203.0.113.0/24"], true),
            ("NotIpAddress", "aws:SourceIp", &["0.0.0.0/0"], false),
            ("BoolIfExists", "aws:PrincipalIsAWSService", &["false"], true),
            ("Bool", "aws:ViaAWSService", &["false"], true),
            ("Bool", "aws:SecureTransport", &["false"], false),
        ] {
            let found = condition(operator, key, values).hits_strangers();
            assert_eq!(found, expected, "{operator} {key} {values:?}");
        }
    }

    #[test]
    fn accounts_are_read_from_values() {
        let accounts = |key: &str, values: &[&str]| -> Vec<String> {
            condition("StringLike", key, values).accounts().into_iter().map(str::to_owned).collect()
        };
        assert_eq!(accounts("aws:SourceAccount", &["111122223333", "x"]), ["111122223333"]);
        assert_eq!(accounts("aws:SourceArn", &["arn:aws:sns:*:111122223333:*"]), ["111122223333"]);
        assert!(accounts("aws:PrincipalTag/a", &["111122223333"]).is_empty());
    }
}
