//! The keys at the top of CloudTrail's records, to tell a rule that writes one in another letter case.
//!
//! Fields that are neither are left alone: services add keys, and rules are written before that.

/// What the documentation of CloudTrail's records lists.
const KEYS: [&str; 31] = [
    "addendum",
    "additionalEventData",
    "apiVersion",
    "awsRegion",
    "edgeDeviceDetails",
    "errorCode",
    "errorMessage",
    "eventCategory",
    "eventContext",
    "eventID",
    "eventName",
    "eventSource",
    "eventTime",
    "eventType",
    "eventVersion",
    "insightDetails",
    "managementEvent",
    "readOnly",
    "recipientAccountId",
    "requestID",
    "requestParameters",
    "resources",
    "responseElements",
    "serviceEventDetails",
    "sessionCredentialFromConsole",
    "sharedEventID",
    "sourceIPAddress",
    "tlsDetails",
    "userAgent",
    "userIdentity",
    "vpcEndpointId",
];

/// The field as CloudTrail writes it, if it begins with one of its keys in another letter case.
pub(super) fn as_written(field: &str) -> Option<String> {
    let (head, rest) = field.split_at(field.find('.').unwrap_or(field.len()));
    let key = KEYS.iter().find(|key| key.eq_ignore_ascii_case(head))?;
    (*key != head).then(|| format!("{key}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_letter_case_is_told_and_nothing_else() {
        for (field, expected) in [
            ("EventName", Some("eventName")),
            ("sourceIpAddress", Some("sourceIPAddress")),
            ("useridentity.sessionContext.x", Some("userIdentity.sessionContext.x")),
            ("eventName", None),
            ("userIdentity.ARN", None),
            ("requestParameters.EventName", None),
            ("EventNames", None),
            ("my.eventname", None),
            ("", None),
        ] {
            assert_eq!(as_written(field).as_deref(), expected, "{field}");
        }
    }
}
