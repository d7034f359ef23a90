//! Where a resource is, by its ARN.

/// The region in an ARN; `None` where the resource is in none of its own.
pub fn region_of_arn(arn: &str) -> Option<&str> {
    arn.split(':').nth(3).filter(|region| !region.is_empty())
}
