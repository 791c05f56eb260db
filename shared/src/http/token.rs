//! Session tokens: JSON Web Tokens (RFC 7519) signed with HMAC-SHA-256, the key named in the header so that keys rotate.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Once;

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use ring::hmac;
use serde::{Deserialize, Serialize};
use signature::{Signer, Verifier};

use crate::domain::Timestamp;
use crate::domain::id::{SessionId, UserId};
use crate::domain::session::{Caller, Session};

/// The shortest secret that is taken: as long as the hash's output (RFC 7518, section 3.2).
const SHORTEST_SECRET: usize = 32;

/// A signed token. Whoever has it is its person.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// For handing it to its owner, and nobody else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(…)")
    }
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    sid: String,
    iat: i64,
    exp: i64,
}

/// The signing keys by id: the active one signs, all of them verify.
pub struct Keyring {
    active: String,
    secrets: BTreeMap<String, String>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Keyring(active {:?}, {} keys)", self.active, self.secrets.len())
    }
}

impl Keyring {
    /// From JSON: `{"active": "k2", "k1": "secret", "k2": "secret"}`.
    pub fn parse(json: &str) -> Result<Self, String> {
        let explain = |what: &str| {
            format!(
                "the session keys are {what}: expected {{\"active\": \"k1\", \"k1\": \"at least {SHORTEST_SECRET} characters\"}}"
            )
        };
        let mut secrets: BTreeMap<String, String> =
            serde_json::from_str(json).map_err(|_| explain("not a JSON object of texts"))?;
        let active = secrets.remove("active").ok_or_else(|| explain("without an active one"))?;
        if !secrets.contains_key(&active) {
            return Err(explain("without the one that is named active"));
        }
        if secrets.values().any(|secret| secret.len() < SHORTEST_SECRET) {
            return Err(explain("too short"));
        }
        install_cryptography();
        Ok(Self { active, secrets })
    }

    pub fn sign(&self, session: &Session) -> Token {
        let header = Header { kid: Some(self.active.clone()), ..Header::new(Algorithm::HS256) };
        let claims = Claims {
            sub: session.caller.user.to_string(),
            sid: session.caller.session.to_string(),
            iat: session.created_at.epoch_seconds(),
            exp: session.expires_at.epoch_seconds(),
        };
        let key = EncodingKey::from_secret(self.secrets[&self.active].as_bytes());
        Token(jsonwebtoken::encode(&header, &claims, &key).expect("claims of texts and numbers can be signed"))
    }

    /// Whom a genuine, unexpired token names; whether the session is alive the store will tell.
    pub fn verify(&self, token: &str, now: Timestamp) -> Option<Caller> {
        let secret = self.secrets.get(&jsonwebtoken::decode_header(token).ok()?.kid?)?;
        let mut validation = Validation::new(Algorithm::HS256);
        // The time is a value here: expiry is checked below.
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Claims>(token, &DecodingKey::from_secret(secret.as_bytes()), &validation)
            .ok()?
            .claims;
        let (user, session) = (UserId::parse(&claims.sub).ok()?, SessionId::parse(&claims.sid).ok()?);
        (now.epoch_seconds() < claims.exp).then_some(Caller { user, session, at: now })
    }
}

/// jsonwebtoken takes its cryptography from outside: ring's HMAC, the library that TLS brings already.
fn install_cryptography() {
    static PROVIDER: CryptoProvider = CryptoProvider {
        signer_factory: |algorithm, key| Ok(Box::new(HmacSha256::new(algorithm, key.as_bytes())?)),
        verifier_factory: |algorithm, key| Ok(Box::new(HmacSha256::new(algorithm, key.try_get_as_bytes()?)?)),
        key_utils: KeyUtils::new_unimplemented(),
    };
    static ONCE: Once = Once::new();
    ONCE.call_once(|| PROVIDER.install_default().expect("no other provider is installed in this process"));
}

struct HmacSha256(hmac::Key);

impl HmacSha256 {
    fn new(algorithm: &Algorithm, secret: &[u8]) -> jsonwebtoken::errors::Result<Self> {
        match algorithm {
            Algorithm::HS256 => Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, secret))),
            _ => Err(jsonwebtoken::errors::ErrorKind::InvalidAlgorithm.into()),
        }
    }
}

impl Signer<Vec<u8>> for HmacSha256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        Ok(hmac::sign(&self.0, message).as_ref().to_vec())
    }
}

impl Verifier<Vec<u8>> for HmacSha256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        hmac::verify(&self.0, message, signature).map_err(|_| signature::Error::new())
    }
}

