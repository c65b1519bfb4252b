//! Peers of every kind, byte by byte.

mod answers;
mod attacks;
mod compression;
mod header_blocks;
mod intruders;
mod unix;
