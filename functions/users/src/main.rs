fn main() -> Result<(), shared::http::Fatal> {
    shared::http::serve("users", users::routes())
}
