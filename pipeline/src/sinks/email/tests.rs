//! Mail against aiosmtpd and moto, and what a mail looks like.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use askance_stages::raise::MessageKind;
use async_trait::async_trait;
use expect_test::expect_file;

use super::*;
use crate::config::{MailTls, MailTransport, SecretRef};
use crate::sinks::contract::faults::{Speech, Way};
use crate::sinks::contract::{self, Arrived, Failure, Place, builtin, contract, notices};
use crate::support::moto::{Moto, unique};

const PASSWORD: &str = "mail-secret";

/// A mail server that keeps what it takes in a folder, one file a mail, and asks for a login if it is
/// given a name.
const SERVER: &str = r#"
import sys, os, time
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
folder, user, password, tls = sys.argv[1:5]
class Keep:
    count = 0
    async def handle_DATA(self, server, session, envelope):
        Keep.count += 1
        path = os.path.join(folder, "%04d" % Keep.count)
        with open(path + ".tmp", "wb") as f:
            f.write(("RCPT:%s\n" % ",".join(envelope.rcpt_tos)).encode() + envelope.original_content)
        os.rename(path + ".tmp", path)
        return "250 kept"
def auth(server, session, envelope, mechanism, data):
    ok = isinstance(data, LoginPassword) and data.login == user.encode() and data.password == password.encode()
    return AuthResult(success=ok, handled=False)
more = {}
if user:
    more = dict(authenticator=auth, auth_required=True, auth_require_tls=False)
if tls:
    import ssl
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls + ".crt", tls + ".key")
    more["tls_context"] = context
class AnyPort(Controller):
    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()
controller = AnyPort(Keep(), hostname="127.0.0.1", port=0, **more)
controller.start()
print(controller.port, flush=True)
while True:
    time.sleep(60)
"#;

contract!(email_by_smtp, Server);
contract!(email_by_ses, Ses);

/// A mail server; it ends with the test.
struct MailServer {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl MailServer {
    fn start(user: &str, tls: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(python())
            .args(["-c", SERVER, folder.path().to_str().unwrap(), user, PASSWORD, tls])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start python3 (run: make tools): {error}"));
        let mut line = String::new();
        let out = child.stdout.take().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line).unwrap();
        let port = line.trim().parse().expect("aiosmtpd is installed (run: make tools)");
        Self { child, port, folder }
    }

    fn mails(&self) -> Vec<String> {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_none())
            .collect();
        paths.sort();
        paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn python() -> PathBuf {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let installed = root.join("target/tools/bin/python3");
    if installed.exists() { installed } else { PathBuf::from("python3") }
}

struct Server {
    server: MailServer,
    way: Way,
}

#[async_trait]
impl Place for Server {
    const IS_FOR_PEOPLE: bool = true;

    async fn start() -> Self {
        let server = MailServer::start("", "");
        let address = ([127, 0, 0, 1], server.port).into();
        Self { server, way: Way::to(address, Speech::Smtp).await }
    }

    async fn open(&self) -> Box<dyn Sink> {
        Box::new(open(smtp(self.way.address.port(), MailTls::None, None)).await.unwrap())
    }

    async fn arrived(&self) -> Vec<Arrived> {
        self.server.mails().iter().map(|mail| arrived(mail)).collect()
    }

    fn fail(&self, how: Failure) -> bool {
        self.way.fail(how);
        true
    }
}

/// SES as moto plays it; servers are shared, so each test has a sender of its own.
struct Ses {
    moto: Moto,
    sender: String,
    way: Way,
}

#[async_trait]
impl Place for Ses {
    const IS_FOR_PEOPLE: bool = true;

    async fn start() -> Self {
        let moto = Moto::for_mail();
        let address = moto.url().trim_start_matches("http://").parse().unwrap();
        let refusal = r#"{"__type":"MessageRejected","message":"Email address is not verified."}"#;
        let way = Way::to(address, Speech::Http(400, refusal)).await;
        let sender = format!("{}@example.com", unique("askance"));
        let context = contract::context(moto.url());
        let client = context.aws.ses(&crate::aws::Place::default()).await;
        client.create_email_identity().email_identity(&sender).send().await.unwrap();
        Self { moto, sender, way }
    }

    async fn open(&self) -> Box<dyn Sink> {
        let transport = MailTransport::Ses { region: None, configuration_set: None };
        let context = contract::context(&format!("http://{}", self.way.address));
        let config =
            EmailConfig { from: format!("askance <{}>", self.sender), ..config(transport) };
        Box::new(Email::open(&config, &context).await.unwrap())
    }

