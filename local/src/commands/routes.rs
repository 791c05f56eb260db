//! `cargo dev routes`: every path of the API.

use clap::Args;
use shared::http::Access;

use crate::columns::align;
use crate::failure::Result;
use crate::{functions, terminal};

/// Print the routing table: methods, path, who may call, function
#[derive(Args)]
pub(crate) struct Routes {}

impl Routes {
    pub(crate) fn run(self) -> Result<()> {
        let mut rows = vec![["METHODS", "PATH", "WHO", "FUNCTION"].map(str::to_owned)];
        for function in functions::with_http() {
            for (path, methods, access) in (function.routes)().iter() {
                let methods: Vec<_> = methods.iter().map(|method| method.as_str()).collect();
                rows.push([methods.join(" "), path.to_owned(), who(access).to_owned(), function.name.to_owned()]);
            }
        }
        terminal::say(align(&rows, rows[0].len()));
        Ok(())
    }
}

fn who(access: Access) -> &'static str {
    match access {
        Access::Everybody | Access::EverybodyWithoutCsrf | Access::EverybodyWithCsrf => "everybody",
        Access::SignedIn => "signed in",
    }
}
