//! `cargo dev load`: a running stack under the load of many people.

use std::env;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use crate::api::Api;
use crate::failure::{Context, Failure, Result};
use crate::load::crowd::Crowd;
use crate::load::drive::Drive;
use crate::load::plan::{Dimensions, arrivals};
use crate::load::proof::Proof;
use crate::progress::Progress;
use crate::terminal;

/// How often a run tells how it goes.
const INTERVAL: Duration = Duration::from_secs(5);

/// Put load on a running stack, and prove afterwards that nothing was lost or doubled
///
/// People who log in, send with client keys, read and mark as read, at times that do not depend on how fast the stack
/// answers; latencies count from there. The people and their conversations stay behind, `load-RUN` in their addresses.
/// Where nobody may register, an admin registers them: CONFAB_ADMIN_EMAIL and CONFAB_ADMIN_PASSWORD.
#[derive(Args)]
pub(crate) struct Load {
    /// Where the stack answers
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9000")]
    target: String,
    /// Requests a second, on average
    #[arg(long, default_value_t = 20.0, value_parser = positive)]
    rate: f64,
    /// For how long
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// How many people
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u16).range(3..=10_000))]
    people: u16,
    /// How many conversations; as many as people, unless told otherwise
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    conversations: Option<u16>,
    /// How many people take part in each conversation
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(2..=250))]
    participants: u16,
    /// What decides who does what when; chosen and told, unless given
    #[arg(long)]
    seed: Option<u64>,
    /// Requests under way at once; more wait. cargo-lambda's emulator stops for good with 100 for one function
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    at_once: u16,
    /// Print the results as JSON, and nothing else on standard output
    #[arg(long)]
    json: bool,
}

fn positive(text: &str) -> std::result::Result<f64, String> {
    match text.parse() {
        Ok(rate) if rate > 0.0 && rate <= 100_000.0 => Ok(rate),
        _ => Err("give a number of requests a second above 0, at most 100000".to_owned()),
    }
}

impl Load {
    pub(crate) async fn run(self) -> Result<()> {
        let dimensions = self.dimensions()?;
        let seed = self.seed.unwrap_or_else(|| fastrand::u64(0..1_000_000));
        let run = format!("{:08x}", fastrand::u32(..));
        let api = Api::at(&self.target);
        let admin = match (env::var("CONFAB_ADMIN_EMAIL"), env::var("CONFAB_ADMIN_PASSWORD")) {
            (Ok(email), Ok(password)) => Some(api.log_in(&email, &password).await?),
            _ => None,
        };
        self.say(format!(
            "Load on {}: run {run}, seed {seed}, {} people in {} conversations of {}, {} requests a second for {} s",
            self.target, dimensions.people, dimensions.conversations, dimensions.participants, self.rate, self.seconds
        ));
        let progress = Progress::of("people", dimensions.people);
        let made = || progress.add(1);
        let crowd = Crowd::gather(&api, &run, dimensions, admin.as_ref(), made).await.context(
            "cannot make the people of this load: is a stack running there (`cargo dev up`), and may people register?",
        )?;

        let drive = Arc::new(Drive::new(api, run, crowd));
        let length = Duration::from_secs(self.seconds);
        let started = Instant::now();
        let plan = arrivals(seed, self.rate, length, dimensions);
        let work = drive.clone().follow(plan, self.at_once.into());
        self.telling(&drive, work).await;
        let took = started.elapsed();

        self.say("Proving that nothing was lost or doubled …");
        let sent = drive.sent();
        let proof = Proof::of(drive.api(), drive.crowd(), &sent).await?;
        self.report(&drive, took, sent.len(), &proof, seed)
    }

    fn dimensions(&self) -> Result<Dimensions> {
        let (people, participants) = (self.people.into(), usize::from(self.participants));
        if participants > people {
            return Err(Failure::new(format!(
                "{participants} people cannot take part where there are {people}: give more `--people`, or fewer `--participants`"
            )));
        }
        let conversations = self.conversations.unwrap_or(self.people).into();
        if participants == 2 && conversations > people {
            return Err(Failure::new(
                "two people have one direct conversation: give at most as many `--conversations` as `--people`, or more `--participants`",
            ));
        }
        Ok(Dimensions { people, conversations, participants })
    }

    /// Tells how it goes while it goes on.
    async fn telling(&self, drive: &Drive, work: impl Future<Output = ()>) {
        let (started, mut work) = (Instant::now(), std::pin::pin!(work));
        let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + INTERVAL, INTERVAL);
        loop {
            tokio::select! {
                () = &mut work => return,
                _ = ticks.tick() => {
                    let tally = drive.tally();
                    let ms = |percent| tally.percentile(percent).as_secs_f64() * 1000.0;
                    let line = format!(
                        "  {:>4} s: {} answered, {} errors, half within {:.1} ms, 99 % within {:.1} ms",
                        started.elapsed().as_secs(), tally.count_done(), tally.count_errors(), ms(50.0), ms(99.0)
                    );
                    drop(tally);
                    self.say(line);
                }
            }
        }
    }

    fn report(&self, drive: &Drive, took: Duration, sent: usize, proof: &Proof, seed: u64) -> Result<()> {
        let tally = drive.tally();
        let Proof { messages, voids, there_after_all, broken } = proof;
        let rate = tally.count_done() as f64 / took.as_secs_f64();
        if self.json {
            let mut report = tally.to_json();
            report["seed"] = seed.into();
            report["seconds"] = took.as_secs_f64().into();
            report["answered_a_second"] = rate.into();
            report["proof"] = json!({
                "sends": sent, "messages": messages, "voids": voids, "there_after_all": there_after_all, "broken": broken,
            });
            terminal::say(report);
        } else {
            terminal::say(format!("\n{}\n\n{rate:.1} answered a second", tally.table()));
            terminal::say(format!(
                "{sent} sends, {messages} messages, {voids} voids, {there_after_all} there though their client gave up"
            ));
        }
        if broken.is_empty() {
            self.say("Every acknowledged send is there once, under its number; no number is missing; unread counts are right.");
            return Ok(());
        }
        for sentence in broken {
            terminal::complain(sentence);
        }
        Err(Failure::new(format!("{} promises are broken", broken.len())))
    }

    /// For people: where a program reads standard output, on the other stream.
    fn say(&self, text: impl std::fmt::Display) {
        if self.json { terminal::complain(text) } else { terminal::say(text) }
    }
}
