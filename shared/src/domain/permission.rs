//! Who may do what, in one place: pure functions over what was loaded. Whoever gets this far may see the thing;
//! what may not be seen was never loaded.

use super::id::UserId;
use super::message::Message;
use super::user::{Role, User};

/// Only its sender, whatever the role.
pub fn may_edit_message(caller: UserId, message: &Message) -> bool {
    message.sender == caller
}

/// Its sender, and admins who take part.
pub fn may_delete_message(caller: &User, message: &Message) -> bool {
    message.sender == caller.id || caller.role == Role::Admin
}

/// Inactive people are there for admins only.
pub fn may_see_person(caller: &User, person: &User) -> bool {
    person.active || caller.role == Role::Admin
}

/// Making people, giving them roles, barring them: for admins.
pub fn may_manage_people(caller: &User) -> bool {
    caller.role == Role::Admin
}

/// Telephone numbers are for oneself and admins.
pub fn may_see_phone_number(caller: &User, of: UserId) -> bool {
    caller.id == of || caller.role == Role::Admin
}
