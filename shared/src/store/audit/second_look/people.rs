//! People, their accounts and sessions, and who is named.

use super::{Findings, Look, violation, violation_if};
use crate::domain::Error;
use crate::domain::id::UserId;
use crate::domain::user::{Email, User};
use crate::store::audit::thing::Thing;
use crate::store::calls::Consistency;
use crate::store::item::Reader;
use crate::store::keys::Key;

impl Look<'_> {
    /// Person, account and list of admins change in one transaction; the address never does.
    pub(super) async fn person(&self, user: UserId) -> Result<Findings, Error> {
        let (Some(found), admins) = (self.user(user).await?, Key::admins()) else { return Ok(Vec::new()) };
        let (profile, guard) = (Key::user(user), Key::email(&found.email));
        let Some([person, account, listed]) = self.together([&profile, &guard, &admins]).await? else {
            return Ok(Vec::new());
        };
        let Some(Thing::Person(person)) = person else { return Ok(Vec::new()) };
        let both = [&profile, &guard];
        let mut findings = match account {
            Some(Thing::Account(account)) if account.user != user => {
                violation("a person's address is somebody else's account", both)
            }
            Some(Thing::Account(account)) => violation_if(
                account.active != person.active,
                "a person and their account disagree about whether they may come in",
                both,
            ),
            _ => violation("a person has no account", both),
        };
        let is_listed = matches!(listed, Some(Thing::Admins(admins)) if admins.contains(&user));
        let sentence = match (person.is_active_admin(), is_listed) {
            (true, false) => "an active admin is not in the list of admins (`cargo dev migrate` completes it)",
            (false, true) => "somebody who is no active admin is in the list of admins",
            _ => return Ok(findings),
        };
        findings.extend(violation(sentence, [&profile, &admins]));
        Ok(findings)
    }

    pub(super) async fn account(&self, email: &Email) -> Result<Findings, Error> {
        let guard = Key::email(email);
        let found = self.store.get(guard.clone(), Consistency::Strong).await?;
        let Some(user) = found.and_then(|item| Reader(&item).user_id("user").ok()) else { return Ok(Vec::new()) };
        let profile = Key::user(user);
        let Some([Some(Thing::Account(_)), Some(Thing::Person(person))]) = self.together([&guard, &profile]).await?
        else {
            // An account of nobody is told as such.
            return Ok(Vec::new());
        };
        let sentence = "an account is of an address that its person does not have";
        Ok(violation_if(person.email != *email, sentence, [&guard, &profile]))
    }

    /// What bars somebody ends their sessions in the same transaction.
    pub(super) async fn sessions(&self, user: UserId) -> Result<Findings, Error> {
        let (profile, mut findings) = (Key::user(user), Vec::new());
        for session in self.store.session_keys(user).await? {
            if let Some([Some(Thing::Person(person)), Some(Thing::Session(found))]) =
                self.together([&profile, &session]).await?
            {
                let wrong = !person.active && !found.has_expired(self.at);
                let sentence = "somebody who may not come in has a session";
                findings.extend(violation_if(wrong, sentence, [&profile, &session]));
            }
        }
        Ok(findings)
    }

    /// A session comes with the count of its login: whatever sessions there are, the count that is read after them has
    /// them in it.
    pub(super) async fn logins(&self, user: UserId) -> Result<Findings, Error> {
        let Some(person) = self.user(user).await? else { return Ok(Vec::new()) };
        let sessions = self.store.session_keys(user).await?.len() as u64;
        let guard = Key::email(&person.email);
        let Some([Some(Thing::Account(account))]) = self.together([&guard]).await? else { return Ok(Vec::new()) };
        let wrong = account.user == user && sessions > account.logins;
        Ok(violation_if(
            wrong,
            "somebody has more sessions than their account counts logins",
            [&Key::user(user), &guard],
        ))
    }

    /// People come before whatever names them, and stay.
    pub(super) async fn nobody(&self, user: UserId, by: &Key) -> Result<Findings, Error> {
        let profile = Key::user(user);
        let [person, naming] = &self.store.snapshot(&[profile.clone(), by.clone()]).await?[..] else {
            return Err(Error::Internal("two keys have two places in a snapshot".to_owned()));
        };
        Ok(violation_if(
            person.is_none() && naming.is_some(),
            "an item names a person who is not there",
            [by, &profile],
        ))
    }

    async fn user(&self, user: UserId) -> Result<Option<User>, Error> {
        let found = self.store.get(Key::user(user), Consistency::Strong).await?;
        Ok(found.and_then(|item| User::try_from(Reader(&item)).ok()))
    }
}
