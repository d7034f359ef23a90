//! What policies mean, however they are written.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::tests::{derive, derive_with, show};
use super::super::{Account, Enrich, Tables, TablesConfig};
use crate::model::Field;

fn event(parameters: &Value) -> Value {
    json!({
        "eventSource": "iam.amazonaws.com",
        "eventName": "CreateRole",
        "recipientAccountId": "111122223333",
        "requestParameters": parameters,
    })
}

fn with_statements(statements: &Value) -> Value {
    let document = json!({ "Version": "2012-10-17", "Statement": statements });
    event(&json!({ "policyDocument": document.to_string() }))
}

#[track_caller]
fn check(field: Field, statements: &Value, expected: &str) {
    assert_eq!(show(&derive(field, &with_statements(statements))), expected, "{statements}");
}

fn allow(more: Value) -> Value {
    let mut statement =
        json!({ "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*" });
    if let (Some(statement), Value::Object(more)) = (statement.as_object_mut(), more) {
        statement.extend(more);
    }
    statement
}

#[test]
fn public_is_what_lets_strangers_in() {
    let public = |more: Value, expected: &str| check(Field::PolicyIsPublic, &allow(more), expected);
    public(json!({ "Principal": "*" }), "true");
    public(json!({ "Principal": { "AWS": "*" } }), "true");
    public(json!({ "Principal": { "AWS": ["arn:aws:iam::111122223333:root", "*"] } }), "true");
    public(json!({ "NotPrincipal": { "AWS": "111122223333" } }), "true");
    public(json!({ "principal": "*", "effect": "allow" }), "true");
    public(json!({ "Effect": "Deny", "Principal": "*" }), "false");
    public(json!({ "Principal": { "AWS": "arn:aws:iam::111122223333:root" } }), "false");
    public(json!({ "Principal": { "Service": "s3.amazonaws.com" } }), "false");
    public(json!({}), "false");
    let with = |condition: Value| json!({ "Principal": "*", "Condition": condition });
    let organization = json!({ "aws:PrincipalOrgID": "o-exampleorgid" });
    public(with(json!({ "StringEquals": organization })), "false");
    public(with(json!({ "StringEqualsIfExists": organization })), "true");
    public(with(json!({ "Bool": { "aws:SecureTransport": true } })), "true");
    // All of a statement's conditions must hold, so one that narrows is enough.
    public(
        with(json!({ "Bool": { "aws:SecureTransport": true }, "StringEquals": organization })),
        "false",
    );
}

#[test]
fn each_statement_stands_for_itself() {
    let organization = json!({ "StringEquals": { "aws:PrincipalOrgID": "o-exampleorgid" } });
    let narrow = allow(json!({ "Principal": "*", "Condition": organization }));
    let open = allow(json!({ "Principal": "*", "Action": "s3:ListBucket" }));
    check(Field::PolicyIsPublic, &json!([narrow, open]), "true");
    check(Field::PolicyPublicActions, &json!([narrow, open]), "s3:listbucket");
    let denial = json!({ "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*" });
    let named = allow(json!({ "Principal": { "AWS": "444455556666" } }));
    check(Field::PolicyIsPublic, &json!([named, denial]), "false");
    check(Field::PolicyForeignAccounts, &json!([named, denial]), "444455556666");
}

#[test]
fn a_denial_for_strangers_closes_what_it_covers() {
    let open = allow(json!({ "Principal": "*" }));
    let denial = |more: Value| {
        let mut denial = json!({
            "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::b/*",
            "Condition": { "StringNotEquals": { "aws:PrincipalOrgID": "o-exampleorgid" } },
        });
        if let (Some(denial), Value::Object(more)) = (denial.as_object_mut(), more) {
            denial.extend(more);
        }
        json!([open, denial])
    };
    let public = |more: Value, expected: &str| {
        check(Field::PolicyIsPublic, &denial(more), expected);
    };
    public(json!({}), "false");
    public(json!({ "Action": "s3:PutObject" }), "true");
    public(json!({ "Action": "s3:Get*" }), "false");
    public(json!({ "Action": "*", "Resource": "*" }), "false");
    public(json!({ "Resource": "arn:aws:s3:::b/private/*" }), "true");
    public(json!({ "Principal": { "AWS": "111122223333" } }), "true");
    public(json!({ "Condition": { "Bool": { "aws:SecureTransport": "false" } } }), "true");
    let both = json!({
        "StringNotEquals": { "aws:PrincipalOrgID": "o-exampleorgid" },
        "Bool": { "aws:SecureTransport": "false" },
    });
    public(json!({ "Condition": both }), "true");
}

