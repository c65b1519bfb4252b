//! Paths that are no ONNX Runtime. In a process of its own, for the first library that loads stays.

use std::{env, path::Path};

use nextbest_onnx::{OnnxFault, Runtime};

#[test]
fn what_is_no_library_is_refused() {
    let fault = |path: &Path| Runtime::load(path).err();
    assert_eq!(
        fault(Path::new("libonnxruntime.so")),
        Some(OnnxFault::RelativePath)
    );
    let not_there = fault(Path::new("/nowhere/libonnxruntime.so"))
        .expect("a fault")
        .to_string();
    assert!(
        not_there.starts_with("ONNX Runtime cannot be loaded: /nowhere/libonnxruntime.so: "),
        "{not_there}"
    );
    let no_library = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let fault = fault(&no_library).expect("a fault");
    assert!(matches!(fault, OnnxFault::Library(_)), "{fault}");
}
