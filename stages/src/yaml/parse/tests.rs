//! Tests of reading YAML text.
