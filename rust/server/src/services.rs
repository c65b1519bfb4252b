//! The gRPC services: a decoded message turned into an answer.

pub(crate) mod batch;
pub(crate) mod decisions;
pub(crate) mod stream;

pub(crate) mod customers;

pub(crate) mod health;
