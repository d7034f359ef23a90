//! What Slack's errors mean for a message.

use serde_json::Value;

use crate::sinks::SendError;
use crate::sinks::http::{Answer, Http};

/// Errors that say something of this message, and of no other.
const OF_THE_MESSAGE: [&str; 19] = [
    "invalid_blocks",
    "invalid_blocks_format",
    "invalid_payload",
    "invalid_arguments",
    "invalid_arg_name",
    "invalid_array_arg",
    "invalid_charset",
    "invalid_form_data",
    "invalid_json",
    "invalid_post_type",
    "json_not_object",
    "markdown_text_conflict",
    "metadata_too_large",
    "invalid_metadata_format",
    "msg_blocks_too_long",
    "msg_too_long",
    "no_text",
    "too_many_attachments",
    "too_many_contact_cards",
];

/// Errors that ask for a pause.
const PAUSES: [&str; 4] =
    ["ratelimited", "rate_limited", "message_limit_exceeded", "team_quota_exceeded"];

/// Errors that say that the message that is replied to or changed is not there any more, or too old.
const OF_THE_FIRST: [&str; 6] = [
    "message_not_found",
    "thread_not_found",
    "cant_update_message",
    "edit_window_closed",
    "cannot_reply_to_message",
    "is_inactive",
];

/// What Slack said instead of `ok`.
#[derive(Debug)]
pub struct Fault {
    code: String,
    error: SendError,
}

impl Fault {
    /// The message that was to be changed or replied to is gone or too old.
    pub fn is_about_first_message(&self) -> bool {
        OF_THE_FIRST.contains(&self.code.as_str())
    }

    /// What becomes of the message.
    pub fn into_error(self) -> SendError {
        self.error
    }
}

/// What a method's answer with a good status says.
pub fn method(http: &Http, method: &str, answer: &Answer) -> Result<Value, Fault> {
    let failed = |code: String, error: SendError| Err(Fault { code, error });
    let Ok(body) = serde_json::from_str::<Value>(&answer.body) else {
        // A proxy or a page of maintenance answers in Slack's stead.
        let error = SendError::Down(format!("{} to {method}, which is no JSON", http.said(answer)));
        return failed(String::new(), error);
    };
    if body["ok"] == true {
        return Ok(body);
    }
    let code = body["error"].as_str().unwrap_or("an error without a name").to_owned();
    let error = judged(http, &code, answer);
    failed(code, error)
}

/// What a webhook's answer says: `ok`, or a status and a word.
pub fn webhook(http: &Http, answer: Answer) -> Result<(), SendError> {
    let code = answer.body.trim().to_owned();
    let is_word = !code.is_empty() && code.len() < 60 && !code.contains(char::is_whitespace);
    if answer.status.is_client_error() && answer.status.as_u16() != 429 && is_word {
        return Err(judged(http, &code, &answer));
    }
    http.judged(answer).map(|_| ())
}

fn judged(http: &Http, code: &str, answer: &Answer) -> SendError {
    let message = format!("Slack answered {}{}", http.shown(code), hint(code));
    if PAUSES.contains(&code) {
        return SendError::Throttled { message, retry_after: answer.retry_after };
    }
    // An error that is not known is taken to be about the message: it is put with the dead letters,
    // from where it can be sent again, and does not keep up the others.
    let is_known = OF_THE_BOT.iter().any(|(known, _)| *known == code);
    if OF_THE_MESSAGE.contains(&code) || !is_known {
        return SendError::Refused(message);
    }
    SendError::Down(message)
}

/// Errors that say that nothing can be posted as things are, and what to do.
const OF_THE_BOT: [(&str, &str); 34] = [
    ("invalid_auth", RENEW),
    ("not_authed", RENEW),
    ("token_revoked", RENEW),
    ("token_expired", RENEW),
    ("invalid_token", NEW_WEBHOOK),
    ("account_inactive", RENEW),
    ("missing_scope", "give the app the scope chat:write and install it again"),
    ("no_permission", "give the app the scope chat:write and install it again"),
    ("not_allowed_token_type", "use the bot's token, xoxb-..."),
    ("channel_not_found", INVITE),
    ("not_in_channel", INVITE),
    ("user_not_found", INVITE),
    ("is_archived", OTHER_CHANNEL),
    ("channel_is_archived", OTHER_CHANNEL),
    ("restricted_action", ALLOW),
    ("restricted_action_read_only_channel", ALLOW),
    ("restricted_action_thread_only_channel", ALLOW),
    ("restricted_action_non_threadable_channel", ALLOW),
    ("restricted_action_thread_locked", ALLOW),
    ("posting_to_general_channel_denied", ALLOW),
    ("action_prohibited", ALLOW),
    ("access_denied", ALLOW),
    ("accesslimited", ALLOW),
    ("ekm_access_denied", ALLOW),
    ("enterprise_is_restricted", ALLOW),
    ("team_access_not_granted", ALLOW),
    ("org_login_required", "the workspace is being moved, wait"),
    ("team_added_to_org", "the workspace is being moved, wait"),
    ("no_service", NEW_WEBHOOK),
    ("no_active_hooks", NEW_WEBHOOK),
    ("internal_error", ""),
    ("fatal_error", ""),
    ("service_unavailable", ""),
    ("request_timeout", ""),
];

const RENEW: &str = "install the app again and put its token where the configuration points";
const NEW_WEBHOOK: &str = "make a new incoming webhook and put it where the configuration points";
const INVITE: &str = "check the channel's id and invite the bot to the channel";
const OTHER_CHANNEL: &str = "the channel is archived, name another one";
const ALLOW: &str = "an administrator of the workspace has to allow it";

fn hint(code: &str) -> String {
    let known = OF_THE_BOT.iter().find(|(known, hint)| *known == code && !hint.is_empty());
    known.map_or(String::new(), |(_, hint)| format!(": {hint}"))
}
