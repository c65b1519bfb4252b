//! Starts: a server that is not ready has no connections.

use std::{
    io::ErrorKind,
    net::{SocketAddr, TcpListener, TcpStream},
};

use crate::{
    Address, Server, ServerError, Settings,
    tests::fixture::{bundle, settings},
    transport::address::Listener,
};

fn bound() -> (Listener, SocketAddr) {
    let listener = Listener::bind("127.0.0.1:0").unwrap();
    let Ok(Address::Tcp(address)) = listener.address() else {
        panic!("not a TCP address");
    };
    (listener, address)
}

#[test]
fn callers_are_refused_until_the_server_listens() {
    let (listener, address) = bound();
    let refused = TcpStream::connect(address).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    listener.listen().unwrap();
    TcpStream::connect(address).unwrap();
}

#[test]
fn of_two_servers_that_start_one_listens() {
    let (listener, address) = bound();
    let _other = TcpListener::bind(address).unwrap();
    assert_eq!(listener.listen().unwrap_err().kind(), ErrorKind::AddrInUse);
}

#[test]
fn an_address_of_another_server_is_not_taken() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let fault = Server::start(
        bundle("gold-card"),
        Settings {
            address: other.local_addr().unwrap().to_string(),
            ..settings()
        },
    );
    assert!(matches!(fault, Err(ServerError::Bind { .. })));
}
