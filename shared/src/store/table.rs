//! The table's definition, and making a table agree with it.

use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType, StreamSpecification, StreamViewType, TableDescription, TableStatus, TimeToLiveSpecification,
    TimeToLiveStatus,
};

use super::Store;
use super::keys::{EXPIRES_AT, GSI1, GSI1PK, GSI1SK, PK, SK};
use crate::domain::Error;

pub const PARTITION_KEY: &str = PK;
pub const SORT_KEY: &str = SK;
pub const INDEX: &str = GSI1;
pub const INDEX_PARTITION_KEY: &str = GSI1PK;
pub const INDEX_SORT_KEY: &str = GSI1SK;
pub const TTL_ATTRIBUTE: &str = EXPIRES_AT;
pub const STREAM_VIEW: StreamViewType = StreamViewType::NewAndOldImages;

/// What the index carries beside its keys: all of a person, and nothing that a send changes in a conversation, so
/// that a send costs no write to the index.
pub const INDEX_PROJECTION: [&str; 7] =
    ["active", "created_at", "email", "first_name", "last_name", "phone_number", "role"];

/// What [`Store::migrate`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Migration {
    Created,
    /// What was added to a table that was there.
    Updated(Vec<String>),
    Unchanged,
}

impl Store {
    /// Creates the table, or adds what it lacks. Never removes anything.
    pub async fn migrate(&self) -> Result<Migration, Error> {
        let existing = self.describe().await?;
        let mut done = Vec::new();
        match &existing {
            None => self.create_table().await?,
            Some(table) => {
                check_keys(table)?;
                if table.stream_specification().is_none_or(|stream| !stream.stream_enabled()) {
                    self.enable_stream().await?;
                    done.push(format!("stream {STREAM_VIEW}"));
                }
                if !table.global_secondary_indexes().iter().any(|index| index.index_name() == Some(INDEX)) {
                    self.create_index().await?;
                    done.push(format!("index {INDEX}"));
                }
            }
        }
        self.wait_until_active().await?;
        if self.enable_ttl().await? {
            done.push(format!("TTL on {TTL_ATTRIBUTE}"));
        }
        if existing.is_some() && self.complete_admins().await? {
            done.push("the list of active admins".to_owned());
        }
        Ok(match (existing, done.is_empty()) {
            (None, _) => Migration::Created,
            (Some(_), true) => Migration::Unchanged,
            (Some(_), false) => Migration::Updated(done),
        })
    }

