//! `cargo dev cost`: what a million of each operation costs.
//!
//! The units are those that the tests hold against what is spent ([`crate::costs`]); what a request costs beside them rests
//! on assumptions, which are told and can be changed.

mod pricing;

use clap::Args;
use serde_json::{Value, json};

use self::pricing::{Assumptions, Price, price};
use crate::columns::align;
use crate::costs::{Operation, Precision, Sizes, operations, stored_message};
use crate::failure::Result;
use crate::prices::{self, SOCKET_MESSAGE, SOCKET_MINUTE, STORAGE, UnitPrice};
use crate::terminal;

/// Between how many people prices are told.
const GROUPS: [u64; 4] = [2, 10, 50, 250];

const GB: f64 = (1u64 << 30) as f64;

/// Print what a million of each operation costs
///
/// Request units are exact: tests hold them against what each operation spends. Prices are those of us-east-1, on demand,
/// without free tiers. A price may depend on what an operation meets, which the options say.
#[derive(Args)]
pub(crate) struct Cost {
    /// Print JSON, with all parts of each price
    #[arg(long)]
    json: bool,
    /// Bytes of a message's text
    #[arg(long, value_name = "BYTES", default_value_t = Sizes::usual(2).body)]
    body: u64,
    /// Rows of a page
    #[arg(long, value_name = "ROWS", default_value_t = Sizes::usual(2).page, value_parser = clap::value_parser!(u64).range(1..=100))]
    page: u64,
    /// Conversations of the person who asks
    #[arg(long, value_name = "COUNT", default_value_t = Sizes::usual(2).conversations, value_parser = clap::value_parser!(u64).range(1..))]
    conversations: u64,
    #[command(flatten)]
    assumptions: Assumptions,
}

impl Cost {
    pub(crate) fn run(self) -> Result<()> {
        if self.json {
            terminal::say(format!("{:#}", self.as_json()));
        } else {
            terminal::say(self.as_text());
        }
        Ok(())
    }

    fn sizes(&self, participants: u64) -> Sizes {
        Sizes { body: self.body, ..Sizes::usual(participants) }.with_lists(self.page, self.conversations)
    }

    fn price(&self, operation: &Operation, participants: u64) -> Price {
        let sizes = self.sizes(participants);
        price(operation, &operation.cost(&sizes), operation.posts(&sizes), &self.assumptions)
    }

    /// A month of storage for a million messages.
    fn storage(&self) -> f64 {
        stored_message(&self.sizes(2)) as f64 * 1e6 / GB * STORAGE.dollars
    }

    fn as_text(&self) -> String {
        let heads = ["A MILLION OF", "TRIPS", "WRU", "RRU", "POSTS", "1:1", "10", "50", "250", "BESIDE"];
        let rows: Vec<_> = std::iter::once(heads.map(str::to_owned))
            .chain(operations().map(|operation| self.row(operation)))
            .collect();
        let sizes = self.sizes(2);
        format!(
            "{}\n\n\
             US dollars in {}, as of {}, without free tiers. 1:1 to 250: DynamoDB, between so many people; trips, WRU, RRU \
             and posts are those of the first of them. Beside: Lambda, API Gateway and logs; between more people, {:.2} for each \
             post more. An open socket costs {:.2} a month.\n\
             Messages of {} bytes, pages of {}, {} conversations a person, of which {} moved; a conversation of {} messages and {} changes, of \
             which a page tells {} edits; {} sessions and {} open sockets a person. To store a million messages: {:.2} a month.\n\
             {}\n\
             ≤: at most; what is spent hangs on what is found.",
            align(&rows, 1),
            prices::REGION,
            STORAGE.as_of,
            1e6 * SOCKET_MESSAGE.dollars,
            30.0 * 24.0 * 60.0 * SOCKET_MINUTE.dollars,
            sizes.body,
            sizes.page,
            sizes.conversations,
            sizes.moved,
            sizes.messages,
            sizes.changes,
            sizes.edits,
            sizes.sessions,
            sizes.sockets,
            self.storage(),
            self.assumptions.told(),
        )
    }

