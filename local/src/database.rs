//! The database of a local stack: which one, why that one, and running it.

use std::fmt::{self, Display, Formatter};
use std::fs::{self, File, TryLockError};
use std::path::PathBuf;
use std::str::FromStr;

use crate::failure::{Context, Failure, Result};
use crate::process::Stack;
use crate::{terminal, toolbox, workspace};

mod dynamodb_local;
mod embedded;

#[cfg(test)]
pub(crate) use embedded::start as serve_embedded;

/// The value of `--database`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Run(Wish),
    /// Somebody else runs it.
    Url(String),
}

/// Which engine to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Auto,
    This(Engine),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    DynamoDbLocal,
    Embedded,
}

impl Engine {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::DynamoDbLocal => "dynamodb-local",
            Self::Embedded => "embedded",
        }
    }
}

impl Display for Engine {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::DynamoDbLocal => "DynamoDB Local",
            Self::Embedded => "the embedded engine",
        })
    }
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "auto" => Ok(Self::Run(Wish::Auto)),
            "dynamodb-local" => Ok(Self::Run(Wish::This(Engine::DynamoDbLocal))),
            "embedded" => Ok(Self::Run(Wish::This(Engine::Embedded))),
            url if url.starts_with("http://") => Ok(Self::Url(url.to_owned())),
            _ => Err("give auto, dynamodb-local, embedded, or an address that begins with http://".to_owned()),
        }
    }
}

/// What this machine has that DynamoDB Local needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine {
    pub(crate) has_java: bool,
    /// DynamoDB Local is installed, or npm is there to fetch it.
    pub(crate) has_jar: bool,
}

impl Machine {
    pub(crate) async fn look(stack: &Stack) -> Self {
        Self { has_java: dynamodb_local::has_java(stack).await, has_jar: dynamodb_local::has_jar(stack).await }
    }
}

/// Which engine to run, and why that one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) engine: Engine,
    pub(crate) reason: &'static str,
}

pub(crate) const NO_JAVA: &str =
    "there is no Java for DynamoDB Local: install Java 17 or newer, or use `--database embedded`";

pub(crate) fn choose(wish: Wish, machine: Machine) -> Result<Choice> {
    let (engine, reason) = match wish {
        Wish::This(Engine::DynamoDbLocal) if !machine.has_java => return Err(Failure::new(NO_JAVA)),
        Wish::This(engine) => (engine, "as asked for"),
        Wish::Auto if !machine.has_java => (Engine::Embedded, "because DynamoDB Local needs Java, which is not here"),
        Wish::Auto if !machine.has_jar => {
            (Engine::Embedded, "because DynamoDB Local comes with npm, which is not here")
        }
        Wish::Auto => (Engine::DynamoDbLocal, "because Java is here"),
    };
    Ok(Choice { engine, reason })
}

/// Where a database keeps its items.
#[derive(Debug)]
pub(crate) enum Storage {
    Memory,
    Folder(DataFolder),
}

/// The data of `up`, which one stack at a time may use.
#[derive(Debug)]
pub(crate) struct DataFolder {
    path: PathBuf,
    /// Released by the system, however this process ends.
    _lock: File,
}

impl DataFolder {
    /// Stacks whose databases listen on different ports run side by side, each with data of its own.
    pub(crate) fn claim(engine: Engine, port: u16, default_port: u16, fresh: bool) -> Result<Self> {
        let name = if port == default_port { engine.name().to_owned() } else { format!("{}-{port}", engine.name()) };
        let data = workspace::folder("data")?;
        let lock_path = data.join(format!("{name}.lock"));
        let lock = File::create(&lock_path).context(format!("cannot write {}", workspace::shown(&lock_path)))?;
        let path = data.join(name);
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::new(format!(
                    "another `cargo dev up` is using the data in {}: stop it first, or give this one \
                     another `--database-port`",
                    workspace::shown(&path)
                )));
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).context(format!("cannot lock {}", workspace::shown(&lock_path)));
            }
        }
        if fresh && path.exists() {
            fs::remove_dir_all(&path).context(format!("cannot wipe {}", workspace::shown(&path)))?;
        }
        fs::create_dir_all(&path).context(format!("cannot make the folder {}", workspace::shown(&path)))?;
        Ok(Self { path, _lock: lock })
    }
}

/// A database that runs until its stack ends (DynamoDB Local) or this process does (the embedded engine).
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) endpoint: String,
    _storage: Storage,
}

/// Starts a database and waits until it answers. Its log goes to `.confab/logs/<log>.log`.
pub(crate) async fn start(stack: &Stack, engine: Engine, port: u16, storage: Storage, log: &str) -> Result<Database> {
    match engine {
        Engine::DynamoDbLocal => {
            let program = toolbox::dynamodb_local(stack).await?;
            terminal::say(format!("Starting {engine} …"));
            dynamodb_local::start(stack, &program, port, &storage, log).await?;
        }
        Engine::Embedded => embedded::start(port, &storage).await?,
    }
    Ok(Database { endpoint: format!("http://127.0.0.1:{port}"), _storage: storage })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine(wish: Wish, has_java: bool, has_jar: bool) -> Result<Engine> {
        choose(wish, Machine { has_java, has_jar }).map(|choice| choice.engine)
    }

    #[test]
    fn auto_takes_dynamodb_local_where_it_can_run() {
        assert_eq!(engine(Wish::Auto, true, true).unwrap(), Engine::DynamoDbLocal);
        assert_eq!(engine(Wish::Auto, false, true).unwrap(), Engine::Embedded);
        assert_eq!(engine(Wish::Auto, true, false).unwrap(), Engine::Embedded);
    }

    #[test]
    fn what_was_asked_for_is_taken_or_refused() {
        assert_eq!(engine(Wish::This(Engine::Embedded), true, true).unwrap(), Engine::Embedded);
        assert_eq!(engine(Wish::This(Engine::DynamoDbLocal), true, false).unwrap(), Engine::DynamoDbLocal);
        let refused = engine(Wish::This(Engine::DynamoDbLocal), false, true).unwrap_err();
        assert!(refused.to_string().contains("--database embedded"), "{refused}");
    }

    #[test]
    fn a_database_of_somebody_else_is_named_by_its_address() {
        assert_eq!("http://10.0.0.1:8000".parse(), Ok(Source::Url("http://10.0.0.1:8000".to_owned())));
        assert_eq!("auto".parse(), Ok(Source::Run(Wish::Auto)));
    }

    #[test]
    fn other_databases_are_refused() {
        assert!("postgres".parse::<Source>().is_err());
        assert!("".parse::<Source>().is_err());
    }
}
