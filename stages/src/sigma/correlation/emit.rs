//! When a correlation is told: what is written, or what suits its condition.

use super::Condition;
use crate::sigma::ast::{Comparison, Emit};
use crate::sigma::condition as expression;
use crate::sigma::scope::Scope;
use crate::yaml::Position;

/// What the `askance:` block says, or early where late events can only make the condition hold.
pub(super) fn decide(
    scope: &mut Scope<'_>,
    written: Option<(Emit, Position)>,
    kind: &str,
    condition: &Condition,
) -> Emit {
    let is_safe = is_monotone(kind, condition);
    match written {
        Some((Emit::Early, position)) if !is_safe => {
            let message = "emit: a late event can undo what this condition tells early";
            scope.report.error(position, message).key("emit").hint("emit: settled");
            Emit::Settled
        }
        Some((emit, _)) => emit,
        None if is_safe => Emit::Early,
        None => Emit::Settled,
    }
}

/// True if a condition that holds goes on holding when events are added.
fn is_monotone(kind: &str, condition: &Condition) -> bool {
    let counts = matches!(
        kind,
        "event_count"
            | "value_count"
            | "temporal"
            | "temporal_ordered"
            | "temporal_extended"
            | "temporal_ordered_extended"
    );
    let grows = |how: &Comparison| matches!(how, Comparison::Greater | Comparison::GreaterOrEqual);
    counts
        && condition.bounds.iter().all(|(how, _)| grows(how))
        && !condition.expression.as_ref().is_some_and(expression::negates)
}
