//! The messages and services of `proto/nextbest/v1`, generated when building; and how requests are
//! decoded.

mod batch;
pub mod count;
mod role;

#[cfg(feature = "services")]
pub mod codec;

/// All files of `proto/nextbest/v1`, as an encoded `FileDescriptorSet`.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// Package `nextbest.v1`.
#[allow(
    missing_docs,
    clippy::pedantic,
    clippy::unwrap_used,
    unused_qualifications,
    reason = "generated code"
)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/nextbest.v1.rs"));

    pub use crate::batch::DecideBatchResponse;
}
