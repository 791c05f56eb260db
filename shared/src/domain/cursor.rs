//! Opaque cursors: a position in one list, bound to the query that it belongs to.
//!
//! A cursor carries no authority, so it is not secret; it carries a digest of its query and position, so that one
//! that was cut short, altered or taken to another list is refused instead of skipping rows silently.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{Context, SHA256};

/// Bytes of the digest that a cursor carries.
const DIGEST_LENGTH: usize = 8;

/// A cursor that does not belong to the query it was sent with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadCursor;

/// Spells `position` as a cursor of the list that `query` names.
pub fn encode(query: &str, position: &str) -> String {
    encode_bytes(query, position.as_bytes())
}

/// The position that a cursor of the list that `query` names stands for.
pub fn decode(query: &str, cursor: &str) -> Result<String, BadCursor> {
    String::from_utf8(decode_bytes(query, cursor)?).map_err(|_| BadCursor)
}

/// As [`encode`], for a position that is no text.
pub fn encode_bytes(query: &str, position: &[u8]) -> String {
    let mut bytes = digest(query, position).to_vec();
    bytes.extend_from_slice(position);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// As [`decode`], for a position that is no text.
pub fn decode_bytes(query: &str, cursor: &str) -> Result<Vec<u8>, BadCursor> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| BadCursor)?;
    let (stated, position) = bytes.split_at_checked(DIGEST_LENGTH).ok_or(BadCursor)?;
    if digest(query, position) == stated { Ok(position.to_owned()) } else { Err(BadCursor) }
}

/// How many bytes a position may have whose cursor is to have no more than so many characters.
pub fn bytes_within(characters: usize) -> usize {
    (characters * 3 / 4).saturating_sub(DIGEST_LENGTH)
}

fn digest(query: &str, position: &[u8]) -> [u8; DIGEST_LENGTH] {
    let mut context = Context::new(&SHA256);
    [query.as_bytes(), b"\0", position].iter().for_each(|part| context.update(part));
    let mut short = [0; DIGEST_LENGTH];
    short.copy_from_slice(&context.finish().as_ref()[..DIGEST_LENGTH]);
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
