//! The messages and services of `proto/nextbest/v1`, generated when building. Nothing is added here.

#![allow(
    missing_docs,
    clippy::pedantic,
    clippy::unwrap_used,
    unused_qualifications,
    reason = "generated code"
)]

/// Package `nextbest.v1`.
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/nextbest.v1.rs"));
}
