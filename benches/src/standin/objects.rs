//! Buckets and their objects, in memory.

use std::collections::BTreeMap;

use super::content::Content;

/// The objects of one bucket, in the order that S3 lists them in: by the bytes of their keys.
pub(crate) type Bucket = BTreeMap<String, Content>;

/// All buckets.
#[derive(Debug, Default)]
pub(crate) struct Objects(BTreeMap<String, Bucket>);

impl Objects {
    pub(crate) fn bucket(&self, name: &str) -> Option<&Bucket> {
        self.0.get(name)
    }

    /// Makes a bucket; one that is there stays as it is.
    pub(crate) fn create(&mut self, name: &str) -> &mut Bucket {
        self.0.entry(name.to_owned()).or_default()
    }

    pub(crate) fn bucket_mut(&mut self, name: &str) -> Option<&mut Bucket> {
        self.0.get_mut(name)
    }
}