    async fn describe(&self) -> Result<Option<TableDescription>, Error> {
        match self.client.describe_table().table_name(&self.table_name).send().await {
            Ok(answer) => Ok(answer.table),
            Err(SdkError::ServiceError(error)) if error.err().is_resource_not_found_exception() => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    async fn create_table(&self) -> Result<(), Error> {
        self.client
            .create_table()
            .table_name(&self.table_name)
            .billing_mode(BillingMode::PayPerRequest)
            .set_attribute_definitions(Some(attribute_definitions()))
            .set_key_schema(Some(key_schema(PARTITION_KEY, SORT_KEY)))
            .global_secondary_indexes(
                GlobalSecondaryIndex::builder()
                    .index_name(INDEX)
                    .set_key_schema(Some(key_schema(INDEX_PARTITION_KEY, INDEX_SORT_KEY)))
                    .projection(projection())
                    .build()
                    .map_err(failed)?,
            )
            .stream_specification(stream())
            .send()
            .await
            .map(drop)
            .or_else(|error| match error {
                // Somebody else makes it too, or this call was repeated after its answer was lost.
                SdkError::ServiceError(error) if error.err().is_resource_in_use_exception() => Ok(()),
                error => Err(failed(error)),
            })
    }

    async fn create_index(&self) -> Result<(), Error> {
        let index = aws_sdk_dynamodb::types::CreateGlobalSecondaryIndexAction::builder()
            .index_name(INDEX)
            .set_key_schema(Some(key_schema(INDEX_PARTITION_KEY, INDEX_SORT_KEY)))
            .projection(projection())
            .build()
            .map_err(failed)?;
        let update = aws_sdk_dynamodb::types::GlobalSecondaryIndexUpdate::builder().create(index).build();
        self.wait_until_active().await?;
        let request = self
            .client
            .update_table()
            .table_name(&self.table_name)
            .set_attribute_definitions(Some(attribute_definitions()));
        request.global_secondary_index_updates(update).send().await.map(drop).map_err(failed)
    }

    async fn enable_stream(&self) -> Result<(), Error> {
        self.wait_until_active().await?;
        self.client
            .update_table()
            .table_name(&self.table_name)
            .stream_specification(stream())
            .send()
            .await
            .map(drop)
            .map_err(failed)
    }

    /// Whether it had to be enabled.
    async fn enable_ttl(&self) -> Result<bool, Error> {
        if self.has_ttl().await? {
            return Ok(false);
        }
        let ttl =
            TimeToLiveSpecification::builder().enabled(true).attribute_name(TTL_ATTRIBUTE).build().map_err(failed)?;
        let enabling = self.client.update_time_to_live().table_name(&self.table_name).time_to_live_specification(ttl);
        match enabling.send().await {
            Ok(_) => Ok(true),
            // To enable it twice is refused: somebody else did, or this call was repeated after its answer was lost.
            Err(_) if self.has_ttl().await? => Ok(true),
            Err(error) => Err(failed(error)),
        }
    }

    async fn has_ttl(&self) -> Result<bool, Error> {
        let answer = self.client.describe_time_to_live().table_name(&self.table_name).send().await.map_err(failed)?;
        let status = answer.time_to_live_description().and_then(|ttl| ttl.time_to_live_status());
        Ok(matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)))
    }

    /// Waits for the table and its index; a new index on a large table takes a while to be filled.
    async fn wait_until_active(&self) -> Result<(), Error> {
        loop {
            let table = self.describe().await?;
            let active = table.as_ref().is_some_and(|table| {
                let indexes = table.global_secondary_indexes();
                table.table_status() == Some(&TableStatus::Active)
                    && indexes.iter().all(|index| index.index_status().is_none_or(|status| status.as_str() == "ACTIVE"))
            });
            if active {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}

fn check_keys(table: &TableDescription) -> Result<(), Error> {
    let names: Vec<&str> = table.key_schema().iter().map(|key| key.attribute_name()).collect();
    if names == [PARTITION_KEY, SORT_KEY] {
        Ok(())
    } else {
        Err(Error::refused(format!(
            "the table has the keys {names:?}, not {PARTITION_KEY} and {SORT_KEY}: it is not a table of Confab"
        )))
    }
}

fn attribute_definitions() -> Vec<AttributeDefinition> {
    let define =
        |name: &str| AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build();
    [PARTITION_KEY, SORT_KEY, INDEX_PARTITION_KEY, INDEX_SORT_KEY]
        .into_iter()
        .map(define)
        .map(|attribute| attribute.expect("name and type are set"))
        .collect()
}

fn key_schema(partition: &str, sort: &str) -> Vec<KeySchemaElement> {
    let element = |name: &str, kind| {
        KeySchemaElement::builder().attribute_name(name).key_type(kind).build().expect("name and type are set")
    };
    vec![element(partition, KeyType::Hash), element(sort, KeyType::Range)]
}

fn projection() -> Projection {
    let attributes = INDEX_PROJECTION.map(str::to_owned).to_vec();
    Projection::builder().projection_type(ProjectionType::Include).set_non_key_attributes(Some(attributes)).build()
}

fn stream() -> StreamSpecification {
    StreamSpecification::builder()
        .stream_enabled(true)
        .stream_view_type(STREAM_VIEW)
        .build()
        .expect("whether it is enabled is set")
}

fn failed(error: impl std::error::Error) -> Error {
    Error::Unavailable(format!("{}", aws_sdk_dynamodb::error::DisplayErrorContext(&error)))
}
