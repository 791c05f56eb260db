//! Pages of lists: what part was asked for, and the envelope with links to the parts before and after.

use std::borrow::Cow;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::Serialize;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::links::Host;
use super::problem::Problem;
use crate::domain::cursor;
use crate::domain::page::{Anchor, Page, PageNumber, Slice};

const DEFAULT_SIZE: usize = 20;
const LARGEST_SIZE: usize = 100;

const CURSOR: &str = "cursor";
const PAGE: &str = "page";
const PAGE_SIZE: &str = "page_size";

/// The parameters of a query string.
#[derive(Clone, Debug)]
pub struct Query(Vec<(String, String)>);

impl Query {
    fn parse(query: &str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// A parameter, the last one if it is repeated.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

/// A request for a page of a list.
#[derive(Clone, Debug)]
pub struct PageRequest {
    host: Host,
    path: String,
    query: Query,
}

impl<S: Sync> FromRequestParts<S> for PageRequest {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        Ok(Self { host: Host::of(&parts.headers), path: parts.uri.path().to_owned(), query })
    }
}

/// `{"count", "next", "previous", "results"}`
#[derive(Debug, Serialize)]
pub struct Envelope<T> {
    /// How long the whole list is; null where telling would cost more than the page.
    count: Option<u64>,
    next: Option<String>,
    previous: Option<String>,
    results: Vec<T>,
}

/// Named by its rows: the page of `Message` is `MessagePage`.
impl<T: ToSchema> ToSchema for Envelope<T> {
    fn name() -> Cow<'static, str> {
        format!("{}Page", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}

impl<T: ToSchema> PartialSchema for Envelope<T> {
    fn schema() -> RefOr<Schema> {
        let link = || ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::String, Type::Null]));
        let count = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::Integer, Type::Null]))
            .description(Some("How long the whole list is; null where telling would cost more than the page."));
        let rows = ArrayBuilder::new().items(Ref::from_schema_name(T::name()));
        let page = ObjectBuilder::new()
            .property("count", count)
            .property("next", link().description(Some("Where the list goes on.")))
            .property("previous", link())
            .property("results", rows);
        ["count", "next", "previous", "results"].into_iter().fold(page, ObjectBuilder::required).into()
    }
}

impl PageRequest {
    /// A parameter of the query string.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.query.text(name)
    }

    /// The part of the list named `list` that is asked for. Positions are spelt in cursors, which name their list, so
    /// that one cannot be taken to another.
    pub fn slice<P>(&self, list: &str, parse: impl FnOnce(&str) -> Option<P>) -> Result<Slice<P>, Problem> {
        match self.page_number()? {
            None | Some(1) => self.slice_by_cursor(list, parse),
            Some(_) => Err(Problem::invalid_page()),
        }
    }

    /// As [`PageRequest::slice`], for lists that answer `?page=` by [`PageRequest::page_number`].
    pub fn slice_by_cursor<P>(&self, list: &str, parse: impl FnOnce(&str) -> Option<P>) -> Result<Slice<P>, Problem> {
        let anchor = match self.text(CURSOR) {
            Some(cursor) => anchor(list, cursor, parse).ok_or_else(Problem::invalid_page)?,
            None => Anchor::Start,
        };
        Ok(Slice { anchor, limit: self.size() })
    }

    /// Which page is asked for by its number, the first being 1; a cursor counts before it.
    pub fn page_number(&self) -> Result<Option<usize>, Problem> {
        match (self.text(CURSOR), self.text(PAGE)) {
            (Some(_), _) | (None, None | Some("")) => Ok(None),
            (None, Some(page)) => {
                page.parse().ok().filter(|page| *page > 0).map(Some).ok_or_else(Problem::invalid_page)
            }
        }
    }

    /// As [`PageRequest::page_number`], for lists whose end is known: there `last` asks for the last page.
    pub fn page(&self) -> Result<Option<PageNumber>, Problem> {
        match (self.text(CURSOR), self.text(PAGE)) {
            (None, Some("last")) => Ok(Some(PageNumber::Last)),
            _ => Ok(self.page_number()?.map(PageNumber::Nth)),
        }
    }

    fn size(&self) -> usize {
        self.size_asked_for().unwrap_or(DEFAULT_SIZE)
    }

    /// The size for what comes as large as it may unless asked otherwise.
    pub fn size_or_largest(&self) -> usize {
        self.size_asked_for().unwrap_or(LARGEST_SIZE)
    }

    /// Out of range is clamped, nonsense is none.
    fn size_asked_for(&self) -> Option<usize> {
        let asked = self.text(PAGE_SIZE)?.parse::<i64>().ok()?;
        Some(asked.clamp(1, LARGEST_SIZE as i64) as usize)
    }

    /// The ordering asked for, if it is one of `known`; else the first of them.
    pub fn ordering<'k>(&self, known: &[&'k str]) -> &'k str {
        let asked = self.text("ordering").unwrap_or_default();
        known.iter().find(|ordering| **ordering == asked).unwrap_or(&known[0])
    }

    pub fn envelope<T, P>(&self, list: &str, page: Page<T, P>, spell: impl Fn(&P) -> String) -> Envelope<T> {
        let link = |side: char, position: &P| self.link(&cursor::encode(list, &format!("{side}{}", spell(position))));
        Envelope {
            count: page.count,
            next: page.next.as_ref().map(|position| link(AFTER, position)),
            previous: page.previous.as_ref().map(|position| link(BEFORE, position)),
            results: page.rows,
        }
    }

    /// This request's address with another cursor.
    fn link(&self, cursor: &str) -> String {
        self.address_with(CURSOR, cursor)
    }

    /// This request's address with another place in the list, given by the parameter `name`.
    pub fn address_with(&self, name: &str, place: &str) -> String {
        let kept = self
            .query
            .0
            .iter()
            .filter(|(kept, _)| kept != name && kept != PAGE)
            .map(|(name, value)| (Cow::from(name), Cow::from(value)));
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(kept.chain([(Cow::from(name), Cow::from(place))]))
            .finish();
        self.host.link(&format!("{}?{query}", self.path))
    }
}

