//! What is taken over from a bucket, and what leaves the old one in place.

use askance_stages::enrich::BaselineBuilder;
use askance_stages::parse::Parser;

use super::super::fleet_tests::{Fleet, Replica};
use super::super::object::MOST_BYTES;
use super::*;

/// A baseline of one event.
fn made(region: &str) -> Baseline {
    let mut builder = BaselineBuilder::default();
    let json = format!("{{\"awsRegion\": \"{region}\", \"recipientAccountId\": \"1\"}}");
    Parser::default().parse(json.as_bytes(), |record, _| builder.take(&record, None)).unwrap();
    builder.finish()
}

/// Looks; answers what it came to, and what is told of it.
async fn look(replica: &mut Replica) -> (Look, String) {
    let look = replica.follower.look().await;
    (look, replica.health.warnings().join("; "))
}

#[tokio::test]
async fn what_is_no_baseline_is_refused_and_the_old_one_holds() {
    let fleet = Fleet::new().await;
    let mut replica = fleet.replica("one").await;
    assert_eq!(look(&mut replica).await, (Look::Missing, String::new()), "it is made yet");
    let good = made("eu-west-1");
    fleet.puts(&good.bytes()).await;
    assert_eq!(look(&mut replica).await, (Look::New, String::new()));
    let mut damaged = made("us-east-1").bytes();
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    let large = vec![0; usize::try_from(MOST_BYTES).unwrap() + 1];
    for (bad, why) in [
        (b"\x1f\x8b of another kind".to_vec(), "it is no baseline"),
        (made("us-east-1").bytes()[..60].to_vec(), "only part of one"),
        (damaged, "is damaged"),
        (large, "it has more than"),
    ] {
        fleet.puts(&bad).await;
        // It is told for as long as it stands there, and fetched once.
        for round in 0..2 {
            let (outcome, told) = look(&mut replica).await;
            assert_eq!(outcome, Look::Refused, "{round}: {told}");
            assert!(told.contains("baseline in its bucket: ") && told.contains(why), "{told}");
            assert!(told.ends_with("the old one still holds"), "{told}");
        }
        assert_eq!(replica.version().as_deref(), Some(good.version()));
    }
    assert_eq!(replica.families.baseline_looks.with_label_values(&["refused"]).get(), 8);
    assert!(replica.health.why_unready().is_empty(), "it does its work");
    let next = made("ap-northeast-1");
    fleet.puts(&next.bytes()).await;
    assert_eq!(look(&mut replica).await, (Look::New, String::new()));
    assert_eq!(replica.version().as_deref(), Some(next.version()));
}

#[tokio::test]
async fn a_bucket_that_is_away_or_empty_takes_nothing_away() {
    let fleet = Fleet::new().await;
    let mut replica = fleet.replica("one").await;
    let good = made("eu-west-1");
    fleet.puts(&good.bytes()).await;
    assert_eq!(look(&mut replica).await.0, Look::New);
    // The same content, put once more: nobody has to make anything anew.
    fleet.puts(&good.bytes()).await;
    assert_eq!(look(&mut replica).await, (Look::Same, String::new()));
    fleet.gateway.shut(true);
    let (outcome, told) = look(&mut replica).await;
    assert!(outcome == Look::Failed && told.contains("cannot read s3://"), "{told}");
    fleet.gateway.shut(false);
    assert_eq!(look(&mut replica).await, (Look::Same, String::new()));
    let call = fleet.s3().await.delete_object().bucket(&fleet.seen).key("askance/first.bin");
    call.send().await.unwrap();
    let (outcome, told) = look(&mut replica).await;
    assert!(outcome == Look::Missing && told.contains("is not there"), "{told}");
    assert_eq!(replica.version().as_deref(), Some(good.version()));
}

#[tokio::test]
async fn a_command_fetches_it_once_or_says_why_not() {
    let fleet = Fleet::new().await;
    let (mut config, aws) = (fleet.config(), fleet.aws());
    assert!(fetch(&config, &aws).await.unwrap().is_none(), "the service has made none yet");
    config.enrich.baseline.as_mut().unwrap().rebuild = None;
    let why = fetch(&config, &aws).await.unwrap_err();
    assert_eq!(why, format!("baseline: {} is not there", fleet.address()));
    fleet.puts(b"no baseline").await;
    let why = fetch(&config, &aws).await.unwrap_err();
    assert!(why.contains("is refused: it is no baseline"), "{why}");
    let good = made("eu-west-1");
    fleet.puts(&good.bytes()).await;
    let held = fetch(&config, &aws).await.unwrap();
    assert_eq!(held.unwrap().version(), good.version());
    config.enrich.baseline = None;
    assert!(fetch(&config, &aws).await.unwrap().is_none());
}
