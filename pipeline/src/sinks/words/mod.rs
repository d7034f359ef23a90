//! What people read: the question first, then who, where, what, why it is asked, and what to do.
//!
//! [`Message`] is words without a form. Each sink gives them its own form, none makes up others.
//! Nothing here sends anything or looks at a clock.

mod bounded;
mod console;
mod event;
mod facts;
mod message;
mod phrases;
mod text;

#[cfg(test)]
mod tests;

pub use bounded::{bounded, code_parts};
pub use message::{Fact, Message};
pub use text::text;
