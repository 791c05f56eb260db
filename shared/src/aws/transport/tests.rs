//! What DynamoDB may do to a connection, done by servers of the tests' own.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use axum::http::Request;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::*;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("localhost:{}", listener.local_addr().expect("an address").port());
    (listener, address)
}

/// Reads up to the end of a request of these tests, if there is another one; its head.
fn next_request(stream: &mut impl Read) -> Option<String> {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\nhello") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        request.push(byte[0]);
    }
    String::from_utf8(request).ok()
}

async fn exchange(transport: &Transport, address: &str) -> Result<HttpResponse, ConnectorError> {
    let request = Request::post(address).body(SdkBody::from("hello")).expect("a request");
    transport.exchange(request.try_into().expect("a request")).await
}

async fn is_answered(transport: &Transport, address: &str) {
    let answer = exchange(transport, address).await.expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.body().bytes()), (200, Some(&b"{}"[..])));
}

#[tokio::test]
async fn a_connection_serves_one_request_after_the_other() {
    let (listener, address) = listener();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        for _ in 0..3 {
            let request = next_request(&mut stream).expect("a request");
            assert!(request.starts_with("POST /path HTTP/1.1\r\n"), "{request}");
            assert!(request.contains("host: localhost:"), "{request}");
            stream.write_all(ANSWER).expect("written");
        }
    });
    let transport = Transport::new();
    for _ in 0..3 {
        is_answered(&transport, &format!("http://{address}/path")).await;
    }
    server.join().expect("one connection and three requests");
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_replaced() {
    let (listener, address) = listener();
    let (closed, has_closed) = std::sync::mpsc::channel();
    let server = thread::spawn(move || {
        for _ in 0..3 {
            let (mut stream, _) = listener.accept().expect("a connection");
            next_request(&mut stream).expect("a request");
            stream.write_all(ANSWER).expect("written");
            drop(stream);
            closed.send(()).expect("somebody waits");
        }
    });
    let transport = Transport::new();
    for _ in 0..3 {
        is_answered(&transport, &format!("http://{address}/")).await;
        has_closed.recv().expect("closed");
        // Lets the runtime see it.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    server.join().expect("three connections");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_a_failure_that_the_sdk_repeats() {
    let (listener, address) = listener();
    let server = thread::spawn(move || {
        for answer in [&b""[..], &ANSWER[..10], &ANSWER[..ANSWER.len() - 1]] {
            let (mut stream, _) = listener.accept().expect("a connection");
            next_request(&mut stream).expect("a request");
            stream.write_all(answer).expect("written");
        }
    });
    let transport = Transport::new();
    for _ in 0..3 {
        let failure = exchange(&transport, &format!("http://{address}/")).await.expect_err("no answer");
        assert!(failure.is_io(), "{failure:?}");
    }
    server.join().expect("three connections");
}

#[tokio::test]
async fn where_nobody_listens_is_a_failure_that_the_sdk_repeats() {
    let (listener, address) = listener();
    drop(listener);
    let failure = exchange(&Transport::new(), &format!("http://{address}/")).await.expect_err("nobody");
    assert!(failure.is_io(), "{failure:?}");
}

/// A server of HTTPS with a certificate of its own, and who would have to be trusted for it.
fn server_with_certificate(listener: TcpListener) -> rustls::RootCertStore {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let certificate = made.cert.der().clone();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key.into())
        .expect("a key and its certificate");
    let config = Arc::new(config);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(config.clone()).expect("a configuration");
            serve_within(StreamOwned::new(connection, stream.expect("a connection")));
        }
    });
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).expect("a certificate");
    roots
}

fn serve_within(mut stream: StreamOwned<ServerConnection, TcpStream>) {
    while next_request(&mut stream).is_some() {
        stream.write_all(ANSWER).expect("written");
    }
}

#[tokio::test]
async fn a_trusted_server_is_asked_within_tls() {
    let (listener, address) = listener();
    let roots = server_with_certificate(listener);
    let transport = Transport::trusting(roots);
    for _ in 0..2 {
        is_answered(&transport, &format!("https://{address}/")).await;
    }
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_is_asked_nothing() {
    let (listener, address) = listener();
    server_with_certificate(listener);
    let failure = exchange(&Transport::new(), &format!("https://{address}/")).await.expect_err("unknown");
    assert!(format!("{failure:?}").contains("UnknownIssuer"), "{failure:?}");
}
