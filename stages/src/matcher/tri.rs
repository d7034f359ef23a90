//! Three-valued logic: what CloudTrail cut away is neither there nor not there.

use std::ops::Not;

/// The truth of a condition about a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tri {
    /// It does not hold.
    False,
    /// It hangs on something that CloudTrail cut away.
    Unknown,
    /// It holds.
    True,
}

impl Tri {
    /// All of them hold (Kleene); stops at the first that does not.
    pub fn all(truths: impl IntoIterator<Item = Self>) -> Self {
        let mut least = Self::True;
        for truth in truths {
            least = least.min(truth);
            if least == Self::False {
                break;
            }
        }
        least
    }

    /// One of them holds (Kleene); stops at the first that does.
    pub fn any(truths: impl IntoIterator<Item = Self>) -> Self {
        let mut most = Self::False;
        for truth in truths {
            most = most.max(truth);
            if most == Self::True {
                break;
            }
        }
        most
    }

    /// At least `count` of them hold.
    pub fn at_least(count: usize, truths: impl IntoIterator<Item = Self>) -> Self {
        let (mut sure, mut possible) = (0, 0);
        for truth in truths {
            sure += usize::from(truth == Self::True);
            possible += usize::from(truth != Self::False);
        }
        if sure >= count {
            Self::True
        } else if possible >= count {
            Self::Unknown
        } else {
            Self::False
        }
    }
}

impl From<bool> for Tri {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

impl Not for Tri {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
            Self::True => Self::False,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Tri::{False, True, Unknown};
    use super::*;

    #[test]
    fn unknown_spreads_only_where_it_matters() {
        assert_eq!(Tri::all([True, Unknown]), Unknown);
        assert_eq!(Tri::all([False, Unknown]), False);
        assert_eq!(Tri::all([]), True);
        assert_eq!(Tri::any([True, Unknown]), True);
        assert_eq!(Tri::any([False, Unknown]), Unknown);
        assert_eq!(Tri::any([]), False);
        assert_eq!(!Unknown, Unknown);
        assert_eq!(Tri::at_least(2, [True, Unknown, False]), Unknown);
        assert_eq!(Tri::at_least(2, [True, True, Unknown]), True);
        assert_eq!(Tri::at_least(2, [True, False]), False);
    }
}
