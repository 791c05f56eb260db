//! Path parameters, parsed into ids.

use axum::RequestPartsExt as _;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use super::app::App;
use super::problem::Problem;
use crate::domain::Resource;
use crate::domain::id::{ConversationId, IdError, MessageId, MessageName, SessionId, UserId};
use crate::domain::session::Caller;

/// A path's parameter as an id of its kind.
pub struct PathId<T>(pub T);

impl<T: FromPath, S: Sync> FromRequestParts<S> for PathId<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        named::<T>(parts).await?.map(Self).ok_or_else(Problem::nothing_here)
    }
}

/// The message of a path that may also name its conversation: then it must be that one's.
pub struct MessagePath(pub MessageId);

impl FromRequestParts<App> for MessagePath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let PathId(name) = PathId::<MessageName>::from_request_parts(parts, app).await?;
        let conversation = named::<ConversationId>(parts).await?;
        let belongs = |message: MessageId| conversation.is_none_or(|conversation| conversation == message.conversation);
        match name {
            MessageName::Native(message) if belongs(message) => Ok(Self(message)),
            MessageName::Native(_) => Err(Problem::not_found(Resource::Message)),
            MessageName::Foreign(old) => {
                let caller = Caller::from_request_parts(parts, app).await?;
                let message = app.store.message_imported_as(&caller, old).await?;
                // What it leads to is not told by a refusal at this point: another conversation's is looked for in vain.
                Ok(Self(if belongs(message) { message } else { old.no_message() }))
            }
        }
    }
}

/// The parameter of a path that has one of that kind.
async fn named<T: FromPath>(parts: &mut Parts) -> Result<Option<T>, Problem> {
    let Path(parameters) = parts.extract::<Path<Vec<(String, String)>>>().await.map_err(|_| Problem::nothing_here())?;
    let value = parameters.iter().find(|(name, _)| name == T::PARAMETER).map(|(_, value)| T::parse(value));
    value.transpose().map_err(|_| Problem::nothing_here())
}

/// An id that stands in paths.
pub trait FromPath: Sized {
    const PARAMETER: &'static str;
    fn parse(text: &str) -> Result<Self, IdError>;
}

macro_rules! path_ids {
    ($($id:ident from $parameter:literal),+ $(,)?) => {
        $(impl FromPath for $id {
            const PARAMETER: &'static str = $parameter;
            fn parse(text: &str) -> Result<Self, IdError> {
                Self::parse(text)
            }
        })+
    };
}

path_ids! {
    ConversationId from "conversation_id",
    MessageName from "message_id",
    UserId from "user_id",
    SessionId from "session_id",
}
