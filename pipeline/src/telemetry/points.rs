//! Named points on the way of an object, for tests that end the program between them.

/// Tells that an object or message has come to a point: `received`, `fetched`, `matched`,
/// `committed`, `deleted`, `sent`, `marked_sent`. Costs nothing unless `ASKANCE_LOG` asks for
/// `askance::point=trace`.
pub fn point(name: &'static str, what: impl std::fmt::Display) {
    tracing::trace!(target: "askance::point", point = name, %what);
}
