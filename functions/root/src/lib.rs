//! The front page, the index of the API, its description, and everything that no other function takes.

mod index;
mod schema;

use shared::http::{Access, Endpoint, Operation, Routes};

use index::{Health, Index};
use schema::{Document, EventsDocument};

pub fn routes() -> Routes {
    Routes::new()
        .at(
            "/",
            Endpoint::page("Confab", Access::Everybody)
                .get(index::front_page, Operation::new("Show the front page").answers_html(200, "A page.")),
        )
        .at(
            "/api",
            Endpoint::new("Api Root", Access::Everybody)
                .get(index::api, Operation::new("Show where everything begins").answers::<Index>(200, "Addresses.")),
        )
        .at(
            "/api/schema",
            Endpoint::new("Schema", Access::Everybody).get(
                schema::document,
                Operation::new("Describe the API").answers::<Document>(200, "This document, in OpenAPI 3.1."),
            ),
        )
        .at(
            "/api/schema/events",
            Endpoint::new("Events", Access::Everybody).get(
                schema::events,
                Operation::new("Describe the events")
                    .answers::<EventsDocument>(200, "What open sockets say and are told, in AsyncAPI 3.0."),
            ),
        )
        .at(
            "/health",
            Endpoint::new("Health", Access::Everybody).get(
                index::health,
                Operation::new("Tell that the functions run")
                    .about("Asks nothing of the database.")
                    .answers::<Health>(200, "They do."),
            ),
        )
}
