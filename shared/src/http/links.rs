//! Where the request came to, and where it came from.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, header};
use lambda_http::request::RequestContext;

/// The scheme and host that the client used: links lead back there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    https: bool,
    authority: Authority,
}

impl Host {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let authority = text(header::HOST)
            .and_then(|host| host.parse().ok())
            .unwrap_or_else(|| Authority::from_static("localhost"));
        let forwarded = text(header::HeaderName::from_static("x-forwarded-proto"));
        let https = forwarded.map_or_else(|| !is_local(&authority), |scheme| scheme.eq_ignore_ascii_case("https"));
        Self { https, authority }
    }

    /// Of the site that an origin names.
    pub(super) fn of_origin(origin: &str) -> Option<Self> {
        let (scheme, authority) = origin.split_once("://")?;
        Some(Self { https: scheme == "https", authority: authority.parse().ok()? })
    }

    /// `https://host`, without a path: an origin (RFC 6454).
    pub fn origin(&self) -> String {
        format!("{}://{}", if self.https { "https" } else { "http" }, self.authority)
    }

    /// The absolute address of a path.
    pub fn link(&self, path: &str) -> String {
        format!("{}{path}", self.origin())
    }

    /// Whether this is somebody's own machine: browsers there take cookies without TLS.
    pub fn is_local(&self) -> bool {
        is_local(&self.authority)
    }
}

/// Where to go next, if that is on this site: a path as it stands in an address (RFC 3986), and nothing that a browser
/// takes for another host.
pub fn local_path(next: &str) -> Option<&str> {
    let spelt_well = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    (spelt_well && next.starts_with('/') && !next.starts_with("//")).then_some(next)
}

fn is_local(authority: &Authority) -> bool {
    matches!(authority.host(), "localhost" | "127.0.0.1" | "[::1]")
}

impl<S: Sync> FromRequestParts<S> for Host {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

/// The client as API Gateway saw it: for the list of one's own sessions, and to slow down guessing.
#[derive(Clone, Debug, Default)]
pub struct Client {
    pub address: Option<String>,
    pub agent: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let address = match parts.extensions.get::<RequestContext>() {
            Some(RequestContext::ApiGatewayV2(context)) => context.http.source_ip.clone(),
            _ => None,
        };
        let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(Self { address, agent })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_browser_that_follows_a_local_path_stays_here(next in "[/\\\\a-c:.@?#%&=;\\[\\] \t\r\né-]{0,20}") {
            if let Some(path) = local_path(&next) {
                let here = url::Url::parse("https://here.example/api-auth/login/").expect("an address");
                let there = here.join(path).expect("a path of this site");
                prop_assert_eq!(here.origin(), there.origin());
            }
        }

        #[test]
        fn a_path_of_this_site_is_local(path in "(/[a-zA-Z0-9._~-]{1,9}){0,4}/(\\?[a-z]{1,5}=[a-zA-Z0-9%]{0,9})?") {
            prop_assert_eq!(local_path(&path), Some(&*path));
        }

        #[test]
        fn whatever_host_is_named_links_are_addresses(bytes: Vec<u8>, scheme in ".{0,10}") {
            let mut headers = HeaderMap::new();
            for (name, value) in [("host", &bytes[..]), ("x-forwarded-proto", scheme.as_bytes())] {
                if let Ok(value) = HeaderValue::from_bytes(value) {
                    headers.insert(name, value);
                }
            }
            let link = Host::of(&headers).link("/api/");
            prop_assert!(link.starts_with("http://") || link.starts_with("https://"));
            prop_assert!(link.ends_with("/api/") && link.parse::<axum::http::Uri>().is_ok(), "{}", link);
        }

        #[test]
        fn a_host_that_was_named_is_linked_to(host in "[a-z][a-z0-9-]{0,20}(\\.[a-z]{2,6}){0,3}(:[1-9][0-9]{0,3})?") {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().expect("a header"));
            let link = Host::of(&headers).link("/api/");
            prop_assert_eq!(link.split_once("://").map(|(_, rest)| rest), Some(&*format!("{host}/api/")));
        }
    }

    fn host(host: &'static str, scheme: Option<&'static str>) -> Host {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().expect("a header"));
        if let Some(scheme) = scheme {
            headers.insert("x-forwarded-proto", scheme.parse().expect("a header"));
        }
        Host::of(&headers)
    }

    #[test]
    fn links_lead_back_to_where_the_client_came_from() {
        assert_eq!(host("chat.example.com", Some("https")).link("/api/"), "https://chat.example.com/api/");
        assert_eq!(host("127.0.0.1:9000", None).link("/api/"), "http://127.0.0.1:9000/api/");
    }

    #[test]
    fn a_foreign_next_is_dropped() {
        assert_eq!(local_path("/api/users/?page=1"), Some("/api/users/?page=1"));
        for next in ["", "https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example"] {
            assert_eq!(local_path(next), None, "{next}");
        }
        for next in ["javascript:alert(1)", "/café", "/a b"] {
            assert_eq!(local_path(next), None, "{next}");
        }
    }

    #[test]
    fn only_ones_own_machine_is_local() {
        assert!(host("[::1]:9000", None).is_local() && host("localhost", None).is_local());
        assert!(!host("localhost.example.com", None).is_local());
    }
}
