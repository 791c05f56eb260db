//! What was measured, as tables for people and as JSON for programs, and what of it is too much.

use std::time::Duration;

use serde_json::{Value, json};

use super::cold::Cold;
use super::logins::{self, Login};
use super::sample::{ms, ratio};
use super::scene::{EMPTY, Operation};
use super::warm::Warm;

pub(crate) const MIB: u64 = 1024 * 1024;

/// The largest program, since a larger one takes longer to start, and the most memory of a function that hashes no passwords.
pub(crate) const MOST_BYTES: u64 = 8 * MIB;
const MOST_MEMORY: u64 = 16 * MIB;

/// The most time on a processor from start to first answer, by that of the empty function.
const LONGEST_COLD: f64 = 4.0;

/// A hash takes 19 MiB by itself.
const HASHES_PASSWORDS: &str = "auth";

#[derive(Default)]
pub(crate) struct Report {
    pub(crate) functions: Vec<Measured>,
    pub(crate) operations: Vec<(&'static Operation, Warm)>,
    /// Cold starts by MB of memory, each by function.
    pub(crate) shares: Vec<(u64, Vec<(&'static str, Cold)>)>,
    pub(crate) logins: Vec<Login>,
    /// What could not be measured here, and why.
    pub(crate) left_out: Vec<String>,
}

pub(crate) struct Measured {
    pub(crate) name: &'static str,
    pub(crate) size: u64,
    pub(crate) cold: Cold,
    /// Bytes at most, over all of its operations.
    pub(crate) peak: u64,
}

impl Report {
    pub(crate) fn tables(&self) -> String {
        let mut parts = vec![self.function_table(), self.operation_table()];
        parts.extend((!self.shares.is_empty()).then(|| self.share_table()));
        parts.extend((!self.logins.is_empty()).then(|| self.login_table()));
        parts.extend(self.left_out.iter().map(|sentence| format!("{sentence}\n")));
        parts.join("\n")
    }

    fn empty_cold(&self) -> Duration {
        self.functions
            .iter()
            .find(|function| function.name == EMPTY)
            .map_or(Duration::ZERO, |empty| empty.cold.processor.median())
    }

    fn empty_processor(&self) -> Duration {
        let empty = self.operations.iter().find(|(operation, _)| operation.function == EMPTY);
        empty.map_or(Duration::ZERO, |(_, warm)| warm.processor)
    }

    fn function_table(&self) -> String {
        let head =
            ["function", "MiB", "init ms", "first ms", "both ms", "CPU ms", "of empty", "MiB at rest", "MiB at most"];
        let rows = self.functions.iter().map(|function| {
            let Measured { name, size, cold, peak } = function;
            vec![
                (*name).to_owned(),
                mib(*size),
                format!("{:.1}", ms(cold.initialisation.median())),
                format!("{:.1}", ms(cold.first_request.median())),
                format!("{:.1}", ms(cold.whole.median())),
                format!("{:.1}", ms(cold.processor.median())),
                times(ratio(cold.processor.median(), self.empty_cold())),
                mib(cold.at_rest),
                mib(*peak),
            ]
        });
        table(&head, rows)
    }

    fn operation_table(&self) -> String {
        let head = ["operation", "function", "p50 ms", "p99 ms", "CPU ms", "of empty", "of Django"];
        let rows = self.operations.iter().map(|(operation, warm)| {
            vec![
                operation.name.to_owned(),
                operation.function.to_owned(),
                format!("{:.2}", ms(warm.latency.median())),
                format!("{:.2}", ms(warm.latency.percentile(99))),
                format!("{:.3}", ms(warm.processor)),
                times(ratio(warm.processor, self.empty_processor())),
                operation
                    .django
                    .map_or(String::new(), |django| format!("{:.1} %", 100.0 * ms(warm.processor) / django)),
            ]
        });
        table(&head, rows)
    }

    fn share_table(&self) -> String {
        let names = self.shares.first().map_or(&[][..], |(_, colds)| &colds[..]).iter().map(|(name, _)| *name);
        let head: Vec<&str> = ["cold start, ms, at"].into_iter().chain(names).collect();
        let rows = self.shares.iter().map(|(memory, colds)| {
            let empty =
                colds.iter().find(|(name, _)| *name == EMPTY).map_or(Duration::ZERO, |(_, cold)| cold.whole.median());
            let cells = colds.iter().map(|(_, cold)| {
                let times = times(ratio(cold.whole.median(), empty));
                format!("{:.0} ({times})", ms(cold.whole.median()))
            });
            [format!("{memory} MB")].into_iter().chain(cells).collect()
        });
        table(&head, rows)
    }

    fn login_table(&self) -> String {
        let head = ["login, auth at", "ms", "$ for a million", "$ × s"];
        let rows = self.logins.iter().map(|login| {
            let Login { memory, time, price } = login;
            let weight = format!("{:.2}", price * time.as_secs_f64());
            vec![format!("{memory} MB"), format!("{:.0}", ms(*time)), format!("{price:.2}"), weight]
        });
        let best =
            logins::best(&self.logins).map(|best| format!("The least money per its time: {} MB.\n", best.memory));
        table(&head, rows) + &best.unwrap_or_default()
    }

    pub(crate) fn json(&self) -> Value {
        let functions = self.functions.iter().map(|function| {
            let Measured { name, size, cold, peak } = function;
            let mut told = told(cold);
            told["name"] = json!(name);
            told["bytes"] = json!(size);
            told["memory_peak_bytes"] = json!(peak);
            told["cold_processor_of_empty"] = json!(ratio(cold.processor.median(), self.empty_cold()));
            told
        });
        let operations = self.operations.iter().map(|(operation, warm)| {
            json!({
                "name": operation.name,
                "function": operation.function,
                "p50_ms": ms(warm.latency.median()),
                "p99_ms": ms(warm.latency.percentile(99)),
                "processor_ms": ms(warm.processor),
                "processor_of_empty": ratio(warm.processor, self.empty_processor()),
                "processor_of_django": operation.django.map(|django| ms(warm.processor) / django),
            })
        });
        let shares = self.shares.iter().map(|(memory, colds)| {
            let colds = colds.iter().map(|(name, cold)| ((*name).to_owned(), told(cold)));
            json!({ "memory_mb": memory, "cold": colds.collect::<serde_json::Map<_, _>>() })
        });
        let logins = self.logins.iter().map(
            |login| json!({ "memory_mb": login.memory, "ms": ms(login.time), "dollars_for_a_million": login.price }),
        );
        json!({
            "functions": functions.collect::<Vec<_>>(),
            "operations": operations.collect::<Vec<_>>(),
            "shares": shares.collect::<Vec<_>>(),
            "logins": logins.collect::<Vec<_>>(),
            "left_out": self.left_out,
        })
    }

    /// What is more than it should be, one sentence each. Time on a processor is judged by the empty function's in the same run.
    pub(crate) fn excesses(&self) -> Vec<String> {
        let mut excesses = Vec::new();
        for Measured { name, size, cold, peak } in &self.functions {
            if *size > MOST_BYTES {
                excesses.push(format!("{name} has {} MiB, more than {}", mib(*size), MOST_BYTES / MIB));
            }
            if *name != HASHES_PASSWORDS && *peak > MOST_MEMORY {
                excesses.push(format!("{name} takes {} MiB of memory, more than {}", mib(*peak), MOST_MEMORY / MIB));
            }
            if let Some(times) = ratio(cold.processor.median(), self.empty_cold()).filter(|times| *times > LONGEST_COLD)
            {
                excesses.push(format!(
                    "{name} spends {times:.1} times as much up to its first answer as the empty function"
                ));
            }
        }
        excesses
    }
}

fn told(cold: &Cold) -> Value {
    json!({
        "initialisation_ms": ms(cold.initialisation.median()),
        "first_request_ms": ms(cold.first_request.median()),
        "cold_ms": ms(cold.whole.median()),
        "cold_processor_ms": ms(cold.processor.median()),
        "memory_at_rest_bytes": cold.at_rest,
    })
}

fn mib(bytes: u64) -> String {
    format!("{:.2}", bytes as f64 / MIB as f64)
}

fn times(ratio: Option<f64>) -> String {
    ratio.map_or(String::new(), |ratio| format!("{ratio:.1} ×"))
}

/// Columns under their heads, the first to the left, the others to the right.
fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let rows: Vec<Vec<String>> =
        std::iter::once(head.iter().map(|cell| (*cell).to_owned()).collect()).chain(rows).collect();
    let widths: Vec<usize> = (0..head.len())
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        text += cells.collect::<Vec<_>>().join("  ").trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cold(ms: u64) -> Cold {
        let mut cold = Cold::default();
        cold.processor.add(Duration::from_millis(ms));
        cold
    }

    #[test]
    fn columns_stand_under_their_heads() {
        let rows = [vec!["me".to_owned(), "0.30".to_owned()], vec!["conversation".to_owned(), "12.00 ×".to_owned()]];
        let lines = "operation      CPU ms\nme               0.30\nconversation  12.00 ×\n";
        assert_eq!(table(&["operation", "CPU ms"], rows.into_iter()), lines);
    }

    #[test]
    fn what_is_too_much_is_said_of_each_function_and_memory_not_of_the_one_that_hashes() {
        let function = |name, size, cold, peak| Measured { name, size: size * MIB, cold, peak: peak * MIB };
        let functions = vec![
            function(EMPTY, 3, cold(10), 4),
            function("users", 7, cold(39), 12),
            function("auth", 7, cold(39), 60),
            function("messages", 9, cold(41), 17),
        ];
        let report = Report { functions, ..Report::default() };
        let excesses = report.excesses();
        assert_eq!(excesses.len(), 3, "{excesses:?}");
        assert!(excesses.iter().all(|sentence| sentence.starts_with("messages")), "{excesses:?}");
        assert_eq!(report.json()["functions"][1]["cold_processor_of_empty"], 3.9);
    }
}
