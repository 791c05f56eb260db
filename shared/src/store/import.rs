//! Taking in conversations that were held elsewhere, whole, with the ids and times that they had.
//!
//! An import may stop at any point, be run again, and run twice at once. Nothing of a conversation is seen before its
//! META stands, which comes last, in one transaction with the note that the import is finished: so whoever comes later
//! neither repeats it nor brings back what people deleted meanwhile. Messages are written with their aliases, some dozen in
//! a transaction, on condition that nothing stands at their numbers; they carry their old id as nonce, by which a second
//! run knows its own.

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::types::ReturnValue;
use futures::future::try_join_all;
use futures::{StreamExt, TryStreamExt, stream};
use ring::digest::{Context, SHA256};

use super::Store;
use super::calls::{Consistency, Failure};
use super::item::{Item, Reader, Writer, conversation_to_item, membership_to_item, message_to_item, nonce_value, text};
use super::keys::{Key, PK, SK, conversation_partition};
use crate::domain::Error;
use crate::domain::conversation::{Conversation, Kind, Membership};
use crate::domain::id::{ForeignId, Nonce, UserId};
use crate::domain::message::Message;

/// How many messages, or bytes of what they say, go in one transaction, which takes 100 actions and 4 MB.
const MESSAGES_IN_ONE_TRANSACTION: usize = 50;
const BYTES_IN_ONE_TRANSACTION: usize = 1024 * 1024;

/// How many such lots of one conversation are on their way at once.
const LOTS_AT_ONCE: usize = 1;

/// How many items are cleared at once.
const CLEARED_AT_ONCE: usize = 100;

/// How many memberships fit into the transaction that makes a conversation, beside META, the note and the direct pair.
const MEMBERS_IN_ONE_TRANSACTION: usize = 97;

/// A conversation as it was elsewhere.
#[derive(Clone, Debug)]
pub struct ImportedConversation {
    pub old_id: ForeignId,
    pub conversation: Conversation,
    pub memberships: Vec<Membership>,
    /// Numbered from 1 without gaps, each with the id that it had.
    pub messages: Vec<(ForeignId, Message)>,
}

impl ImportedConversation {
    /// Tells what it held from what it holds another time (SHA-256); of which kind it becomes does not matter.
    pub fn fingerprint(&self) -> String {
        let mut context = Context::new(&SHA256);
        let mut add = |part: String| context.update(format!("{}:{part}", part.len()).as_bytes());
        add(self.conversation.created_at.to_string());
        for membership in &self.memberships {
            add(format!("{} {}", membership.user, membership.joined_at));
        }
        for (old_id, message) in &self.messages {
            add(format!("{old_id} {} {} {}", message.sender, message.sent_at, message.body.as_str()));
        }
        context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// What became of a conversation to be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imported {
    Now(Kind),
    /// An import finished it earlier, and it was left as it is.
    Before {
        /// Whether it held the same then.
        same: bool,
    },
}

/// What stands under an old id once its import has begun.
struct Note {
    fingerprint: String,
    progress: Option<String>,
}

/// META stands, but memberships may be missing that did not fit into its transaction.
const PLACED: &str = "placed";
const FINISHED: &str = "finished";

/// How far an import came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// META does not stand yet.
    Begun,
    /// META stands, but memberships may be missing.
    Placed,
    Finished,
}

impl Progress {
    /// From the attribute `progress`.
    pub(super) fn of(progress: Option<&str>) -> Option<Self> {
        match progress {
            None => Some(Self::Begun),
            Some(PLACED) => Some(Self::Placed),
            Some(FINISHED) => Some(Self::Finished),
            Some(_) => None,
        }
    }
}

impl TryFrom<Reader<'_>> for Note {
    type Error = Error;

    fn try_from(item: Reader<'_>) -> Result<Self, Error> {
        Ok(Self {
            fingerprint: item.text("fingerprint")?.to_owned(),
            progress: item.optional_text("progress")?.map(str::to_owned),
        })
    }
}

impl Note {
    fn is(&self, progress: &str) -> bool {
        self.progress.as_deref() == Some(progress)
    }

    fn finished_before(&self, fingerprint: &str) -> Imported {
        Imported::Before { same: self.fingerprint == fingerprint }
    }
}

impl Store {
    /// Who of these people is there.
    pub async fn people_there(&self, ids: &[UserId]) -> Result<HashSet<UserId>, Error> {
        let items = self.batch_get(ids.iter().map(|id| Key::user(*id)).collect(), Consistency::Strong).await?;
        Ok(super::accounts::people_in(&items)?.into_keys().collect())
    }

