//! The Python module `nextbest._core`: converts, calls, converts.
//!
//! The only crate that knows Python. Whatever takes longer than a look-up runs without the interpreter's
//! lock, and no Python runs on the path of a request: the server's threads are Rust's own.

#![expect(
    clippy::needless_pass_by_value,
    reason = "arguments that Python hands over are owned"
)]

mod errors;

mod bundle;
mod load;
mod native;
mod security;
mod server;
mod settings;
mod suggestion;

use pyo3::{prelude::*, types::PyModule};

/// Python allocates as before; Rust's side of this library is what this is for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The engine and the server, from Python.
#[pymodule(gil_used = false)]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    errors::register(module)?;
    module.add_class::<bundle::Bundle>()?;
    module.add_class::<native::NativeModel>()?;
    module.add_class::<server::Server>()?;
    module.add_class::<load::LoadWatch>()?;
    module.add_function(wrap_pyfunction!(bundle::start_of_day, module)?)?;
    module.add_function(wrap_pyfunction!(load::load, module)?)?;
    module.add_function(wrap_pyfunction!(server::kernels, module)?)?;
    module.add_function(wrap_pyfunction!(server::system_authorities, module)?)?;
    module.add_function(wrap_pyfunction!(suggestion::nearest, module)?)?;
    Ok(())
}
