fn main() -> Result<(), shared::http::Fatal> {
    shared::http::serve("root", root::routes())
}
