//! What watches the functions, and what they tell those who watch: alarms, dashboard, logs.

use std::collections::BTreeSet;
use std::fs;

use serde_yaml_ng::Value;
use shared::http::metrics;

use super::{Template, list, routes_by_function, words, workspace};

/// Metrics that functions send lie in the namespace of the stack.
const NAMESPACE: &str = "AWS::StackName";

fn of_type<'t>(template: &'t Template, kind: &str) -> Vec<(&'t str, &'t Value)> {
    let resources = template.0["Resources"].as_mapping().expect("the template has resources").iter();
    let found = resources.filter(|(_, resource)| resource["Type"] == kind);
    found.map(|(name, resource)| (name.as_str().expect("a logical id is text"), resource)).collect()
}

fn alarms(template: &Template) -> Vec<(&str, &Value)> {
    of_type(template, "AWS::CloudWatch::Alarm")
}

/// A metric that an alarm looks at.
struct Watched<'t> {
    namespace: &'t str,
    metric: &'t str,
    dimensions: Vec<(&'t str, &'t str)>,
}

fn watched_by(alarm: &Value) -> Vec<Watched<'_>> {
    let stats = list(&alarm["Properties"]["Metrics"]).into_iter().map(|metric| &metric["MetricStat"]["Metric"]);
    let watched = stats.filter(|metric| !metric.is_null()).map(|metric| {
        let dimensions = list(&metric["Dimensions"]).into_iter();
        Watched {
            namespace: word(metric, "Namespace"),
            metric: word(metric, "MetricName"),
            dimensions: dimensions.map(|dimension| (word(dimension, "Name"), word(dimension, "Value"))).collect(),
        }
    });
    watched.collect()
}

fn word<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().expect("a word")
}

fn dashboard(template: &Template) -> String {
    let [(_, dashboard)] = of_type(template, "AWS::CloudWatch::Dashboard")[..] else { panic!("one dashboard") };
    words(&dashboard["Properties"]["DashboardBody"]).concat()
}

/// The metrics of ours that the dashboard shows.
fn shown(dashboard: &str) -> BTreeSet<String> {
    let between = |start: &str| {
        let parts = dashboard.split(start).skip(1).filter_map(|rest| rest.split(['\\', '"']).next());
        parts.map(str::to_owned).collect::<Vec<_>>()
    };
    between("MetricName=\\\"").into_iter().chain(between("[\"${AWS::StackName}\", \"")).collect()
}

/// Everything that arrives in our namespace: what functions send, and what is counted in their logs.
fn sent(template: &Template) -> BTreeSet<String> {
    let counted = of_type(template, "AWS::Logs::MetricFilter").into_iter();
    let counted = counted.flat_map(|(_, filter)| list(&filter["Properties"]["MetricTransformations"]));
    let counted = counted.map(|metric| words(&metric["MetricName"]).concat());
    metrics::all().map(|metric| metric.name.to_owned()).chain(counted).collect()
}

#[test]
fn every_function_is_watched_for_errors_refusals_and_slowness() {
    let template = Template::read();
    let functions: BTreeSet<&str> = template.functions().map(|(name, _)| name).collect();
    for metric in ["Errors", "Throttles", "Duration"] {
        let watched: Vec<_> = alarms(&template).iter().flat_map(|(_, alarm)| watched_by(alarm)).collect();
        let watched = watched.iter().filter(|watched| watched.namespace == "AWS/Lambda" && watched.metric == metric);
        let watched: BTreeSet<&str> =
            watched.flat_map(|watched| &watched.dimensions).map(|(_, value)| *value).collect();
        assert_eq!(watched, functions, "{metric}");
    }
}

