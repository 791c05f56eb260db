//! One system is described in several places: the functions' routes, the manifest's routing table, the template, the
//! store's table and the environment that the code reads. These tests hold them against each other, so that none of
//! them changes alone. They need neither a stack nor the network.

mod sockets;
mod watching;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_yaml_ng::Value;
use shared::http::Routes;
use shared::store::table;

/// The functions that answer no HTTP requests.
const WITHOUT_ROUTES: [&str; 2] = ["fanout", "realtime"];

/// Stands for every parameter of a path.
const SOME_ID: &str = "0195d2a4-6f0e-8000-8000-000000000001";

#[test]
fn every_function_of_the_workspace_is_deployed_and_nothing_else() {
    let folders: BTreeSet<String> = fs::read_dir(workspace().join("functions"))
        .expect("the workspace has functions")
        .map(|entry| entry.expect("the folder can be listed").file_name().to_string_lossy().into_owned())
        .collect();
    let routed = routes_by_function().into_keys().chain(WITHOUT_ROUTES).map(str::to_owned);
    assert_eq!(routed.collect::<BTreeSet<_>>(), folders, "every function has routes, or is named as one without");

    let deployed: BTreeSet<(String, String)> = Template::read()
        .functions()
        .map(|(name, function)| (name.to_owned(), words(&function["CodeUri"]).concat()))
        .collect();
    let expected = folders.iter().map(|name| (logical_id(name), format!("target/lambda/{name}"))).collect();
    assert_eq!(deployed, expected);
}

#[test]
fn every_route_leads_to_its_function_on_this_machine_and_in_the_cloud() {
    let (local, gateway) = (local_routing(), Template::read().gateway());
    for (function, routes) in routes_by_function() {
        for (route, _, _) in routes.iter() {
            for path in both_forms(route) {
                assert_eq!(locally(&local, &path).as_deref(), Some(function), "cargo lambda watch, {path}");
                assert_eq!(gateway.function_for(&path).as_deref(), Some(function), "API Gateway, {path}");
            }
        }
    }
}

#[test]
fn the_schema_that_is_handed_out_is_what_the_functions_declare() {
    let handed_out = fs::read_to_string(workspace().join("functions/root/openapi.json")).expect("it is committed");
    let declared = shared::http::openapi::document(tests::machine::all_routes());
    let declared = declared.to_pretty_json().expect("it can be written as JSON");
    assert!(handed_out.trim_end() == declared, "it is out of date: run `cargo dev schema`, and commit what it wrote");
}

#[test]
fn what_belongs_to_nobody_leads_to_root() {
    let (local, gateway) = (local_routing(), Template::read().gateway());
    for path in ["/", "/nothing", "/nothing/at/all/", "/api", "/api/", "/api/nothing", "/api/conversation/1/messages"] {
        assert_eq!(locally(&local, path).as_deref(), Some("root"), "cargo lambda watch, {path}");
        assert_eq!(gateway.function_for(path).as_deref(), Some("root"), "API Gateway, {path}");
    }
}