#[test]
fn accounts_are_told_from_strangers() {
    let statement = allow(json!({ "Principal": { "AWS": [
        "arn:aws:iam::444455556666:role/deploy", "111122223333", "AIDACKCEVSQ6C2EXAMPLE",
    ], "Service": "ec2.amazonaws.com" } }));
    check(Field::PolicyPrincipalAccounts, &statement, "444455556666 111122223333");
    check(Field::PolicyForeignAccounts, &statement, "444455556666");
    check(Field::PolicyForeignPrincipals, &statement, "arn:aws:iam::444455556666:role/deploy");
    check(Field::PolicyServices, &statement, "ec2.amazonaws.com");
    let account = Account { id: "444455556666".to_owned(), ..Account::default() };
    let config = TablesConfig {
        accounts: vec![account],
        organizations: Vec::new(),
        ..TablesConfig::default()
    };
    let enrich = Enrich { tables: Tables::from_config(config).unwrap() };
    let event = with_statements(&statement);
    assert_eq!(show(&derive_with(&enrich, Field::PolicyForeignAccounts, "", &event)), "");
    let condition = json!({ "StringEquals": { "aws:SourceAccount": "444455556666" } });
    let by_condition = allow(json!({ "Principal": "*", "Condition": condition }));
    check(Field::PolicyForeignAccounts, &by_condition, "444455556666");
}

#[test]
fn admin_is_everything_on_everything() {
    let admin = |action: Value, resource: &str, expected: &str| {
        let statement = json!({ "Effect": "Allow", "Action": action, "Resource": resource });
        check(Field::PolicyIsAdmin, &statement, expected);
    };
    admin(json!("*"), "*", "true");
    admin(json!(["s3:GetObject", "*:*"]), "*", "true");
    admin(json!("*"), "arn:*:*:*:*:*", "true");
    admin(json!("iam:*"), "*", "false");
    admin(json!("*"), "arn:aws:s3:::b", "false");
    let but = json!({ "Effect": "Allow", "NotAction": "iam:*", "Resource": "*" });
    check(Field::PolicyIsAdmin, &but, "true");
    check(Field::PolicyNotActions, &but, "iam:*");
    let denial = json!({ "Effect": "Deny", "Action": "*", "Resource": "*" });
    check(Field::PolicyIsAdmin, &denial, "false");
    check(Field::PolicyDeniesActions, &denial, "*");
    let parts = json!([
        { "Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::b" },
        { "Effect": "Allow", "Action": "s3:*", "Resource": "*" },
    ]);
    check(Field::PolicyIsAdmin, &parts, "false");
    check(Field::PolicyAllowsActions, &parts, "* s3:*");
    check(Field::PolicyAllowsActionsOnAll, &parts, "s3:*");
}