impl JwtSigner for HmacSha256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for HmacSha256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::session::LIFETIME;

    const OLD: &str = r#"{"active": "k1", "k1": "an old secret of at least 32 characters"}"#;
    const ROTATED: &str = r#"{"active": "k2", "k1": "an old secret of at least 32 characters", "k2": "a new secret of at least 32 characters"}"#;
    const FOREIGN: &str = r#"{"active": "k1", "k1": "a foreign secret of at least 32 characters"}"#;

    fn keyring(json: &str) -> Keyring {
        Keyring::parse(json).expect("a keyring")
    }

    fn now() -> Timestamp {
        Timestamp::parse("2026-01-01T12:00:00.5Z").expect("an instant")
    }

    fn session() -> Session {
        Session::begin(UserId::unique(), now(), None, None)
    }

    #[test]
    fn a_token_names_its_caller_until_it_expires() {
        let (keyring, session) = (keyring(OLD), session());
        let token = keyring.sign(&session);
        assert_eq!(keyring.verify(token.expose(), now()), Some(session.caller));
        let at_last = now() + (LIFETIME - Duration::from_secs(1));
        assert_eq!(keyring.verify(token.expose(), at_last), Some(Caller { at: at_last, ..session.caller }));
        assert_eq!(keyring.verify(token.expose(), now() + LIFETIME), None);
    }

    #[test]
    fn a_rotated_key_still_verifies_and_a_foreign_one_does_not() {
        let session = session();
        let token = keyring(OLD).sign(&session);
        assert_eq!(keyring(ROTATED).verify(token.expose(), now()), Some(session.caller));
        assert_eq!(keyring(FOREIGN).verify(token.expose(), now()), None);
        assert_eq!(keyring(OLD).verify(keyring(ROTATED).sign(&session).expose(), now()), None);
    }

    #[test]
    fn a_token_without_signature_is_refused() {
        let token = keyring(OLD).sign(&session());
        let claims = token.expose().split('.').nth(1).expect("three parts");
        // {"typ":"JWT","alg":"none","kid":"k1"}
        let forged = format!("eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIiwia2lkIjoiazEifQ.{claims}.");
        assert_eq!(keyring(OLD).verify(&forged, now()), None);
    }

    #[test]
    fn a_keyring_that_cannot_work_says_what_it_should_be() {
        for json in ["", "[]", "{}", r#"{"active":"k1"}"#, r#"{"active":"k1","k1":"short"}"#] {
            assert!(Keyring::parse(json).expect_err("unusable").contains("expected"), "{json}");
        }
    }

    proptest! {
        #[test]
        fn an_altered_token_is_refused(at in 0usize..300, letter in "[A-Za-z0-9_-]") {
            let (keyring, session) = (keyring(OLD), session());
            let token = keyring.sign(&session).expose().to_owned();
            let at = at % token.len();
            let mut altered = token.clone();
            altered.replace_range(at..=at, &letter);
            // The last character of a part carries bits that do not count: an altered one may be the same token.
            let same = keyring.verify(&altered, now()) == Some(session.caller);
            prop_assert!(!same || altered == token || token.as_bytes().get(at + 1).is_none_or(|next| *next == b'.'));
        }

        #[test]
        fn garbage_is_refused_and_never_panics(token in ".{0,200}") {
            prop_assert_eq!(keyring(OLD).verify(&token, now()), None);
        }

        #[test]
        fn garbage_in_the_shape_of_a_token_is_refused(token in "(eyJ)?[A-Za-z0-9_-]{0,80}\\.(eyJ)?[A-Za-z0-9_-]{0,120}\\.[A-Za-z0-9_-]{0,43}") {
            prop_assert_eq!(keyring(OLD).verify(&token, now()), None);
        }

        #[test]
        fn every_signed_token_names_its_caller_and_nobody_elses(user: [u8; 16], seconds in 0..LIFETIME.as_secs()) {
            let session = Session::begin(UserId::from_bytes(user), now(), None, None);
            let token = keyring(OLD).sign(&session);
            let at = now() + Duration::from_secs(seconds);
            prop_assert_eq!(keyring(OLD).verify(token.expose(), at), Some(Caller { at, ..session.caller }));
            prop_assert_eq!(keyring(FOREIGN).verify(token.expose(), now()), None);
        }

        #[test]
        fn a_token_cut_short_is_refused(length in 0usize..300) {
            let token = keyring(OLD).sign(&session()).expose().to_owned();
            prop_assert_eq!(keyring(OLD).verify(&token[..length % token.len()], now()), None);
        }
    }
}