#[test]
fn the_template_makes_the_table_that_the_store_expects() {
    let template = Template::read();
    let table = template.resource("Table");
    let keys = |partition: &str, sort: &str| BTreeSet::from([format!("{partition} HASH"), format!("{sort} RANGE")]);
    assert_eq!(pairs(&table["KeySchema"], "AttributeName", "KeyType"), keys(table::PARTITION_KEY, table::SORT_KEY));

    let attributes = [table::PARTITION_KEY, table::SORT_KEY, table::INDEX_PARTITION_KEY, table::INDEX_SORT_KEY];
    let attributes = attributes.map(|attribute| format!("{attribute} S"));
    assert_eq!(pairs(&table["AttributeDefinitions"], "AttributeName", "AttributeType"), BTreeSet::from(attributes));

    let indexes = list(&table["GlobalSecondaryIndexes"]);
    let [index] = &indexes[..] else { panic!("one index, not {}", indexes.len()) };
    assert_eq!(index["IndexName"], table::INDEX);
    assert_eq!(
        pairs(&index["KeySchema"], "AttributeName", "KeyType"),
        keys(table::INDEX_PARTITION_KEY, table::INDEX_SORT_KEY)
    );
    assert_eq!(index["Projection"]["ProjectionType"], "INCLUDE");
    assert_eq!(words(&index["Projection"]["NonKeyAttributes"]), table::INDEX_PROJECTION);

    assert_eq!(table["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(table["StreamSpecification"]["StreamViewType"], table::STREAM_VIEW.as_str());
    assert_eq!(table["TimeToLiveSpecification"]["AttributeName"], table::TTL_ATTRIBUTE);
    assert_eq!(table["TimeToLiveSpecification"]["Enabled"], true);
}

#[test]
fn functions_are_given_the_environment_that_they_read() {
    let template = Template::read();
    let mut given: BTreeSet<String> = names(&template.0["Globals"]["Function"]["Environment"]["Variables"]);
    for (_, function) in template.functions() {
        given.extend(names(&function["Environment"]["Variables"]));
    }
    // Lambda itself sets what begins with AWS; DYNAMODB_ENDPOINT leads to databases on this machine only.
    given.extend(["AWS_LAMBDA_LOG_LEVEL", "AWS_REGION", "DYNAMODB_ENDPOINT"].map(str::to_owned));
    assert_eq!(given, variables_read());
}

#[test]
fn functions_may_do_only_what_is_named_to_this_table_only() {
    for (name, function) in Template::read().functions() {
        for policy in list(&function["Policies"]) {
            for statement in list(&policy["Statement"]) {
                let resource = words(&statement["Resource"]).concat();
                if sockets::may_reach(name, &words(&statement["Action"]), &resource) {
                    continue;
                }
                let table = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${TableInUse.Value}";
                let reached = resource.strip_prefix(table).is_some_and(|part| ["", "/index/GSI1"].contains(&part));
                assert!(reached, "{name} may reach {resource}");
                for action in words(&statement["Action"]) {
                    assert!(action.starts_with("dynamodb:"), "{name} may {action}");
                    assert!(!action.contains('*') && !action.contains("Scan"), "{name} may {action}");
                }
            }
        }
    }
}

#[test]
fn no_request_outlives_its_number() {
    let template = Template::read();
    let longest = template.0["Globals"]["Function"]["Timeout"].as_u64().expect("all functions have one time-out");
    assert!(longest < shared::domain::log::WRITER_LIFETIME.as_secs());
    // What tells others of a number takes none.
    let mut others = template.functions().filter(|(name, _)| *name != "FanoutFunction");
    assert!(others.all(|(_, function)| function["Timeout"].is_null()));
}

fn routes_by_function() -> BTreeMap<&'static str, Routes> {
    BTreeMap::from(tests::machine::all_routes())
}

/// What the template allows each function to do: actions on the table, and on its index as `GSI1/Query`.
pub(crate) fn actions_allowed() -> BTreeMap<String, BTreeSet<String>> {
    let template = Template::read();
    let functions = template.functions().map(|(_, function)| {
        let folder = words(&function["CodeUri"]).concat();
        let policies = list(&function["Policies"]);
        let statements = policies.iter().flat_map(|policy| list(&policy["Statement"]));
        let on_table = statements.filter(|statement| words(&statement["Resource"]).concat().contains("TableInUse"));
        let actions = on_table.flat_map(|statement| {
            let on_index = words(&statement["Resource"]).concat().ends_with("/index/GSI1");
            let prefix = if on_index { "GSI1/" } else { "" };
            words(&statement["Action"]).into_iter().map(move |action| action.replacen("dynamodb:", prefix, 1))
        });
        (folder.trim_start_matches("target/lambda/").to_owned(), actions.collect())
    });
    functions.collect()
}

/// The routing table of `cargo lambda watch`: the function for a path, whatever the method.
fn local_routing() -> matchit::Router<String> {
    let manifest = fs::read_to_string(workspace().join("Cargo.toml")).expect("the workspace has a manifest");
    let manifest: toml::Value = toml::from_str(&manifest).expect("the manifest is TOML");
    let table = manifest["workspace"]["metadata"]["lambda"]["watch"]["router"].as_table().expect("the table is one");
    let mut routing = matchit::Router::new();
    for (path, function) in table {
        let function = function.as_str().expect("a path leads to one function, whatever the method");
        routing.insert(path, function.to_owned()).expect("no two paths conflict");
    }
    routing
}

fn locally(routing: &matchit::Router<String>, path: &str) -> Option<String> {
    routing.at(path).ok().map(|found| found.value.clone())
}

/// The routes of the HTTP API.
#[derive(Default)]
struct Gateway {
    function_by_path: BTreeMap<String, String>,
    /// The function of the default route.
    otherwise: Option<String>,
}

impl Gateway {
    /// Of the routes that match a path, API Gateway takes one without `{proxy+}`, else the most specific one, else the
    /// default.
    fn function_for(&self, path: &str) -> Option<String> {
        let matching = self.function_by_path.iter().filter(|(route, _)| takes(route, path));
        let best = matching.max_by_key(|(route, _)| (!route.ends_with("{proxy+}"), route.split('/').count()));
        best.map(|(_, function)| function).or(self.otherwise.as_ref()).cloned()
    }
}

/// Whether a path of the HTTP API takes the path of a request; `{proxy+}` takes a trailing slash, too.
fn takes(route: &str, path: &str) -> bool {
    let (mut route, mut path) = (route.split('/'), path.split('/'));
    loop {
        match (route.next(), path.next()) {
            (None, None) => return true,
            (Some("{proxy+}"), Some(_)) => return true,
            (Some(expected), Some(found)) if expected == found || (expected.starts_with('{') && !found.is_empty()) => {}
            _ => return false,
        }
    }
}

struct Template(Value);

impl Template {
    fn read() -> Self {
        let text = fs::read_to_string(workspace().join("template.yaml")).expect("the workspace has a template");
        Self(serde_yaml_ng::from_str(&text).expect("the template is YAML"))
    }

    fn resource(&self, name: &str) -> &Value {
        &self.0["Resources"][name]["Properties"]
    }

    fn functions(&self) -> impl Iterator<Item = (&str, &Value)> {
        let resources = self.0["Resources"].as_mapping().expect("the template has resources").iter();
        resources
            .filter(|(_, resource)| resource["Type"] == "AWS::Serverless::Function")
            .map(|(name, resource)| (name.as_str().expect("a logical id is text"), &resource["Properties"]))
    }

    fn gateway(&self) -> Gateway {
        let mut gateway = Gateway::default();
        for (name, properties) in self.functions() {
            let folder = words(&properties["CodeUri"]).concat();
            let function = folder.trim_start_matches("target/lambda/");
            if WITHOUT_ROUTES.contains(&function) {
                continue;
            }
            for (event, properties) in properties["Events"].as_mapping().expect("a function has events") {
                let (event, properties) = (words(event).concat(), &properties["Properties"]);
                assert_eq!(words(&properties["ApiId"]), ["Api"], "{name}.{event}");
                let replaced = match properties["Path"].as_str() {
                    None => gateway.otherwise.replace(function.to_owned()),
                    Some(path) => {
                        assert_eq!(properties["Method"], "ANY", "{name}.{event}");
                        assert!(!path.ends_with('/'), "{name}.{event}: API Gateway refuses a slash at the end");
                        gateway.function_by_path.insert(path.to_owned(), function.to_owned())
                    }
                };
                assert_eq!(replaced, None, "{name}.{event} takes a route away from another function");
            }
        }
        gateway
    }
}

/// The names that the functions and what they share take from the environment.
fn variables_read() -> BTreeSet<String> {
    let mut files = Vec::new();
    rust_files(&workspace().join("shared/src"), &mut files);
    rust_files(&workspace().join("functions"), &mut files);
    let sources = files.iter().map(|file| fs::read_to_string(file).expect("a source file can be read"));
    sources
        .flat_map(|source| {
            let reads = source.split("env::var(\"").skip(1);
            reads.map(|rest| rest.split('"').next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
        })
        .collect()
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a source folder can be listed") {
        let path = entry.expect("a source folder can be listed").path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// `messages` → `MessagesFunction`.
fn logical_id(function: &str) -> String {
    let (first, rest) = function.split_at(1);
    format!("{}{rest}Function", first.to_uppercase())
}

/// A path as clients ask for it, with and without its trailing slash.
fn both_forms(pattern: &str) -> BTreeSet<String> {
    let segments = pattern.split('/').map(|segment| if segment.starts_with('{') { SOME_ID } else { segment });
    let path = segments.collect::<Vec<_>>().join("/");
    let path = path.trim_end_matches('/');
    BTreeSet::from([path.to_owned(), format!("{path}/")]).into_iter().filter(|path| !path.is_empty()).collect()
}

/// The elements of a list, whatever CloudFormation tag it carries; what stands alone is a list of one.
fn list(value: &Value) -> Vec<&Value> {
    match value.as_sequence() {
        Some(values) => values.iter().collect(),
        None if value.is_null() => Vec::new(),
        None => vec![value],
    }
}

fn words(value: &Value) -> Vec<&str> {
    list(value).into_iter().map(|value| value.as_str().expect("a word")).collect()
}

fn names(mapping: &Value) -> BTreeSet<String> {
    let mapping = mapping.as_mapping().into_iter().flatten();
    mapping.map(|(name, _)| name.as_str().expect("a name is text").to_owned()).collect()
}

fn pairs(values: &Value, first: &str, second: &str) -> BTreeSet<String> {
    let word = |value: &Value, name: &str| value[name].as_str().expect("a word").to_owned();
    list(values).into_iter().map(|value| format!("{} {}", word(value, first), word(value, second))).collect()
}
