//! An error in words, with its causes.

use std::error::Error;

/// An error and its causes, outermost first: the outer words ("dispatch failure") often say less than
/// the innermost. A cause that stands in the words before it is not said again.
pub fn with_causes(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let more = inner.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        source = inner.source();
    }
    words
}
