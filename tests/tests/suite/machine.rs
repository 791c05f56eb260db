//! What cannot be seen from outside: dead writers, races at their closest, prices.

mod audit;
mod bad_requests;
mod budgets;
mod callers;
mod changes;
mod changes_everywhere;
mod django_defects;
mod faults;
mod fuzzing;
mod groups;
mod histories;
mod live;
mod load;
mod log;
mod logins;
mod management;
mod migration;
mod not_there;
mod observability;
mod old_ids;
mod privileges;
mod removal;
mod runtime_api;
mod sessions;
mod timeline;
