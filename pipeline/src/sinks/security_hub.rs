//! AWS Security Hub: alerts as findings in ASFF.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_securityhub::types::{
    AwsSecurityFinding, FindingProviderFields, FindingProviderSeverity, Partition, Recommendation,
    RecordState, Remediation, Resource, ResourceDetails, SeverityLabel,
};
use serde_json::{Map, Value};

use super::trouble::{failure, failure_of_one};
use super::{Notice, SendError, Sent, Sink, SinkContext, SinkError};
use crate::alert_formats::{Product, asff};
use crate::aws::Place;
use crate::config::SecurityHubConfig;

/// Most findings of one call.
const MAX_BATCH: usize = 100;

/// Security Hub of one account and region.
pub struct SecurityHub {
    client: aws_sdk_securityhub::Client,
    product: Product,
}

impl SecurityHub {
    /// Of the account and region that are configured; nothing is called yet.
    ///
    /// # Errors
    /// When no region is known.
<<<<<<< HEAD
    pub async fn open(config: &SecurityHubConfig, context: &SinkContext) -> Result<Self, SinkError> {
        let region = match &config.region {
            Some(region) => Some(region.clone()),
            None => context.aws.region().await,
        };
=======
    pub async fn open(
        config: &SecurityHubConfig,
        context: &SinkContext,
    ) -> Result<Self, SinkError> {
        let region = config.region.clone().or_else(|| context.aws.region());
>>>>>>> run-aws
        let region = region.ok_or_else(|| {
            context.misconfigured("no region is known: write region, or set AWS_REGION")
        })?;
        let place = Place { region: Some(region.clone()), ..Place::default() };
        Ok(Self {
            client: context.aws.security_hub(&place).await,
            product: Product { account: config.account.clone(), region },
        })
    }

    fn attempt(&self) -> String {
        let Product { account, region } = &self.product;
        format!("import findings into Security Hub of {account} in {region}")
    }
}

/// Findings that are not of the right form stay so.
fn is_refusal(code: &str, _: &str) -> bool {
    matches!(
        code,
        "InvalidInput" | "InvalidInputException" | "ValidationException" | "FindingTooLarge"
    )
}

#[async_trait]
impl Sink for SecurityHub {
    fn max_batch(&self) -> usize {
        MAX_BATCH
    }

    async fn send(&mut self, notices: &[Notice]) -> Vec<Result<Sent, SendError>> {
        let now = jiff::Timestamp::now();
        let findings = notices.iter().map(|notice| {
            let words = (&notice.words, notice.account.as_ref());
            finding(&asff(&notice.alert, Some(&notice.group), words, &self.product, now))
        });
        let call = self.client.batch_import_findings().set_findings(Some(findings.collect()));
        let answer = match call.send().await {
            Ok(answer) => answer,
            Err(error) => {
                // A call that is refused as a whole says nothing of any one finding of it.
                let is_refusal: fn(&str, &str) -> bool =
                    if notices.len() == 1 { is_refusal } else { |_, _| false };
                return vec![Err(failure(&self.attempt(), &error, is_refusal)); notices.len()];
            }
        };
        let failed: HashMap<&str, (&str, &str)> = answer
            .failed_findings()
            .iter()
            .map(|failed| {
                let code = failed.error_code().unwrap_or_default();
                (
                    failed.id().unwrap_or_default(),
                    (code, failed.error_message().unwrap_or_default()),
                )
            })
            .collect();
        notices
            .iter()
            .map(|notice| match failed.get(Product::finding_id(&notice.alert).as_str()) {
                Some((code, words)) => {
                    Err(failure_of_one(&self.attempt(), code, words, is_refusal))
                }
                None => Ok(Sent::default()),
            })
            .collect()
    }
}

/// The finding as the client wants it.
fn finding(asff: &Value) -> AwsSecurityFinding {
    let text = |key: &str| text(asff, key);
    let severity = &asff["FindingProviderFields"]["Severity"];
    let severity = FindingProviderSeverity::builder()
        .label(SeverityLabel::from(self::text(severity, "Label").unwrap_or_default().as_str()))
        .set_original(self::text(severity, "Original"))
        .build();
    let types = asff["FindingProviderFields"]["Types"].as_array().into_iter().flatten();
    let types = types.filter_map(|name| name.as_str().map(str::to_owned)).collect();
    let fields = FindingProviderFields::builder().severity(severity).set_types(Some(types)).build();
    let recommendation = asff.pointer("/Remediation/Recommendation").map(|advice| {
        let advice = Recommendation::builder()
            .set_text(self::text(advice, "Text"))
            .set_url(self::text(advice, "Url"))
            .build();
        Remediation::builder().recommendation(advice).build()
    });
    let resources = asff["Resources"].as_array().into_iter().flatten().map(resource);
    AwsSecurityFinding::builder()
        .set_schema_version(text("SchemaVersion"))
        .set_id(text("Id"))
        .set_product_arn(text("ProductArn"))
        .set_generator_id(text("GeneratorId"))
        .set_aws_account_id(text("AwsAccountId"))
        .set_created_at(text("CreatedAt"))
        .set_updated_at(text("UpdatedAt"))
        .set_first_observed_at(text("FirstObservedAt"))
        .set_last_observed_at(text("LastObservedAt"))
        .set_title(text("Title"))
        .set_description(text("Description"))
        .set_product_fields(asff["ProductFields"].as_object().map(texts))
        .set_resources(Some(resources.collect()))
        .finding_provider_fields(fields)
        .set_remediation(recommendation)
        .record_state(RecordState::Active)
        .build()
}

fn resource(asff: &Value) -> Resource {
    let details = asff
        .pointer("/Details/Other")
        .and_then(Value::as_object)
        .map(|other| ResourceDetails::builder().set_other(Some(texts(other))).build());
    Resource::builder()
        .set_type(text(asff, "Type"))
        .set_id(text(asff, "Id"))
        .partition(Partition::from(text(asff, "Partition").unwrap_or_default().as_str()))
        .set_region(text(asff, "Region"))
        .set_details(details)
        .build()
}

fn text(value: &Value, key: &str) -> Option<String> {
    value[key].as_str().map(str::to_owned)
}

fn texts(members: &Map<String, Value>) -> HashMap<String, String> {
    members
        .iter()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

#[cfg(test)]
#[path = "security_hub_tests.rs"]
mod tests;
