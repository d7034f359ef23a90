//! Calls that add a statement to a policy and hold it in parameters of their own instead of a document.

use super::super::request::{self, text, texts};
use super::statement::{Condition, Named, Statement};
use crate::model::Record;

/// The statement that a call adds.
pub(super) fn statement(record: &Record<'_>) -> Option<Statement> {
    let call = request::call(record)?;
    let at = request::parameters(record)?;
    let list = |path: &[&str]| -> Vec<String> {
        texts(record, at, path).into_iter().map(str::to_owned).collect()
    };
    let actions = |path: &[&str]| -> Vec<String> {
        texts(record, at, path).into_iter().map(str::to_ascii_lowercase).collect()
    };
    match call {
        ("lambda", "AddPermission" | "AddLayerVersionPermission") => Some(Statement {
            actions: actions(&["action"]),
            conditions: lambda_conditions(record, at),
            ..allow(list(&["principal"]))
        }),
        // Without a principal it carries a document.
        ("events", "PutPermission") if !list(&["principal"]).is_empty() => Some(Statement {
            actions: actions(&["action"]),
            conditions: bus_conditions(record, at),
            ..allow(list(&["principal"]))
        }),
        ("sns", "AddPermission") => {
            Some(Statement { actions: actions(&["actionName"]), ..allow(list(&["aWSAccountId"])) })
        }
        ("sqs", "AddPermission") => {
            Some(Statement { actions: actions(&["actions"]), ..allow(list(&["aWSAccountIds"])) })
        }
        _ => None,
    }
}

fn allow(principals: Vec<String>) -> Statement {
    let named = |name: String| {
        let is_service = name.ends_with(".amazonaws.com") || name.ends_with(".amazonaws.com.cn");
        let kind = if is_service || name.ends_with(".amazon.com") { "service" } else { "aws" };
        Named { kind: kind.to_owned(), name }
    };
    Statement {
        allows: true,
        principals: Some(principals.into_iter().map(named).collect()),
        ..Statement::default()
    }
}

fn condition(operator: &str, key: &str, value: &str) -> Condition {
    Condition {
        operator: operator.to_ascii_lowercase(),
        key: key.to_ascii_lowercase(),
        values: vec![value.to_owned()],
    }
}

fn lambda_conditions(record: &Record<'_>, at: usize) -> Vec<Condition> {
    [
        ("sourceArn", "ArnLike", "aws:SourceArn"),
        ("sourceAccount", "StringEquals", "aws:SourceAccount"),
        ("principalOrgID", "StringEquals", "aws:PrincipalOrgID"),
        ("organizationId", "StringEquals", "aws:PrincipalOrgID"),
        ("eventSourceToken", "StringEquals", "lambda:EventSourceToken"),
        ("functionUrlAuthType", "StringEquals", "lambda:FunctionUrlAuthType"),
    ]
    .into_iter()
    .filter_map(|(parameter, operator, key)| {
        text(record, at, &[parameter]).map(|value| condition(operator, key, value))
    })
    .collect()
}

fn bus_conditions(record: &Record<'_>, at: usize) -> Vec<Condition> {
    let part = |name: &str| text(record, at, &["condition", name]);
    match (part("type"), part("key"), part("value")) {
        (Some(operator), Some(key), Some(value)) => vec![condition(operator, key, value)],
        _ => Vec::new(),
    }
}
