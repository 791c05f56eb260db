//! The WebSocket API and the stream's mapping, as the template makes them and as the functions and the local stack take them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use local::stream::{Mapping, StartingPosition, WORTH_TELLING};
use serde_yaml_ng::Value;

use super::{Template, list, words, workspace};

const SOCKETS: &str =
    "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Sockets}/socket/*/@connections/*";

/// What the two functions may do that no other may: post to sockets of this API, read this table's stream, put what was
/// given up into its queue.
pub(super) fn may_reach(function: &str, actions: &[&str], resource: &str) -> bool {
    match (function, actions) {
        ("RealtimeFunction" | "FanoutFunction", ["execute-api:ManageConnections"]) => resource == SOCKETS,
        ("FanoutFunction", ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]) => {
            resource == "StreamInUse.Value"
        }
        // It knows no resources.
        ("FanoutFunction", ["dynamodb:ListStreams"]) => resource == "*",
        ("FanoutFunction", ["sqs:SendMessage"]) => resource == "Undelivered.Arn",
        _ => false,
    }
}

fn routes(template: &Template) -> BTreeMap<String, &Value> {
    let resources = template.0["Resources"].as_mapping().expect("the template has resources").iter();
    let routes = resources.filter(|(_, resource)| resource["Type"] == "AWS::ApiGatewayV2::Route");
    routes.map(|(_, route)| (words(&route["Properties"]["RouteKey"]).concat(), &route["Properties"])).collect()
}

#[test]
fn every_event_of_a_socket_leads_to_one_function_and_what_it_answers_to_frames_leads_back() {
    let template = Template::read();
    let routes = routes(&template);
    assert_eq!(routes.keys().collect::<Vec<_>>(), ["$connect", "$default", "$disconnect"]);
    for (key, route) in &routes {
        assert_eq!(words(&route["Target"]), ["integrations/${SocketsIntegration}"], "{key}");
    }
    let integration = template.resource("SocketsIntegration");
    assert_eq!(integration["IntegrationType"], "AWS_PROXY");
    assert!(words(&integration["IntegrationUri"]).concat().contains("${RealtimeFunction.Arn}"));
    assert_eq!(routes["$default"]["RouteResponseSelectionExpression"], "$default");
    assert_eq!(words(&template.resource("SocketsReply")["RouteId"]), ["SocketsDefault"]);
    assert_eq!(template.resource("SocketsReply")["RouteResponseKey"], "$default");
}

#[test]
fn the_log_of_sockets_tells_neither_tokens_nor_frames() {
    let template = Template::read();
    let settings = list(&template.resource("SocketsStage")["AccessLogSettings"])[1];
    let format = words(&settings["Format"]).concat();
    let line: serde_json::Value = serde_json::from_str(&format).expect("a line of the access log is JSON");
    for (name, value) in [("gateway_id", "$context.requestId"), ("lambda_id", "$context.integration.requestId")] {
        assert_eq!(line[name], value, "{name}");
    }
    let secret = ["header", "query", "authorizer", "cookie", "body", "protocol"];
    assert!(secret.iter().all(|secret| !format.to_lowercase().contains(secret)), "{format}");
}

#[test]
fn the_stream_is_told_in_order_and_nothing_holds_it_up_for_long() {
    let template = Template::read();
    let mapping = template.resource("FanoutMapping");
    // More than one batch of a shard at once would be in order for each item only, and not for each conversation.
    assert_eq!(mapping["ParallelizationFactor"], 1);
    assert_eq!(words(&mapping["FunctionResponseTypes"]), ["ReportBatchItemFailures"]);
    assert_eq!(mapping["BisectBatchOnFunctionError"], true);
    assert!(mapping["MaximumRetryAttempts"].as_u64().is_some_and(|most| most < 10));
    assert!(mapping["MaximumRecordAgeInSeconds"].as_u64().is_some_and(|most| most <= 300));
    assert_eq!(words(&mapping["DestinationConfig"]["OnFailure"]["Destination"]), ["Undelivered.Arn"]);
    assert_eq!(words(&mapping["EventSourceArn"]), ["StreamInUse.Value"]);
}