#[test]
fn trust_in_a_provider_needs_somebody() {
    let trust = |host: &str, condition: Value, expected: &str| {
        let statement = json!({
            "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Condition": condition,
            "Principal": { "Federated": format!("arn:aws:iam::111122223333:oidc-provider/{host}") },
        });
        check(Field::PolicyTrustOpenProviders, &statement, expected);
    };
    let github = "token.actions.githubusercontent.com";
    let sub = |operator: &str, sub: &str| json!({ operator: { format!("{github}:sub"): sub } });
    trust(github, json!({}), github);
    trust(
        github,
        json!({ "StringEquals": { format!("{github}:aud"): "sts.amazonaws.com" } }),
        github,
    );
    trust(github, sub("StringLike", "repo:example/app:*"), "");
    trust(github, sub("StringLike", "repo:example/*"), "");
    trust(github, sub("StringLike", "repo:exam*"), github);
    trust(github, sub("StringLike", "repo:*"), github);
    trust(github, sub("StringLike", "*"), github);
    trust(github, sub("StringEquals", "repo:example/app:ref:refs/heads/main"), "");
    trust(github, sub("StringEqualsIfExists", "repo:example/app:ref:refs/heads/main"), github);
    trust(github, sub("ForAllValues:StringEquals", "repo:example/app:x"), github);
    let cluster = "oidc.eks.us-east-1.amazonaws.com/id/EXAMPLE";
    let account = |name: &str| json!({ "StringLike": { format!("{cluster}:sub"): name } });
    trust(cluster, account("system:serviceaccount:shop:*"), "");
    trust(cluster, account("system:serviceaccount:*"), cluster);
    let saml = json!({
        "Effect": "Allow", "Action": "sts:AssumeRoleWithSAML",
        "Principal": { "Federated": "arn:aws:iam::111122223333:saml-provider/x" },
    });
    check(Field::PolicyTrustOpenProviders, &saml, "");
    check(Field::PolicyFederated, &saml, "arn:aws:iam::111122223333:saml-provider/x");
}

#[test]
fn calls_with_parameters_instead_of_a_document_are_read() {
    let call = |source: &str, name: &str, parameters: Value| {
        json!({
            "eventSource": format!("{source}.amazonaws.com"), "eventName": name,
            "recipientAccountId": "111122223333", "requestParameters": parameters,
        })
    };
    let lambda = |more: Value| {
        let mut parameters = json!({
            "functionName": "f", "statementId": "s", "action": "lambda:InvokeFunction",
        });
        if let (Some(parameters), Value::Object(more)) = (parameters.as_object_mut(), more) {
            parameters.extend(more);
        }
        call("lambda", "AddPermission20150331v2", parameters)
    };
    let public = |event: &Value| show(&derive(Field::PolicyIsPublic, event));
    assert_eq!(public(&lambda(json!({ "principal": "*" }))), "true");
    assert_eq!(
        public(&lambda(json!({ "principal": "*", "principalOrgID": "o-exampleorgid" }))),
        "false"
    );
    assert_eq!(public(&lambda(json!({ "principal": "*", "functionUrlAuthType": "NONE" }))), "true");
    let service = lambda(json!({ "principal": "s3.amazonaws.com", "sourceArn": "arn:aws:s3:::b" }));
    assert_eq!(public(&service), "false");
    assert_eq!(show(&derive(Field::PolicyServices, &service)), "s3.amazonaws.com");
    let other = lambda(json!({ "principal": "444455556666" }));
    assert_eq!(show(&derive(Field::PolicyForeignAccounts, &other)), "444455556666");
    assert_eq!(show(&derive(Field::PolicyAllowsActions, &other)), "lambda:invokefunction");
    let condition =
        json!({ "type": "StringEquals", "key": "aws:PrincipalOrgID", "value": "o-exampleorgid" });
    let bus = json!({ "principal": "*", "action": "events:PutEvents", "statementId": "s" });
    assert_eq!(public(&call("events", "PutPermission", bus.clone())), "true");
    let mut narrowed = bus;
    narrowed["condition"] = condition;
    assert_eq!(public(&call("events", "PutPermission", narrowed)), "false");
    let queue = json!({ "label": "l", "aWSAccountIds": ["444455556666"], "actions": ["*"] });
    let queue = call("sqs", "AddPermission", queue);
    assert_eq!(show(&derive(Field::PolicyForeignAccounts, &queue)), "444455556666");
}

