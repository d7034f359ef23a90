//! The fields of the family, from the statements of all documents of a request.

use super::super::log_writers::writes_logs;
use super::super::principal::{Arn, Principal};
use super::super::request;
use super::super::tables::Own;
use super::denial::{is_all, is_denied_to_strangers};
use super::find::Documents;
use super::statement::{Condition, Reading, Statement};
use super::value::Value;
use super::{calls, trust};
use crate::model::{Facts, Field, Record};

/// All fields of the family; none if the request carries no policy.
pub(in super::super) fn facts(record: &Record<'_>, own: Own<'_>, facts: &mut Facts) {
    let (mut documents, mut reading) = (Documents::default(), Reading::default());
    if let Some(at) = request::parameters(record) {
        documents.add(&Value::of(record, at));
    }
    documents.list.iter().for_each(|document| reading.document(document));
    if let Some(statement) = calls::statement(record) {
        reading.push(statement);
    }
    let is_cut = documents.is_cut || reading.is_cut || request::is_cut(record);
    if reading.statements.is_empty() && !is_cut {
        return;
    }
    let statements = &reading.statements;
    let allowing: Vec<&Statement> =
        statements.iter().filter(|statement| statement.allows).collect();
    who(&allowing, statements, own, (facts, is_cut));
    what(&allowing, statements, (facts, is_cut));
}

/// Whom the policy lets in.
fn who(
    allowing: &[&Statement],
    statements: &[Statement],
    own: Own<'_>,
    (facts, is_cut): (&mut Facts, bool),
) {
    let public: Vec<&Statement> =
        allowing.iter().copied().filter(|one| is_public(one, statements)).collect();
    facts.judge(Field::PolicyIsPublic, !public.is_empty(), is_cut);
    let actions = public.iter().flat_map(|one| &one.actions);
    facts.texts(Field::PolicyPublicActions, actions, is_cut);
    let has_not_principal = allowing.iter().any(|one| one.not_principals.is_some());
    facts.judge(Field::PolicyHasNotPrincipal, has_not_principal, is_cut);

    let named = || allowing.iter().flat_map(|one| one.principals.iter().flatten());
    let of_kind = |kind: &'static str| named().filter(move |one| one.kind == kind);
    let named_accounts = named().filter_map(|one| match Principal::of(&one.name) {
        // An ARN of a provider has the account of the role itself.
        Principal::Account(account) if one.kind == "aws" => Some((account, one.name.as_str())),
        _ => None,
    });
    let named_accounts: Vec<(&str, &str)> = named_accounts.collect();
    // Where everyone is let in who belongs to an account, that account is.
    let by_condition = allowing
        .iter()
        .filter(|one| one.is_for_everyone())
        .flat_map(|one| &one.conditions)
        .filter(|condition| condition.keeps_strangers_out())
        .flat_map(Condition::accounts);
    let mut accounts: Vec<&str> = named_accounts.iter().map(|(account, _)| *account).collect();
    accounts.extend(by_condition);
    let is_stranger = |account: &str| !own.has_account(account) && !writes_logs(account);
    let strangers = accounts.iter().filter(|account| is_stranger(account));
    facts.texts(Field::PolicyForeignAccounts, strangers, is_cut);
    facts.texts(Field::PolicyPrincipalAccounts, &accounts, is_cut);
    let strangers = named_accounts.iter().filter(|(account, _)| is_stranger(account));
    facts.texts(Field::PolicyForeignPrincipals, strangers.map(|(_, name)| name), is_cut);
    facts.texts(Field::PolicyServices, of_kind("service").map(|one| &one.name), is_cut);
    facts.texts(Field::PolicyFederated, of_kind("federated").map(|one| &one.name), is_cut);
    let open = allowing.iter().flat_map(|one| trust::open_providers(one));
    facts.texts(Field::PolicyTrustOpenProviders, open, is_cut);
}

/// What the policy allows.
fn what(allowing: &[&Statement], statements: &[Statement], (facts, is_cut): (&mut Facts, bool)) {
    facts.judge(Field::PolicyIsAdmin, allowing.iter().any(|one| is_admin(one)), is_cut);
    let actions = allowing.iter().flat_map(|one| &one.actions);
    facts.texts(Field::PolicyAllowsActions, actions, is_cut);
    let open = allowing.iter().filter(|one| one.conditions.is_empty() && is_on_all(one));
    let actions = open.flat_map(|one| &one.actions);
    facts.texts(Field::PolicyAllowsActionsOnAll, actions, is_cut);
    let actions = allowing.iter().flat_map(|one| one.not_actions.iter().flatten());
    facts.texts(Field::PolicyNotActions, actions, is_cut);
    let denying = statements.iter().filter(|one| one.denies);
    facts.texts(Field::PolicyDeniesActions, denying.flat_map(|one| &one.actions), is_cut);
}

/// True if strangers are let in.
fn is_public(statement: &Statement, statements: &[Statement]) -> bool {
    statement.is_for_everyone()
        && !statement.conditions.iter().any(Condition::keeps_strangers_out)
        && !is_denied_to_strangers(statement, statements)
}

/// True for a statement of a user's or role's policy that allows everything, or everything but some.
fn is_admin(statement: &Statement) -> bool {
    let is_every_action =
        statement.not_actions.is_some() || statement.actions.iter().any(|action| is_all(action));
    let is_every_resource = statement.has_not_resource
        || statement.resources.iter().any(|resource| is_every_resource(resource));
    statement.names_nobody() && is_every_action && is_every_resource
}

fn is_every_resource(resource: &str) -> bool {
    is_all(resource.strip_prefix("arn:").unwrap_or(resource))
}

/// True if it is about every resource, or every one that an ARN without a name stands for.
fn is_on_all(statement: &Statement) -> bool {
    statement.has_not_resource
        || statement.resources.iter().any(|resource| {
            is_every_resource(resource)
                || Arn::parse(resource).is_some_and(|arn| is_all(arn.resource))
        })
}
