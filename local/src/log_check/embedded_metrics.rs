//! The rules of CloudWatch's embedded metric format, as its specification gives them: a line that breaks one is kept as a
//! log, and its metrics are lost in silence.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use shared::http::metrics;

const LONGEST_LINE: usize = 256 * 1024;
const LONGEST_NAME: usize = 1024;
const LONGEST_NAMESPACE: usize = 255;
const MOST_DIMENSIONS: usize = 30;
const MOST_METRICS: usize = 100;

/// Of those that there are, the ones that anything here has.
const UNITS: [&str; 4] = ["Count", "Milliseconds", "Bytes", "None"];

pub(super) fn faults(line: &str, fields: &Map<String, Value>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut check = |holds: bool, fault: &str| {
        if !holds {
            faults.push(fault.to_owned());
        }
    };
    check(line.len() <= LONGEST_LINE, "it is too long");
    let Some(metadata) = fields.get("_aws") else {
        check(false, "there are no metrics");
        return faults;
    };
    check(metadata["Timestamp"].is_u64(), "Timestamp is no number of milliseconds");
    let directives = metadata["CloudWatchMetrics"].as_array().map(Vec::as_slice).unwrap_or_default();
    check(!directives.is_empty(), "CloudWatchMetrics is no list of directives");
    for directive in directives {
        let namespace = directive["Namespace"].as_str().unwrap_or_default();
        check((1..=LONGEST_NAMESPACE).contains(&namespace.len()), "Namespace is missing or too long");
        check(!namespace.starts_with("AWS/") && !namespace.starts_with(':'), "Namespace is not ours to use");
        let sets = directive["Dimensions"].as_array().map(Vec::as_slice).unwrap_or_default();
        check(!sets.is_empty(), "Dimensions is no list of sets");
        for set in sets {
            let keys = set.as_array().map(Vec::as_slice).unwrap_or_default();
            check((1..=MOST_DIMENSIONS).contains(&keys.len()), "a set of dimensions has none or too many");
            let values =
                keys.iter().map(|key| key.as_str().and_then(|key| fields.get(key)?.as_str()).unwrap_or_default());
            values.for_each(|value| {
                check((1..=LONGEST_NAME).contains(&value.len()), "a dimension has no value in the line")
            });
        }
        let metrics = directive["Metrics"].as_array().map(Vec::as_slice).unwrap_or_default();
        check((1..=MOST_METRICS).contains(&metrics.len()), "there are no metrics, or too many");
        let mut names = BTreeSet::new();
        for metric in metrics {
            let name = metric["Name"].as_str().unwrap_or_default();
            check((1..=LONGEST_NAME).contains(&name.len()) && names.insert(name), "a metric has no name of its own");
            check(fields.get(name).is_some_and(Value::is_number), "a metric has no number in the line");
            check(
                metric["Unit"].as_str().is_some_and(|unit| UNITS.contains(&unit)),
                "a metric has no unit that exists",
            );
            let resolution = &metric["StorageResolution"];
            check(
                resolution.is_null() || *resolution == 1 || *resolution == 60,
                "a metric has no resolution that exists",
            );
            check(metrics::all().any(|known| known.name == name), "a metric is none that is declared");
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn good() -> Value {
        json!({
            "function": "messages", "ms": 1.5, "rru": 2,
            "_aws": {
                "Timestamp": 1_767_225_600_000_u64,
                "CloudWatchMetrics": [{
                    "Namespace": "confab",
                    "Dimensions": [["function"]],
                    "Metrics": [{ "Name": "ms", "Unit": "Milliseconds" }, { "Name": "rru", "Unit": "Count" }],
                }],
            },
        })
    }

    fn faults_of(line: &Value) -> Vec<String> {
        faults(&line.to_string(), line.as_object().unwrap())
    }

    #[test]
    fn a_line_that_keeps_the_rules_has_no_faults() {
        assert_eq!(faults_of(&good()), [""; 0]);
    }

    #[test]
    fn a_line_that_breaks_a_rule_has_a_fault() {
        let directive = "/_aws/CloudWatchMetrics/0";
        let many: Vec<_> = (0..101).map(|_| json!({ "Name": "ms", "Unit": "Count" })).collect();
        for (place, broken) in [
            ("/_aws/Timestamp".to_owned(), json!("2026-01-01T00:00:00Z")),
            ("/_aws/CloudWatchMetrics".to_owned(), json!([])),
            (format!("{directive}/Namespace"), json!("")),
            (format!("{directive}/Namespace"), json!("AWS/Lambda")),
            (format!("{directive}/Dimensions"), json!([])),
            (format!("{directive}/Dimensions"), json!([[]])),
            (format!("{directive}/Dimensions/0/0"), json!("operation")),
            (format!("{directive}/Metrics"), json!([])),
            (format!("{directive}/Metrics"), json!(many)),
            (format!("{directive}/Metrics/0/Name"), json!("rru")),
            (format!("{directive}/Metrics/0/Name"), json!("voids")),
            (format!("{directive}/Metrics/0/Unit"), json!("ms")),
            (format!("{directive}/Metrics/0/StorageResolution"), json!(5)),
            ("/ms".to_owned(), json!("1.5")),
            ("/function".to_owned(), json!("")),
            ("/function".to_owned(), json!("a".repeat(LONGEST_LINE))),
        ] {
            let mut line = good();
            match line.pointer_mut(&place) {
                Some(value) => *value = broken.clone(),
                None => {
                    let (object, key) = place.rsplit_once('/').unwrap();
                    line.pointer_mut(object).unwrap()[key] = broken.clone();
                }
            }
            assert!(!faults_of(&line).is_empty(), "{place} {broken}");
        }
    }
}
