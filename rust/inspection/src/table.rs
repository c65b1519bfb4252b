//! The names and sizes behind HPACK's indices (RFC 7541, sections 2.3 and 4, and appendix A), of one connection.
//!
//! HTTP/2's own table holds the fields; this one has only what is needed to check a block: the kind of field
//! of an entry, its size, and whether the field in HTTP/2's table is the one that the peer has sent.

use std::collections::VecDeque;

use super::field::Name;

/// What an entry takes beside its name and value.
const ENTRY_OVERHEAD: usize = 32;
/// What the peer may make its table at most: HTTP/2's default, which this server leaves as it is.
pub(super) const TABLE_BYTES_MAX: usize = 4_096;

/// The entry of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Entry {
    pub(super) name: Name,
    pub(super) name_bytes: u32,
    pub(super) value_bytes: u32,
    /// The peer's field is malformed, and HTTP/2's table has another of the same size in its place.
    pub(super) is_malformed: bool,
    /// That other field has another name, too.
    pub(super) is_renamed: bool,
}

impl Entry {
    pub(super) const fn bytes(&self) -> usize {
        self.name_bytes as usize + self.value_bytes as usize + ENTRY_OVERHEAD
    }
}

/// The peer's dynamic table.
#[derive(Debug)]
pub(super) struct Table {
    // The newest first, as indices count.
    entries: VecDeque<Entry>,
    bytes: usize,
    bytes_max: usize,
}

impl Table {
    pub(super) fn new() -> Self {
        Self {
            entries: VecDeque::new(),
            bytes: 0,
            bytes_max: TABLE_BYTES_MAX,
        }
    }

    /// Nothing if the index has no entry.
    pub(super) fn get(&self, index: usize) -> Option<Entry> {
        let place = index.checked_sub(1)?;
        match STATIC.get(place) {
            Some(entry) => Some(*entry),
            None => self.entries.get(place - STATIC.len()).copied(),
        }
    }

    /// An entry that is larger than the table empties it.
    pub(super) fn insert(&mut self, entry: Entry) {
        let bytes = entry.bytes();
        self.evict(self.bytes_max.saturating_sub(bytes));
        if bytes <= self.bytes_max {
            self.entries.push_front(entry);
            self.bytes += bytes;
        }
    }

    /// False for a size that the peer may not have.
    pub(super) fn resize(&mut self, bytes_max: usize) -> bool {
        if bytes_max > TABLE_BYTES_MAX {
            return false;
        }
        self.bytes_max = bytes_max;
        self.evict(bytes_max);
        true
    }

    fn evict(&mut self, bytes_max: usize) {
        while self.bytes > bytes_max {
            let Some(oldest) = self.entries.pop_back() else {
                return;
            };
            self.bytes -= oldest.bytes();
        }
    }
}

const fn entry(name: Name, name_bytes: u32, value_bytes: u32) -> Entry {
    Entry {
        name,
        name_bytes,
        value_bytes,
        is_malformed: false,
        is_renamed: false,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "names of the table are short")]
const fn regular(name: &str) -> Entry {
    entry(Name::Regular, name.len() as u32, 0)
}

static STATIC: [Entry; 61] = [
    entry(Name::Authority, 10, 0),
    entry(Name::Method, 7, 3),
    entry(Name::Method, 7, 4),
    entry(Name::Path, 5, 1),
    entry(Name::Path, 5, 11),
    entry(Name::Scheme, 7, 4),
    entry(Name::Scheme, 7, 5),
    entry(Name::Malformed, 7, 3),
    entry(Name::Malformed, 7, 3),
    entry(Name::Malformed, 7, 3),
    entry(Name::Malformed, 7, 3),
    entry(Name::Malformed, 7, 3),
    entry(Name::Malformed, 7, 3),
    entry(Name::Malformed, 7, 3),
    regular("accept-charset"),
    entry(Name::Regular, 15, 13),
    regular("accept-language"),
    regular("accept-ranges"),
    regular("accept"),
    regular("access-control-allow-origin"),
    regular("age"),
    regular("allow"),
    regular("authorization"),
    regular("cache-control"),
    regular("content-disposition"),
    regular("content-encoding"),
    regular("content-language"),
    entry(Name::ContentLength, 14, 0),
    regular("content-location"),
    regular("content-range"),
    regular("content-type"),
    regular("cookie"),
    regular("date"),
    regular("etag"),
    regular("expect"),
    regular("expires"),
    regular("from"),
    regular("host"),
    regular("if-match"),
    regular("if-modified-since"),
    regular("if-none-match"),
    regular("if-range"),
    regular("if-unmodified-since"),
    regular("last-modified"),
    regular("link"),
    regular("location"),
    regular("max-forwards"),
    regular("proxy-authenticate"),
    regular("proxy-authorization"),
    regular("range"),
    regular("referer"),
    regular("refresh"),
    regular("retry-after"),
    regular("server"),
    regular("set-cookie"),
    regular("strict-transport-security"),
    entry(Name::Malformed, 17, 0),
    regular("user-agent"),
    regular("vary"),
    regular("via"),
    regular("www-authenticate"),
];