    async fn arrived(&self) -> Vec<Arrived> {
        let url = format!("{}/moto-api/data.json", self.moto.url());
        let mut response = reqwest::get(url).await.unwrap();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.unwrap() {
            body.extend_from_slice(&chunk);
        }
        let data: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let mails = data["ses"]["RawMessage"].as_array().unwrap().iter();
        mails
            .filter(|mail| mail["source"] == self.sender.as_str())
            .map(|mail| arrived(mail["raw_data"].as_str().unwrap()))
            .collect()
    }

    fn fail(&self, how: Failure) -> bool {
        self.way.fail(how);
        true
    }
}

fn config(transport: MailTransport) -> EmailConfig {
    EmailConfig {
        from: "askance <askance@example.com>".to_owned(),
        to: vec!["Haruka <haruka@example.com>".to_owned(), "security@example.com".to_owned()],
        transport,
        languages: None,
    }
}

fn smtp(port: u16, tls: MailTls, login: Option<(&str, &str)>) -> EmailConfig {
    config(MailTransport::Smtp {
        host: "127.0.0.1".to_owned(),
        port: Some(port),
        tls,
        username: login.map(|(user, _)| user.to_owned()),
        password: login.map(|(_, password)| SecretRef::parse(password)),
    })
}

async fn open(config: EmailConfig) -> Result<Email, SinkError> {
    Email::open(&config, &contract::context("http://127.0.0.1:1")).await
}

/// A mail taken apart by its own rules: headers unfolded, the plain part decoded.
fn arrived(mail: &str) -> Arrived {
    let (headers, body) = mail.split_once("\r\n\r\n").expect("a mail has headers");
    let unfolded = headers.replace("\r\n ", " ").replace("\r\n\t", " ");
    let names: Vec<&str> =
        unfolded.lines().filter_map(|line| Some(line.split_once(':')?.0)).collect();
    assert!(!names.contains(&"Bcc"), "{unfolded}");
    assert_eq!(names.iter().filter(|name| **name == "Subject").count(), 1, "{unfolded}");
    let parts: Vec<&str> = body.split("\r\n\r\n").collect();
    assert!(body.contains("text/plain") && body.contains("text/html"), "{body}");
    let text = decoded(body);
    let id = unfolded.lines().find_map(|line| line.strip_prefix("X-Askance-Alert: "));
    assert!(parts.len() > 2);
    Arrived { id: id.expect("the alert's id").to_owned(), text }
}

/// The plain part, out of quoted-printable, base64 or as it is.
fn decoded(body: &str) -> String {
    let start = body.find("text/plain").expect("a plain part");
    let head_start = body[..start].rfind("--").unwrap_or(0);
    let (head, rest) = body[head_start..].split_once("\r\n\r\n").expect("a part has headers");
    let boundary = head.lines().next().expect("a boundary");
    let content = rest.split_once(boundary).map_or(rest, |(content, _)| content);
    let encoding = head.lines().find_map(|line| line.strip_prefix("Content-Transfer-Encoding: "));
    let bytes = match encoding {
        Some("base64") => {
            use base64::Engine as _;
            let lines: String = content.split_whitespace().collect();
            base64::engine::general_purpose::STANDARD.decode(lines).unwrap()
        }
        Some("quoted-printable") => quoted_printable(content),
        _ => content.as_bytes().to_vec(),
    };
    String::from_utf8(bytes).unwrap()
}

fn quoted_printable(text: &str) -> Vec<u8> {
    let joined = text.replace("=\r\n", "");
    let bytes = joined.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        if bytes[at] == b'=' {
            out.push(u8::from_str_radix(&joined[at + 1..at + 3], 16).unwrap());
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    out
}

fn headers(mail: &str) -> Vec<String> {
    let unfolded = mail.split_once("\r\n\r\n").unwrap().0.replace("\r\n ", " ");
    unfolded.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_repeat_is_a_reply() {
    let server = MailServer::start("", "");
    let mut sink = open(smtp(server.port, MailTls::None, None)).await.unwrap();
    let mut notice = notices::usual(1);
    let root = format!("<askance.{}@example.com>", notice.alert.id);
    let sent = sink.send(&[notice.clone()]).await.remove(0).unwrap();
    assert_eq!(sent.reference.as_deref(), Some(root.as_str()));
    notice.kind = MessageKind::Update;
    notice.reference = sent.reference;
    notice.message_id = "people/update/7".to_owned();
    notices::repeat(&mut notice, 5);
    sink.send(&[notice]).await.remove(0).unwrap();
    let mails = server.mails();
    let (first, second) = (headers(&mails[0]), headers(&mails[1]));
    let has = |headers: &[String], line: &str| headers.iter().any(|header| header == line);
    assert!(has(&first, &format!("Message-ID: {root}")), "{first:#?}");
    assert!(has(&second, "Message-ID: <askance.people.update.7@example.com>"), "{second:#?}");
    assert!(has(&second, &format!("In-Reply-To: {root}")), "{second:#?}");
    assert!(has(&second, &format!("References: {root}")), "{second:#?}");
    assert!(has(&second, "Auto-Submitted: auto-generated"), "{second:#?}");
    let subject = |headers: &[String]| {
        headers.iter().find_map(|line| line.strip_prefix("Subject: ")).unwrap().to_owned()
    };
    assert_eq!(subject(&second), format!("Re: {}", subject(&first)));
    assert_eq!(first[0], "RCPT:haruka@example.com,security@example.com");
}

#[tokio::test]
async fn a_login_is_made_and_a_wrong_one_is_no_refusal() {
    let server = MailServer::start("askance", "");
    let login = |password| smtp(server.port, MailTls::None, Some(("askance", password)));
    let mut sink = open(login(PASSWORD)).await.unwrap();
    sink.send(&[notices::usual(1)]).await.remove(0).unwrap();
    assert_eq!(server.mails().len(), 1);
    let mut sink = open(login("wrong-secret")).await.unwrap();
    let error = sink.send(&[notices::usual(2)]).await.remove(0).unwrap_err();
    assert!(matches!(error, SendError::Down(_)), "{error:?}");
    assert!(error.to_string().ends_with("check username, password and tls"), "{error}");
    assert!(!error.to_string().contains("wrong-secret"), "{error}");
}

#[tokio::test]
async fn without_tls_that_is_asked_for_nothing_is_sent() {
    let server = MailServer::start("", "");
    for tls in [MailTls::Starttls, MailTls::Tls] {
        let mut sink = open(smtp(server.port, tls, None)).await.unwrap();
        let notice = [notices::usual(1)];
        let sent = sink.send(&notice);
        let error = tokio::time::timeout(std::time::Duration::from_secs(20), sent).await;
        if let Ok(mut results) = error {
            let error = results.remove(0).unwrap_err();
            assert!(matches!(error, SendError::Down(_)), "{tls:?}: {error:?}");
        }
    }
    assert!(server.mails().is_empty());
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_not_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().join("server");
    let (key, certificate) = (base.with_extension("key"), base.with_extension("crt"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=a"])
        .args(["-addext", "subjectAltName=IP:127.0.0.1", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .expect("openssl is installed");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let server = MailServer::start("", base.to_str().unwrap());
    let mut sink = open(smtp(server.port, MailTls::Starttls, None)).await.unwrap();
    let error = sink.send(&[notices::usual(1)]).await.remove(0).unwrap_err();
    assert!(matches!(error, SendError::Down(_)), "{error:?}");
    assert!(error.to_string().contains("certificate"), "{error}");
    assert!(server.mails().is_empty());
}

#[tokio::test]
async fn addresses_that_are_none_are_told() {
    let check = async |from: &str, to: &[&str], expected: &str| {
        let mut config = smtp(25, MailTls::None, None);
        config.from = from.to_owned();
        config.to = to.iter().map(|text| (*text).to_owned()).collect();
        let error = open(config).await.err().expect("it is not opened").to_string();
        assert!(error.starts_with(&format!("cannot set up sink people: {expected}")), "{error}");
    };
    check("askance", &["a@b.example"], "from: \"askance\" is no mail address").await;
    check("a@b.example", &["x"], "to: \"x\" is no mail address").await;
    check("a@b.example", &[], "to names no receiver").await;
    check("a\r\nBcc: x <a@b.example>", &["a@b.example"], "from holds a line break").await;
}

#[test]
fn pages_of_real_acts() {
    for (rule, name) in builtin::SHOWN {
        let notice = builtin::notice(rule);
        let message = Message::of(&notice, &[Language::Ja, Language::En]);
        let path = format!("snapshots/{name}.html");
        expect_file![path].assert_eq(&html::html(&message));
    }
}

#[test]
fn a_page_loads_nothing_and_runs_nothing() {
    for text in notices::HOSTILE {
        let message = Message::of(&notices::hostile(text), &[Language::En, Language::Ja]);
        let page = html::html(&message);
        for bad in ["<script", "<img", "<link", "<iframe", "onerror=alert(1)>", "url("] {
            assert!(!page.contains(bad), "{bad} in {page}");
        }
        let links = page.matches("<a href=\"").count();
        assert_eq!(links, page.matches("<a href=\"https://console.").count());
    }
}