#[test]
fn the_mapping_of_the_local_stack_is_that_of_the_template() {
    let template = Template::read();
    let (there, here) = (template.resource("FanoutMapping"), Mapping::default());
    assert_eq!(there["BatchSize"].as_u64(), Some(here.batch_size as u64));
    let window = &template.0["Parameters"]["FanoutBatchWindow"]["Default"];
    assert_eq!(window.as_u64(), Some(here.maximum_batching_window.as_secs()));
    assert_eq!(there["MaximumRetryAttempts"].as_u64(), here.maximum_retry_attempts.map(u64::from));
    assert_eq!(there["MaximumRecordAgeInSeconds"].as_u64(), here.maximum_record_age.map(|age| age.as_secs()));
    assert_eq!(there["BisectBatchOnFunctionError"].as_bool(), Some(here.bisect_batch_on_function_error));
    assert!(here.report_batch_item_failures);
    assert_eq!(
        (there["StartingPosition"].as_str(), here.starting_position),
        (Some("LATEST"), StartingPosition::Latest)
    );
}

/// Filters of the mapping, as prefixes or whole sort keys by event.
fn filtered(template: &Template) -> BTreeSet<(String, String)> {
    let filters = list(&template.resource("FanoutMapping")["FilterCriteria"]["Filters"]);
    let mut let_through = BTreeSet::new();
    for filter in filters {
        let pattern: serde_json::Value =
            serde_json::from_str(&words(&filter["Pattern"]).concat()).expect("a pattern is JSON");
        let events: Vec<String> = match pattern["eventName"].as_array() {
            Some(events) => events.iter().map(|event| event.as_str().expect("a name").to_owned()).collect(),
            None => ["INSERT", "MODIFY", "REMOVE"].map(str::to_owned).into(),
        };
        for key in pattern["dynamodb"]["Keys"]["SK"]["S"].as_array().expect("sort keys") {
            let key = key["prefix"].as_str().or(key.as_str()).expect("a key or the beginning of one");
            let_through.extend(events.iter().map(|event| (event.clone(), key.to_owned())));
        }
    }
    let_through
}

/// What `Happening` makes of records, by event and beginning of the sort key: the mapping must hand on that, and only that.
#[test]
fn the_function_runs_for_what_somebody_may_be_told_and_for_nothing_else() {
    let told = [
        ("INSERT", "MSG#"),
        ("INSERT", "CHG#"),
        ("INSERT", "META"),
        ("REMOVE", "META"),
        ("MODIFY", "MEMBER#"),
        ("REMOVE", "SESSION#"),
        ("INSERT", "CONNECTIONS"),
        ("MODIFY", "CONNECTIONS"),
        ("REMOVE", "CONNECTIONS"),
    ];
    let told: BTreeSet<_> = told.into_iter().map(|(event, key)| (event.to_owned(), key.to_owned())).collect();
    assert_eq!(filtered(&Template::read()), told);
    // Lambda takes no more without a higher quota.
    assert!(list(&Template::read().resource("FanoutMapping")["FilterCriteria"]["Filters"]).len() <= 5);
}

#[test]
fn the_local_stream_hands_on_what_the_mapping_does() {
    let template = Template::read();
    let filters = list(&template.resource("FanoutMapping")["FilterCriteria"]["Filters"]);
    let patterns = filters.iter().map(|filter| {
        serde_json::from_str::<serde_json::Value>(&words(&filter["Pattern"]).concat()).expect("a pattern is JSON")
    });
    let local = WORTH_TELLING.iter().map(|filter| filter.pattern());
    assert_eq!(patterns.collect::<Vec<_>>(), local.collect::<Vec<_>>());
}

#[test]
fn the_events_that_are_described_are_those_that_are_told() {
    let handed_out = fs::read_to_string(workspace().join("functions/root/asyncapi.json")).expect("it is committed");
    let declared = shared::sockets::asyncapi::document().expect("a document");
    assert!(
        handed_out.trim_end() == format!("{declared:#}"),
        "it is out of date: run `cargo dev schema`, and commit what it wrote"
    );
}
