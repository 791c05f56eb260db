//! What can be asked of the tool: one command, one file.

pub(crate) mod bench;
pub(crate) mod change_password;
pub(crate) mod check;
pub(crate) mod cost;
pub(crate) mod create_superuser;
pub(crate) mod deny;
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod lint_template;
pub(crate) mod load;
pub(crate) mod migrate;
pub(crate) mod package;
pub(crate) mod routes;
pub(crate) mod schema;
pub(crate) mod tail;
pub(crate) mod test;
pub(crate) mod up;
