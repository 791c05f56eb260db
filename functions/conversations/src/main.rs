fn main() -> Result<(), shared::http::Fatal> {
    shared::http::serve("conversations", conversations::routes())
}
