//! Opaque cursors: a position in one list, bound to the query that it belongs to.
//!
//! A cursor carries no authority, so it is not secret; it carries a digest of its query and position, so that one
//! that was cut short, altered or taken to another list is refused instead of skipping rows silently.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Bytes of the digest that a cursor carries.
const DIGEST_LENGTH: usize = 8;

/// A cursor that does not belong to the query it was sent with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadCursor;

/// Spells `position` as a cursor of the list that `query` names.
pub fn encode(query: &str, position: &str) -> String {
    let mut bytes = digest(query, position).to_vec();
    bytes.extend_from_slice(position.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The position that a cursor of the list that `query` names stands for.
pub fn decode(query: &str, cursor: &str) -> Result<String, BadCursor> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| BadCursor)?;
    let (stated, position) = bytes.split_at_checked(DIGEST_LENGTH).ok_or(BadCursor)?;
    let position = std::str::from_utf8(position).map_err(|_| BadCursor)?;
    if digest(query, position) == stated { Ok(position.to_owned()) } else { Err(BadCursor) }
}

fn digest(query: &str, position: &str) -> [u8; DIGEST_LENGTH] {
    let digest = ring::digest::digest(&ring::digest::SHA256, format!("{query}\0{position}").as_bytes());
    let mut short = [0; DIGEST_LENGTH];
    short.copy_from_slice(&digest.as_ref()[..DIGEST_LENGTH]);
    short
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_leads_back_to_its_position(query in ".*", position in ".*") {
            prop_assert_eq!(decode(&query, &encode(&query, &position)), Ok(position));
        }

        #[test]
        fn a_cursor_of_another_list_is_refused(position in ".*") {
            prop_assert_eq!(decode("people", &encode("messages", &position)), Err(BadCursor));
        }

        #[test]
        fn an_altered_cursor_is_refused(position in ".{1,40}", at in 0usize..8, by in 1u8..) {
            let mut bytes = URL_SAFE_NO_PAD.decode(encode("people", &position)).expect("just encoded");
            bytes[at] = bytes[at].wrapping_add(by);
            prop_assert_eq!(decode("people", &URL_SAFE_NO_PAD.encode(bytes)), Err(BadCursor));
        }

        #[test]
        fn garbage_is_refused_and_never_panics(cursor in ".{0,80}") {
            prop_assert_eq!(decode("people", &cursor), Err(BadCursor));
        }
    }
}
