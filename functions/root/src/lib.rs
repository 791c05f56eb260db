//! The front page, the index of the API, and everything that no other function takes.

mod index;

use shared::http::{Access, Endpoint, Routes};

pub fn routes() -> Routes {
    Routes::new()
        .at("/", Endpoint::page("Confab", Access::Everybody).get(index::front_page))
        .at("/api", Endpoint::new("Api Root", Access::Everybody).get(index::api))
        .at("/health", Endpoint::new("Health", Access::Everybody).get(index::health))
}
