//! What could not be processed, what was passed by and what looked odd: closed sets of reasons.

use std::fmt;

/// Why a part of the input was rejected. Each makes the input "damaged": exit code 3 of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The file or object could not be opened or read.
    Unreadable,
    /// It has no byte at all.
    Empty,
    /// Compressed data ends early.
    Truncated,
    /// Compressed data does not fit its checksum or length.
    BadChecksum,
    /// Something that is not compressed data follows the last member.
    TrailingGarbage,
    /// Compressed data is damaged.
    CorruptCompression,
    /// It unpacks to more than is allowed.
    Bomb,
    /// It is not JSON.
    NotJson,
    /// JSON ends in the middle.
    CutJson,
    /// One record is larger than is allowed.
    TooLarge,
    /// One record nests deeper than is allowed.
    TooDeep,
    /// An element of the list of records is not an object.
    NotObject,
    /// A record that some rule could match cannot be parsed even leniently.
    BadRecord,
    /// A record within an aggregate names a key that the aggregate does not have.
    BadAggregate,
    /// The code that looks at it failed: a defect of askance.
    Internal,
}

impl Reason {
    /// Every reason, in the order of a summary.
    pub const ALL: [Self; 15] = [
        Self::Unreadable,
        Self::Empty,
        Self::Truncated,
        Self::BadChecksum,
        Self::TrailingGarbage,
        Self::CorruptCompression,
        Self::Bomb,
        Self::NotJson,
        Self::CutJson,
        Self::TooLarge,
        Self::TooDeep,
        Self::NotObject,
        Self::BadRecord,
        Self::BadAggregate,
        Self::Internal,
    ];

    /// Its name in counters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Empty => "empty",
            Self::Truncated => "truncated",
            Self::BadChecksum => "bad_checksum",
            Self::TrailingGarbage => "trailing_garbage",
            Self::CorruptCompression => "corrupt_compression",
            Self::Bomb => "bomb",
            Self::NotJson => "not_json",
            Self::CutJson => "cut_json",
            Self::TooLarge => "too_large",
            Self::TooDeep => "too_deep",
            Self::NotObject => "not_object",
            Self::BadRecord => "bad_record",
            Self::BadAggregate => "bad_aggregate",
            Self::Internal => "internal",
        }
    }

    /// What happened, for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Unreadable => "cannot be read",
            Self::Empty => "is empty",
            Self::Truncated => "compressed data ends early",
            Self::BadChecksum => "does not fit its checksum",
            Self::TrailingGarbage => "something that is not compressed data follows the end",
            Self::CorruptCompression => "compressed data is damaged",
            Self::Bomb => "unpacks to more than is allowed",
            Self::NotJson => "is not JSON",
            Self::CutJson => "JSON ends in the middle",
            Self::TooLarge => "a record is larger than is allowed",
            Self::TooDeep => "a record nests deeper than is allowed",
            Self::NotObject => "a record is not an object",
            Self::BadRecord => "a record cannot be parsed",
            Self::BadAggregate => "a record names a key that its aggregate does not have",
            Self::Internal => "askance failed on it (a defect: please report it)",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Damage found while unpacking: what came before it is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// What kind.
    pub reason: Reason,
    /// Offset in the compressed input (0 where it is plain), in bytes.
    pub offset: u64,
    /// Details for people, from the library that met it; may be empty.
    pub detail: String,
}

/// A part of the input that was not processed, with its evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// What kind.
    pub reason: Reason,
    /// Offset in bytes: of the compressed input for what concerns compression, else of the unpacked text.
    pub offset: u64,
    /// How many bytes it covers; 0 where that is not known.
    pub length: u64,
    /// Details for people; may be empty.
    pub detail: String,
    /// The first bytes of it, at most [`Reject::MAX_EVIDENCE`].
    pub evidence: Vec<u8>,
}

impl Reject {
    /// Most bytes of evidence that are kept: enough to recognise it, too few to fill a disk.
    pub const MAX_EVIDENCE: usize = 256;

    /// Takes the beginning of `bytes` as evidence.
    #[must_use]
    pub fn new(reason: Reason, offset: u64, bytes: &[u8], detail: String) -> Self {
        let evidence = bytes[..bytes.len().min(Self::MAX_EVIDENCE)].to_vec();
        Self { reason, offset, length: bytes.len() as u64, detail, evidence }
    }
}

/// Why a record, or a file, was passed by on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Drop {
    /// A digest file: it lists log files and holds no events.
    Digest,
    /// A control message of a CloudWatch Logs subscription.
    ControlMessage,
    /// A log line in an envelope that is no CloudTrail event.
    NotCloudTrail,
    /// Its time is outside of what was asked for.
    Time,
    /// Its time cannot be read, and a time was asked for.
    NoTime,
    /// Its account is not one that was asked for.
    Account,
    /// Its region is not one that was asked for.
    Region,
}

impl Drop {
    /// Every reason, in the order of a summary.
    pub const ALL: [Self; 7] = [
        Self::Digest,
        Self::ControlMessage,
        Self::NotCloudTrail,
        Self::Time,
        Self::NoTime,
        Self::Account,
        Self::Region,
    ];

    /// Its name in counters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Digest => "digest",
            Self::ControlMessage => "control_message",
            Self::NotCloudTrail => "not_cloudtrail",
            Self::Time => "outside_time",
            Self::NoTime => "no_time",
            Self::Account => "other_account",
            Self::Region => "other_region",
        }
    }
}

/// What looked odd and was read all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Odd {
    /// `Records` is null.
    RecordsNull,
    /// A list of records is empty.
    RecordsEmpty,
    /// Bytes that are not UTF-8.
    InvalidUtf8,
    /// `\ud800` and its like without their other half.
    LoneSurrogate,
    /// A control character, such as NUL, that stands unescaped in a string.
    ControlCharacter,
    /// A number that fits no type.
    HugeNumber,
    /// Anything else that strict JSON refuses and the lenient reader took.
    LooseJson,
    /// No `eventTime`.
    NoEventTime,
    /// An `eventTime` that is no time, or is before 2006 or after 2100.
    BadEventTime,
    /// No `eventID`.
    NoEventId,
    /// No account.
    NoAccount,
    /// An `eventVersion` whose major number is not 1, or none.
    UnknownVersion,
    /// A `sourceIPAddress` that is no address but a name (AWS services call so).
    SourceIsName,
    /// A record within an aggregate whose hash key is not one of its shard's.
    OutsideShard,
}

impl Odd {
    /// Every kind, in the order of a summary.
    pub const ALL: [Self; 14] = [
        Self::RecordsNull,
        Self::RecordsEmpty,
        Self::InvalidUtf8,
        Self::LoneSurrogate,
        Self::ControlCharacter,
        Self::HugeNumber,
        Self::LooseJson,
        Self::NoEventTime,
        Self::BadEventTime,
        Self::NoEventId,
        Self::NoAccount,
        Self::UnknownVersion,
        Self::SourceIsName,
        Self::OutsideShard,
    ];

    /// Its name in counters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RecordsNull => "records_null",
            Self::RecordsEmpty => "records_empty",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::LoneSurrogate => "lone_surrogate",
            Self::ControlCharacter => "control_character",
            Self::HugeNumber => "huge_number",
            Self::LooseJson => "loose_json",
            Self::NoEventTime => "no_event_time",
            Self::BadEventTime => "bad_event_time",
            Self::NoEventId => "no_event_id",
            Self::NoAccount => "no_account",
            Self::UnknownVersion => "unknown_event_version",
            Self::SourceIsName => "source_is_a_name",
            Self::OutsideShard => "outside_shard",
        }
    }
}