    fn row(&self, operation: &Operation) -> [String; 10] {
        let between: Vec<u64> = GROUPS.into_iter().filter(|count| operation.is_between(*count)).collect();
        let first = between.first().copied().unwrap_or(GROUPS[0]);
        let cost = operation.cost(&self.sizes(first));
        let dynamodb = GROUPS.map(|participants| {
            if between.contains(&participants) {
                format!("{:.2}", self.price(operation, participants).dynamodb())
            } else {
                "–".to_owned()
            }
        });
        let [two, ten, fifty, most] = dynamodb;
        let mark = if operation.precision == Precision::AtMost { " ≤" } else { "" };
        [
            format!("{}{mark}", operation.name),
            cost.round_trips.to_string(),
            cost.wru.to_string(),
            cost.rru.to_string(),
            operation.posts(&self.sizes(first)).to_string(),
            two,
            ten,
            fifty,
            most,
            format!("{:.2}", self.price(operation, first).beside()),
        ]
    }

    fn as_json(&self) -> Value {
        let operations = operations().map(|operation| {
            let between = GROUPS.into_iter().filter(|count| operation.is_between(*count));
            let prices = between.map(|participants| {
                let cost = operation.cost(&self.sizes(participants));
                let mut told = self.price(operation, participants).to_json();
                told["participants"] = participants.into();
                told["round_trips"] = cost.round_trips.into();
                (told["wru"], told["rru"]) = (cost.wru.into(), cost.rru.into());
                told["posts"] = operation.posts(&self.sizes(participants)).into();
                told
            });
            json!({
                "name": operation.name,
                "endpoints": operation.endpoints,
                "at_most": operation.precision == Precision::AtMost,
                "per_million": prices.collect::<Vec<_>>(),
            })
        });
        let unit = |price: &UnitPrice| json!({ "unit": price.unit, "dollars": price.dollars, "source": price.source, "as_of": price.as_of });
        let sizes = self.sizes(2);
        json!({
            "region": prices::REGION,
            "unit_prices": prices::ALL.iter().map(unit).collect::<Vec<_>>(),
            "assumptions": self.assumptions.to_json(),
            "sizes": {
                "body": sizes.body, "page": sizes.page, "conversations": sizes.conversations, "moved": sizes.moved,
                "messages": sizes.messages,
                "changes": sizes.changes, "edits": sizes.edits, "sessions": sizes.sessions,
                "sockets": sizes.sockets, "watched": sizes.watched,
            },
            "operations": operations.collect::<Vec<_>>(),
            "million_messages_stored_per_month": self.storage(),
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::costs::operation;

    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        cost: Cost,
    }

    fn asked(arguments: &[&str]) -> Cost {
        Arguments::parse_from([&["cost"], arguments].concat()).cost
    }

    fn row(cost: &Cost, name: &str) -> String {
        cost.as_text().lines().find(|line| line.starts_with(name)).expect("a row").to_owned()
    }

    #[test]
    fn a_price_is_units_times_prices() {
        // 3 WRU and 1.5 RRU: 3 × 0.625 + 1.5 × 0.125; groups of 50 and 250 are 1.2 and 4.4 KB.
        let words: Vec<_> = row(&asked(&[]), "send  ").split_whitespace().map(str::to_owned).collect();
        assert_eq!(words[..9], ["send", "2", "3", "1.5", "0", "2.06", "2.06", "2.69", "4.56"]);
        let price = asked(&[]).price(operation("send").expect("a row"), 2);
        assert!((price.dynamodb() + price.beside() - price.total()).abs() < 1e-9);
    }

    #[test]
    fn every_operation_is_told_with_each_number_of_people_that_it_can_be_between() {
        let (text, told) = (asked(&[]).as_text(), asked(&["--json"]).as_json());
        let told = told["operations"].as_array().expect("a list");
        assert_eq!(told.len(), operations().count());
        for (operation, told) in operations().zip(told) {
            assert!(text.contains(operation.name), "{}", operation.name);
            let prices = told["per_million"].as_array().expect("a list");
            assert!(!prices.is_empty() && prices.len() <= GROUPS.len());
            for price in prices {
                let parts: f64 = ["dynamodb_writes", "dynamodb_reads", "lambda", "api_gateway", "logs"]
                    .iter()
                    .map(|part| price[part].as_f64().expect("a number"))
                    .sum();
                assert!((parts - price["total"].as_f64().expect("a number")).abs() < 1e-9, "{price}");
            }
        }
    }

    #[test]
    fn larger_messages_and_pages_cost_more() {
        assert_ne!(row(&asked(&["--body", "2000"]), "send  "), row(&asked(&[]), "send  "));
        assert_ne!(row(&asked(&["--page", "100"]), "page of messages  "), row(&asked(&[]), "page of messages  "));
    }
}
