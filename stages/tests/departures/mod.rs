//! Where askance and rsigma 0.23 decide differently, each by name, with its reason.
//!
//! A departure tells by looking at rule and record whether it may show; such cases are not
//! compared. Each has an example in which it does show, so the list holds nothing out of date.

mod list;
mod look;
mod record;

use askance_stages::matcher::Tri;
use serde_json::Value;

use crate::generate::rules::{Item, Rule};

pub use list::DEPARTURES;

/// A rule and a record about to be compared.
pub struct Case<'c> {
    /// Every line of the rule.
    pub items: Vec<Item>,
    /// The record, of whose twin keys the last is left.
    pub record: &'c Value,
}

impl<'c> Case<'c> {
    /// Takes them together.
    pub fn new(rule: &Rule, record: &'c Value) -> Self {
        Self { items: rule.items(), record }
    }

    /// The first departure that may show.
    pub fn departure(&self) -> Option<&'static str> {
        DEPARTURES.iter().find(|departure| (departure.may_show)(self)).map(|it| it.name)
    }
}

/// A way in which the two differ on purpose.
pub struct Departure {
    /// A few words.
    pub name: &'static str,
    /// Why askance does as it does, and the section of the Sigma specification 2.1 that it follows.
    pub reason: &'static str,
    /// Could it show in this case?
    pub may_show: fn(&Case<'_>) -> bool,
    /// Where it does.
    pub example: Example,
}

/// A case in which both decisions are known.
pub struct Example {
    /// The one selection, as YAML.
    pub selection: &'static str,
    /// The record.
    pub record: &'static str,
    /// What askance says.
    pub askance: Tri,
    /// What rsigma says.
    pub rsigma: bool,
}
