//! What people type to find something: every word of it must begin a word of what is looked through, whatever the case.

/// More words than this find nothing that fewer would not.
const MOST_TERMS: usize = 10;
const MOST_CHARACTERS: usize = 200;

/// The words looked for, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search(Vec<String>);

impl Search {
    /// Nothing if there is no word in the text: then everything is found.
    pub fn parse(text: &str) -> Option<Self> {
        let text: String = text.chars().take(MOST_CHARACTERS).collect();
        let terms: Vec<String> = text.split_whitespace().take(MOST_TERMS).map(str::to_lowercase).collect();
        (!terms.is_empty()).then_some(Self(terms))
    }

    /// Whether each word looked for begins a word of one of the texts.
    pub fn matches<'t>(&self, texts: impl IntoIterator<Item = &'t str>) -> bool {
        let texts: Vec<String> = texts.into_iter().map(str::to_lowercase).collect();
        self.0.iter().all(|term| texts.iter().any(|text| begins_a_word(text, term)))
    }
}

fn begins_a_word(text: &str, term: &str) -> bool {
    text.match_indices(term).any(|(at, _)| !text[..at].chars().next_back().is_some_and(char::is_alphanumeric))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn finds(search: &str, texts: &[&str]) -> bool {
        Search::parse(search).expect("something to look for").matches(texts.iter().copied())
    }

    #[test]
    fn the_beginnings_of_words_are_found_whatever_their_case() {
        assert!(finds("lov", &["Ada Lovelace"]) && finds("ÄRG", &["So ärgerlich!"]));
        assert!(finds("ada example", &["Ada", "ada.king@example.com"]));
        assert!(finds("ada.king@ex", &["ada.king@example.com"]) && finds("@ada", &["to @ada"]));
        assert!(!finds("lace", &["Ada Lovelace"]) && !finds("ada grace", &["Ada Lovelace"]));
    }

    #[test]
    fn nothing_is_looked_for_where_nothing_is_written() {
        assert_eq!(Search::parse(" \t"), None);
    }

    proptest! {
        #[test]
        fn every_word_is_found_by_any_beginning_of_it(words in prop::collection::vec("[a-zA-ZäÖéñß0-9]{1,12}", 1..6), which: usize, letters in 1usize..12) {
            let beginning: String = words[which % words.len()].chars().take(letters).collect();
            prop_assert!(finds(&beginning, &[&words.join(" ")]));
        }

        #[test]
        fn what_is_found_by_more_words_is_found_by_fewer(one in "[a-c]{1,2}", other in "[a-c]{1,2}", text in "[a-c ]{0,20}") {
            let both = format!("{one} {other}");
            prop_assert!(!finds(&both, &[&text]) || finds(&one, &[&text]) && finds(&other, &[&text]));
        }

        #[test]
        fn any_text_finds_itself(text in "\\S[^\\x00]{0,60}") {
            prop_assert!(finds(&text, &[&text]));
        }
    }
}
