//! A way to a server that fails when it is told to: it answers in the server's stead, hangs or cuts.
//!
//! It carries bytes, so it stands before HTTP servers and mail servers alike.

#![cfg(test)]

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::Failure;

/// What is spoken on the way, and so what a failure looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speech {
    /// HTTP/1.1; the status and body of a refusal.
    Http(u16, &'static str),
    /// Mail.
    Smtp,
}

/// The way; it ends with the test's runtime.
#[derive(Debug)]
pub struct Way {
    /// What the sink connects to.
    pub address: SocketAddr,
    failure: Arc<watch::Sender<Failure>>,
}

impl Way {
    /// Opens a way to `server`.
    pub async fn to(server: SocketAddr, speech: Speech) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
        let address = listener.local_addr().expect("it is bound");
        let (failure, watched) = watch::channel(Failure::None);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server, speech, watched.clone()));
            }
        });
        Self { address, failure: Arc::new(failure) }
    }

    /// From now on it fails so; connections that are open are cut.
    pub fn fail(&self, how: Failure) {
        self.failure.send_replace(how);
    }
}

async fn carry(
    mut client: TcpStream,
    server: SocketAddr,
    speech: Speech,
    mut failure: watch::Receiver<Failure>,
) {
    let how = *failure.borrow_and_update();
    let carried = async {
        match (how, speech) {
            (Failure::None, _) => {
                let mut server = TcpStream::connect(server).await?;
                tokio::io::copy_bidirectional(&mut client, &mut server).await?;
            }
            (Failure::Hangs, _) => {
                let mut taken = vec![0; 1 << 16];
                while client.read(&mut taken).await? > 0 {}
            }
            (Failure::Cuts, Speech::Http(..)) => {
                let mut taken = vec![0; 16];
                client.read_exact(&mut taken).await?;
            }
            (Failure::Cuts, Speech::Smtp) => smtp(&mut client, "").await?,
            (Failure::OutOfOrder, Speech::Http(..)) => {
                http(&mut client, "500 Internal Server Error", "", "down").await?;
            }
            (Failure::TooMany, Speech::Http(..)) => {
                let slower = "Retry-After: 7\r\n";
                http(&mut client, "429 Too Many Requests", slower, "slow down").await?;
            }
            (Failure::Refuses, Speech::Http(status, body)) => {
                http(&mut client, &format!("{status} Status"), "", body).await?;
            }
            (Failure::OutOfOrder, Speech::Smtp) => {
                client.write_all(b"421 4.3.2 not now\r\n").await?;
            }
            (Failure::TooMany, Speech::Smtp) => {
                smtp(&mut client, "450 4.2.1 too many mails, slow down").await?;
            }
            (Failure::Refuses, Speech::Smtp) => {
                smtp(&mut client, "550 5.1.1 no such mailbox").await?;
            }
        }
        std::io::Result::Ok(())
    };
    tokio::select! {
        // A client that goes away is none of the way's business.
        _ = carried => {}
        _ = failure.changed() => {}
    }
}

/// Reads one request wholly and answers it.
async fn http(client: &mut TcpStream, status: &str, more: &str, body: &str) -> std::io::Result<()> {
    let mut client = BufReader::new(client);
    let mut length = 0;
    loop {
        let mut line = String::new();
        client.read_line(&mut line).await?;
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if line.is_empty() {
            break;
        }
    }
    let mut taken = vec![0; length];
    client.read_exact(&mut taken).await?;
    let answer = format!(
        "HTTP/1.1 {status}\r\n{more}Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    client.write_all(answer.as_bytes()).await?;
    client.shutdown().await
}

/// Speaks as a mail server until a receiver is named; says `answer` to that, or cuts.
async fn smtp(client: &mut TcpStream, answer: &str) -> std::io::Result<()> {
    let mut client = BufReader::new(client);
    client.write_all(b"220 loopback\r\n").await?;
    loop {
        let mut line = String::new();
        if client.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        if line.starts_with("RCPT") && answer.is_empty() {
            return Ok(());
        }
        let said = if line.starts_with("RCPT") { answer } else { "250 well" };
        client.write_all(format!("{said}\r\n").as_bytes()).await?;
    }
}
