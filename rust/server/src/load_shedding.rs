//! What keeps a server with too much to do answering in time: it refuses early, and bounds memory.

pub(crate) mod load_shedder;
pub(crate) mod memory_budget;
