//! Sockets turned into calls of services, and answers into bytes.
//!
//! The modules are in the order in which a connection, and then a request on it, passes them.

pub(crate) mod address;
pub(crate) mod descriptors;

pub(crate) mod admission;

pub(crate) mod accept;

pub(crate) mod connection;
pub(crate) mod connection_policy;
pub(crate) mod farewell;
pub(crate) mod greeting;
pub(crate) mod tls;

pub(crate) mod extras;
pub(crate) mod routes;

pub(crate) mod rejection;

pub(crate) mod arriving;
pub(crate) mod intake;

pub(crate) mod compression;
pub(crate) mod delivery;
pub(crate) mod open_request;
