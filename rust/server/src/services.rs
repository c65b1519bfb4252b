//! The gRPC services: a decoded message turned into an answer.

pub(crate) mod batch;
pub(crate) mod customers;
pub(crate) mod extras;
pub(crate) mod health;
pub(crate) mod stream;
