//! Where the keys that nearly every question begins with stand in a record.

use simd_json::Node;

/// How many keys are known.
const COUNT: usize = 24;

/// Positions of the values of well-known outermost keys, found once for all questions.
///
/// A record in which one of them stands twice, or in which a key holds a dot and so may stand for a path, has
/// none of this: it is gone through for each question.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outermost {
    /// By [`place`]; 0, which is the record itself, where there is no such key.
    positions: [u16; COUNT],
    is_plain: bool,
}

/// What an [`Outermost`] knows of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// Its value is there.
    At(usize),
    /// There is no such key.
    Absent,
    /// Nothing: who asks has to look.
    Unknown,
}

/// The place of a well-known key.
#[inline]
fn place(key: &str) -> Option<usize> {
    Some(match key {
        "userIdentity" => 0,
        "eventTime" => 1,
        "eventSource" => 2,
        "eventName" => 3,
        "awsRegion" => 4,
        "sourceIPAddress" => 5,
        "userAgent" => 6,
        "errorCode" => 7,
        "errorMessage" => 8,
        "requestParameters" => 9,
        "responseElements" => 10,
        "additionalEventData" => 11,
        "eventID" => 12,
        "readOnly" => 13,
        "resources" => 14,
        "eventType" => 15,
        "managementEvent" => 16,
        "recipientAccountId" => 17,
        "eventCategory" => 18,
        "sharedEventID" => 19,
        "vpcEndpointId" => 20,
        "serviceEventDetails" => 21,
        "eventVersion" => 22,
        "sessionCredentialFromConsole" => 23,
        _ => return None,
    })
}

impl Outermost {
    /// Of nothing: it knows no key.
    pub(super) const NONE: Self = Self { positions: [0; COUNT], is_plain: false };

    /// Goes through the outermost keys of a tape once.
    pub(super) fn of(nodes: &[Node<'_>]) -> Self {
        let Some(Node::Object { len, .. }) = nodes.first() else { return Self::NONE };
        // Positions are kept short.
        if nodes.len() > usize::from(u16::MAX) {
            return Self::NONE;
        }
        let mut positions = [0; COUNT];
        let mut next = 1;
        for _ in 0..*len {
            let Some(Node::String(key)) = nodes.get(next) else { return Self::NONE };
            let value = next + 1;
            match place(key) {
                Some(place) if positions[place] == 0 => positions[place] = value as u16,
                Some(_) => return Self::NONE,
                None if key.contains('.') => return Self::NONE,
                None => {}
            }
            next = behind(nodes, value);
        }
        Self { positions, is_plain: true }
    }

    /// What is known of a key.
    #[inline]
    pub(super) fn find(&self, key: &str) -> Known {
        match place(key) {
            Some(place) if self.is_plain => match self.positions[place] {
                0 => Known::Absent,
                position => Known::At(usize::from(position)),
            },
            _ => Known::Unknown,
        }
    }
}

/// The position behind the value at `position`.
pub(super) fn behind(nodes: &[Node<'_>], position: usize) -> usize {
    match nodes.get(position) {
        Some(Node::Object { count, .. } | Node::Array { count, .. }) => position + 1 + count,
        _ => position + 1,
    }
}
