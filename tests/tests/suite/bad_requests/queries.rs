//! Query strings: cursors that are none, pages that are none, bounds that are none.

use serde_json::json;

use super::Case;

const MESSAGES: &str = "/api/conversations/{c}/messages/";
const LISTS: [&str; 6] = [
    "/api/users/",
    "/api/conversations/",
    "/api/auth/sessions/",
    "/api/messages/",
    "/api/messages/{own}/history/",
    MESSAGES,
];

pub(super) fn cases() -> Vec<Case> {
    [cursors(), pages(), bounds(), filters(), changes(), formats()].concat()
}

fn cursors() -> Vec<Case> {
    let long = "A".repeat(4000);
    let mut cases = Vec::new();
    for list in LISTS {
        for cursor in ["abc", "", "0", "AAAA", "%FF", "%00", "%", "null", "=", "a+b/c", "{c}", "YTA", "{token}", &long]
        {
            cases.push(Case::new("GET", &format!("{list}?cursor={cursor}")).says(404, "Invalid page."));
        }
    }
    // Of another list, of the same list in another order, cut short, altered.
    for query in [
        "/api/users/?cursor={messages cursor}",
        "/api/conversations/?cursor={messages cursor}",
        "/api/conversations/?cursor={people cursor}",
        "/api/conversations/{c}/messages/?cursor={people cursor}",
        "/api/users/?ordering=created_at&cursor={people cursor}",
        "/api/conversations/{c}/messages/?ordering=-number&cursor={messages cursor}",
        "/api/conversations/{c}/messages/?after=1&cursor={messages cursor}",
        "/api/users/?cursor=A{people cursor}",
        "/api/users/?cursor={people cursor}A",
        "/api/users/?cursor={people cursor}=",
        "/api/users/?cursor={people cursor}&cursor=abc",
        "/api/conversations/{c}/messages/?cursor={messages cursor}%00",
    ] {
        cases.push(Case::new("GET", query).says(404, "Invalid page."));
    }
    cases
}

fn pages() -> Vec<Case> {
    let mut cases = Vec::new();
    for list in LISTS {
        for page in ["0", "-1", "abc", "1.5", "1e1", "99999999999999999999", "%00", "%EF%BC%91"] {
            cases.push(Case::new("GET", &format!("{list}?page={page}")).says(404, "Invalid page."));
        }
    }
    cases.push(Case::new("GET", "/api/users/?page=2").says(404, "Invalid page."));
    cases
}

fn bounds() -> Vec<Case> {
    let mut cases = Vec::new();
    for name in ["before", "after"] {
        for value in
            ["", "abc", "-1", "1.5", "1e3", "0x1", "%201", "1%00", "%EF%BC%91", "1099511627776", "99999999999999999999"]
        {
            let case = Case::new("GET", &format!("{MESSAGES}?{name}={value}"));
            cases.push(case.refuses(name, "A valid integer is required."));
        }
        // A conversation of others is not there, however it is asked for.
        let foreign = format!("/api/conversations/{{foreign}}/messages/?{name}=abc");
        cases.push(Case::new("GET", &foreign).says(404, "No Conversation matches the given query."));
    }
    cases
}

fn filters() -> Vec<Case> {
    let mut cases = Vec::new();
    for list in ["/api/messages/", MESSAGES] {
        for name in ["sent_after", "sent_before"] {
            for value in
                ["abc", "2026", "2026-13-01", "2026-02-30", "2026-01-01T25:00:00Z", "yesterday", "0", "%00", "%FF"]
            {
                let case = Case::new("GET", &format!("{list}?{name}={value}"));
                cases.push(case.refuses(name, "Enter a valid date/time."));
            }
        }
        for value in ["abc", "1", "{ada}0", "me"] {
            let reason = format!("“{value}” is not a valid UUID.");
            cases.push(Case::new("GET", &format!("{list}?sender={value}")).refuses("sender", &reason));
        }
        let all = Case::new("GET", &format!("{list}?sender=abc&sent_after=abc&sent_before=abc"));
        cases.push(all.names(&["sender", "sent_after", "sent_before"]));
    }
    for id in ["abc", "{foreign}", "{own}", "{grace}", "00000000-0000-0000-0000-000000000000", "%00"] {
        let case = Case::new("GET", &format!("/api/messages/?conversation_id={id}"));
        cases.push(case.told(404, super::Told::Fields(json!({ "error": "Conversation not found" }))));
    }
    cases
}

fn changes() -> Vec<Case> {
    let mut cases = Vec::new();
    for cursor in ["abc", "0", "-1", "%FF", "%00", "{messages cursor}", "{people cursor}", "{c}", "null"] {
        let case = Case::new("GET", &format!("/api/conversations/{{c}}/changes/?after={cursor}"));
        cases.push(case.refuses("after", "Invalid cursor."));
    }
    let long = "A".repeat(6000);
    for cursor in ["abc", "", "0", "-1", "%FF", "%00", "{messages cursor}", "{people cursor}", "{c}", "null", &long] {
        let case = Case::new("GET", &format!("/api/changes/?after={cursor}"));
        cases.push(case.refuses("after", "Invalid cursor."));
    }
    let foreign = Case::new("GET", "/api/conversations/{foreign}/changes/?after=abc");
    cases.push(foreign.says(404, "No Conversation matches the given query."));
    for id in ["{c}", "{deleted}", "{foreign message}", "{foreign}", "{grace}"] {
        let case = Case::new("GET", &format!("/api/messages/{id}/history/"));
        cases.push(case.says(404, "No Message matches the given query."));
    }
    cases.push(Case::new("GET", "/api/messages/abc/history/").says(404, "Not found."));
    cases
}

fn formats() -> Vec<Case> {
    let mut cases = Vec::new();
    for format in ["xml", "yaml", "JSON", "json5", "..", "%00", "%FF", "admin"] {
        cases.push(Case::new("GET", &format!("/api/users/me/?format={format}")).says(404, "Not found."));
    }
    // It is judged before everything else.
    cases.push(Case::anonymous("GET", "/api/users/me/?format=xml").says(404, "Not found."));
    cases.push(Case::anonymous("POST", "/api/messages/?format=xml").json("{").says(404, "Not found."));
    cases
}
