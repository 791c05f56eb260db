//! The list of active admins: one item, which every change of who is one writes in its own transaction. So the last of
//! them stays, however many are demoted at once.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};

use crate::domain::Error;
use crate::domain::id::UserId;
use crate::domain::user::{Role, User, UserChange};
use crate::store::Store;
use crate::store::calls::{Consistency, Failure};
use crate::store::item::{Reader, bytes, integer, participant_set, text};
use crate::store::keys::{GSI1, GSI1PK, Key, USERS};

impl Store {
    /// For [`Store::transact`]: what a change of a person does to the list of active admins, if anything.
    pub(super) fn changing_admins(&self, before: &User, after: &User) -> Option<TransactWriteItem> {
        match (before.is_active_admin(), after.is_active_admin()) {
            (false, true) => Some(self.adding_admin(after.id)),
            (true, false) => Some(self.removing_admin(before.id)),
            _ => None,
        }
    }

    /// For [`Store::transact`]: makes the list, too, where it is missing.
    pub(super) fn adding_admin(&self, admin: UserId) -> TransactWriteItem {
        let Key { pk, sk } = Key::admins();
        let update = Update::builder()
            .table_name(&self.table_name)
            .key(crate::store::keys::PK, text(pk))
            .key(crate::store::keys::SK, text(sk))
            .update_expression("ADD admins :admin")
            .expression_attribute_values(":admin", participant_set([&admin]))
            .build()
            .expect("table, key and expression are set");
        TransactWriteItem::builder().update(update).build()
    }

    /// On condition that somebody else is in the list; where it is missing, nobody is.
    fn removing_admin(&self, admin: UserId) -> TransactWriteItem {
        self.updating(
            Key::admins(),
            "DELETE admins :admin",
            "attribute_exists(admins) AND (size(admins) > :one OR NOT contains(admins, :id))",
            [(":admin", participant_set([&admin])), (":id", bytes(admin.as_bytes())), (":one", integer(1))],
        )
    }

    /// Puts every active admin into the list that it lacks, as it does in tables that are older than the list; whether
    /// there were any. Reads everybody: for operators.
    pub(in crate::store) async fn complete_admins(&self) -> Result<bool, Error> {
        let list = self.get(Key::admins(), Consistency::Strong).await?;
        let listed = list.map(|item| Reader(&item).user_set("admins")).transpose()?.unwrap_or_default();
        let query = self
            .query(Consistency::Eventual)
            .index_name(GSI1)
            .key_condition_expression(format!("{GSI1PK} = :users"))
            .filter_expression("#role = :admin AND active = :true")
            .expression_attribute_names("#role", "role")
            .expression_attribute_values(":users", text(USERS))
            .expression_attribute_values(":admin", text(Role::Admin.as_str()))
            .expression_attribute_values(":true", AttributeValue::Bool(true));
        let admins = self.all_rows(query).await?;
        let admins = admins.iter().map(|item| User::try_from(Reader(item))).collect::<Result<Vec<_>, Error>>()?;
        let mut added = false;
        for admin in admins.iter().filter(|admin| !listed.contains(&admin.id)) {
            let still_one = self.rewriting(admin, &UserChange { active: Some(true), ..UserChange::default() });
            match self.transact(vec![still_one, self.adding_admin(admin.id)]).await {
                Ok(()) => added = true,
                // Whoever changed this person meanwhile has seen to the list.
                Err(Failure::Cancelled(_)) => {}
                Err(failure) => return Err(failure.into()),
            }
        }
        Ok(added)
    }
}
