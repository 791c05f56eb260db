//! `cargo dev load`: it puts load on the stack under test, and proves what must be true afterwards.

use serde_json::Value;
use tests::machine::tool::Table;
use tests::target;

#[tokio::test]
async fn a_stack_under_load_loses_and_doubles_nothing() {
    let target = target();
    let arguments =
        ["load", "--target", &target, "--rate", "20", "--seconds", "4", "--people", "4", "--at-once", "8", "--json"];
    let report = Table::under_test().run(&arguments).await.expect("every promise is kept");
    let report: Value = serde_json::from_str(&report).expect("JSON, and nothing else");
    let (proof, operations) = (&report["proof"], &report["operations"]);
    assert_eq!(proof["broken"], Value::Array(Vec::new()), "{report}");
    assert!(proof["sends"].as_u64() > Some(0) && proof["sends"] == proof["messages"], "{report}");
    assert_eq!(operations["send"]["requests"], proof["sends"], "{report}");
}

#[tokio::test]
async fn a_load_on_nothing_says_what_to_do() {
    let refused = Table::under_test().run(&["load", "--target", "http://127.0.0.1:9"]).await.expect_err("nobody there");
    assert!(refused.contains("cargo dev up"), "{refused}");
}
