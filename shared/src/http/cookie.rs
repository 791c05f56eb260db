//! Cookies (RFC 6265): the session's, which scripts cannot read, and the CSRF token's, which they must.

use axum::http::{HeaderMap, HeaderValue, header};

use super::links::Host;
use super::token::Token;
use crate::domain::session::LIFETIME;

pub const SESSION_COOKIE: &str = "sessionid";
pub const CSRF_COOKIE: &str = "csrftoken";

/// A year of 364 days, as the clients know it.
const CSRF_MAX_AGE: u64 = 31_449_600;

pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let pairs = headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(found, _)| *found == name).map(|(_, value)| value)
}

pub fn session_cookie(token: &Token, host: &Host) -> HeaderValue {
    set_cookie(SESSION_COOKIE, token.expose(), LIFETIME.as_secs(), "; HttpOnly", host)
}

pub fn csrf_cookie(token: &str, host: &Host) -> HeaderValue {
    set_cookie(CSRF_COOKIE, token, CSRF_MAX_AGE, "", host)
}

/// Makes the browser forget a cookie.
pub fn clear_cookie(name: &str, host: &Host) -> HeaderValue {
    set_cookie(name, "", 0, if name == SESSION_COOKIE { "; HttpOnly" } else { "" }, host)
}

fn set_cookie(name: &str, value: &str, max_age: u64, http_only: &str, host: &Host) -> HeaderValue {
    let secure = if host.is_local() { "" } else { "; Secure" };
    let cookie = format!("{name}={value}; Path=/; Max-Age={max_age}; SameSite=Lax{http_only}{secure}");
    HeaderValue::from_str(&cookie).expect("tokens are letters, digits, dots, hyphens and underscores")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_cookies_or_none(bytes: Vec<u8>) {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let _ = cookie(&HeaderMap::from_iter([(header::COOKIE, value)]), SESSION_COOKIE);
            }
        }

        #[test]
        fn a_cookie_that_was_set_comes_back(value in "[A-Za-z0-9._-]{1,300}", others in "(; [a-r]{1,9}=[!-:<-~]{0,9}){0,5}") {
            let host = Host::of(&HeaderMap::new());
            let set = csrf_cookie(&value, &host);
            let pair = set.to_str().expect("text").split(';').next().expect("a pair");
            let sent = HeaderValue::from_str(&format!("a=1{others}; {pair}")).expect("a header");
            let headers = HeaderMap::from_iter([(header::COOKIE, sent)]);
            prop_assert_eq!(cookie(&headers, CSRF_COOKIE), Some(&*value));
            prop_assert_eq!(cookie(&headers, SESSION_COOKIE), None);
        }
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; sessionid=x.y.z"));
        headers.append(header::COOKIE, HeaderValue::from_static("csrftoken=t"));
        assert_eq!(cookie(&headers, SESSION_COOKIE), Some("x.y.z"));
        assert_eq!(cookie(&headers, CSRF_COOKIE), Some("t"));
        assert_eq!(cookie(&headers, "session"), None);
    }
}
