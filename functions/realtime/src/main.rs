use realtime::Realtime;

fn main() -> Result<(), shared::http::Fatal> {
    shared::sockets::serve_events("realtime", Realtime::from_env)
}
