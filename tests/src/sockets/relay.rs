//! The network between a client and its server, which can go away in the ways in which networks do: all at once, or
//! without either end being told, or by getting slow.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle};

/// Small, so that little is on its way while nothing is passed on.
const BUFFER: u32 = 4096;

/// What a network does with what it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Traffic {
    Flows,
    /// Nothing arrives, and nobody is told.
    Stands,
    /// Nobody is let in.
    Closed,
}

/// A way to a server. It ends with this.
pub struct Relay {
    address: String,
    traffic: watch::Sender<Traffic>,
    open: Arc<Mutex<Vec<AbortHandle>>>,
    listening: JoinHandle<()>,
}

impl Relay {
    /// A way to the server at `ws://host:port…`.
    pub async fn to(url: &str) -> Self {
        let (scheme, rest) = url.split_once("://").expect("an address");
        let (server, path) =
            rest.split_once('/').map_or((rest, String::new()), |(host, path)| (host, format!("/{path}")));
        let server = tokio::net::lookup_host(server).await.expect("a known host").next().expect("an address");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = format!("{scheme}://{}{path}", listener.local_addr().expect("a bound port"));
        let (traffic, seen) = watch::channel(Traffic::Flows);
        let open: Arc<Mutex<Vec<AbortHandle>>> = Arc::default();
        let opened = open.clone();
        let listening = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let way = TcpSocket::new_v4().expect("a socket");
                way.set_recv_buffer_size(BUFFER).expect("a size");
                let seen = seen.clone();
                if *seen.borrow() == Traffic::Closed {
                    continue;
                }
                let task = tokio::spawn(async move {
                    let Ok(server) = way.connect(server).await else { return };
                    pass_on(client, server, seen).await;
                });
                opened.lock().unwrap_or_else(PoisonError::into_inner).push(task.abort_handle());
            }
        });
        Self { address, traffic, open, listening }
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// All connections are gone, without a close frame.
    pub fn cut(&self) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).drain(..).for_each(|way| way.abort());
    }

    /// Nothing arrives any more, and neither end is told; new connections are taken, and get no further.
    pub fn hold(&self) {
        self.traffic.send_replace(Traffic::Stands);
    }

    /// All connections are gone, and new ones are refused.
    pub fn close(&self) {
        self.traffic.send_replace(Traffic::Closed);
        self.cut();
    }

    /// All goes on.
    pub fn release(&self) {
        self.traffic.send_replace(Traffic::Flows);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.listening.abort();
        self.cut();
    }
}

async fn pass_on(client: TcpStream, server: TcpStream, traffic: watch::Receiver<Traffic>) {
    drop((client.set_nodelay(true), server.set_nodelay(true)));
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    tokio::select! {
        () = flow(from_client, to_server, traffic.clone()) => {}
        () = flow(from_server, to_client, traffic.clone()) => {}
    }
}

async fn flow(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut traffic: watch::Receiver<Traffic>,
) {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        if traffic.wait_for(|traffic| *traffic == Traffic::Flows).await.is_err() {
            return;
        }
        match from.read(&mut bytes).await {
            Ok(0) | Err(_) => return,
            Ok(read) => {
                // What was read just when the way was closed stays on it.
                if traffic.wait_for(|traffic| *traffic == Traffic::Flows).await.is_err()
                    || to.write_all(&bytes[..read]).await.is_err()
                {
                    return;
                }
            }
        }
    }
}