#[test]
fn alarms_look_at_metrics_that_are_sent() {
    let template = Template::read();
    let (sent, functions) = (sent(&template), routes_by_function());
    for (name, alarm) in alarms(&template) {
        for Watched { namespace, metric, dimensions } in watched_by(alarm) {
            if namespace == NAMESPACE {
                assert!(sent.contains(metric), "{name} looks at {metric}, which nobody sends");
                let ours = dimensions
                    .iter()
                    .all(|(dimension, function)| *dimension == metrics::DIMENSION && functions.contains_key(function));
                assert!(ours, "{name} looks at {metric} by {dimensions:?}");
            } else {
                assert!(
                    ["AWS/ApiGateway", "AWS/DynamoDB", "AWS/Lambda", "AWS/SQS"].contains(&namespace),
                    "{name}: {namespace}"
                );
            }
        }
    }
}

#[test]
fn the_dashboard_shows_every_metric_that_is_sent_and_no_other() {
    let template = Template::read();
    assert_eq!(shown(&dashboard(&template)), sent(&template));
}

#[test]
fn the_dashboard_is_json_and_fits() {
    let body: serde_json::Value = serde_json::from_str(&dashboard(&Template::read())).expect("the dashboard is JSON");
    for widget in body["widgets"].as_array().expect("it has widgets") {
        let number = |name: &str| widget[name].as_u64().expect("a number");
        assert!(number("x") + number("width") <= 24, "{widget}");
        assert!(widget["properties"]["title"].is_string() && widget["properties"]["region"].is_string(), "{widget}");
    }
}

#[test]
fn every_alarm_tells_somebody_is_explained_and_takes_silence_for_peace() {
    let explained = fs::read_to_string(workspace().join("ARCHITECTURE.md")).expect("the workspace has it");
    let template = Template::read();
    let alarms = alarms(&template);
    assert!(!alarms.is_empty());
    for (name, alarm) in alarms {
        let properties = &alarm["Properties"];
        assert_eq!(alarm["Condition"], "HasAlarms", "{name}");
        assert_eq!(properties["TreatMissingData"], "notBreaching", "{name}");
        for actions in ["AlarmActions", "OKActions"] {
            assert_eq!(words(&properties[actions]), ["AlarmTopicArn"], "{name}");
        }
        let returned = list(&properties["Metrics"]).into_iter().filter(|metric| metric["ReturnData"] != false).count();
        assert_eq!(returned, 1, "{name} is judged by one value");
        assert!(explained.contains(&format!("`{name}`")), "{name} is not explained in ARCHITECTURE.md");
    }
}

#[test]
fn the_access_log_tells_a_request_as_the_functions_do() {
    let template = Template::read();
    let format = words(&template.resource("Api")["AccessLogSettings"]["Format"]).concat();
    let format: serde_json::Value = serde_json::from_str(&format).expect("a line of the access log is JSON");
    let expected = [
        ("gateway_id", "$context.requestId"),
        ("lambda_id", "$context.integration.requestId"),
        ("method", "$context.httpMethod"),
        ("route", "$context.routeKey"),
        ("status", "$context.status"),
    ];
    for (name, value) in expected {
        assert_eq!(format[name], value, "{name}");
    }
    let secret = ["header", "path", "query", "authorizer", "cookie"];
    let told = format.to_string().to_lowercase();
    assert!(secret.iter().all(|secret| !told.contains(secret)), "{told}");
}

#[test]
fn no_setting_keeps_back_the_lines_that_metrics_are_made_of() {
    let template = Template::read();
    assert_eq!(words(&template.0["Parameters"]["LogLevel"]["AllowedValues"]), ["INFO", "DEBUG"]);
}

#[test]
fn every_dependency_has_its_reason() {
    let manifest = fs::read_to_string(workspace().join("Cargo.toml")).expect("the workspace has a manifest");
    let (_, dependencies) = manifest.split_once("[workspace.dependencies]\n").expect("it has dependencies");
    let lines = dependencies.lines().take_while(|line| !line.starts_with('['));
    let dependencies = lines.filter(|line| line.contains(" = ") && !line.starts_with("shared ="));
    let unexplained: Vec<_> = dependencies.filter(|line| !line.contains(" # ")).collect();
    assert!(unexplained.is_empty(), "without a reason: {unexplained:?}");
}
