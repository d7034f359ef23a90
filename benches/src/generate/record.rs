//! Writes one event with its envelope, field by field in CloudTrail's order.

use crate::generate::{
    actor::Actor,
    catalogue::{Call, Kind},
    random::Random,
    template::{Scene, number, uuid},
};

/// An event to be written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event<'a> {
    pub(crate) call: &'a Call,
    pub(crate) actor: &'a Actor,
    pub(crate) scene: Scene<'a>,
    pub(crate) id: &'a [u8],
    pub(crate) failure: Option<Failure>,
}

/// Why a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    Denied,
    Throttled,
    Missing,
}

impl Failure {
    /// Draws the kind of an ordinary failure.
    pub(crate) fn draw(random: &mut Random) -> Self {
        *random.pick(&[Self::Denied, Self::Throttled, Self::Missing, Self::Missing])
    }

    fn code(self, source: &str) -> &'static str {
        match (self, source) {
            (Self::Denied, "ec2") => "Client.UnauthorizedOperation",
            (Self::Denied, "s3" | "iam" | "sts" | "sns" | "sqs") => "AccessDenied",
            (Self::Denied, _) => "AccessDeniedException",
            (Self::Throttled, "ec2") => "Client.RequestLimitExceeded",
            (Self::Throttled, "s3") => "SlowDown",
            (Self::Throttled, _) => "ThrottlingException",
            (Self::Missing, "ec2") => "Client.InvalidInstanceID.NotFound",
            (Self::Missing, "s3") => "NoSuchKey",
            (Self::Missing, "iam") => "NoSuchEntityException",
            (Self::Missing, _) => "ResourceNotFoundException",
        }
    }
}

