//! What the client wants to be answered in (RFC 9110, section 12.5.1).

use axum::http::{HeaderMap, header};
use mime::Mime;

/// Whether the client takes JSON: it says nothing, or something that covers `application/json` with a weight above 0.
pub(super) fn accepts_json(headers: &HeaderMap) -> bool {
    accepts(headers, &mime::APPLICATION_JSON)
}

/// Whether a browser asks: HTML is named, and nothing that covers JSON weighs more.
pub(super) fn prefers_html(headers: &HeaderMap) -> bool {
    let ranges = headers.get_all(header::ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
    let ranges = ranges.flat_map(|value| value.split(',')).filter_map(|range| range.trim().parse::<Mime>().ok());
    let (mut html, mut json) = (0.0, 0.0);
    for range in ranges {
        let weight = range.get_param("q").map_or(Ok(1.0), |weight| weight.as_str().parse::<f32>()).unwrap_or(0.0);
        match range.essence_str() {
            "text/html" => html = weight,
            "application/json" => json = weight,
            _ => {}
        }
    }
    html > json
}

fn accepts(headers: &HeaderMap, offered: &Mime) -> bool {
    let mut ranges = headers
        .get_all(header::ACCEPT)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .peekable();
    ranges.peek().is_none() || ranges.any(|range| covers(range.trim(), offered))
}

fn covers(range: &str, offered: &Mime) -> bool {
    // The crate `mime` refuses a lone `*`, which old clients send for `*/*`.
    let Ok(range) = (if range == "*" { "*/*" } else { range }).parse::<Mime>() else { return false };
    let refused =
        range.get_param("q").is_some_and(|weight| weight.as_str().parse().is_ok_and(|weight: f32| weight <= 0.0));
    let is_type = range.type_() == mime::STAR || range.type_() == offered.type_();
    let is_subtype = range.subtype() == mime::STAR || range.subtype() == offered.subtype();
    !refused && is_type && is_subtype
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_a_wish_or_none(bytes: Vec<u8>) {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let headers = HeaderMap::from_iter([(header::ACCEPT, value)]);
                let _ = (accepts_json(&headers), prefers_html(&headers));
            }
        }

        #[test]
        fn whoever_names_json_gets_it_whatever_else_they_name(others in "([a-z*]{1,9}/[a-z*+.]{1,9}(;q=[01](\\.[0-9]{1,3})?)?, ?){0,5}") {
            let value = HeaderValue::from_str(&format!("{others}application/json")).expect("a header");
            prop_assert!(accepts_json(&HeaderMap::from_iter([(header::ACCEPT, value)])));
        }

        #[test]
        fn whoever_names_other_things_only_gets_none(accept in "(image|text|audio)/[a-z]{1,9}(, (image|text|audio)/\\*){0,3}") {
            let value = HeaderValue::from_str(&accept).expect("a header");
            prop_assert!(!accepts_json(&HeaderMap::from_iter([(header::ACCEPT, value)])));
        }
    }

    fn accept(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT, value.parse().expect("a header"))])
    }

    #[test]
    fn browsers_are_told_from_programs() {
        let of_browsers = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
        assert!(prefers_html(&accept(of_browsers)) && prefers_html(&accept("text/html")));
        for value in ["*/*", "application/json", "application/json, text/html;q=0.5", "text/html;q=0", "nonsense"] {
            assert!(!prefers_html(&accept(value)), "{value}");
        }
        assert!(!prefers_html(&HeaderMap::new()));
    }

    #[test]
    fn json_is_given_to_whoever_does_not_exclude_it() {
        assert!(accepts_json(&HeaderMap::new()));
        for value in
            ["*/*", "application/*", "application/json", "text/html, */*;q=0.1", "application/json; indent=4", "*"]
        {
            assert!(accepts_json(&accept(value)), "{value}");
        }
        for value in ["text/html", "image/png", "application/json;q=0", "nonsense"] {
            assert!(!accepts_json(&accept(value)), "{value}");
        }
    }
}