    /// Which of these conversations were imported to the end, with the fingerprint of what they held.
    pub async fn imports_finished(&self, ids: &[ForeignId]) -> Result<HashMap<ForeignId, String>, Error> {
        let items = self.batch_get(ids.iter().map(|id| Key::import(*id)).collect(), Consistency::Strong).await?;
        let mut finished = HashMap::new();
        for item in &items {
            let (id, note) = (Reader(item).old_id_partition()?, Note::try_from(Reader(item))?);
            if note.is(FINISHED) {
                finished.insert(id, note.fingerprint);
            }
        }
        Ok(finished)
    }

    /// Makes a conversation with its messages, unless that was done before.
    pub async fn import_conversation(&self, mut import: ImportedConversation) -> Result<Imported, Error> {
        let fingerprint = import.fingerprint();
        if let Some(note) = self.begin_import(&import, &fingerprint).await? {
            if note.is(FINISHED) {
                return Ok(note.finished_before(&fingerprint));
            }
            if note.is(PLACED) {
                return self.finish_import(&import, &fingerprint).await;
            }
            if note.fingerprint != fingerprint {
                self.begin_import_anew(&import, &note.fingerprint, &fingerprint).await?;
            }
        }
        self.import_messages(&import).await?;
        let placed = match self.place(&import, &fingerprint).await? {
            None => {
                // The two have started another one here; this becomes a group.
                import.conversation.kind = Kind::Group;
                self.place(&import, &fingerprint).await?
            }
            placed => placed,
        };
        match placed {
            Some(Imported::Now(_)) if import.memberships.len() > MEMBERS_IN_ONE_TRANSACTION => {
                self.finish_import(&import, &fingerprint).await
            }
            Some(imported) => Ok(imported),
            None => Err(Error::Internal("an imported group met a direct conversation".to_owned())),
        }
    }

