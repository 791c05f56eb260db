//! The people and conversations of a run, made through the front door.

use futures::{StreamExt, TryStreamExt};
use serde_json::{Value, json};

use super::plan::Dimensions;
use crate::api::{Api, Call, Newcomer, SignedIn, text};
use crate::failure::Result;

/// Registering hashes a password: more at once would only wait for a processor.
const AT_ONCE: usize = 4;

pub(crate) struct Crowd {
    pub(crate) people: Vec<Member>,
    pub(crate) conversations: Vec<String>,
    pub(crate) dimensions: Dimensions,
}

pub(crate) struct Member {
    pub(crate) email: String,
    pub(crate) password: String,
    pub(crate) session: SignedIn,
}

impl Crowd {
    /// Makes people who are found nowhere else, `run` in their addresses. Where nobody may register themselves, `admin`
    /// registers them.
    pub(crate) async fn gather(
        api: &Api,
        run: &str,
        dimensions: Dimensions,
        admin: Option<&SignedIn>,
        made: impl Fn(),
    ) -> Result<Self> {
        let people = (0..dimensions.people).map(async |index| {
            let member = Member::join(api, run, index, admin).await;
            made();
            member
        });
        let people: Vec<_> = futures::stream::iter(people).buffered(AT_ONCE).try_collect().await?;
        let conversations = (0..dimensions.conversations).map(async |conversation| {
            let ids: Vec<_> = dimensions.participants(conversation).map(|index| &people[index].session.id).collect();
            let title = (ids.len() > 2).then(|| format!("Load {run} {conversation}"));
            let body = json!({ "participant_ids": ids[1..], "title": title });
            let caller = &people[conversation % people.len()].session;
            let started = api.expect(Some(caller), &Call::post("/api/conversations/", &body)).await?;
            text(&started, "/conversation_id")
        });
        let conversations = futures::stream::iter(conversations).buffered(AT_ONCE).try_collect().await?;
        Ok(Self { people, conversations, dimensions })
    }
}

impl Member {
    async fn join(api: &Api, run: &str, index: usize, admin: Option<&SignedIn>) -> Result<Self> {
        let (email, password) = (format!("load-{run}-{index}@example.com"), uuid::Uuid::new_v4().to_string());
        let newcomer = Newcomer { email: &email, first_name: "Load", last_name: run, password: &password };
        let session = match admin {
            None => api.register(&newcomer).await?,
            Some(admin) => {
                let body: Value = newcomer.to_json();
                api.expect(Some(admin), &Call::post("/api/users/", &body)).await?;
                api.log_in(&email, &password).await?
            }
        };
        Ok(Self { email, password, session })
    }
}
