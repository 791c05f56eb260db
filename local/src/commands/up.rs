//! `cargo dev up`: the whole stack on this machine, until Ctrl-C.

use std::collections::HashSet;
use std::convert::Infallible;
use std::time::Duration;

use clap::Args;

use crate::database::{self, DataFolder, Database, Machine, Source, Storage};
use crate::emulator::{Emulator, Options, ended_functions};
use crate::failure::{Failure, Result};
use crate::gateway::Limits;
use crate::log_line::LogLine;
use crate::process::Stack;
use crate::stream::Pump;
use crate::terminal::Colour;
use crate::{administration, building, live, ports, seed, session_keys, table, terminal, toolbox};

const DATABASE_PORT: u16 = table::LOCAL_PORT;

/// Run everything on this machine: database, functions, demo people
///
/// Installs what it needs into `.confab` on the first run. Data stays between runs. Ctrl-C ends everything.
#[derive(Args)]
pub(crate) struct Up {
    /// Where the API listens
    #[arg(long, default_value_t = 9000)]
    port: u16,
    /// Where the WebSockets are
    #[arg(long, default_value_t = 9001)]
    socket_port: u16,
    /// Seconds without a frame after which a WebSocket is closed
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=600))]
    socket_idle_seconds: u64,
    /// Seconds that a WebSocket lives in all
    #[arg(long, value_name = "SECONDS", default_value_t = 7200, value_parser = clap::value_parser!(u64).range(1..=7200))]
    socket_lifetime_seconds: u64,
    /// Where the database listens
    #[arg(long, default_value_t = DATABASE_PORT)]
    database_port: u16,
    /// auto, dynamodb-local (needs Java), embedded (needs nothing), or the address of one that runs already
    ///
    /// `auto` takes DynamoDB Local where Java is, else the embedded engine.
    #[arg(long, value_name = "DATABASE", default_value = "auto")]
    database: Source,
    /// Build with optimisations, as for AWS
    #[arg(long)]
    release: bool,
    /// Leave out the demo people and their conversation
    #[arg(long)]
    no_seed: bool,
    /// Wipe the data of earlier runs first
    #[arg(long)]
    fresh: bool,
    /// Processes of each function at most
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..))]
    concurrency: u8,
    /// Show everything that cargo, cargo-lambda and the functions print, each call to the database with it
    #[arg(long, short)]
    verbose: bool,
}

/// The database of a stack, and how it came to be that one.
struct Chosen {
    endpoint: String,
    description: String,
    /// Held, because the data stays claimed as long as it lives.
    _database: Option<Database>,
}

impl Up {
    pub(crate) async fn run(self, stack: &Stack) -> Result<()> {
        self.check_ports()?;
        let programs = toolbox::cargo_lambda(stack).await?;
        let database = self.start_database(stack).await?;
        let store = table::local(&database.endpoint).await?;
        building::functions(stack, self.release).await?;

        terminal::say("Starting the functions …");
        let gateway =
            live::sockets(self.socket_port, &format!("http://127.0.0.1:{}", self.port), self.limits()).await?;
        let (socket_url, management_url) = (gateway.url(), gateway.management_url());
        let mut environment = vec![(live::URL, &*socket_url), (live::MANAGEMENT_URL, &*management_url)];
        if self.verbose {
            environment.push(("AWS_LAMBDA_LOG_LEVEL", "DEBUG"));
        }
        let options = Options {
            port: self.port,
            concurrency: self.concurrency.into(),
            release: self.release,
            reload: true,
            endpoint: &database.endpoint,
            session_keys: &session_keys::kept()?,
            environment: &environment,
        };
        let mut emulator = Emulator::start(stack, &programs, &options)?;
        let see = |line: &str| {
            if self.verbose {
                terminal::say(line);
            }
        };
        emulator.wait_until_ready(stack, see).await?;
        let pump = live::stream(&database.endpoint, &emulator.url).await?;

        let conversation = if self.no_seed {
            None
        } else {
            administration::seed_admin(&store).await?;
            seed::conversation(&emulator.url).await.inspect_err(say_how_to_do_without).ok()
        };
        for trouble in emulator.troubles_so_far() {
            terminal::say(trouble);
        }
        terminal::say(self.summary(&emulator.url, &socket_url, &database, conversation.as_deref()));
        tokio::select! {
            ended = self.follow(stack, emulator) => ended,
            never = warn_of_discarded(&pump) => match never {},
        }
    }

    fn check_ports(&self) -> Result<()> {
        ports::require_free(self.port, "the API", "--port")?;
        ports::require_free(self.socket_port, "WebSockets", "--socket-port")?;
        if !matches!(self.database, Source::Url(_)) {
            ports::require_free(self.database_port, "the database", "--database-port")?;
        }
        Ok(())
    }

