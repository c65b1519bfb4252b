//! Turns `proto/nextbest/v1/*.proto` into Rust.

use std::{env, error::Error, path::PathBuf};

const FILES: [&str; 5] = ["customer", "decision", "bundle", "control", "native"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());
    let files = FILES.map(|name| root.join(format!("nextbest/v1/{name}.proto")));
    let descriptors = protox::compile(files, [&root])?;
    // What servers tell of themselves.
    let encoded = PathBuf::from(env::var("OUT_DIR")?).join("descriptors.bin");
    std::fs::write(encoded, prost::Message::encode_to_vec(&descriptors))?;
    let services = env::var_os("CARGO_FEATURE_SERVICES").is_some();
    tonic_prost_build::configure()
        .build_server(services)
        .build_client(services)
        .codec_path("crate::codec::CountedCodec")
        // Its decisions are encoded as they are made.
        .extern_path(
            ".nextbest.v1.DecideBatchResponse",
            "crate::batch::DecideBatchResponse",
        )
        .compile_fds(descriptors)?;
    Ok(())
}
