//! What cannot be seen from outside: dead writers, races at their closest, prices.

mod budgets;
mod changes;
mod faults;
mod log;
mod privileges;
mod sessions;
mod timeline;
