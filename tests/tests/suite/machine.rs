//! What cannot be seen from outside: dead writers, races at their closest, prices.

mod budgets;
mod log;
mod sessions;
