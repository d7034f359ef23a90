//! `/metrics`, `/healthz` and `/readyz` over HTTP, for Prometheus and whoever restarts the program.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Families, Health};

/// What the answers are made of.
#[derive(Debug, Clone)]
struct Shown {
    families: Families,
    health: Health,
}

/// Listens; the address is known once this has returned, also where port 0 was asked for.
///
/// # Errors
/// When nothing can listen there: in use, or not this machine's.
pub async fn listen(address: SocketAddr) -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Answers until `stop` is set.
///
/// # Errors
/// When the system takes the listener away.
pub async fn serve(
    listener: TcpListener,
    families: Families,
    health: Health,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/", get(index))
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .with_state(Shown { families, health });
    axum::serve(listener, router)
        .with_graceful_shutdown(async move { stop.cancelled().await })
        .await
}

async fn index() -> &'static str {
    "askance\n/metrics  for Prometheus\n/healthz  503 if only a restart helps\n/readyz   503 if it does not do its work, with the reasons\n"
}

async fn metrics(State(shown): State<Shown>) -> Response {
    shown.families.ready.set(i64::from(shown.health.why_unready().is_empty()));
    match shown.families.text() {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(error) => {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("cannot write metrics: {error}\n"))
                .into_response()
        }
    }
}

async fn healthz(State(shown): State<Shown>) -> Response {
    match shown.health.why_dead() {
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
        None => "ok\n".into_response(),
    }
}

async fn readyz(State(shown): State<Shown>) -> Response {
    let reasons = shown.health.why_unready();
    let warnings: String =
        shown.health.warnings().iter().map(|line| format!("warning: {line}\n")).collect();
    if reasons.is_empty() {
        return format!("ok\n{warnings}").into_response();
    }
    let lines: String = reasons.iter().map(|line| format!("{line}\n")).collect();
    (StatusCode::SERVICE_UNAVAILABLE, format!("{lines}{warnings}")).into_response()
}