#[test]
fn every_service_names_it_differently() {
    let document = json!({ "Statement": [{
        "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*",
    }] });
    let text = document.to_string();
    for parameters in [
        json!({ "bucketPolicy": document, "bucketName": "b", "policy": "" }),
        json!({ "assumeRolePolicyDocument": text }),
        json!({ "attributes": { "Policy": text } }),
        json!({ "attributeName": "Policy", "attributeValue": text }),
        json!({ "policyText": text, "force": false }),
        json!({ "resourcePolicy": text }),
        json!({ "policyInJson": text }),
        json!({ "accessPolicies": text }),
        json!({ "policy": { "policy": text } }),
        json!({ "CreateVpcEndpointRequest": { "PolicyDocument": text } }),
        json!({ "updateRestApiInput": { "patchOperations": [
            { "op": "replace", "path": "/policy", "value": text },
        ] } }),
    ] {
        assert_eq!(
            show(&derive(Field::PolicyIsPublic, &event(&parameters))),
            "true",
            "{parameters}"
        );
    }
    for parameters in [
        json!({ "description": text, "policyArn": "arn:aws:iam::aws:policy/x" }),
        json!({ "tags": [{ "key": "a", "value": text }] }),
        json!({}),
    ] {
        assert_eq!(show(&derive(Field::PolicyIsPublic, &event(&parameters))), "", "{parameters}");
    }
}

#[test]
fn what_cannot_be_read_is_not_called_private() {
    let cut = |parameters: Value| {
        assert_eq!(
            show(&derive(Field::PolicyIsPublic, &event(&parameters))),
            "?",
            "{parameters:.80}"
        );
    };
    cut(json!({ "policyDocument": "{\"Statement\":[{\"Effect\":\"Al" }));
    cut(json!({ "omitted": true }));
    cut(json!({ "bucketPolicy": { "omitted": true } }));
    cut(json!({ "policy": { "Statement": [{ "Effect": "Allow" }, "x"] } }));
    let many: Vec<String> = (0..5000).map(|n| format!("s3:Get{n}")).collect();
    let statement = allow(json!({ "Action": many, "Principal": { "AWS": "111122223333" } }));
    cut(json!({ "policy": { "Statement": statement } }));
}

fn any_statement() -> impl Strategy<Value = Value> {
    let principal = prop::sample::select(vec![
        json!("*"),
        json!({ "AWS": "*" }),
        json!({ "AWS": ["444455556666", "arn:aws:iam::111122223333:root"] }),
        json!({ "Service": "s3.amazonaws.com" }),
    ]);
    let condition = prop::sample::select(vec![
        json!({}),
        json!({ "StringEquals": { "aws:PrincipalOrgID": "o-exampleorgid" } }),
        json!({ "StringNotEquals": { "aws:PrincipalOrgID": "o-exampleorgid" } }),
        json!({ "IpAddress": { "aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/1"] } }),
    ]);
    let action =
        prop::sample::select(vec![json!("*"), json!(["s3:Get*", "s3:Put*"]), json!("s3:*")]);
    (any::<bool>(), principal, condition, action).prop_map(
        |(allows, principal, condition, action)| {
            json!({
                "Effect": if allows { "Allow" } else { "Deny" },
                "Principal": principal, "Condition": condition, "Action": action, "Resource": "*",
            })
        },
    )
}

proptest! {
    #[test]
    fn text_and_object_and_any_order_mean_the_same(
        statements in prop::collection::vec(any_statement(), 1..6),
        turn in any::<prop::sample::Index>(),
    ) {
        let document = json!({ "Statement": statements });
        let mut turned = statements.clone();
        turned.rotate_left(turn.index(statements.len()));
        let forms = [
            json!({ "policyDocument": document.to_string() }),
            json!({ "policyDocument": json!(document.to_string()).to_string() }),
            json!({ "policy": { "Statement": turned } }),
        ];
        for field in Field::ALL.iter().filter(|field| field.name().starts_with("askance.policy.")) {
            let mut shown: Vec<Vec<String>> = Vec::new();
            for parameters in [json!({ "bucketPolicy": document })].iter().chain(&forms) {
                let values = show(&derive(*field, &event(parameters)));
                let mut values: Vec<String> = values.split(' ').map(str::to_owned).collect();
                values.sort();
                shown.push(values);
            }
            prop_assert!(shown.windows(2).all(|pair| pair[0] == pair[1]), "{field:?} {shown:?}");
        }
    }

    #[test]
    fn any_text_is_read_without_harm(text in "\\PC{0,200}|[\\[{\"]{0,300}|%7B.{0,80}") {
        derive(Field::PolicyIsPublic, &event(&json!({ "policyDocument": text })));
    }
}
