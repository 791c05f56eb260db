fn main() -> Result<(), shared::http::Fatal> {
    shared::http::serve("auth", auth::routes())
}
