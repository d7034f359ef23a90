//! What is done with objects and alerts, as the configuration and the rules say; replaced as a whole
//! when they change.

use std::collections::HashMap;
use std::sync::Arc;

use askance_stages::flow::Detect;
use askance_stages::raise::Raise;

use crate::store::Words;

/// Rules, routes and words that belong together; immutable.
#[derive(Debug)]
pub struct Plan {
    /// From bytes to alerts.
    pub detect: Detect,
    /// From alerts to messages.
    pub raise: Raise,
    /// What rules say to people, by rule id.
    pub words: HashMap<String, Words>,
}

/// The plan of the moment, for those who look at it.
pub type Current = tokio::sync::watch::Receiver<Arc<Plan>>;
