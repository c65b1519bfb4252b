//! Paths that are not ONNX Runtime. In a separate process, because the first library that loads stays loaded.

use std::{env, path::Path};

use nextbest_onnx::{OnnxError, Runtime};

#[test]
fn what_is_no_library_is_refused() {
    let error = |path: &Path| Runtime::load(path).err();
    assert_eq!(
        error(Path::new("libonnxruntime.so")),
        Some(OnnxError::RelativePath)
    );
    let not_there = error(Path::new("/nowhere/libonnxruntime.so"))
        .expect("an error")
        .to_string();
    assert!(
        not_there.starts_with("ONNX Runtime cannot be loaded: /nowhere/libonnxruntime.so: "),
        "{not_there}"
    );
    let no_library = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let error = error(&no_library).expect("an error");
    assert!(matches!(error, OnnxError::Library(_)), "{error}");
}
