//! What keeps a server with too much to do answering in time.

pub(crate) mod load_shedder;
