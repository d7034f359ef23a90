//! What policy documents in requests allow: the fields under `askance.policy.`.
//!
//! Documents are found by what they are, whatever the service calls them and however often they are
//! packed in text, and taken apart once for each record. What a caller may do in the end also depends
//! on other policies, which no record tells.

mod value;

mod calls;
mod find;
mod statement;

mod condition;
mod denial;
mod trust;

mod facts;

pub(super) use facts::facts;

#[cfg(test)]
mod tests;
