//! Cross-site request forgery: an unsafe request that came with a cookie must show that it knows the CSRF token, which
//! other sites cannot read (double submit), and if it names an origin, that must be this one.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use ring::rand::{SecureRandom, SystemRandom};

use super::cookie::{CSRF_COOKIE, cookie};
use super::links::Host;
use super::problem::Problem;

const TOKEN_HEADER: &str = "x-csrftoken";
pub(super) const TOKEN_FIELD: &str = "csrfmiddlewaretoken";
const TOKEN_LENGTH: usize = 32;

/// A token for a form, and the cookie to compare it with.
#[derive(Clone, Debug)]
pub struct CsrfToken(String);

impl CsrfToken {
    /// One that nobody has seen: at login, so that a token planted before it is worthless afterwards.
    pub fn fresh() -> Self {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut bytes = [0; TOKEN_LENGTH];
        SystemRandom::new().fill(&mut bytes).expect("the system has randomness");
        Self(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 64)])).collect())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The token that the browser has, or a fresh one.
impl<S: Sync> FromRequestParts<S> for CsrfToken {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let known = cookie(&parts.headers, CSRF_COOKIE).filter(|token| is_token(token));
        Ok(known.map_or_else(Self::fresh, |token| Self(token.to_owned())))
    }
}

fn is_token(text: &str) -> bool {
    text.len() == TOKEN_LENGTH && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// Judges an unsafe request by its headers; `field` is what a form has in [`TOKEN_FIELD`].
pub(super) fn check(headers: &HeaderMap, field: Option<&str>) -> Result<(), Problem> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if let Some(origin) = text(header::ORIGIN.as_str())
        && origin != Host::of(headers).origin()
    {
        return Err(Problem::csrf("Origin checking failed: it does not match the host."));
    }
    let Some(known) = cookie(headers, CSRF_COOKIE).filter(|token| is_token(token)) else {
        return Err(Problem::csrf("CSRF cookie not set."));
    };
    let Some(shown) = text(TOKEN_HEADER).or(field) else {
        return Err(Problem::csrf("CSRF token missing."));
    };
    if same(shown, known) { Ok(()) } else { Err(Problem::csrf("CSRF token incorrect.")) }
}

/// Whether the token can only be in a form.
pub(super) fn needs_field(headers: &HeaderMap) -> bool {
    !headers.contains_key(TOKEN_HEADER)
}

/// Compares without telling by its duration where two tokens differ: their digests differ everywhere.
fn same(one: &str, other: &str) -> bool {
    let digest = |text: &str| ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    digest(one).as_ref() == digest(other).as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "abcdefghijklmnopqrstuvwxyz012345";

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), value.parse().expect("a header")))
            .collect()
    }

    #[test]
    fn a_fresh_token_is_a_token() {
        assert!(is_token(CsrfToken::fresh().as_str()));
        assert_ne!(CsrfToken::fresh().as_str(), CsrfToken::fresh().as_str());
    }

    #[test]
    fn the_token_of_the_cookie_must_be_shown_in_header_or_field() {
        let cookie = ("cookie", "csrftoken=abcdefghijklmnopqrstuvwxyz012345");
        assert!(check(&headers(&[cookie, ("x-csrftoken", TOKEN)]), None).is_ok());
        assert!(check(&headers(&[cookie]), Some(TOKEN)).is_ok());
        assert!(check(&headers(&[cookie]), None).is_err());
        assert!(check(&headers(&[cookie, ("x-csrftoken", "abcdefghijklmnopqrstuvwxyz012346")]), None).is_err());
        assert!(check(&headers(&[("x-csrftoken", TOKEN)]), None).is_err());
        assert!(check(&headers(&[("cookie", "csrftoken="), ("x-csrftoken", "")]), None).is_err());
    }

    #[test]
    fn a_foreign_origin_is_refused_whatever_it_shows() {
        let honest = [
            ("cookie", "csrftoken=abcdefghijklmnopqrstuvwxyz012345"),
            ("x-csrftoken", TOKEN),
            ("host", "localhost:9000"),
        ];
        let with_origin = |origin| headers(&[&honest[..], &[("origin", origin)]].concat());
        assert!(check(&with_origin("http://localhost:9000"), None).is_ok());
        assert!(check(&with_origin("http://evil.example"), None).is_err());
        assert!(check(&with_origin("null"), None).is_err());
    }
}
