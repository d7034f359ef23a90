//! What a failure of AWS means for a message: later, more slowly, or never.

use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::SendError;
use crate::alert_formats::clip;
use crate::output::clean::clean;

/// Longest that a service's words are repeated, in characters.
const MAX_WORDS: usize = 500;

/// Tells what became of an attempt (`publish to arn:...`).
///
/// `is_refusal` knows, by code and words, what no later attempt can mend; everything else, and what
/// somebody may mend (permissions, a topic that is gone), is tried again.
pub(super) fn failure<E>(
    attempt: &str,
    error: &SdkError<E, HttpResponse>,
    is_refusal: fn(&str, &str) -> bool,
) -> SendError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let said = said(&crate::aws::words(error));
    let message = format!("cannot {attempt}: {said}");
    let service = error.as_service_error();
    let code = service.and_then(ProvideErrorMetadata::code).unwrap_or_default();
    let response = error.raw_response();
    let status = response.map(|response| response.status().as_u16());
    if crate::aws::is_throttling(code) || matches!(status, Some(429 | 503)) {
        let retry_after = response
            .and_then(|response| response.headers().get("retry-after"))
            .and_then(|seconds| seconds.trim().parse().ok())
            .map(Duration::from_secs);
        return SendError::Throttled { message, retry_after };
    }
    let words = service.and_then(ProvideErrorMetadata::message).unwrap_or_default();
    if is_refusal(code, words) {
        return SendError::Refused(message);
    }
    SendError::Down(message)
}

/// What became of one of several that were sent together, by its own code and words.
pub(super) fn failure_of_one(
    attempt: &str,
    code: &str,
    words: &str,
    is_refusal: fn(&str, &str) -> bool,
) -> SendError {
    let message = format!("cannot {attempt}: {}: {}", said(code), said(words));
    if crate::aws::is_throttling(code) {
        return SendError::Throttled { message, retry_after: None };
    }
    if is_refusal(code, words) {
        return SendError::Refused(message);
    }
    SendError::Down(message)
}

fn said(words: &str) -> String {
    clip(&clean(words), MAX_WORDS)
}
