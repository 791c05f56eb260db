//! What cannot be seen from outside: dead writers, races at their closest, prices.

mod budgets;
mod changes;
mod faults;
mod fuzzing;
mod groups;
mod log;
mod logins;
mod management;
mod migration;
mod old_ids;
mod privileges;
mod removal;
mod sessions;
mod timeline;
