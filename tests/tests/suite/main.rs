//! The suite: stories through the front door, with sentences for names. Modules named `machine` need more than an
//! address: the database behind it.

mod accounts;
mod agreement;
mod bad_requests;
mod changes;
mod conversations;
mod django_defects;
mod forms;
mod groups;
mod inbox;
mod machine;
mod messages;
mod pages;
mod people;
mod rules;
mod sessions;
mod sockets;
