//! AWS on loopback: a moto server, the one that `make test` has started or one of the test's own.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest that the server may take to start, on a busy machine.
const LONGEST_START: Duration = Duration::from_secs(60);

/// A running server; one that was started here ends with it.
#[derive(Debug)]
pub struct Moto {
    url: String,
    child: Option<Child>,
}

impl Moto {
    /// The server named by `ASKANCE_MOTO_URL`, else a new one.
    ///
    /// Servers are shared: name buckets, queues and topics with [`unique`].
    ///
    /// # Panics
    /// When there is none and none can be started; says how to install it.
    pub fn start() -> Self {
        Self::named("ASKANCE_MOTO_URL")
    }

    /// As [`Self::start`], the one named by `ASKANCE_MOTO_MAIL_URL`: whoever asks what mail was sent is
    /// told everything that the server holds, of all services.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[allow(dead_code, reason = "the tests of the whole program send no mail by it")]
    pub fn for_mail() -> Self {
        Self::named("ASKANCE_MOTO_MAIL_URL")
    }

    fn named(variable: &str) -> Self {
        if let Ok(url) = std::env::var(variable)
            && !url.is_empty()
        {
            return Self { url, child: None };
        }
        let port = free_port();
        let child = Command::new(program())
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start moto_server: {error} (run: make tools)"));
        let moto = Self { url: format!("http://127.0.0.1:{port}"), child: Some(child) };
        let began = Instant::now();
        while !is_up(port) {
            assert!(began.elapsed() < LONGEST_START, "moto_server does not answer on port {port}");
            std::thread::sleep(Duration::from_millis(50));
        }
        moto
    }

    /// Its address, for `AWS_ENDPOINT_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What a program needs in its environment to reach it instead of AWS.
    pub fn environment(&self) -> [(&'static str, String); 6] {
        [
            ("AWS_ENDPOINT_URL", self.url.clone()),
            ("AWS_ACCESS_KEY_ID", "testing".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "testing".to_owned()),
            ("AWS_REGION", "eu-west-1".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("AWS_CONFIG_FILE", "/dev/null".to_owned()),
        ]
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A name that no other test uses, in this run or another: `NAME-` and 16 hexadecimal digits.
pub fn unique(name: &str) -> String {
    use std::hash::{BuildHasher as _, Hasher as _};
    let mut hasher = std::collections::hash_map::RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    format!("{name}-{:016x}", hasher.finish())
}

/// A port that nobody listened on a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    listener.local_addr().expect("it is bound").port()
}

fn program() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    let installed = root.join("target/tools/bin/moto_server");
    if installed.exists() { installed } else { PathBuf::from("moto_server") }
}

fn is_up(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let request = "GET /moto-api/ HTTP/1.0\r\nHost: localhost\r\n\r\n";
    let mut answer = [0; 12];
    stream.write_all(request.as_bytes()).is_ok()
        && stream.read_exact(&mut answer).is_ok()
        && answer.starts_with(b"HTTP/1.")
}
