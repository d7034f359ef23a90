//! AWS's partitions, by region.

/// The partition that a region is in, as ARNs name it.
#[must_use]
pub fn partition_of_region(region: &str) -> &'static str {
    const PREFIXES: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-isof-", "aws-iso-f"),
        ("eusc-", "aws-eusc"),
    ];
    PREFIXES.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_in_their_partitions() {
        let check =
            |region: &str, expected: &str| assert_eq!(partition_of_region(region), expected);
        check("eu-west-1", "aws");
        check("cn-north-1", "aws-cn");
        check("us-gov-east-1", "aws-us-gov");
        check("us-isob-east-1", "aws-iso-b");
        check("eu-isoe-west-1", "aws-iso-e");
        check("eusc-de-east-1", "aws-eusc");
        check("", "aws");
    }
}
