//! errs
