//! Faults on demand: which request of an operation goes wrong, and how.

use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

/// One fault, written `OPERATION@FIRST[-[LAST]][/EVERY]=EFFECT`.
///
/// `GetObject@3=cut:1000` cuts the third download, `Publish@1-=status:500` fails all,
/// `ReceiveMessage@10-40/5=hang` every fifth from the tenth to the fortieth; `*` is any operation.
/// Requests are counted from when the fault was set, those that it does not hit too.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    operation: String,
    first: u64,
    last: Option<u64>,
    every: u64,
    effect: Effect,
    seen: u64,
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// `status:STATUS[:CODE]`: nothing is done, the answer is an error.
    Status(u16, Option<String>),
    /// `moved:REGION`: nothing is done, the answer says that the bucket is in that region.
    Moved(String),
    /// `lost:STATUS`: what was asked is done, the answer is an error.
    Lost(u16),
    /// `hang[:SECONDS]`: nothing is done and nothing answered for so long, or ever; then an error.
    Hang(Option<Duration>),
    /// `cut:BYTES`: it is done, and the connection is closed after so many bytes of the answer's body.
    Cut(usize),
    /// `slow:BYTES`: it is done, and the answer's body comes at so many bytes a second.
    Slow(usize),
}

/// Why a fault cannot be used.
#[derive(Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum FaultError {
    /// It is not written as a fault is.
    #[error(
        "cannot read fault {0:?}: it is written OPERATION@FIRST[-[LAST]][/EVERY]=EFFECT, with status:STATUS[:CODE], moved:REGION, lost:STATUS, hang[:SECONDS], cut:BYTES or slow:BYTES"
    )]
    Form(String),
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        parse(text).ok_or_else(|| FaultError::Form(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Fault> {
    let (operation, rest) = text.split_once('@')?;
    let (which, effect) = rest.split_once('=')?;
    let (range, every) = match which.split_once('/') {
        Some((range, every)) => (range, number(every)?),
        None => (which, 1),
    };
    let (first, last) = match range.split_once('-') {
        Some((first, "")) => (number(first)?, None),
        Some((first, last)) => (number(first)?, Some(number(last)?)),
        None => (number(range)?, Some(number(range)?)),
    };
    let is_sound =
        !operation.is_empty() && first > 0 && every > 0 && last.is_none_or(|last| last >= first);
    let effect = effect_of(effect)?;
    is_sound.then(|| Fault { operation: operation.to_owned(), first, last, every, effect, seen: 0 })
}

fn effect_of(text: &str) -> Option<Effect> {
    let (name, value) = text.split_once(':').unwrap_or((text, ""));
    match (name, value) {
        ("hang", "") => Some(Effect::Hang(None)),
        ("hang", seconds) => {
            let seconds = Duration::try_from_secs_f64(number(seconds)?).ok()?;
            Some(Effect::Hang(Some(seconds)))
        }
        ("status", value) => match value.split_once(':') {
            Some((status, code)) => Some(Effect::Status(error(status)?, Some(code.to_owned()))),
            None => Some(Effect::Status(error(value)?, None)),
        },
        ("moved", region) if !region.is_empty() => Some(Effect::Moved(region.to_owned())),
        ("lost", status) => error(status).map(Effect::Lost),
        ("cut", bytes) => number(bytes).map(Effect::Cut),
        ("slow", bytes) => number(bytes).filter(|bytes| *bytes > 0).map(Effect::Slow),
        _ => None,
    }
}

fn number<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

fn error(status: &str) -> Option<u16> {
    number(status).filter(|status| (400..600).contains(status))
}

/// The faults in force.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn new(faults: Vec<Fault>) -> Self {
        Self(faults)
    }

    /// Counts a request; tells what shall go wrong with it. Of several faults the first counts.
    pub(crate) fn next(&mut self, operation: &str) -> Option<Effect> {
        let mut effect = None;
        for fault in &mut self.0 {
            if fault.operation != "*" && fault.operation != operation {
                continue;
            }
            fault.seen += 1;
            let is_hit = fault.seen >= fault.first
                && fault.last.is_none_or(|last| fault.seen <= last)
                && (fault.seen - fault.first).is_multiple_of(fault.every);
            if is_hit && effect.is_none() {
                effect = Some(fault.effect.clone());
            }
        }
        effect
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(fault: &str, hit: &[u64]) {
        let mut faults = Faults::new(vec![fault.parse().unwrap()]);
        let hits: Vec<u64> = (1..=12).filter(|_| faults.next("GetObject").is_some()).collect();
        assert_eq!(hits, hit, "{fault}");
        assert_eq!(faults.next("Publish").is_some(), fault.starts_with('*'), "{fault}");
    }

    #[test]
    fn a_fault_hits_the_requests_that_it_names() {
        check("GetObject@3=hang", &[3]);
        check("GetObject@3-5=cut:10", &[3, 4, 5]);
        check("GetObject@9-=status:500", &[9, 10, 11, 12]);
        check("GetObject@2-9/3=slow:1000", &[2, 5, 8]);
        check("*@1-=lost:503", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    }

    #[test]
    fn effects_are_read() {
        let effect = |text: &str| effect_of(text).unwrap();
        assert_eq!(
            effect("status:403:AccessDenied"),
            Effect::Status(403, Some("AccessDenied".into()))
        );
        assert_eq!(effect("status:500"), Effect::Status(500, None));
        assert_eq!(effect("hang:0.5"), Effect::Hang(Some(Duration::from_millis(500))));
        assert_eq!(effect("cut:0"), Effect::Cut(0));
        assert_eq!(effect("moved:eu-central-1"), Effect::Moved("eu-central-1".into()));
    }

    #[test]
    fn what_is_no_fault_is_an_error() {
        for text in [
            "",
            "GetObject",
            "GetObject@1",
            "@1=hang",
            "GetObject@0=hang",
            "GetObject@5-3=hang",
            "GetObject@1/0=hang",
            "GetObject@1=status",
            "GetObject@1=moved:",
            "GetObject@1=status:200",
            "GetObject@1=slow:0",
            "GetObject@1=hang:-1",
            "GetObject@1=burn",
            "GetObject@x=hang",
        ] {
            assert_eq!(text.parse::<Fault>(), Err(FaultError::Form(text.to_owned())));
        }
    }
}
