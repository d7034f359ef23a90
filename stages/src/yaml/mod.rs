//! YAML as a tree of nodes that know where they stand: for rules, configuration and rule cases.
//!
//! Strict where YAML is lenient: a key may stand once, keys are text, and nesting, size and what
//! aliases copy are bounded. Scalars keep their text; what type they are is asked for, never
//! assumed, so `1.10` and `no` stay what was written. It does not write YAML.

mod limits;
mod nearest;
mod node;
mod parse;
mod scalar;

pub use limits::{MAX_DEPTH, MAX_NODES, MAX_TEXT_BYTES};
pub use nearest::nearest;
pub use node::{Entry, Fault, Kind, Mapping, Node, Position};
pub use parse::{Document, Stream, parse, parse_one};
pub use scalar::{Scalar, Text};
