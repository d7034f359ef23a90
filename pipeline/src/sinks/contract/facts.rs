//! The facts of the contract, each for any place.

use std::time::Duration;

use askance_stages::raise::MessageKind;

use super::notices::{self, HOSTILE};
use super::{Failure, Place};
use crate::sinks::{Notice, SendError, Sent, Sink};

/// How long a test waits for a sink whose place hangs; the deliverer waits longer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Sends one message that must go well.
#[track_caller]
fn went(results: &[Result<Sent, SendError>]) -> Vec<Sent> {
    results
        .iter()
        .map(|result| match result {
            Ok(sent) => sent.clone(),
            Err(error) => panic!("not sent: {error}"),
        })
        .collect()
}

async fn one(sink: &mut dyn Sink, notice: &Notice) -> Result<Sent, SendError> {
    let mut results = sink.send(std::slice::from_ref(notice)).await;
    assert_eq!(results.len(), 1, "one answer for each message");
    results.remove(0)
}

/// A new alert arrives once, with its id and its title.
pub async fn a_new_alert_arrives_once<P: Place>() {
    let place = P::start().await;
    let mut sink = place.open().await;
    sink.resume(None).await.unwrap();
    let notice = notices::usual(1);
    went(&[one(sink.as_mut(), &notice).await]);
    let arrived = place.arrived().await;
    assert_eq!(arrived.len(), 1, "{arrived:#?}");
    assert_eq!(arrived[0].id, notice.alert.id);
    assert!(arrived[0].text.contains(&notice.alert.id), "{}", arrived[0].text);
    assert!(arrived[0].text.contains(&notice.alert.rule.title), "{}", arrived[0].text);
}

/// Several alerts arrive in the order in which they were given.
pub async fn alerts_arrive_in_order<P: Place>() {
    let place = P::start().await;
    let mut sink = place.open().await;
    sink.resume(None).await.unwrap();
    let notices: Vec<Notice> = (1..=5).map(notices::usual).collect();
    for batch in notices.chunks(sink.max_batch()) {
        assert_eq!(went(&sink.send(batch).await).len(), batch.len());
    }
    let ids: Vec<String> = place.arrived().await.into_iter().map(|arrived| arrived.id).collect();
    let sent: Vec<String> = notices.iter().map(|notice| notice.alert.id.clone()).collect();
    assert_eq!(ids, sent);
}

/// That it came again is told, unless the sink says that it tells no repeats.
pub async fn repeats_are_told<P: Place>() {
    let place = P::start().await;
    let mut sink = place.open().await;
    sink.resume(None).await.unwrap();
    let mut notice = notices::usual(1);
    let sent = went(&[one(sink.as_mut(), &notice).await]).remove(0);
    if !sink.takes_updates() {
        return;
    }
    notice.kind = MessageKind::Update;
    notice.message_id = "people/update/2".to_owned();
    notice.reference = sent.reference;
    notices::repeat(&mut notice, 4711);
    went(&[one(sink.as_mut(), &notice).await]);
    let arrived = place.arrived().await;
    let last = arrived.last().expect("something arrived");
    assert_eq!(last.id, notice.alert.id);
    assert!(last.text.contains("4711"), "{}", last.text);
}

/// That so many more of its rule were held back is told with the number.
pub async fn what_was_held_back_is_told<P: Place>() {
    let place = P::start().await;
    let mut sink = place.open().await;
    sink.resume(None).await.unwrap();
    let mut notice = notices::usual(1);
    notice.kind = MessageKind::More;
    notices::repeat(&mut notice, 4711);
    went(&[one(sink.as_mut(), &notice).await]);
    let arrived = place.arrived().await;
    assert_eq!(arrived.len(), 1, "{arrived:#?}");
    assert!(!P::TELLS_MORE || arrived[0].text.contains("4711"), "{}", arrived[0].text);
}

