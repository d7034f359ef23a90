//! Tests of clients: what is counted, and that the environment leads them through a proxy.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::sync::mpsc;

use super::*;

/// Set in the environment of a test that is its own child, which is how an environment can be set
/// without touching that of other tests.
const CHILD: &str = "ASKANCE_TEST_CHILD";

#[test]
fn outcomes_are_told_by_status_and_code() {
    let check = |status: u16, code: Option<&str>, expected: &str| {
        assert_eq!(outcome(status, code), expected, "{status} {code:?}");
    };
    check(200, None, "ok");
    check(206, None, "ok");
    check(400, Some("ThrottlingException"), "throttled");
    check(400, Some("RequestThrottled"), "throttled");
    check(400, Some("ValidationException"), "failed");
    check(400, Some("AccessDeniedException"), "denied");
    check(403, Some("AccessDenied"), "denied");
    check(403, Some("RequestLimitExceeded"), "throttled");
    check(429, None, "throttled");
    check(503, Some("SlowDown"), "throttled");
    check(500, None, "failed");
}

#[test]
fn codes_are_found_in_json_and_xml() {
    let check = |body: &str, expected: Option<&str>| {
        assert_eq!(code_in(body.as_bytes()).as_deref(), expected, "{body}");
    };
    check(
        r#"{"__type":"com.amazonaws.sqs#RequestThrottled","message":"x"}"#,
        Some("RequestThrottled"),
    );
    check(r#"{"code":"LimitExceededException"}"#, Some("LimitExceededException"));
    check(
        "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>",
        Some("Throttling"),
    );
    check("<html>busy</html>", None);
    check("{", None);
    check("", None);
    assert_eq!(
        bare_code("aws.protocoltests#ThrottlingException:http://internal/"),
        "ThrottlingException"
    );
    assert_eq!(
        bare_code("AWS.SimpleQueueService.NonExistentQueue;Sender"),
        "AWS.SimpleQueueService.NonExistentQueue"
    );
}

#[test]
fn throttling_inside_a_bad_request_is_counted_as_such() {
    let body = "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>";
    let head = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n";
    let (url, _lines) = answering(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()));
    let aws = Aws::on_loopback(&url);
    run(async {
        aws.sns(&Place::default()).await.list_topics().send().await.unwrap_err();
    });
    let count = |outcome| aws.families.aws_requests.with_label_values(&["sns", outcome]).get();
    assert_eq!(count("throttled"), 1);
    assert_eq!(count("failed"), 0);
}

#[test]
fn proxies_of_the_environment_are_used_and_fips_endpoints_asked_for() {
    if std::env::var_os(CHILD).is_some() {
        return call_sns();
    }
    let refusal =
        "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned();
    let (proxy, lines) = answering(refusal);
    let run_with = |more: &[(&str, &str)]| {
        let status = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "aws::tests::proxies_of_the_environment_are_used_and_fips_endpoints_asked_for",
            ])
            .env_clear()
            .envs(
                std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "LD_LIBRARY_PATH"),
            )
            .env(CHILD, "1")
            .env("AWS_ACCESS_KEY_ID", "testing")
            .env("AWS_SECRET_ACCESS_KEY", "testing")
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_REGION", "us-east-1")
            .envs(more.iter().copied())
            .output()
            .unwrap();
        assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stdout));
        lines.try_iter().collect::<Vec<String>>()
    };
    let told = run_with(&[("HTTPS_PROXY", &proxy)]);
    assert!(
        told.contains(&"CONNECT sns.us-east-1.amazonaws.com:443 HTTP/1.1".to_owned()),
        "{told:?}"
    );
    let told = run_with(&[("HTTPS_PROXY", &proxy), ("AWS_USE_FIPS_ENDPOINT", "true")]);
    assert!(
        told.contains(&"CONNECT sns-fips.us-east-1.amazonaws.com:443 HTTP/1.1".to_owned()),
        "{told:?}"
    );
    // An address that no proxy is asked for: nobody listens there, and the proxy sees nothing.
    let direct = [
        ("HTTPS_PROXY", proxy.as_str()),
        ("HTTP_PROXY", proxy.as_str()),
        ("NO_PROXY", "127.0.0.2"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.2:9"),
    ];
    assert_eq!(run_with(&direct), Vec::<String>::new());
    let plain = [("HTTP_PROXY", proxy.as_str()), ("AWS_ENDPOINT_URL", "http://127.0.0.2:9")];
    assert!(run_with(&plain).iter().any(|line| line.contains("127.0.0.2:9")));
}

/// What the child does: one call, which fails, as the proxy refuses.
fn call_sns() {
    let families = Families::new();
    run(async {
        let aws = Aws::new(&AwsConfig::default(), &families);
        aws.sns(&Place::default()).await.list_topics().send().await.unwrap_err();
    });
}

fn run(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future);
}

/// A server that gives one answer to whoever asks; the first line of each request is told.
fn answering(answer: String) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut first, mut line) = (String::new(), String::new());
            let mut length = 0;
            while reader.read_line(&mut line).unwrap_or(0) > 2 {
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap_or(0);
                }
                if first.is_empty() {
                    first = line.trim_end().to_owned();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            // The answer closes the connection whatever was asked.
            let _ = std::io::Read::read_exact(&mut reader, &mut body);
            let _ = stream.write_all(answer.as_bytes());
            if tell.send(first).is_err() {
                return;
            }
        }
    });
    (url, lines)
}
