//! Whether a statement that denies takes from strangers what another one allows.
//!
//! Patterns are compared by their beginnings alone: where it is not plain that one holds all of another,
//! it is taken not to.

use super::statement::{Condition, Statement};

/// True if one of these statements keeps strangers from everything that `allowed` allows.
pub(super) fn is_denied_to_strangers(allowed: &Statement, statements: &[Statement]) -> bool {
    statements.iter().any(|denial| {
        denial.denies
            && !denial.allows
            && hits_strangers(denial)
            && takes_actions(denial, allowed)
            && takes_resources(denial, allowed)
    })
}

fn hits_strangers(denial: &Statement) -> bool {
    let names_all = |named: &[super::statement::Named]| named.iter().any(|one| one.name == "*");
    let is_for_strangers = match (&denial.principals, &denial.not_principals) {
        // Everyone but those named.
        (_, Some(named)) => !names_all(named),
        (Some(named), None) => names_all(named) && !denial.conditions.is_empty(),
        (None, None) => false,
    };
    is_for_strangers && denial.conditions.iter().all(Condition::hits_strangers)
}

fn takes_actions(denial: &Statement, allowed: &Statement) -> bool {
    let is_whole = denial.actions.iter().any(|action| is_all(action));
    is_whole || allowed.not_actions.is_none() && covers(&denial.actions, &allowed.actions)
}

fn takes_resources(denial: &Statement, allowed: &Statement) -> bool {
    if denial.has_not_resource || allowed.has_not_resource {
        return false;
    }
    // Policies of roles name none.
    denial.resources.is_empty() && allowed.resources.is_empty()
        || covers(&denial.resources, &allowed.resources)
}

/// True for `*` and what means the same.
pub(super) fn is_all(pattern: &str) -> bool {
    !pattern.is_empty()
        && pattern.contains('*')
        && pattern.bytes().all(|byte| matches!(byte, b'*' | b':'))
}

/// True if each of `texts`, patterns themselves, is held by one of `patterns`.
fn covers(patterns: &[String], texts: &[String]) -> bool {
    let holds = |pattern: &String, text: &String| match pattern.strip_suffix('*') {
        Some(start) if !start.contains(['*', '?']) => text.starts_with(start),
        Some(_) | None => pattern == text,
    };
    !texts.is_empty()
        && texts.iter().all(|text| patterns.iter().any(|pattern| holds(pattern, text)))
}