/// Alerts made of texts that mislead arrive, and mislead nobody.
pub async fn hostile_texts_arrive_harmless<P: Place>() {
    let place = P::start().await;
    let mut sink = place.open().await;
    sink.resume(None).await.unwrap();
    for (index, text) in HOSTILE.iter().enumerate() {
        let mut notice = notices::hostile(text);
        notice.message_id = format!("people/hostile/{index}");
        if let Err(error) = one(sink.as_mut(), &notice).await {
            panic!("lost to {text:?}: {error}");
        }
        let arrived = place.arrived().await;
        assert_eq!(arrived.len(), index + 1, "after {text:?}");
        let read = &arrived[index].text;
        assert_eq!(arrived[index].id, notice.alert.id);
        let harmful = |c: char| match c {
            '\n' | '\r' => false,
            '\0'..='\u{1f}' => true,
            // A program is given the alert as it is.
            '\u{7f}'..='\u{9f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => P::IS_FOR_PEOPLE,
            _ => false,
        };
        assert!(!read.contains(harmful), "{text:?} arrived as {read:?}");
        assert!(!P::IS_FOR_PEOPLE || !read.contains("\nBcc:"), "{text:?} began a line: {read:?}");
    }
}

/// The largest alert arrives, whole or with words on where the whole is.
pub async fn the_largest_alert_arrives<P: Place>() {
    let place = P::start().await;
    let mut sink = place.open().await;
    sink.resume(None).await.unwrap();
    let notice = notices::largest();
    assert!(notice.json.len() > 256 << 10);
    went(&[one(sink.as_mut(), &notice).await]);
    let arrived = place.arrived().await;
    assert_eq!(arrived.len(), 1);
    let text = &arrived[0].text;
    let is_whole = text.contains(notices::END_OF_LARGEST);
    let says_so = text.contains(&format!("askance alerts show {}", notice.alert.id));
    assert!(is_whole || says_so, "it was cut and does not say so: {text}");
}

/// Whatever goes wrong on the way, the same message goes well afterwards; secrets stay secret.
pub async fn failures_pass_and_nothing_is_lost<P: Place>() {
    for how in [Failure::OutOfOrder, Failure::TooMany, Failure::Hangs, Failure::Cuts] {
        let place = P::start().await;
        let mut sink = place.open().await;
        sink.resume(None).await.unwrap();
        // A connection that went well before may be used again.
        went(&[one(sink.as_mut(), &notices::usual(1)).await]);
        if !place.fail(how) {
            continue;
        }
        let notice = notices::usual(2);
        match tokio::time::timeout(PATIENCE, one(sink.as_mut(), &notice)).await {
            Err(_) => assert_eq!(how, Failure::Hangs, "no answer"),
            Ok(Ok(_)) => panic!("{how:?}: sent"),
            Ok(Err(error)) => {
                let told = format!("{error} {error:?}");
                for secret in place.secrets() {
                    assert!(!told.contains(&secret), "{how:?}: {secret} stands in {told}");
                }
                match (how, &error) {
                    (Failure::TooMany, SendError::Throttled { .. }) => {}
                    (Failure::TooMany, _) => panic!("{how:?}: not throttled: {error:?}"),
                    (_, SendError::Down(_) | SendError::Throttled { .. }) => {}
                    (_, SendError::Refused(_)) => panic!("{how:?}: refused: {error}"),
                }
            }
        }
        place.fail(Failure::None);
        went(&[one(sink.as_mut(), &notice).await]);
        let arrived = place.arrived().await;
        let times = arrived.iter().filter(|arrived| arrived.id == notice.alert.id).count();
        assert!(times >= 1, "{how:?}: {arrived:#?}");
    }
}

/// What is refused for good is said to be, and the next message goes.
pub async fn a_refusal_is_final_and_alone<P: Place>() {
    let place = P::start().await;
    let mut sink = place.open().await;
    sink.resume(None).await.unwrap();
    if !place.fail(Failure::Refuses) {
        return;
    }
    match one(sink.as_mut(), &notices::usual(1)).await {
        Err(error @ SendError::Refused(_)) => {
            let told = format!("{error} {error:?}");
            for secret in place.secrets() {
                assert!(!told.contains(&secret), "{secret} stands in {told}");
            }
        }
        other => panic!("not refused: {other:?}"),
    }
    place.fail(Failure::None);
    went(&[one(sink.as_mut(), &notices::usual(2)).await]);
}