const AFTER: char = 'a';
const BEFORE: char = 'b';

fn anchor<P>(list: &str, cursor: &str, parse: impl FnOnce(&str) -> Option<P>) -> Option<Anchor<P>> {
    let position = cursor::decode(list, cursor).ok()?;
    let mut letters = position.chars();
    let side = letters.next()?;
    let position = parse(letters.as_str())?;
    match side {
        AFTER => Some(Anchor::After(position)),
        BEFORE => Some(Anchor::Before(position)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(query: &str) -> PageRequest {
        PageRequest {
            host: Host::of(&axum::http::HeaderMap::new()),
            path: "/api/users/".to_owned(),
            query: Query::parse(query),
        }
    }

    fn number(text: &str) -> Option<u32> {
        text.parse().ok()
    }

    #[test]
    fn a_link_leads_to_the_position_it_was_made_from_and_keeps_the_rest_of_the_query() {
        let page = Page { rows: vec![1, 2], previous: None, next: Some(7), count: None };
        let next =
            request("page_size=2&cursor=old&page=1").envelope("people", page, u32::to_string).next.expect("a link");
        let query = next.split_once('?').expect("a query").1.to_owned();
        assert!(next.starts_with("http://localhost/api/users/?page_size=2&cursor="), "{next}");
        let slice = request(&query).slice("people", number).expect("a good cursor");
        assert_eq!((slice.anchor, slice.limit), (Anchor::After(7), 2));
    }

    #[test]
    fn a_cursor_of_another_list_and_a_page_number_are_no_pages() {
        let cursor = cursor::encode("people", "a7");
        assert!(request(&format!("cursor={cursor}")).slice("people", number).is_ok());
        assert!(request(&format!("cursor={cursor}")).slice("messages", number).is_err());
        assert!(request("page=2").slice("people", number).is_err());
        assert!(request("page=1").slice("people", number).is_ok());
    }

    proptest! {
        #[test]
        fn a_link_keeps_every_parameter_but_the_page(pairs in prop::collection::vec((".{0,12}", ".{0,12}"), 0..6)) {
            let kept: Vec<_> = pairs.iter().filter(|(name, _)| name != CURSOR && name != PAGE).cloned().collect();
            let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            let link = request(&query).link("here");
            let mut linked = Query::parse(link.split_once('?').expect("a query").1).0;
            prop_assert_eq!(linked.pop(), Some((CURSOR.to_owned(), "here".to_owned())));
            prop_assert_eq!(linked, kept);
        }

        #[test]
        fn any_query_asks_for_a_page_or_for_none(query in ".{0,80}", cursor in ".{0,40}") {
            let _ = request(&query).slice("people", number);
            let (cursor, size) = (request(&format!("cursor={cursor}")), request(&format!("page_size={query}")));
            prop_assert!(cursor.slice("people", number).is_err());
            prop_assert!((1..=LARGEST_SIZE).contains(&size.size()));
        }
    }

    #[test]
    fn the_size_is_clamped() {
        let size = |query: &str| request(query).size();
        assert_eq!(
            [size(""), size("page_size=0"), size("page_size=-3"), size("page_size=1000"), size("page_size=x")],
            [20, 1, 1, 100, 20]
        );
    }
}
