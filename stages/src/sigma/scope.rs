//! What every reader of a document needs at hand: where problems go, options, and bounds.

use std::sync::Arc;

use super::problem::Report;
use super::reading::ReadOptions;
use super::regexes::Regexes;

/// Most tests that one document may come to, alternatives counted each.
pub(super) const MAX_TESTS: usize = 100_000;

/// The state of reading one document.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    pub(super) report: Report,
    pub(super) options: &'a ReadOptions,
    pub(super) regexes: &'a mut Regexes,
    tests_left: usize,
}

impl<'a> Scope<'a> {
    pub(super) fn new(file: Arc<str>, options: &'a ReadOptions, regexes: &'a mut Regexes) -> Self {
        Self { report: Report::new(file), options, regexes, tests_left: MAX_TESTS }
    }

    /// Counts tests; false when there are too many.
    pub(super) fn spend(&mut self, tests: usize) -> bool {
        match self.tests_left.checked_sub(tests) {
            Some(left) => {
                self.tests_left = left;
                true
            }
            None => false,
        }
    }
}
