//! Changing people: one's own names and number, and for admins what they may do and whether they may come in.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};

use crate::domain::id::UserId;
use crate::domain::session::Caller;
use crate::domain::user::{Email, PersonName, PhoneNumber, Role, User, UserChange};
use crate::domain::{Error, Resource, permission};
use crate::store::Store;
use crate::store::attempts::pause;
use crate::store::calls::Failure;
use crate::store::item::{integer, text};
use crate::store::keys::{Key, PK, SK};

const LAST_ADMIN: &str = "The last active admin can be neither demoted nor deactivated.";

impl Store {
    /// The caller, if they may manage people.
    pub async fn manager(&self, caller: &Caller) -> Result<User, Error> {
        let me = self.me(caller).await?;
        if permission::may_manage_people(&me) { Ok(me) } else { Err(Error::Forbidden) }
    }

    /// A person whom the caller may manage, and the caller.
    pub async fn managed(&self, caller: &Caller, id: UserId) -> Result<(User, User), Error> {
        let (person, me) = self.person(caller, id).await?;
        if permission::may_manage_people(&me) { Ok((person, me)) } else { Err(Error::Forbidden) }
    }

    pub async fn change_me(&self, caller: &Caller, change: &UserChange) -> Result<User, Error> {
        let me = self.me(caller).await?;
        self.change_user(me, change).await
    }

    /// Changes a person whom the caller may manage; returns them and the caller.
    pub async fn change_person(&self, caller: &Caller, id: UserId, change: &UserChange) -> Result<(User, User), Error> {
        let (person, me) = self.managed(caller, id).await?;
        Ok((self.change_user(person, change).await?, me))
    }

    /// Bars a person from signing in and ends every session, at once.
    pub async fn deactivate(&self, email: &Email) -> Result<(), Error> {
        let account = self.account(email).await?.ok_or(Error::NotFound(Resource::User))?;
        let user = self.user(account.user).await?;
        self.change_user(user, &UserChange::DEACTIVATION).await.map(drop)
    }

    /// Person, guard, sessions and the list of admins change in one transaction, on condition that what the person may
    /// do is as it was read.
    async fn change_user(&self, mut user: User, change: &UserChange) -> Result<User, Error> {
        let mut attempt = 0;
        loop {
            let changed = change.applied_to(&user);
            if changed == user {
                return Ok(user);
            }
            let mut actions = vec![self.rewriting(&user, change)];
            let admins_action = actions.len();
            actions.extend(self.changing_admins(&user, &changed));
            if changed.active != user.active {
                actions.extend(self.opening_or_closing(&changed).await?);
            }
            let blocked = match self.transact(actions).await {
                Ok(()) => return Ok(changed),
                Err(Failure::Cancelled(blocked)) => blocked,
                Err(failure) => return Err(failure.into()),
            };
            pause(&mut attempt).await?;
            let standing = self.user(user.id).await?;
            // Had the person moved, the list of admins might refuse for that alone, or for a repeat of this very write.
            let leaves_admins = user.is_active_admin() && !changed.is_active_admin() && standing.is_active_admin();
            if leaves_admins && blocked.get(admins_action).is_some_and(Option::is_some) {
                return Err(Error::refused(LAST_ADMIN));
            }
            user = standing;
        }
    }

    /// The guard lets in whoever is active; whoever is not has no session.
    async fn opening_or_closing(&self, changed: &User) -> Result<Vec<TransactWriteItem>, Error> {
        let account = self.account(&changed.email).await?;
        let account = account.ok_or_else(|| Error::Internal(format!("user {} has no account", changed.id)))?;
        // The guard was read before the sessions are: a session that this query misses has moved the guard.
        let ending = if changed.active { Vec::new() } else { self.ending_sessions(changed.id, None).await? };
        let guard = self.updating(
            Key::email(&account.email),
            "SET active = :active",
            "logins = :seen",
            [(":seen", integer(account.logins)), (":active", AttributeValue::Bool(changed.active))],
        );
        Ok([vec![guard], ending].concat())
    }

    /// For [`Store::transact`]: sets what is to change and nothing else, on condition that role and activity are as
    /// they were read.
    pub(super) fn rewriting(&self, read: &User, change: &UserChange) -> TransactWriteItem {
        let (set, removed) = attributes_of(change);
        let mut expression = String::new();
        if !set.is_empty() {
            let assignments: Vec<String> = set.iter().map(|(name, _)| format!("#{name} = :{name}")).collect();
            expression = format!("SET {}", assignments.join(", "));
        }
        if let Some(name) = removed {
            expression.push_str(&format!(" REMOVE #{name}"));
        }
        let names = set.iter().map(|(name, _)| *name).chain(removed).chain(["role", "active"]);
        let names: HashMap<String, String> = names.map(|name| (format!("#{name}"), name.to_owned())).collect();
        let Key { pk, sk } = Key::user(read.id);
        let update = Update::builder()
            .table_name(&self.table_name)
            .key(PK, text(pk))
            .key(SK, text(sk))
            .update_expression(expression)
            .condition_expression("#role = :read_role AND #active = :read_active")
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(
                set.into_iter().map(|(name, value)| (format!(":{name}"), value)).collect(),
            ))
            .expression_attribute_values(":read_role", text(read.role.as_str()))
            .expression_attribute_values(":read_active", AttributeValue::Bool(read.active))
            .build()
            .expect("table, key and expression are set");
        TransactWriteItem::builder().update(update).build()
    }
}

/// The attributes that a change sets, and the one that it removes.
fn attributes_of(change: &UserChange) -> (Vec<(&'static str, AttributeValue)>, Option<&'static str>) {
    let phone_number = change.phone_number.as_ref();
    let set = [
        ("first_name", change.first_name.as_ref().map(PersonName::as_str).map(text)),
        ("last_name", change.last_name.as_ref().map(PersonName::as_str).map(text)),
        ("phone_number", phone_number.and_then(Option::as_ref).map(PhoneNumber::as_str).map(text)),
        ("role", change.role.map(Role::as_str).map(text)),
        ("active", change.active.map(AttributeValue::Bool)),
    ];
    let set = set.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    (set, phone_number.is_some_and(Option::is_none).then_some("phone_number"))
}
