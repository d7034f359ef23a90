//! What every sink keeps to, as tests: one suite, run for each sink against a server on loopback.
//!
//! A sink brings a [`Place`]: how its stand-in is started, how the sink is opened at it, and how what
//! arrived is listed. `contract!(name, Place);` makes the tests. What only one sink does is tested
//! beside it.

#![cfg(test)]

pub mod builtin;
pub mod facts;
pub mod faults;
pub mod notices;

use async_trait::async_trait;

use super::{Sink, SinkContext};
use crate::aws::Aws;
use crate::config::Language;
use crate::secrets::Secrets;

/// Where a sink sends to in tests.
#[async_trait]
pub trait Place: Sized + Send {
    /// True if people read what arrives: then it must be harmless to their eyes too.
    const IS_FOR_PEOPLE: bool;

    /// True if a message of the kind "more" arrives as such; programs may get the alert alone.
    const TELLS_MORE: bool = true;

    /// Starts the stand-in.
    async fn start() -> Self;

    /// Opens the sink at it.
    async fn open(&self) -> Box<dyn Sink>;

    /// What arrived so far, in order.
    async fn arrived(&self) -> Vec<Arrived>;

    /// From now on it fails so; false if it has no such failure.
    fn fail(&self, _how: Failure) -> bool {
        false
    }

    /// What must stand in no error.
    fn secrets(&self) -> Vec<String> {
        Vec::new()
    }
}

/// One message as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// The alert's id.
    pub id: String,
    /// What is read in it, encodings undone: the words for people, or the JSON for a program.
    pub text: String,
}

/// How a place fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Not at all.
    None,
    /// HTTP status 500, or what comes nearest: it is out of order.
    OutOfOrder,
    /// HTTP status 429 with `Retry-After: 7`, or what comes nearest.
    TooMany,
    /// Connections are taken and never answered.
    Hangs,
    /// Connections are cut once something was sent.
    Cuts,
    /// It will never take what is sent.
    Refuses,
}

/// The alert that a text for people tells of, by the command that stands in each.
pub fn id_in(text: &str) -> String {
    let (_, after) = text.split_once("askance alerts show ").expect("it says how to see the whole");
    after.chars().take_while(char::is_ascii_alphanumeric).collect()
}

/// What sinks are made with in tests: AWS at `url`, English and Japanese.
pub fn context(url: &str) -> SinkContext {
    let aws = Aws::on_loopback(url);
    SinkContext {
        name: "people".to_owned(),
        secrets: Secrets::new(aws.clone()),
        aws,
        languages: vec![Language::En, Language::Ja],
    }
}

/// Makes the tests of a place.
macro_rules! contract {
    ($name:ident, $place:ty) => {
        mod $name {
            use super::*;
            use crate::sinks::contract::facts;

            #[tokio::test]
            async fn a_new_alert_arrives_once() {
                facts::a_new_alert_arrives_once::<$place>().await;
            }

            #[tokio::test]
            async fn alerts_arrive_in_order() {
                facts::alerts_arrive_in_order::<$place>().await;
            }

            #[tokio::test]
            async fn repeats_are_told() {
                facts::repeats_are_told::<$place>().await;
            }

            #[tokio::test]
            async fn what_was_held_back_is_told() {
                facts::what_was_held_back_is_told::<$place>().await;
            }

            #[tokio::test]
            async fn hostile_texts_arrive_harmless() {
                facts::hostile_texts_arrive_harmless::<$place>().await;
            }

            #[tokio::test]
            async fn the_largest_alert_arrives() {
                facts::the_largest_alert_arrives::<$place>().await;
            }

            #[tokio::test]
            async fn failures_pass_and_nothing_is_lost() {
                facts::failures_pass_and_nothing_is_lost::<$place>().await;
            }

            #[tokio::test]
            async fn a_refusal_is_final_and_alone() {
                facts::a_refusal_is_final_and_alone::<$place>().await;
            }
        }
    };
}

pub(crate) use contract;
