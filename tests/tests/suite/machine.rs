//! What cannot be seen from outside: dead writers, races at their closest, prices.

mod budgets;
mod callers;
mod faults;
mod log;
mod not_there;
mod privileges;
mod sessions;
