//! With what a call was made: `askance.actor.via`.
//!
//! A program says of itself what it likes, so this is for telling people apart from their tools, never
//! for letting a call pass.

use super::actor::{CONSOLE, is_aws};
use crate::model::{DerivedValues, Record};

/// Words in a user agent, in lower case, and what they tell. Terraform is built on an SDK and the consoles
/// on another, so the order counts.
const WORDS: [(&str, &str); 13] = [
    ("terraform", "terraform"),
    ("opentofu", "terraform"),
    ("aws-cli/", "cli"),
    ("console.amazonaws.com", "console"),
    ("signin.amazonaws.com", "console"),
    ("s3console/", "console"),
    (" console, aws-internal/", "console"),
    ("mozilla/", "console"),
    ("aws-sdk-", "sdk"),
    ("boto3/", "sdk"),
    ("botocore/", "sdk"),
    ("aws-powershell", "sdk"),
    ("awspowershell", "sdk"),
];

/// `askance.actor.via`.
pub(super) fn via(record: &Record<'_>, into: &mut DerivedValues) {
    let invoked_by = record.text(&["userIdentity", "invokedBy"]);
    let agent = record.text(&["userAgent"]);
    let callers = || invoked_by.into_iter().chain(agent);
    if callers().any(|caller| caller == "cloudformation.amazonaws.com") {
        return into.text("cloudformation");
    }
    let is_told = record.text(&["sessionCredentialFromConsole"]) == Some("true");
    if is_told || invoked_by == Some(CONSOLE) {
        return into.text("console");
    }
    if invoked_by.is_some_and(is_aws) {
        return into.text("aws_service");
    }
    let Some(agent) = agent else { return };
    let lower = agent.to_ascii_lowercase();
    let word = WORDS.iter().find(|(word, _)| lower.contains(word));
    into.text(match word {
        Some((_, via)) => via,
        None if is_aws(agent) => "aws_service",
        None => "other",
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{derive, show};
    use crate::model::Field;

    #[test]
    fn programs_are_known_by_what_they_say() {
        for (agent, expected) in [
            (
                "APN/1.0 HashiCorp/1.0 Terraform/1.13.0 (+https://www.terraform.io) aws-sdk-go-v2/1.30",
                "terraform",
            ),
            ("aws-cli/2.31.0 md/awscrt#0.27.6 exec-env/CloudShell", "cli"),
            ("[aws-cli/1.29.0 Python/3.11 botocore/1.31]", "cli"),
            ("[S3Console/0.4, aws-internal/3 aws-sdk-java/1.12.488 Linux/5.10]", "console"),
            ("RDS Console, aws-internal/3 aws-sdk-java/1.11.975 Linux/5.10", "console"),
            ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:102.0) Gecko/20100101", "console"),
            ("console.amazonaws.com", "console"),
            ("Boto3/1.26.165 Python/3.10.6 Linux/5.19.0-46-generic", "sdk"),
            ("aws-sdk-go/1.41.4 (go1.18.3; linux; amd64) amazon-ssm-agent/", "sdk"),
            ("cloudformation.amazonaws.com", "cloudformation"),
            ("rds.amazonaws.com", "aws_service"),
            ("AWS Internal", "aws_service"),
            ("curl/8.0", "other"),
        ] {
            let found = show(&derive(Field::ActorVia, &json!({ "userAgent": agent })));
            assert_eq!(found, expected, "{agent}");
        }
    }

    #[test]
    fn what_the_record_says_goes_before_what_the_program_says() {
        let via = |invoked_by: &str, is_from_console: &str| {
            show(&derive(
                Field::ActorVia,
                &json!({
                    "userIdentity": { "invokedBy": invoked_by },
                    "userAgent": "aws-cli/2.31.0",
                    "sessionCredentialFromConsole": is_from_console,
                }),
            ))
        };
        assert_eq!(via("cloudformation.amazonaws.com", "true"), "cloudformation");
        assert_eq!(via("health.amazonaws.com", "true"), "console");
        assert_eq!(via("signin.amazonaws.com", "false"), "console");
        assert_eq!(via("health.amazonaws.com", "false"), "aws_service");
        assert_eq!(via("", "false"), "cli");
        assert_eq!(show(&derive(Field::ActorVia, &json!({}))), "");
    }
}
