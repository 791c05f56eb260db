//! Who may do what, in one place: pure functions over what was loaded. Whoever gets this far may see the thing;
//! what may not be seen was never loaded.

use super::conversation::Conversation;
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

/// Its creator, and hosts and admins who take part, as everybody does who gets to see it.
pub fn may_add(caller: &User, conversation: &Conversation) -> bool {
    conversation.created_by == caller.id || is_host_or_admin(caller)
}

/// Its creator, and hosts and admins who take part.
pub fn may_remove(caller: &User, conversation: &Conversation) -> bool {
    conversation.created_by == caller.id || is_host_or_admin(caller)
}

/// Its creator, and hosts and admins who take part.
pub fn may_rename(caller: &User, conversation: &Conversation) -> bool {
    conversation.created_by == caller.id || is_host_or_admin(caller)
}

/// Its creator, and admins who take part.
pub fn may_delete_conversation(caller: &User, conversation: &Conversation) -> bool {
    conversation.created_by == caller.id || caller.role == Role::Admin
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

fn is_host_or_admin(user: &User) -> bool {
    matches!(user.role, Role::Host | Role::Admin)
}

#[cfg(test)]
mod tests {
    use super::super::Timestamp;
    use super::super::conversation::Kind;
    use super::super::id::{ConversationId, Number};
    use super::super::user::{Email, PersonName};
    use super::*;

    type Rule = fn(&User, &Conversation) -> bool;

    fn person(role: Role) -> User {
        let name = PersonName::parse("Ada").expect("a name");
        User {
            id: UserId::unique(),
            first_name: name.clone(),
            last_name: name,
            email: Email::parse("ada@example.com").expect("an address"),
            phone_number: None,
            role,
            active: true,
            created_at: now(),
        }
    }

    fn now() -> Timestamp {
        Timestamp::parse("2026-01-01T12:00:00Z").expect("an instant")
    }

    fn group_of(creator: &User, others: &[&User]) -> Conversation {
        Conversation {
            id: ConversationId::unique(),
            kind: Kind::Group,
            participants: others.iter().chain(&[creator]).map(|user| user.id).collect(),
            title: None,
            created_by: creator.id,
            created_at: now(),
            messages: Number::ZERO,
            hidden: 0,
            last_activity: now(),
            changes: Number::ZERO,
            changed_at: now(),
        }
    }

    #[test]
    fn a_creator_may_do_everything_with_a_group_whatever_the_role() {
        for role in [Role::Guest, Role::Host, Role::Admin] {
            let creator = person(role);
            let group = group_of(&creator, &[&person(Role::Guest)]);
            for rule in [may_add, may_remove, may_rename, may_delete_conversation] {
                assert!(rule(&creator, &group), "{role:?}");
            }
        }
    }

    #[test]
    fn others_may_do_what_their_role_allows() {
        let rules: [(Rule, [bool; 3]); 4] = [
            (may_add, [false, true, true]),
            (may_remove, [false, true, true]),
            (may_rename, [false, true, true]),
            (may_delete_conversation, [false, false, true]),
        ];
        for (rule, expected) in rules {
            let allowed = [Role::Guest, Role::Host, Role::Admin].map(|role| {
                let (creator, other) = (person(Role::Guest), person(role));
                rule(&other, &group_of(&creator, &[&other]))
            });
            assert_eq!(allowed, expected);
        }
    }
}