    /// Notes that an import has begun; returns the note that stood there, if one did.
    async fn begin_import(&self, import: &ImportedConversation, fingerprint: &str) -> Result<Option<Note>, Error> {
        let note = Writer::at(Key::import(import.old_id))
            .text("conversation", import.conversation.id)
            .text("fingerprint", fingerprint);
        match self.put_new(note.build()).await {
            Ok(()) => Ok(None),
            Err(Failure::Condition(Some(item))) => Note::try_from(Reader(&item)).map(Some),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Clears what an import left that stopped on its way and held something else.
    async fn begin_import_anew(
        &self,
        import: &ImportedConversation,
        earlier: &str,
        fingerprint: &str,
    ) -> Result<(), Error> {
        let query = self
            .query(Consistency::Strong)
            .key_condition_expression(format!("{PK} = :conversation"))
            .expression_attribute_values(":conversation", text(conversation_partition(import.conversation.id)))
            .projection_expression(format!("{PK}, {SK}, nonce"));
        let left = self.all_rows(query).await?;
        let nonces = left.iter().filter_map(|item| Reader(item).nonce("nonce"));
        let aliases = nonces.map(|nonce| Key::alias(ForeignId::from_bytes(*nonce.as_bytes())));
        let keys = left.iter().map(|item| Reader(item).key()).collect::<Result<Vec<_>, Error>>()?;
        let members = import.memberships.iter().map(|member| Key::membership(member.user, member.conversation));
        let keys: Vec<Key> = aliases.chain(keys).chain(members).collect();
        for keys in keys.chunks(CLEARED_AT_ONCE) {
            self.delete_all(keys.to_vec()).await?;
        }
        let request = self
            .update(Key::import(import.old_id))
            .update_expression("SET fingerprint = :fingerprint")
            .condition_expression("fingerprint IN (:earlier, :fingerprint) AND attribute_not_exists(progress)")
            .expression_attribute_values(":fingerprint", text(fingerprint))
            .expression_attribute_values(":earlier", text(earlier));
        match self.updated(request).await {
            Ok(_) => Ok(()),
            Err(Failure::Condition(_)) => Err(another_import(import)),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn import_messages(&self, import: &ImportedConversation) -> Result<(), Error> {
        stream::iter(lots(&import.messages))
            .map(|lot| self.import_lot(import, lot))
            .buffer_unordered(LOTS_AT_ONCE)
            .try_collect()
            .await
    }

    /// Messages and their aliases, all of them or none: so a lot that is there is there whole.
    async fn import_lot(&self, import: &ImportedConversation, lot: &[(ForeignId, Message)]) -> Result<(), Error> {
        let nonce = |old_id: &ForeignId| Nonce::from_bytes(*old_id.as_bytes());
        let messages = lot.iter().map(|(old_id, message)| self.putting_new(message_to_item(message, nonce(old_id))));
        let aliases = lot.iter().map(|(old_id, message)| {
            // The app let messages be moved: the last conversation that has one is where its old id leads.
            self.putting(Writer::at(Key::alias(*old_id)).text("message", message.id).build())
        });
        match self.transact(messages.chain(aliases).collect()).await {
            Ok(()) => Ok(()),
            Err(Failure::Cancelled(blocked)) => {
                let is_own = |((old_id, _), standing): (&(ForeignId, Message), &Option<Item>)| {
                    standing.as_ref().is_some_and(|item| Reader(item).nonce("nonce") == Some(nonce(old_id)))
                };
                if lot.iter().zip(&blocked).all(is_own) { Ok(()) } else { Err(another_import(import)) }
            }
            Err(failure) => Err(failure.into()),
        }
    }

    /// Those that do not fit into the transaction that makes the conversation.
    async fn put_missing_memberships(&self, import: &ImportedConversation) -> Result<(), Error> {
        let missing = import.memberships.iter().skip(MEMBERS_IN_ONE_TRANSACTION);
        let written = missing.map(async |membership| match self.put_new(membership_to_item(membership)).await {
            Ok(()) | Err(Failure::Condition(_)) => Ok(()),
            Err(failure) => Err(failure.into()),
        });
        try_join_all(written).await.map(drop)
    }

    /// Lets the conversation be seen. Nothing if it was to be the direct one of two people who have another.
    async fn place(&self, import: &ImportedConversation, fingerprint: &str) -> Result<Option<Imported>, Error> {
        let Conversation { id, kind, .. } = import.conversation;
        let nonce = Nonce::from_bytes(*import.old_id.as_bytes());
        let fits = import.memberships.len() <= MEMBERS_IN_ONE_TRANSACTION;
        let noted = self.updating(
            Key::import(import.old_id),
            "SET progress = :progress",
            "fingerprint = :fingerprint AND attribute_not_exists(progress)",
            [(":progress", text(if fits { FINISHED } else { PLACED })), (":fingerprint", text(fingerprint))],
        );
        let mut actions = vec![noted, self.putting_new(conversation_to_item(&import.conversation, nonce))];
        if let (Kind::Direct, [one, other]) = (kind, &import.memberships[..]) {
            let pair =
                Writer::at(Key::direct(one.user, other.user)).text("conversation", id).set("nonce", nonce_value(nonce));
            actions.push(self.putting_new(pair.build()));
        }
        let members: Vec<Item> = import.memberships.iter().map(membership_to_item).collect();
        actions.extend(members.into_iter().take(MEMBERS_IN_ONE_TRANSACTION).map(|item| self.putting_new(item)));
        match self.transact(actions).await {
            Ok(()) => Ok(Some(Imported::Now(kind))),
            Err(Failure::Cancelled(blocked)) => match &blocked[..] {
                [Some(note), ..] => {
                    let note = Note::try_from(Reader(note))?;
                    if note.progress.is_some() {
                        Ok(Some(note.finished_before(fingerprint)))
                    } else {
                        Err(another_import(import))
                    }
                }
                [None, None, Some(_), ..] if kind == Kind::Direct => Ok(None),
                _ => Err(Error::Internal(format!("the place of the imported conversation {id} is taken"))),
            },
            Err(failure) => Err(failure.into()),
        }
    }

    /// What did not fit into the transaction comes after META: whoever meets an old membership without META clears it,
    /// and might do so while META comes.
    async fn finish_import(&self, import: &ImportedConversation, fingerprint: &str) -> Result<Imported, Error> {
        self.put_missing_memberships(import).await?;
        let request = self
            .update(Key::import(import.old_id))
            .update_expression("SET progress = :finished")
            .condition_expression("progress = :placed")
            .expression_attribute_values(":finished", text(FINISHED))
            .expression_attribute_values(":placed", text(PLACED))
            .return_values(ReturnValue::AllNew);
        match self.updated(request).await {
            Ok(note) if Note::try_from(Reader(&note))?.fingerprint == fingerprint => {
                Ok(Imported::Now(import.conversation.kind))
            }
            Ok(_) => Ok(Imported::Before { same: false }),
            Err(Failure::Condition(Some(note))) => Ok(Note::try_from(Reader(&note))?.finished_before(fingerprint)),
            Err(failure) => Err(failure.into()),
        }
    }
}

/// Messages that go together, in their order: the same for the same messages.
fn lots(mut messages: &[(ForeignId, Message)]) -> Vec<&[(ForeignId, Message)]> {
    let mut lots = Vec::new();
    while !messages.is_empty() {
        let mut bytes = 0;
        let fits = |(_, message): &&(ForeignId, Message)| {
            bytes += message.body.as_str().len();
            bytes <= BYTES_IN_ONE_TRANSACTION
        };
        let count = messages.iter().take(MESSAGES_IN_ONE_TRANSACTION).take_while(fits).count();
        let (lot, rest) = messages.split_at(count.max(1));
        lots.push(lot);
        messages = rest;
    }
    lots
}

fn another_import(import: &ImportedConversation) -> Error {
    Error::refused(format!("another import is at work on the conversation {}", import.old_id))
}
