//! A gateway on loopback in front of a server of AWS's: it can be shut, and tells each request apart.
//!
//! Requests of all gateways that share a [`Turn`] go one at a time: the server takes a transaction that
//! failed back by putting the whole table as it was, and whatever was written meanwhile would be gone.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Whoever holds it may ask the server.
pub type Turn = Arc<Mutex<()>>;

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is answered.
    Pass,
    /// The connection is cut before the server sees it.
    Cut,
    /// The server does it, and the answer is lost.
    Lose,
    /// It is answered with this status and body instead.
    Answer(u16, String),
}

type Judge = Box<dyn FnMut(&str) -> Verdict + Send>;

/// A running gateway; its port stays taken until the process ends.
pub struct Gateway {
    url: String,
    shared: Arc<Shared>,
}

struct Shared {
    server: String,
    turn: Turn,
    is_shut: AtomicBool,
    judge: Mutex<Option<Judge>>,
}

impl Gateway {
    /// In front of the server at `url`.
    ///
    /// # Panics
    /// When loopback has no port left.
    pub fn to(url: &str, turn: &Turn) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Shared {
            server: url.trim_start_matches("http://").trim_end_matches('/').to_owned(),
            turn: Arc::clone(turn),
            is_shut: AtomicBool::new(false),
            judge: Mutex::new(None),
        });
        let of_thread = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&of_thread);
                std::thread::spawn(move || {
                    // A side that hangs up ends it.
                    let _ = shared.serve(&stream);
                    let _ = stream.shutdown(Shutdown::Both);
                });
            }
        });
        Self { url: format!("http://{address}"), shared }
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on nobody is let through, or everybody again.
    pub fn shut(&self, is_shut: bool) {
        self.shared.is_shut.store(is_shut, Ordering::SeqCst);
    }

    /// From now on each request is judged by the name of its action.
    pub fn judge(&self, judge: impl FnMut(&str) -> Verdict + Send + 'static) {
        *self.shared.judge.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(judge));
    }

    /// From now on every request passes.
    pub fn pass(&self) {
        self.judge(|_| Verdict::Pass);
    }
}

impl Shared {
    fn serve(&self, stream: &TcpStream) -> io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut writer = stream.try_clone()?;
        while let Some((head, body)) = request(&mut reader)? {
            if self.is_shut.load(Ordering::SeqCst) {
                return Ok(());
            }
            let verdict = match &mut *self.judge.lock().unwrap_or_else(PoisonError::into_inner) {
                Some(judge) => judge(action(&head)),
                None => Verdict::Pass,
            };
            match verdict {
                Verdict::Pass => writer.write_all(&self.ask(&head, &body)?)?,
                Verdict::Cut => return Ok(()),
                Verdict::Lose => {
                    self.ask(&head, &body)?;
                    return Ok(());
                }
                Verdict::Answer(status, text) => write!(
                    writer,
                    "HTTP/1.1 {status} Told\r\nContent-Type: application/x-amz-json-1.0\r\n\
                     Content-Length: {}\r\n\r\n{text}",
                    text.len()
                )?,
            }
            if says_close(&head) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The server's whole answer.
    fn ask(&self, head: &str, body: &[u8]) -> io::Result<Vec<u8>> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut server = TcpStream::connect(&self.server)?;
        let lines =
            head.lines().filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
        let head: String = lines.map(|line| format!("{line}\r\n")).collect();
        server.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes())?;
        server.write_all(body)?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer)?;
        Ok(answer)
    }
}

fn says_close(head: &str) -> bool {
    head.to_ascii_lowercase().contains("connection: close")
}

/// The head of a request without the empty line, and its body; `None` at the end of the connection.
fn request(reader: &mut BufReader<TcpStream>) -> io::Result<Option<(String, Vec<u8>)>> {
    let mut head = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        if line.trim_end().is_empty() {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length(&head)];
    reader.read_exact(&mut body)?;
    Ok(Some((head, body)))
}

fn length(head: &str) -> usize {
    header(head, "content-length").and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// `PutItem` of `x-amz-target: DynamoDB_20120810.PutItem`.
fn action(head: &str) -> &str {
    header(head, "x-amz-target").and_then(|target| target.rsplit('.').next()).unwrap_or_default()
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}
