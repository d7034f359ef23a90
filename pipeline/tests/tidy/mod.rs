//! The checks behind the tidy test: text in, violations out.
//!
//! Nothing here decides whether a violation is acceptable; an exception is a line in a check's table.

pub(crate) mod tree;

pub(crate) mod code;
pub(crate) mod paths;

pub(crate) mod imports;
pub(crate) mod manifests;
pub(crate) mod manners;
pub(crate) mod rules;
pub(crate) mod shape;
pub(crate) mod speech;
