//! What a message said before: each earlier body stands in the change that replaced it.

use std::collections::HashMap;

use super::Store;
use super::calls::Consistency;
use super::item::Reader;
use super::keys::Key;
use crate::domain::change::{Change, ChangeKind};
use crate::domain::id::MessageId;
use crate::domain::message::Version;
use crate::domain::page::{Page, Slice, slice};
use crate::domain::session::Caller;
use crate::domain::{Error, Resource};

impl Store {
    /// What a message said and says, oldest first, if the caller takes part. Positions count versions from 1.
    pub async fn history(
        &self,
        caller: &Caller,
        id: MessageId,
        wanted: &Slice<usize>,
    ) -> Result<Page<Version, usize>, Error> {
        let (_, message) = self.admit(caller, self.message_seen_by(caller.user, id)).await?;
        let versions: Vec<usize> = (1..=message.edits.len() + 1).collect();
        let page = slice(versions, |version| *version, wanted, false);
        let change = |version: &usize| message.edits.get(*version - 1).copied();
        let keys = page.rows.iter().filter_map(change).map(|number| Key::change(id.conversation, number)).collect();
        let items = self.batch_get(keys, Consistency::Strong).await?;
        let changes =
            items.iter().map(|item| Change::try_from(Reader(item)).map(|change| (change.number, change.kind)));
        let mut changes = changes.collect::<Result<HashMap<_, _>, Error>>()?;
        let mut said = |version: &usize| match change(version) {
            None => Ok(message.version()),
            Some(number) => match changes.remove(&number) {
                Some(ChangeKind::MessageEdited { earlier: Some(earlier), .. }) => Ok(earlier),
                // It went with the message, which was deleted just now.
                _ => Err(Error::NotFound(Resource::Message)),
            },
        };
        let rows = page.rows.iter().map(&mut said).collect::<Result<Vec<_>, Error>>()?;
        Ok(page.with_rows(rows))
    }
}