/// Appends `event` as one line of JSON, without a line end.
pub(crate) fn write(out: &mut Vec<u8>, event: &Event<'_>, random: &mut Random) {
    if event.call.kind == Kind::Insight {
        return insight(out, event, random);
    }
    let Event { call, actor, scene, .. } = event;
    text(out, &[r#"{"eventVersion":""#, version(call.source), r#"","userIdentity":"#]);
    actor.identity.fill(out, scene, random);
    text(out, &[r#","eventTime":""#]);
    crate::generate::calendar::iso(out, scene.time);
    text(
        out,
        &[r#"","eventSource":""#, call.source, r#".amazonaws.com","eventName":""#, call.name],
    );
    text(out, &[r#"","awsRegion":""#, scene.region, r#"","sourceIPAddress":""#, &actor.address]);
    text(out, &[r#"","userAgent":""#, &actor.agent, "\""]);
    if let Some(failure) = event.failure {
        error(out, event, failure);
    }
    text(out, &[r#","requestParameters":"#]);
    call.request.fill(out, scene, random);
    text(out, &[r#","responseElements":"#]);
    if event.failure.is_some() {
        text(out, &["null"]);
    } else {
        call.response.fill(out, scene, random);
    }
    if !call.additional.is_empty() {
        text(out, &[r#","additionalEventData":"#]);
        call.additional.fill(out, scene, random);
    }
    if call.kind != Kind::SignIn {
        text(out, &[r#","requestID":""#]);
        out.extend_from_slice(scene.request);
        out.push(b'"');
    }
    text(out, &[r#","eventID":""#]);
    out.extend_from_slice(event.id);
    text(out, &[r#"","readOnly":"#, if call.is_read { "true" } else { "false" }]);
    if !call.resources.is_empty() {
        text(out, &[r#","resources":"#]);
        call.resources.fill(out, scene, random);
    }
    tail(out, event, random);
}

fn tail(out: &mut Vec<u8>, event: &Event<'_>, random: &mut Random) {
    let Event { call, actor, scene, .. } = event;
    let is_by_service = actor.address.ends_with("amazonaws.com");
    let is_management = !matches!(call.kind, Kind::Data | Kind::NetworkActivity);
    text(out, &[r#","eventType":""#, event_type(call.kind), r#"","managementEvent":"#]);
    text(out, &[if is_management { "true" } else { "false" }, r#","recipientAccountId":""#]);
    text(out, &[scene.account, "\""]);
    if call.name.starts_with("AssumeRole") {
        text(out, &[r#","sharedEventID":""#]);
        uuid(out, random);
        out.push(b'"');
    }
    if call.kind == Kind::NetworkActivity
        || call.kind == Kind::Data && actor.address.starts_with("10.")
    {
        let endpoints = scene.pools.all("vpce");
        let endpoint = &endpoints[scene.draw as usize % endpoints.len()];
        text(out, &[r#","vpcEndpointId":""#, endpoint, "\""]);
        if call.kind == Kind::NetworkActivity {
            text(out, &[r#","vpcEndpointAccountId":""#, scene.account, "\""]);
        }
    }
    text(out, &[r#","eventCategory":""#, category(call.kind), "\""]);
    if !is_by_service && call.kind != Kind::ServiceEvent {
        let s3 = call.source == "s3";
        text(
            out,
            &[r#","tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256""#],
        );
        text(out, &[r#","clientProvidedHostHeader":""#]);
        if s3 && !call.resources.is_empty() {
            let bucket = scene.pools.all("bucket");
            text(out, &[&bucket[scene.draw as usize % bucket.len()], "."]);
        }
        text(out, &[call.source, ".", scene.region, r#".amazonaws.com"}"#]);
    }
    if actor.is_in_browser && call.kind != Kind::SignIn {
        text(out, &[r#","sessionCredentialFromConsole":"true""#]);
    }
    out.push(b'}');
}

fn insight(out: &mut Vec<u8>, event: &Event<'_>, random: &mut Random) {
    let Event { call, scene, .. } = event;
    text(out, &[r#"{"eventVersion":"1.07","eventTime":""#]);
    crate::generate::calendar::iso(out, scene.time);
    text(out, &[r#"","awsRegion":""#, scene.region, r#"","eventID":""#]);
    out.extend_from_slice(event.id);
    text(out, &[r#"","eventType":"AwsCloudTrailInsight","recipientAccountId":""#, scene.account]);
    text(out, &[r#"","sharedEventID":""#]);
    uuid(out, random);
    text(out, &[r#"","insightDetails":{"state":"Start","eventSource":""#, call.source]);
    text(out, &[r#".amazonaws.com","eventName":""#, call.name]);
    text(out, &[r#"","insightType":"ApiCallRateInsight","insightContext":{"statistics":"#]);
    text(out, &[r#"{"baseline":{"average":0."#]);
    number(out, random.below(9999));
    text(out, &[r#"},"insight":{"average":"#]);
    number(out, 5 + random.below(90));
    text(
        out,
        &[r#"},"insightDuration":5,"baselineDuration":11336},"attributions":[{"attribute":"#],
    );
    text(out, &[r#""userIdentityArn","insight":[{"value":""#, &event.actor.arn]);
    text(out, &[r#"","average":9.2}],"baseline":[]}]}},"eventCategory":"Insight"}"#]);
}

fn error(out: &mut Vec<u8>, event: &Event<'_>, failure: Failure) {
    let Call { source, name, .. } = event.call;
    text(out, &[r#","errorCode":""#, failure.code(source), r#"","errorMessage":""#]);
    match failure {
        Failure::Denied => {
            text(
                out,
                &["User: ", &event.actor.arn, " is not authorized to perform: ", source, ":"],
            );
            text(out, &[name, " because no identity-based policy allows the ", source, ":", name]);
            text(out, &[" action"]);
        }
        Failure::Throttled => text(out, &["Rate exceeded"]),
        Failure::Missing => {
            text(
                out,
                &["The requested resource \\u003c", &event.actor.name, "\\u003e was not found"],
            );
        }
    }
    out.push(b'"');
}

fn text(out: &mut Vec<u8>, parts: &[&str]) {
    for part in parts {
        out.extend_from_slice(part.as_bytes());
    }
}

fn version(source: &str) -> &'static str {
    match source {
        "signin" | "sso" | "sts" | "ecs" => "1.08",
        "lambda" | "cloudformation" | "logs" => "1.09",
        "ec2" | "ssm" | "rds" => "1.10",
        _ => "1.11",
    }
}

fn event_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Management | Kind::Data => "AwsApiCall",
        Kind::SignIn => "AwsConsoleSignIn",
        Kind::ServiceEvent => "AwsServiceEvent",
        Kind::Insight => "AwsCloudTrailInsight",
        Kind::NetworkActivity => "AwsVpceEvent",
    }
}

fn category(kind: Kind) -> &'static str {
    match kind {
        Kind::Management | Kind::SignIn | Kind::ServiceEvent => "Management",
        Kind::Data => "Data",
        Kind::Insight => "Insight",
        Kind::NetworkActivity => "NetworkActivity",
    }
}
