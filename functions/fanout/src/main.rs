use fanout::Fanout;

fn main() -> Result<(), shared::http::Fatal> {
    shared::sockets::serve_events("fanout", Fanout::from_env)
}
