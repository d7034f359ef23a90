//! The small alphabet that rules and records share.

/// Values of fields, and what rules compare them with.
pub const VALUES: [&str; 12] = [
    "StopLogging",
    "DeleteTrail",
    "Kick",
    "Root",
    "5",
    "true",
    "",
    "a\nb",
    "10.1.2.3",
    "cloudtrail.amazonaws.com",
    "run -enc a",
    "x StopLogging y",
];

/// Names of events; some are values of another type, as text.
pub const NAMES: [&str; 6] = ["StopLogging", "DeleteTrail", "Kick", "5", "true", ""];

/// Parts of values.
pub const FRAGMENTS: [&str; 8] = ["Stop", "Logging", "stop", "ging", "k", "tr", "5", "i"];

/// Texts with wildcards and escapes.
pub const WILDCARDS: [&str; 10] =
    ["St*g", "Stop?ogging", "*", "?*", "*ing*", "K?ck", r"a\*b", "a*b", "?", r"*\\*"];

/// Regular expressions.
pub const REGEXES: [&str; 8] =
    ["^Stop", "ging$", "[kK]ick", "^$", "S.*g", r#""x":"#, r"^\d", "^a.b$"];

/// Values with flags, for `windash`.
pub const FLAGS: [&str; 4] = ["-enc", "run -enc", "/c", "a-b"];

/// Networks.
pub const NETWORKS: [&str; 3] = ["10.0.0.0/8", "192.0.2.0/24", "::/0"];

/// Paths that rules name.
pub const PATHS: [&str; 11] = [
    "eventName",
    "eventSource",
    "sourceIPAddress",
    "userIdentity.type",
    "requestParameters.x",
    "requestParameters.a.b",
    "requestParameters.name",
    "requestParameters",
    "responseElements.eventName",
    "resources.x",
    "errorCode",
];

/// Keys of objects within records.
pub const KEYS: [&str; 7] = ["x", "a", "b", "name", "type", "eventName", "a.b"];

/// Numbers as JSON writes them.
pub const NUMBERS: [&str; 9] =
    ["5", "-1", "0", "5.5", "5.0", "-0", "1e1", "9007199254740993", "44"];

/// What only a lenient reader takes for a number, or nobody.
pub const ODD_NUMBERS: [&str; 10] =
    ["05", "005", "05", "-05", "1e400", "123456789012345678901234567890", "5.", "-", "+5", "0x5"];