    async fn start_database(&self, stack: &Stack) -> Result<Chosen> {
        let wish = match &self.database {
            Source::Run(wish) => *wish,
            Source::Url(_) if self.fresh => {
                return Err(Failure::new(
                    "`--fresh` wipes only what `cargo dev up` runs itself: leave it out, or leave out `--database`",
                ));
            }
            Source::Url(endpoint) => {
                return Ok(Chosen {
                    endpoint: endpoint.clone(),
                    description: "as asked for".to_owned(),
                    _database: None,
                });
            }
        };
        let choice = database::choose(wish, Machine::look(stack).await)?;
        let data = DataFolder::claim(choice.engine, self.database_port, DATABASE_PORT, self.fresh)?;
        let log = format!("{}-{}", choice.engine.name(), self.database_port);
        let database = database::start(stack, choice.engine, self.database_port, Storage::Folder(data), &log).await?;
        Ok(Chosen {
            endpoint: database.endpoint.clone(),
            description: format!("{}, {}", choice.engine, choice.reason),
            _database: Some(database),
        })
    }

    fn limits(&self) -> Limits {
        Limits {
            idle: Duration::from_secs(self.socket_idle_seconds),
            lifetime: Duration::from_secs(self.socket_lifetime_seconds),
            ..Limits::default()
        }
    }

    fn summary(&self, url: &str, socket_url: &str, database: &Chosen, conversation: Option<&str>) -> String {
        let people = if self.no_seed {
            "none (--no-seed)".to_owned()
        } else {
            let people = [seed::ADA, seed::GRACE, seed::ADMIN].map(|person| person.email);
            format!("{}, password {}", people.join(", "), seed::PASSWORD)
        };
        let examples = conversation.map_or_else(|| first_steps(url), |id| conversation_steps(url, id));
        format!(
            "\n{title}\n  API        {url}/api/\n  WebSocket  {socket_url}\n  Log in     {url}/api-auth/login/\n  Database   {endpoint} ({description})\n  \
             People     {people}\n\nTry it in another terminal:\n\n{examples}\n\nCtrl-C ends everything. Requests:\n",
            title = Colour::Green.paint("Confab is up."),
            endpoint = database.endpoint,
            description = database.description,
        )
    }

    /// Shows what happens until somebody stops it.
    async fn follow(&self, stack: &Stack, mut emulator: Emulator) -> Result<()> {
        // Several processes of a function report the same compiler error: it is shown once until a request comes.
        let mut shown = HashSet::new();
        let mut ended = HashSet::new();
        while let Some(line) = emulator.next_line().await {
            if self.verbose {
                terminal::say(&line);
                continue;
            }
            let parsed = LogLine::parse(&line);
            match &parsed {
                LogLine::Request(_) => shown.clear(),
                LogLine::Plain(text) if !shown.insert(text.clone()) => continue,
                LogLine::Exit => {
                    let now = ended_functions(stack);
                    for name in now.difference(&ended) {
                        terminal::warn(&format!(
                            "the function `{name}` has ended: it starts again when its source changes, or with `cargo dev up`"
                        ));
                    }
                    ended = now;
                }
                _ => {}
            }
            if let Some(text) = parsed.render() {
                terminal::say(text);
            }
        }
        Err(Failure::new("cargo-lambda has ended: start `cargo dev up` again, with `--verbose` to see why"))
    }
}

async fn warn_of_discarded(pump: &Pump) -> Infallible {
    loop {
        terminal::warn(&live::tell(&pump.next_discarded().await));
    }
}

fn say_how_to_do_without(failure: &Failure) {
    terminal::warn(&format!(
        "the demo conversation could not be made ({}): `--fresh` starts over, `--no-seed` does without",
        failure.to_string().trim_start_matches("error: ")
    ));
}

const KEEP_TOKEN: &str = r#"| sed 's/.*"token":"\([^"]*\)".*/\1/')"#;
const JSON: &str = "-H 'Content-Type: application/json'";
const BEARER: &str = r#"-H "Authorization: Bearer $token""#;

fn conversation_steps(url: &str, conversation: &str) -> String {
    let login = format!(r#"{{"email":"{}","password":"{}"}}"#, seed::ADA.email, seed::PASSWORD);
    let message = format!(r#"{{"conversation":"{conversation}","message_body":"Hello from curl"}}"#);
    [
        format!("token=$(curl -s {url}/api/auth/login/ {JSON} -d '{login}' {KEEP_TOKEN}"),
        format!("curl -s {url}/api/messages/ {BEARER} {JSON} -d '{message}'"),
        format!("curl -s {url}/api/conversations/{conversation}/messages/ {BEARER}"),
    ]
    .join("\n")
}

fn first_steps(url: &str) -> String {
    let person =
        r#"{"first_name":"Ada","last_name":"Lovelace","email":"ada@example.com","password":"confab-demo-2026"}"#;
    [
        format!("token=$(curl -s {url}/api/auth/register/ {JSON} -d '{person}' {KEEP_TOKEN}"),
        format!("curl -s {url}/api/users/me/ {BEARER}"),
        format!("curl -s {url}/api/conversations/ {BEARER}"),
    ]
    .join("\n")
}
