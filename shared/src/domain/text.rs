//! Texts that people write, each parsed into a type that cannot hold a refused one.
//!
//! The sentences are part of the contract: clients show them to people.

use std::borrow::Cow;
use std::fmt::Display;

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// Why a value was refused: one sentence for the person who wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub Cow<'static, str>);

impl Invalid {
    pub const BLANK: Self = Self(Cow::Borrowed("This field may not be blank."));
    pub const NULL: Self = Self(Cow::Borrowed("This field may not be null."));
    pub const REQUIRED: Self = Self(Cow::Borrowed("This field is required."));
    pub const NUL_CHARACTER: Self = Self(Cow::Borrowed("Null characters are not allowed."));

    pub fn new(sentence: impl Into<Cow<'static, str>>) -> Self {
        Self(sentence.into())
    }

    pub fn no_uuid(text: impl Display) -> Self {
        Self::new(format!("“{text}” is not a valid UUID."))
    }

    pub fn longer_than(characters: usize) -> Self {
        Self::new(format!("Ensure this field has no more than {characters} characters."))
    }
}

/// Trimmed, without NUL, at most `most` characters; may be empty.
pub(super) fn trimmed(text: &str, most: usize) -> Result<&str, Invalid> {
    let text = text.trim();
    if text.contains('\0') {
        Err(Invalid::NUL_CHARACTER)
    } else if text.chars().count() > most {
        Err(Invalid::longer_than(most))
    } else {
        Ok(text)
    }
}

/// As [`trimmed`], and with something in it that can be seen.
pub(super) fn visible(text: &str, most: usize) -> Result<&str, Invalid> {
    let text = trimmed(text, most)?;
    if text.chars().any(is_visible) { Ok(text) } else { Err(Invalid::BLANK) }
}

fn is_visible(character: char) -> bool {
    use GeneralCategory as Category;
    let blank_category = matches!(
        character.general_category(),
        Category::SpaceSeparator
            | Category::LineSeparator
            | Category::ParagraphSeparator
            | Category::Control
            | Category::Format
            | Category::Surrogate
            | Category::Unassigned
    );
    // Letters and marks that are drawn as nothing: fillers, the blank Braille pattern, joiners, variation selectors.
    let drawn_as_nothing = matches!(character,
        '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}' | '\u{2800}' | '\u{034F}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}');
    !blank_category && !drawn_as_nothing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_anything_to_see_is_blank() {
        for text in ["", "  \t\n", "\u{200B}\u{200D}", "\u{FEFF}", "\u{3164}", "\u{2800} \u{00AD}", "\u{FE0F}"] {
            assert_eq!(visible(text, 10), Err(Invalid::BLANK), "{text:?}");
        }
    }

    #[test]
    fn text_is_trimmed_before_its_length_is_judged() {
        assert_eq!(visible("  ab  ", 2), Ok("ab"));
        assert_eq!(visible("abc", 2), Err(Invalid::longer_than(2)));
        assert_eq!(visible("äöü", 3), Ok("äöü"));
    }

    #[test]
    fn a_nul_character_is_refused() {
        assert_eq!(trimmed("a\0b", 10), Err(Invalid::NUL_CHARACTER));
    }
}
