//! More than a server can do.

mod overload;
