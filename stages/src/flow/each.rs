//! Every record of an object, for looking into single files.

use super::worker::Look;
use super::{Detect, DetectConfig, Output, Worker};
use crate::decode::{DecodeLimits, Input};
use crate::matcher::RuleSet;
use crate::model::Reject;

/// Hands every record of one object to `look`, with its place; what can't be read goes to `reject`.
///
/// The slow and plain way, for looking into single files.
pub fn each_record(
    input: Input<'_>,
    limits: DecodeLimits,
    look: Look<'_>,
    reject: &mut dyn FnMut(Reject),
) {
    // An engine without rules does the reading; looking in is done beside it.
    let Ok(rules) = RuleSet::compile([]) else { return };
    let detect = Detect::new(rules, DetectConfig { limits, ..DetectConfig::default() });
    let mut worker = Worker::looking(&detect, look);
    let mut sink = |output| {
        if let Output::Reject(found) = output {
            reject(found);
        }
    };
    worker.run(input, "", &mut sink, &|| false);
}
