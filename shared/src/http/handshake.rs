//! Who opens a socket. Browsers cannot set headers there: they name the token as a subprotocol, or send the cookie by
//! themselves, whoever's page they show; then the page's origin must be one that is known.

use axum::http::{HeaderMap, header};

use super::cookie::{SESSION_COOKIE, cookie};
use super::credential::bearer;
use super::links::Host;
use super::problem::Problem;
use super::token::Keyring;
use crate::domain::Timestamp;
use crate::domain::session::Caller;

/// The one subprotocol that there is (RFC 6455, section 1.9).
pub const SUBPROTOCOL: &str = "confab";

/// A handshake with a genuine token; whether its session is alive the store will tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handshake {
    pub caller: Caller,
    /// Whether the client asked for the subprotocol, and must be answered with it.
    pub names_subprotocol: bool,
}

impl Handshake {
    /// `origins` are those of other sites whose pages may use the cookie.
    pub fn judge(headers: &HeaderMap, keyring: &Keyring, origins: &[String], now: Timestamp) -> Result<Self, Problem> {
        let offered =
            headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).into_iter().filter_map(|value| value.to_str().ok());
        let offered: Vec<&str> = offered.flat_map(|value| value.split(',')).map(str::trim).collect();
        let names_subprotocol = offered.contains(&SUBPROTOCOL);
        let named = offered.iter().copied().find(|name| *name != SUBPROTOCOL).filter(|_| names_subprotocol);
        let token = match bearer(headers).or(named) {
            Some(token) => token,
            None => match cookie(headers, SESSION_COOKIE).filter(|token| !token.is_empty()) {
                Some(token) if is_known_origin(headers, origins) => token,
                Some(_) => return Err(Problem::foreign_origin()),
                None => return Err(Problem::not_authenticated()),
            },
        };
        let caller = keyring.verify(token, now).ok_or_else(Problem::session_ended)?;
        Ok(Self { caller, names_subprotocol })
    }
}

/// A page of this very host, on somebody's own machine whatever its port, or of a site that is configured.
fn is_known_origin(headers: &HeaderMap, origins: &[String]) -> bool {
    let Some(origin) = headers.get(header::ORIGIN).and_then(|value| value.to_str().ok()) else { return false };
    let host = Host::of(headers);
    let is_own =
        host.origin() == origin || (host.is_local() && Host::of_origin(origin).is_some_and(|page| page.is_local()));
    is_own || origins.iter().any(|known| known == origin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::UserId;
    use crate::domain::session::Session;

    const KEYS: &str = r#"{"active": "k1", "k1": "a secret of at least 32 characters, and more"}"#;

    fn judged(pairs: &[(&'static str, String)]) -> Result<Handshake, u16> {
        let headers =
            pairs.iter().map(|(name, value)| (header::HeaderName::from_static(name), value.parse().expect("a header")));
        let keyring = Keyring::parse(KEYS).expect("a keyring");
        Handshake::judge(&headers.collect(), &keyring, &["https://app.example.com".to_owned()], now())
            .map_err(|problem| problem.into_parts().0.as_u16())
    }

    fn now() -> Timestamp {
        Timestamp::parse("2026-01-01T12:00:00Z").expect("an instant")
    }

    fn token() -> (String, Caller) {
        let session = Session::begin(UserId::unique(), now(), None, None);
        (Keyring::parse(KEYS).expect("a keyring").sign(&session).expose().to_owned(), session.caller)
    }

    #[test]
    fn a_token_travels_in_a_header_or_as_a_subprotocol() {
        let (token, caller) = token();
        let by_header = judged(&[("authorization", format!("Bearer {token}"))]);
        assert_eq!(by_header, Ok(Handshake { caller, names_subprotocol: false }));
        for offered in [format!("confab, {token}"), format!("{token},confab")] {
            let named = judged(&[("sec-websocket-protocol", offered)]);
            assert_eq!(named, Ok(Handshake { caller, names_subprotocol: true }));
        }
        assert_eq!(judged(&[("sec-websocket-protocol", token)]), Err(401));
    }

    #[test]
    fn a_cookie_counts_only_from_a_known_origin() {
        let (token, caller) = token();
        let from = |host: &str, origin: Option<&str>| {
            let mut pairs = vec![("cookie", format!("sessionid={token}")), ("host", host.to_owned())];
            pairs.extend(origin.map(|origin| ("origin", origin.to_owned())));
            judged(&pairs)
        };
        let taken = Ok(Handshake { caller, names_subprotocol: false });
        assert_eq!(from("chat.example.com", Some("https://chat.example.com")), taken);
        assert_eq!(from("chat.example.com", Some("https://app.example.com")), taken);
        assert_eq!(from("127.0.0.1:9001", Some("http://127.0.0.1:9000")), taken);
        for origin in [
            None,
            Some("https://evil.example"),
            Some("null"),
            Some("http://chat.example.com"),
            Some("http://127.0.0.1:9000"),
        ] {
            assert_eq!(from("chat.example.com", origin), Err(403), "{origin:?}");
        }
        assert_eq!(from("127.0.0.1:9001", Some("http://evil.example")), Err(403));
    }

    #[test]
    fn without_a_token_or_with_a_forged_one_nothing_opens() {
        let (token, _) = token();
        assert_eq!(judged(&[]), Err(401));
        assert_eq!(judged(&[("sec-websocket-protocol", "confab".to_owned())]), Err(401));
        assert_eq!(judged(&[("authorization", format!("Bearer {token}x"))]), Err(401));
        assert_eq!(judged(&[("sec-websocket-protocol", format!("confab, {token}x"))]), Err(401));
    }
}
