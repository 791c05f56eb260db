fn main() -> Result<(), shared::http::Fatal> {
    shared::http::serve("messages", messages::routes())
}
