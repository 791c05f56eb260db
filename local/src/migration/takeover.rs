//! Taking over the Django app's data: people first, then each conversation, its messages before itself.
//!
//! How far an import has come is in the table itself: a second run finds what the first one finished, and goes on.

use std::collections::HashSet;

use futures::{StreamExt, TryStreamExt, stream};
use shared::domain::Error;
use shared::domain::conversation::Kind;
use shared::domain::id::{ForeignId, UserId};
use shared::store::{Imported, ImportedConversation, Store};

use super::conversations::{Directs, Rows, conversation};
use super::django::{ConversationRow, Django, Orphan};
use super::patiently;
use super::people::{Newcomer, newcomers};
use super::report::{Outcome, Report, Thing};
use crate::failure::{Failure, Result};
use crate::progress::Progress;

/// How many people are on their way at once.
const PEOPLE_AT_ONCE: usize = 4;
/// How many conversations are on their way at once.
const CONVERSATIONS_AT_ONCE: usize = 2;
/// How many are looked for at once.
const LOOKED_FOR_AT_ONCE: usize = 500;

/// What became of things of one sort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) imported: usize,
    pub(crate) before: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Outcomes {
    pub(crate) people: Count,
    pub(crate) conversations: Count,
    pub(crate) messages: Count,
    /// Conversations of two people that are groups, since the two have another one.
    pub(crate) second_conversations: usize,
    pub(crate) report: Report,
}

pub(crate) struct Takeover<'a> {
    pub(crate) store: &'a Store,
    pub(crate) django: &'a Django,
    /// Look at everything, and write nothing.
    pub(crate) dry_run: bool,
}

/// What the conversations are, found out before anything is written.
struct Survey {
    rows: Vec<ConversationRow>,
    directs: Directs,
    messages: usize,
    report: Report,
}

