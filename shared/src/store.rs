//! The DynamoDB table. This module owns every string that DynamoDB sees.
//!
//! One table, keys `PK` and `SK`, one index `GSI1`; strongly consistent reads (S) for what authorises and for what
//! shows one's own acknowledged writes, eventually consistent ones (E) for what only decorates.
//!
//! | item | PK | SK | read by |
//! | --- | --- | --- | --- |
//! | user | `USER#id` | `PROFILE` | get S for oneself, batch E for names; GSI1 `USERS` / `created_at#id`: the list of people |
//! | e-mail guard | `EMAIL#address` | `EMAIL` | get S at login |
//! | session | `USER#id` | `SESSION#sid` | get S beside the first call of every request; query S to show and to end them all |
//! | failed login | `LOGINS#account`, `ADDRESS#ip` | `FAILED#time#nonce` | query, newest first, before a password is checked: S by account, E by address |
//! | active admins | `ADMINS` | `ADMINS` | written with every change of who is one, on condition that one is left |
//! | conversation | `CONV#id` | `META` | get S, batch S for the inbox, batch E to see which moved; GSI1 `CONVERSATIONS` / `created_at#id` |
//! | message | `CONV#id` | `MSG#number` | get S by id, query S for pages, batch S for the last ones and those that changes point at |
//! | change | `CONV#id` | `CHG#number` | query S after a number, and for the latest; batch S for earlier bodies |
//! | client key | `CONV#id` | `KEY#sender#key` | get S before a keyed send |
//! | membership | `USER#id` | `MEMBER#conversation` | query S for the inbox, batch S for who joined when |
//! | direct pair | `DIRECT#low#high` | `DIRECT` | get S when two people start a conversation |
//! | open sockets | `USER#id` | `CONNECTIONS` | get S when one more comes, batch S by each delivery, batch E for who is there |
//! | socket | `CONN#connection` | `CONN` | updated by each frame; get S when it is closed |
//! | watch | `USER#id` | `WATCH#connection` | query S when that person comes or goes |
//! | alias | `ALIAS#uuid` | `ALIAS` | get S when a message is called by the id that it had before it was imported |
//! | import | `IMPORT#uuid` | `IMPORT` | batch S by `cargo dev import`: how far an old conversation came |
//! | remains | `CLEARING` | `due#id` | query E by each removal of a conversation: what an earlier one left to be cleared |
//!
//! Numbers in keys are ten hex digits, as in message ids. An access pattern is one method of [`Store`]. Those that
//! take a [`Caller`](crate::domain::session::Caller) check that its session is alive in the same round trip, and
//! give nothing away if it is not.

mod access;
mod accounts;
mod actions;
mod aliases;
mod attempts;
mod audience;
mod audit;
mod calls;
mod changes;
mod connections;
mod conversations;
mod edits;
mod export;
mod feed;
mod gathering;
mod history;
mod import;
mod inbox;
mod item;
mod keys;
mod log;
mod members;
mod messages;
mod meter;
mod removal;
mod seek;
mod stream;
mod stretch;
pub mod table;
mod timeline;
mod window;

use std::time::Duration;

use aws_config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::{RetryConfig, RetryPartition};
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{Builder, StalledStreamProtectionConfig};

use crate::aws;
use crate::domain::id::Nonce;
pub use accounts::{Account, Directory, People, SessionPosition};
pub use audience::{Audience, Told};
pub use audit::{Audit, Note, Notes, Violation};
pub use connections::{Counted, Sockets};
pub use conversations::{Detail, Started};
pub use export::{ExportPosition, ExportedItem, Restored, TURNS};
pub use feed::{Everywhere, Feed, Moved, Reach, Shown};
pub use import::{Imported, ImportedConversation};
pub use inbox::{Inbox, InboxOrder, InboxPosition, InboxQuery, InboxRow};
pub use log::Sent;
pub(crate) use meter::Happened;
pub use meter::{Meter, Spent};
pub use stream::Happening;
pub use table::Migration;
pub use timeline::Timeline;
pub use window::{MessagePage, Window};

/// Where the table is.
#[derive(Clone, Debug)]
pub struct Settings {
    pub table_name: String,
    /// The address of a database on this machine; none means AWS, found by the usual environment.
    pub endpoint: Option<String>,
}

impl Settings {
    /// From `TABLE_NAME` (default `confab`) and `DYNAMODB_ENDPOINT` (default: AWS).
    pub fn from_env() -> Self {
        Self {
            table_name: std::env::var("TABLE_NAME").unwrap_or_else(|_| "confab".to_owned()),
            endpoint: std::env::var("DYNAMODB_ENDPOINT").ok().filter(|endpoint| !endpoint.is_empty()),
        }
    }
}

/// The table, and all that can be done with it.
#[derive(Clone, Debug)]
pub struct Store {
    client: Client,
    table_name: String,
}

/// How long a request waits for one answer of DynamoDB before it asks again.
const ATTEMPT: Duration = Duration::from_secs(3);

/// The same for work that moves much at once, where asking again would only be more work.
const BULK_ATTEMPT: Duration = Duration::from_secs(60);

impl Store {
    pub async fn connect(settings: Settings) -> Self {
        Self::connect_for(settings, ATTEMPT).await
    }

    /// For operators, who move much at once and can wait.
    pub async fn connect_for_bulk(settings: Settings) -> Self {
        Self::connect_for(settings, BULK_ATTEMPT).await
    }

    /// Waits that long for one answer of DynamoDB before asking again.
    pub async fn connect_for(settings: Settings, attempt: Duration) -> Self {
        let config = match &settings.endpoint {
            Some(endpoint) => local_configuration(endpoint, attempt),
            None => aws_configuration(attempt).await,
        };
        Self { client: Client::from_conf(config), table_name: settings.table_name }
    }

    pub fn table_name(&self) -> &str {
        &self.table_name
    }
}

/// The SDK repeats what failed in transit, with jitter; every write of ours recognises itself when repeated.
fn resilience(attempt: Duration) -> (RetryConfig, TimeoutConfig) {
    let retries = RetryConfig::standard()
        .with_max_attempts(4)
        .with_initial_backoff(Duration::from_millis(25))
        .with_max_backoff(Duration::from_secs(1));
    let timeouts =
        TimeoutConfig::builder().connect_timeout(Duration::from_secs(1)).operation_attempt_timeout(attempt).build();
    (retries, timeouts)
}

async fn aws_configuration(attempt: Duration) -> aws_sdk_dynamodb::Config {
    let (retries, timeouts) = resilience(attempt);
    let found = aws::environment().await.into_builder().retry_config(retries).timeout_config(timeouts).build();
    common(Builder::from(&found)).build()
}

/// A database on this machine speaks plain HTTP and takes any credentials.
fn local_configuration(endpoint: &str, attempt: Duration) -> aws_sdk_dynamodb::Config {
    let (retries, timeouts) = resilience(attempt);
    let builder = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws::Transport::new())
        .endpoint_url(endpoint)
        .region(Region::new("us-east-1"))
        .credentials_provider(aws::nobody())
        .retry_config(retries)
        .timeout_config(timeouts)
        // The quota of retries is a connection's own: what fails elsewhere in a process, in another test, costs it none.
        .retry_partition(RetryPartition::new(Nonce::unique().to_string()));
    common(builder).build()
}

/// What holds wherever the table is. An attempt has its time limit: to watch the flow of its bytes, too, would only cost.
fn common(builder: Builder) -> Builder {
    builder.interceptor(meter::CountRetries).stalled_stream_protection(StalledStreamProtectionConfig::disabled())
}
