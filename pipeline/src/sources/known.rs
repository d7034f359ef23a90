//! Asks the ledger what was read before.

use tracing::warn;

use super::SourceContext;
use crate::runtime::retry::Backoff;

/// Which of these are in the ledger, in order. Asks until the store answers, for what is not known
/// to be read must not be passed by; `None` if the source is told to stop meanwhile.
pub async fn are_known(context: &SourceContext, keys: &[String]) -> Option<Vec<bool>> {
    let mut backoff = Backoff::usual();
    loop {
        match context.store.are_done(keys).await {
            Ok(known) => return Some(known),
            Err(error) => {
                context.metrics.families().store_errors.inc();
                warn!(source = %context.name, attempts = backoff.attempts(), %error,
                    "cannot ask what was read before, will try again");
            }
        }
        if !backoff.wait(&context.stop).await {
            return None;
        }
    }
}

/// As [`are_known`], of one.
pub async fn is_known(context: &SourceContext, key: String) -> Option<bool> {
    let known = are_known(context, std::slice::from_ref(&key)).await?;
    Some(known.first().copied().unwrap_or(false))
}
