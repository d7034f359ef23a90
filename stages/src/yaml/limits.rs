//! How large a YAML file may be. Nothing here is configurable.

/// Largest file that is read, in bytes: a thousand times a usual rule.
pub const MAX_TEXT_BYTES: usize = 4 << 20;

/// Deepest nesting of lists and mappings, what aliases bring included.
///
/// Rules need six levels; the bound keeps every recursion over a tree shallow.
pub const MAX_DEPTH: usize = 64;

/// Most nodes of a file. What aliases and anchors copy counts again, and so does long text (a node
/// for every `BYTES_PER_NODE` bytes), so that a small file cannot become a large tree.
pub const MAX_NODES: usize = 250_000;

/// Bytes of text that count as one more node.
pub(super) const BYTES_PER_NODE: usize = 64;

/// Syntax errors after which a file is given up.
pub(super) const MAX_FAULTS: usize = 50;
