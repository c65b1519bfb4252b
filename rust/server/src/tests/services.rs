//! Each service, asked by a client.

mod customers;
mod decisions;
mod details;
mod health;
mod many;
