//! stub
/// A file of the example.
#[derive(Clone, Debug)]
pub struct ExampleFile;
/// The example.
pub fn example_trail() -> Vec<ExampleFile> { Vec::new() }
