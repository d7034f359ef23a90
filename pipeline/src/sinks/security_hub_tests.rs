//! Tests of Security Hub: a stand-in that holds findings against its limits and refuses some.

use std::sync::{Arc, Mutex};

use askance_stages::raise::MessageKind;
use axum::Router;
use axum::extract::State;
use axum::routing::post;
use serde_json::json;

use super::*;
use crate::sinks::contract::faults::{Speech, Way};
use crate::sinks::contract::notices::{GROUP_ARN, repeat, usual};
use crate::sinks::contract::{self, Arrived, Failure, Place as Where};

type Findings = Arc<Mutex<Vec<Value>>>;

struct Hub {
    way: Way,
    findings: Findings,
}

/// What Security Hub says to a finding: nothing if it is of the right form.
fn complaint(finding: &Value) -> Option<(&'static str, String)> {
    let length = |pointer: &str| {
        finding.pointer(pointer).and_then(Value::as_str).map_or(0, |text| text.chars().count())
    };
    for (pointer, most) in [
        ("/Id", 512),
        ("/ProductArn", 2048),
        ("/GeneratorId", 512),
        ("/AwsAccountId", 12),
        ("/Title", 256),
        ("/Description", 1024),
        ("/CreatedAt", 64),
        ("/UpdatedAt", 64),
        ("/FindingProviderFields/Severity/Label", 13),
    ] {
        if !(1..=most).contains(&length(pointer)) {
            return Some(("InvalidInput", format!("{pointer} has {} characters", length(pointer))));
        }
    }
    let resources = finding["Resources"].as_array().map_or(0, Vec::len);
    let is_large = finding.to_string().len() > 240_000;
    (is_large || !(1..=32).contains(&resources)).then(|| ("InvalidInput", "too large".to_owned()))
}

/// Each answer ends its connection, so that a failure meets a new one.
type Answer = ([(&'static str, &'static str); 1], String);

async fn import(State(findings): State<Findings>, body: String) -> Answer {
    let body: Value = serde_json::from_str(&body).unwrap();
    let given = body["Findings"].as_array().unwrap();
    assert!(given.len() <= MAX_BATCH);
    let mut failed = Vec::new();
    for finding in given {
        let title = finding["Title"].as_str().unwrap_or_default();
        let complaint = match title {
            "throttle" => Some(("ThrottlingException", "slow down".to_owned())),
            "break" => Some(("InternalError", "try again".to_owned())),
            _ => complaint(finding),
        };
        match complaint {
            Some((code, words)) => failed.push(json!({
                "Id": finding["Id"], "ErrorCode": code, "ErrorMessage": words,
            })),
            None => findings.lock().unwrap().push(finding.clone()),
        }
    }
    let taken = given.len() - failed.len();
    let answer = json!({
        "FailedCount": failed.len(), "SuccessCount": taken, "FailedFindings": failed,
    });
    ([("connection", "close")], answer.to_string())
}

impl Hub {
    async fn sink(&self) -> SecurityHub {
        let config = SecurityHubConfig { account: "999988887777".to_owned(), region: None };
        let context = contract::context(&format!("http://{}", self.way.address));
        SecurityHub::open(&config, &context).await.unwrap()
    }
}

#[async_trait]
impl Where for Hub {
    const IS_FOR_PEOPLE: bool = false;

    async fn start() -> Self {
        let findings = Findings::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router =
            Router::new().route("/findings/import", post(import)).with_state(findings.clone());
        let router = router.layer(axum::extract::DefaultBodyLimit::max(64 << 20));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let body =
            r#"{"__type":"InvalidInputException","Message":"a finding is not of the right form"}"#;
        Self { way: Way::to(address, Speech::Http(400, body)).await, findings }
    }

    async fn open(&self) -> Box<dyn Sink> {
        Box::new(self.sink().await)
    }

    async fn arrived(&self) -> Vec<Arrived> {
        let findings = self.findings.lock().unwrap();
        let one = |finding: &Value| Arrived {
            id: finding["Id"].as_str().unwrap().trim_start_matches("askance/").to_owned(),
            text: finding.to_string(),
        };
        findings.iter().map(one).collect()
    }

    fn fail(&self, how: Failure) -> bool {
        self.way.fail(how);
        true
    }
}

contract::contract!(keeps_the_contract, Hub);

#[tokio::test]
async fn failures_of_single_findings_are_theirs() {
    let hub = Hub::start().await;
    let mut sink = hub.sink().await;
    let titled = |number: u8, title: &str| {
        let mut notice = usual(number);
        notice.alert.rule.title = title.to_owned();
        notice
    };
    let mut batch = vec![titled(1, "a"), titled(2, "throttle"), titled(3, "break")];
    batch.extend((4..=100).map(usual));
    let results = sink.send(&batch).await;
    assert_eq!(results.len(), 100);
    assert!(matches!(&results[1], Err(SendError::Throttled { .. })), "{:?}", results[1]);
    let Err(SendError::Down(words)) = &results[2] else { panic!("{:?}", results[2]) };
    assert_eq!(
        words,
        "cannot import findings into Security Hub of 999988887777 in eu-west-1: InternalError: try again"
    );
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 98);
    assert_eq!(hub.findings.lock().unwrap().len(), 98);
}

#[tokio::test]
async fn a_repeat_updates_the_finding() {
    let hub = Hub::start().await;
    let mut sink = hub.sink().await;
    let mut notice = usual(1);
    sink.send(std::slice::from_ref(&notice)).await[0].clone().unwrap();
    notice.kind = MessageKind::Update;
    repeat(&mut notice, 12);
    sink.send(&[notice]).await[0].clone().unwrap();
    let findings = hub.findings.lock().unwrap();
    let (first, second) = (&findings[0], &findings[1]);
    assert_eq!(first["Id"], second["Id"]);
    assert_eq!(first["CreatedAt"], second["CreatedAt"]);
    let updated = |finding: &Value| -> jiff::Timestamp {
        finding["UpdatedAt"].as_str().unwrap().parse().unwrap()
    };
    assert!(updated(first) < updated(second), "else it is not taken");
    assert_eq!(second["ProductFields"]["askance/count"], "12");
    assert_eq!(second["RecordState"], "ACTIVE");
    assert_eq!(second["Resources"][0]["Type"], "AwsEc2SecurityGroup");
    assert_eq!(second["Resources"][0]["Id"], GROUP_ARN);
    let arn = "arn:aws:securityhub:eu-west-1:999988887777:product/999988887777/default";
    assert_eq!(second["ProductArn"], arn);
}

#[test]
fn the_finding_keeps_everything_of_its_form() {
    let product = Product { account: "999988887777".to_owned(), region: "eu-west-1".to_owned() };
    let mut notice = usual(1);
    notice.words.fix.en = Some("Close it.".to_owned());
    notice.words.references = vec!["https://example.com/".to_owned()];
    notice.alert.resource[0].kind = Some("pipelineName".to_owned());
    let now = jiff::Timestamp::UNIX_EPOCH;
    let finding = finding(&asff(&notice.alert, None, (&notice.words, None), &product, now));
    let advice = finding.remediation().unwrap().recommendation().unwrap();
    assert_eq!((advice.text(), advice.url()), (Some("Close it."), Some("https://example.com/")));
    let details = finding.resources()[0].details().unwrap().other().unwrap();
    assert_eq!(details["type"], "pipelineName");
}