impl Takeover<'_> {
    pub(crate) async fn run(&self) -> Result<Outcomes> {
        let mut outcomes = Outcomes::default();
        let (mut here, newcomers) = self.tell_newcomers(&mut outcomes).await?;
        let expected = newcomers.len();
        let coming = newcomers.iter().map(|newcomer| newcomer.user.id);
        let mut survey = self.survey(&here.iter().copied().chain(coming).collect())?;
        let arrived = self.bring_people(newcomers, &mut outcomes).await?;
        here.extend(&arrived);
        if arrived.len() < expected {
            // Somebody registered with one of these addresses just now.
            survey = self.survey(&here)?;
        }
        self.bring_conversations(survey, &here, &mut outcomes).await?;
        Ok(outcomes)
    }

    /// Who is here, and who is to come.
    async fn tell_newcomers(&self, outcomes: &mut Outcomes) -> Result<(HashSet<UserId>, Vec<Newcomer>)> {
        let all = newcomers(self.django.people()?, &mut outcomes.report);
        let mut here = HashSet::new();
        let ids: Vec<UserId> = all.iter().map(|newcomer| newcomer.user.id).collect();
        for ids in ids.chunks(LOOKED_FOR_AT_ONCE) {
            here.extend(self.store.people_there(ids).await.map_err(|error| failed("look for people", error))?);
        }
        let absent = all.into_iter().filter(|newcomer| !here.contains(&newcomer.user.id)).collect::<Vec<_>>();
        let looked_up = stream::iter(absent)
            .map(async |newcomer| {
                let account = self.store.account(&newcomer.user.email).await;
                account.map(|account| (newcomer, account.map(|account| account.user)))
            })
            .buffered(PEOPLE_AT_ONCE)
            .try_collect::<Vec<_>>()
            .await
            .map_err(|error| failed("look for people", error))?;
        let mut newcomers = Vec::new();
        for (newcomer, owner) in looked_up {
            match owner {
                None => newcomers.push(newcomer),
                // Another import, which runs beside this one, was faster.
                Some(owner) if owner == newcomer.user.id => drop(here.insert(owner)),
                Some(_) => skip_namesake(newcomer.user.id, &mut outcomes.report),
            }
        }
        outcomes.people.before = here.len();
        Ok((here, newcomers))
    }

    /// Returns who arrived.
    async fn bring_people(&self, newcomers: Vec<Newcomer>, outcomes: &mut Outcomes) -> Result<HashSet<UserId>> {
        if self.dry_run {
            outcomes.people.imported = newcomers.len();
            return Ok(newcomers.into_iter().map(|newcomer| newcomer.user.id).collect());
        }
        let progress = Progress::of("people", newcomers.len());
        let mut coming = stream::iter(newcomers)
            .map(async |Newcomer { user, created_at }| {
                let (id, email) = (user.id, user.email.clone());
                match patiently(|| self.store.create_user(user.clone(), None, created_at)).await {
                    Ok(_) => Ok((id, Some(true))),
                    Err(Error::EmailTaken) => {
                        let account = self.store.account(&email).await?;
                        Ok((id, account.is_some_and(|account| account.user == id).then_some(false)))
                    }
                    Err(error) => Err(error),
                }
            })
            .buffer_unordered(PEOPLE_AT_ONCE);
        let mut arrived = HashSet::new();
        while let Some(came) = coming.next().await {
            match came.map_err(|error| failed("import people", error))? {
                (id, None) => {
                    skip_namesake(id, &mut outcomes.report);
                    continue;
                }
                (id, Some(now)) => {
                    arrived.insert(id);
                    if now { outcomes.people.imported += 1 } else { outcomes.people.before += 1 }
                }
            }
            progress.add(1);
        }
        Ok(arrived)
    }

    /// Reads every conversation once, and keeps of it what the others depend on.
    fn survey(&self, here: &HashSet<UserId>) -> Result<Survey> {
        let (mut directs, mut messages, mut report) = (Directs::default(), 0, Report::default());
        let mut rows = Vec::new();
        for row in self.django.conversations()? {
            let Some(import) = self.load(&row, here, &mut report)? else { continue };
            directs.add(&import);
            messages += import.messages.len();
            rows.push(row);
        }
        for (orphan, id) in self.django.orphans()? {
            let thing = if orphan == Orphan::Message { Thing::Message } else { Thing::Participant };
            report.add(Outcome::Skipped, thing, id, "its conversation is not in the file");
        }
        Ok(Survey { rows, directs, messages, report })
    }

    fn load(
        &self,
        row: &ConversationRow,
        here: &HashSet<UserId>,
        report: &mut Report,
    ) -> Result<Option<ImportedConversation>> {
        let rows = Rows {
            conversation: row.clone(),
            participants: self.django.participants(row)?,
            messages: self.django.messages(row)?,
        };
        Ok(conversation(rows, here, report))
    }

    async fn bring_conversations(&self, survey: Survey, here: &HashSet<UserId>, outcomes: &mut Outcomes) -> Result<()> {
        outcomes.report.append(survey.report);
        let progress = Progress::of("messages", survey.messages);
        for rows in survey.rows.chunks(LOOKED_FOR_AT_ONCE) {
            let ids: Vec<ForeignId> = rows.iter().filter_map(|row| ForeignId::parse(&row.id).ok()).collect();
            let finished = self.store.imports_finished(&ids).await;
            let finished = finished.map_err(|error| failed("look for conversations", error))?;
            let mut coming = stream::iter(rows)
                .map(async |row| {
                    // Said already what there is to say about it.
                    let Some(mut import) = self.load(row, here, &mut Report::default())? else { return Ok(None) };
                    import.conversation.kind = survey.directs.kind(&import);
                    let (id, pair, messages) = (import.old_id, import.memberships.len() == 2, import.messages.len());
                    let imported = match finished.get(&id) {
                        Some(fingerprint) => Imported::Before { same: *fingerprint == import.fingerprint() },
                        None if self.dry_run => Imported::Now(import.conversation.kind),
                        None => self
                            .store
                            .import_conversation(import)
                            .await
                            .map_err(|error| failed(&format!("import the conversation {id}"), error))?,
                    };
                    Ok(Some((id, pair, messages, imported)))
                })
                .buffer_unordered(CONVERSATIONS_AT_ONCE);
            while let Some(came) = coming.next().await {
                let Some((id, pair, messages, imported)) = came? else { continue };
                outcomes.count(id, pair, messages, imported);
                progress.add(messages);
            }
        }
        Ok(())
    }
}

impl Outcomes {
    fn count(&mut self, id: ForeignId, pair: bool, messages: usize, imported: Imported) {
        match imported {
            Imported::Now(kind) => {
                self.conversations.imported += 1;
                self.messages.imported += messages;
                let second = pair && kind == Kind::Group;
                self.second_conversations += usize::from(second);
            }
            Imported::Before { same } => {
                self.conversations.before += 1;
                self.messages.before += messages;
                if !same {
                    let reason = "it was imported before, and has changed in the old app since";
                    self.report.add(Outcome::Differs, Thing::Conversation, id, reason);
                }
            }
        }
    }
}

fn skip_namesake(id: UserId, report: &mut Report) {
    report.add(Outcome::Skipped, Thing::Person, id, "somebody else here has this e-mail address");
}

fn failed(what: &str, error: Error) -> Failure {
    Failure::new(format!("cannot {what}: {error} (run the same again: it goes on where this stopped)"))
}
