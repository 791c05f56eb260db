//! `cargo dev routes`: every path of the API.

use clap::Args;
use shared::http::Access;

use crate::failure::Result;
use crate::functions::FUNCTIONS;
use crate::terminal;

/// Print the routing table: methods, path, who may call, function
#[derive(Args)]
pub(crate) struct Routes {}

impl Routes {
    pub(crate) fn run(self) -> Result<()> {
        let mut rows = vec![["METHODS", "PATH", "WHO", "FUNCTION"].map(str::to_owned)];
        for function in &FUNCTIONS {
            for (path, methods, access) in (function.routes)().iter() {
                let methods: Vec<_> = methods.iter().map(|method| method.as_str()).collect();
                rows.push([methods.join(" "), path.to_owned(), who(access).to_owned(), function.name.to_owned()]);
            }
        }
        terminal::say(align(&rows));
        Ok(())
    }
}

fn who(access: Access) -> &'static str {
    match access {
        Access::Everybody | Access::EverybodyWithoutCsrf | Access::EverybodyWithCsrf => "everybody",
        Access::SignedIn => "signed in",
    }
}

fn align<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let widths: [usize; COLUMNS] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default());
    let line = |row: &[String; COLUMNS]| {
        let cells: String = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}  ")).collect();
        cells.trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows = [["GET", "/"], ["GET POST", "/api/"]].map(|row| row.map(str::to_owned));
        assert_eq!(align(&rows), "GET       /\nGET POST  /api/");
    }
}
