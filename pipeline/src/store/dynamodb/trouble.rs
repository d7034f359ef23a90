//! What DynamoDB's errors mean: is it worth trying again, has somebody else been faster, and what is
//! to be done about the rest.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;

use crate::aws::{is_throttling, words};
use crate::store::StoreError;

/// Why a call did not go well.
#[derive(Debug)]
pub(super) enum Fault {
    /// Asks for a pause: throttled, or a row is in another transaction at this moment.
    Busy(String),
    /// A condition does not hold; which rows of a transaction, by their places in it.
    Condition(Vec<usize>),
    /// The way there or the service is in trouble.
    Transient(String),
    /// Somebody has to do something.
    Broken(String),
}

impl Fault {
    /// As an error of the store.
    pub(super) fn told(self, attempt: &'static str) -> StoreError {
        match self {
            Self::Busy(cause) | Self::Transient(cause) => StoreError::Transient { attempt, cause },
            Self::Broken(cause) => StoreError::Broken { attempt, cause },
            Self::Condition(_) => {
                let cause = "a row changed meanwhile".to_owned();
                StoreError::Conflict { attempt, cause }
            }
        }
    }
}

/// An error that says of itself what it is.
pub(super) trait Explains {
    /// Sorts it; `action` is what a policy would call it.
    fn fault(&self, table: &str, action: &str) -> Option<Fault>;
}

/// Reasons within a transaction that was cancelled.
impl Explains for TransactWriteItemsError {
    fn fault(&self, table: &str, _action: &str) -> Option<Fault> {
        let Self::TransactionCanceledException(cancelled) = self else { return None };
        let reasons = cancelled.cancellation_reasons();
        let code = |index: usize| reasons[index].code().unwrap_or("None");
        let named = |name: &str| -> Vec<usize> {
            (0..reasons.len()).filter(|index| code(*index) == name).collect()
        };
        let conditions = named("ConditionalCheckFailed");
        if !conditions.is_empty() {
            return Some(Fault::Condition(conditions));
        }
        let other = (0..reasons.len()).find(|index| code(*index) != "None");
        let (code, message) = other.map_or(("no reason given", ""), |index| {
            (code(index), reasons[index].message().unwrap_or_default())
        });
        let cause = format!("table {table}: {code} {message}").trim_end().to_owned();
        Some(match code {
            "TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded" => {
                Fault::Busy(cause)
            }
            "no reason given" => Fault::Transient(cause),
            _ => Fault::Broken(format!("{cause} (a defect of askance)")),
        })
    }
}

/// Sorts an error of any call.
pub(super) fn explain<E, R>(error: &SdkError<E, R>, table: &str, action: &str) -> Fault
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    let said = words(error);
    let Some(service) = error.as_service_error() else {
        return Fault::Transient(format!("table {table} is not reached: {said}"));
    };
    let code = service.code().unwrap_or_default();
    match code {
        "ConditionalCheckFailedException" => Fault::Condition(Vec::new()),
        "TransactionConflictException" | "TransactionInProgressException" => {
            Fault::Busy(format!("table {table}: {said}"))
        }
        code if is_throttling(code) => Fault::Busy(format!("table {table} is throttled: {said}")),
        "AccessDeniedException" | "AccessDenied" => {
            // A transaction has no action of its own.
            let action = if action == "TransactWriteItems" { "PutItem" } else { action };
            Fault::Broken(format!(
                "table {table}: {said}; allow dynamodb:{action} on the table and its index \
                 (deploy/iam/askance-dynamodb.json has all that is needed)"
            ))
        }
        "ResourceNotFoundException" => Fault::Broken(format!(
            "table {table} is not there: {said}; was it removed, or is it in another region or \
             account?"
        )),
        "ValidationException" | "ItemCollectionSizeLimitExceededException" => {
            Fault::Broken(format!("table {table} refuses it: {said}"))
        }
        // Credentials are renewed, services recover.
        _ => Fault::Transient(format!("table {table}: {said}")),
    }
}
