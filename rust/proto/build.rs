//! Turns `proto/nextbest/v1/*.proto` into Rust.

use std::{env, error::Error, fmt::Write as _, fs, path::PathBuf};

const FILES: [&str; 7] = [
    "access", "customer", "decision", "record", "bundle", "control", "native",
];
const ROLE: &str = "nextbest.v1.role";

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());
    let output = PathBuf::from(env::var("OUT_DIR")?);
    let files = FILES.map(|name| root.join(format!("nextbest/v1/{name}.proto")));
    let mut compiler = protox::Compiler::new([&root])?;
    compiler
        .include_imports(true)
        .include_source_info(true)
        .open_files(files)?;
    // What servers answer to reflection: with the options of methods, which `file_descriptor_set` has not.
    fs::write(
        output.join("descriptors.bin"),
        compiler.encode_file_descriptor_set(),
    )?;
    fs::write(output.join("roles.rs"), roles(&compiler)?)?;
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
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}

/// The table of `option (role)`, by service and method.
fn roles(compiler: &protox::Compiler) -> Result<String, Box<dyn Error>> {
    let pool = compiler.descriptor_pool();
    let role = pool
        .get_extension_by_name(ROLE)
        .ok_or("access.proto has no option `role`")?;
    let mut table = String::from("&[\n");
    for service in pool.services() {
        for method in service.methods() {
            let options = method.options();
            let number = options.get_extension(&role).as_enum_number().unwrap_or_default();
            let (service, method) = (service.full_name(), method.name());
            if number == 0 {
                return Err(format!("{service}/{method} has no `option (role)`").into());
            }
            writeln!(table, "    ({service:?}, {method:?}, {number}),")?;
        }
    }
    table.push_str("]\n");
    Ok(table)
}
