//! What a request brought to say who is calling.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::cookie::{SESSION_COOKIE, cookie};
use super::problem::Problem;
use super::token::Keyring;
use crate::domain::Timestamp;
use crate::domain::session::Caller;

/// How the token travelled. Browsers send cookies by themselves, whoever made them do it: hence CSRF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Via {
    Bearer,
    Cookie,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Credential {
    None,
    /// Forged, expired, or no token at all.
    Invalid(Via),
    Genuine(Caller, Via),
}

impl Credential {
    /// The `Authorization` header counts before the cookie; other schemes than Bearer (RFC 6750) count as none.
    pub(super) fn of(headers: &HeaderMap, keyring: &Keyring, now: Timestamp) -> Self {
        let (token, via) = if let Some(token) = bearer(headers) {
            (token, Via::Bearer)
        } else if let Some(token) = cookie(headers, SESSION_COOKIE).filter(|token| !token.is_empty()) {
            (token, Via::Cookie)
        } else {
            return Self::None;
        };
        keyring.verify(token, now).map_or(Self::Invalid(via), |caller| Self::Genuine(caller, via))
    }

    pub(super) fn via(self) -> Option<Via> {
        match self {
            Self::None => None,
            Self::Invalid(via) | Self::Genuine(_, via) => Some(via),
        }
    }

    pub(super) fn caller(self) -> Option<Caller> {
        match self {
            Self::Genuine(caller, _) => Some(caller),
            Self::None | Self::Invalid(_) => None,
        }
    }
}

pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The caller, at endpoints that ask for one; the endpoint's declaration has verified the token.
impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get().copied().ok_or_else(Problem::not_authenticated)
    }
}

/// The caller, if there is one, at endpoints that are open to everybody.
impl<S: Sync> OptionalFromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Problem> {
        Ok(parts.extensions.get().copied())
    }
}
