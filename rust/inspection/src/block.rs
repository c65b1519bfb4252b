//! One header block judged, and rewritten where HTTP/2 would end its connection for it.
//!
//! A block changes the table that all later blocks of the connection refer to, so it cannot be left out. A
//! field that HTTP/2 would not accept is replaced by one of the same size: indices keep their meaning, and
//! entries leave both tables at the same time. A separate field, [`MARK`], records what the block then lacks.

use super::{
    field::{Authorities, Name},
    huffman,
    table::{Entry, Table},
};
use crate::HEADER_LIST_BYTES_MAX;

/// The name of the field that records the changes to a block; no client has one of this name.
pub(super) const MARK: u8 = b'~';

/// How a field is represented (RFC 7541, section 6), by its first bits.
const INDEXED: u8 = 0x80;
const LITERAL_ADDED: u8 = 0x40;
const RESIZE: u8 = 0x20;
/// Of a text: that it is in Huffman's code.
const HUFFMAN: u8 = 0x80;
const LITERAL: u8 = 0x00;
const INDEX_OF_AUTHORITY: usize = 1;

/// Why a block is not passed on as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HeaderError {
    /// A value has bytes that no value may have: the one error that proxies pass on.
    Value,
    /// A field is not valid, or not valid in a request.
    Field,
    /// Its fields are too large together.
    TooLarge,
}

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// As it should be.
    Sound,
    /// To be replaced by [`Inspector::rewrite`]; with an error, its request is answered with an error.
    Rewrite(Option<HeaderError>),
    /// No block: nothing behind it can be read (RFC 7541, section 2.3.3 and others).
    Broken,
}

/// One field as it is encoded in a block.
#[derive(Debug, Clone)]
struct Field {
    start: u32,
    end: u32,
    // Where its value begins; only of a literal.
    value: u32,
    entry: Entry,
    form: Form,
    replaced: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Resize,
    Indexed,
    Literal,
    LiteralAdded,
}

/// Judges the blocks of one connection, in the order in which they come.
#[derive(Debug)]
pub(super) struct Inspector {
    authorities: Authorities,
    table: Table,
    // Of the last block.
    fields: Vec<Field>,
    text: Vec<u8>,
}

impl Inspector {
    pub(super) fn new(authorities: Authorities) -> Self {
        Self {
            authorities,
            table: Table::new(),
            fields: Vec::new(),
            text: Vec::new(),
        }
    }

    pub(super) fn inspect(&mut self, block: &[u8]) -> Verdict {
        self.fields.clear();
        let mut reader = Reader { block, at: 0 };
        let (mut list_bytes, mut error, mut is_replaced) = (0_usize, None, false);
        while !reader.is_empty() {
            let Some(field) = self.read(&mut reader) else {
                return Verdict::Broken;
            };
            if field.form != Form::Resize {
                list_bytes = list_bytes.saturating_add(field.entry.bytes());
            } else if list_bytes > 0 {
                // RFC 7541, section 4.2: at the beginning of a block alone.
                return Verdict::Broken;
            }
            error = error.max(field.entry.error());
            is_replaced |= field.replaced;
            self.fields.push(field);
        }
        // Counted as HTTP/2 counts, which gives the whole connection up at four times as much.
        if list_bytes > HEADER_LIST_BYTES_MAX as usize {
            Verdict::Rewrite(Some(HeaderError::TooLarge))
        } else if error.is_some() || is_replaced {
            Verdict::Rewrite(error)
        } else {
            Verdict::Sound
        }
    }

    fn read(&mut self, reader: &mut Reader<'_>) -> Option<Field> {
        let start = short(reader.at);
        let first = reader.peek()?;
        if first & INDEXED != 0 {
            let index = reader.integer(7)?;
            let mut entry = self.table.get(index)?;
            // The one entry of the static table whose value no field of its name may have.
            let replaced = index == INDEX_OF_AUTHORITY;
            entry.is_malformed |= replaced && self.authorities == Authorities::Valid;
            return Some(Field {
                start,
                end: short(reader.at),
                value: start,
                entry,
                form: Form::Indexed,
                replaced,
            });
        }
        if first & (LITERAL_ADDED | RESIZE) == RESIZE {
            let bytes_max = reader.integer(5)?;
            return self.table.resize(bytes_max).then(|| Field {
                start,
                end: short(reader.at),
                value: start,
                entry: Entry::default(),
                form: Form::Resize,
                replaced: false,
            });
        }
        let form = if first & LITERAL_ADDED == 0 {
            Form::Literal
        } else {
            Form::LiteralAdded
        };
        let index = reader.integer(if form == Form::Literal { 4 } else { 6 })?;
        let (mut entry, value) = self.literal(index, reader)?;
        let replaced = entry.is_renamed || entry.is_malformed;
        // Taken all the same, in another form.
        if entry.name == Name::Authority && self.authorities == Authorities::Any {
            entry.is_malformed = false;
        }
        if form == Form::LiteralAdded {
            if entry.is_renamed && entry.bytes() == Entry::default().bytes() {
                // Without name and value: no field that HTTP/2 takes is as small.
                return None;
            }
            self.table.insert(entry);
        }
        Some(Field {
            start,
            end: short(reader.at),
            value: short(value),
            entry,
            form,
            replaced,
        })
    }

    /// The entry that a literal would make, and where its value begins.
    fn literal(&mut self, index: usize, reader: &mut Reader<'_>) -> Option<(Entry, usize)> {
        let (name, name_bytes, is_renamed) = if index == 0 {
            let name = reader.text(&mut self.text)?;
            (Name::of(name), short(name.len()), false)
        } else {
            let entry = self.table.get(index)?;
            (entry.name, entry.name_bytes, entry.is_renamed)
        };
        let at = reader.at;
        let value = reader.text(&mut self.text)?;
        let is_allowed = name.allows(value) && !is_renamed;
        let is_renamed = !is_allowed && (is_renamed || !name.has_substitute(value.len()));
        let entry = Entry {
            name,
            name_bytes,
            value_bytes: short(value.len()),
            is_malformed: !is_allowed,
            is_renamed,
        };
        Some((entry, at))
    }

    /// Writes the block that was inspected last in a form that HTTP/2 takes.
    pub(super) fn rewrite(&self, block: &[u8], error: Option<HeaderError>) -> Vec<u8> {
        let mut rewritten = Vec::with_capacity(block.len() + 16);
        for field in &self.fields {
            let is_kept = error != Some(HeaderError::TooLarge)
                || field.form != Form::Literal && field.form != Form::Indexed
                || field.entry.name.is_pseudo();
            if is_kept {
                field.rewrite(block, &mut rewritten);
            }
        }
        if let Some(error) = error {
            rewritten.extend_from_slice(&[LITERAL, 1, MARK, 1, error.letter()]);
        }
        rewritten
    }
}

impl HeaderError {
    fn letter(self) -> u8 {
        match self {
            Self::Value => b'v',
            Self::Field => b'f',
            Self::TooLarge => b'l',
        }
    }

    pub(super) fn of_letter(letter: &[u8]) -> Self {
        match letter {
            b"l" => Self::TooLarge,
            b"v" => Self::Value,
            _ => Self::Field,
        }
    }
}

impl Entry {
    fn error(&self) -> Option<HeaderError> {
        self.is_malformed.then_some(match self.name {
            Name::Regular => HeaderError::Value,
            _ => HeaderError::Field,
        })
    }
}

impl Field {
    fn rewrite(&self, block: &[u8], rewritten: &mut Vec<u8>) {
        let bytes = |start: u32, end: u32| block.get(start as usize..end as usize).unwrap_or_default();
        if !self.replaced {
            rewritten.extend_from_slice(bytes(self.start, self.end));
            return;
        }
        let Entry {
            name_bytes,
            value_bytes,
            ..
        } = self.entry;
        if self.form == Form::Indexed {
            // Of the table nothing is changed, so that any authority will do.
            rewritten.extend_from_slice(&[LITERAL | 1, 1, b'a']);
            return;
        }
        if let Some(value) = self
            .entry
            .name
            .substitute(value_bytes as usize)
            .filter(|_| !self.entry.is_renamed)
        {
            rewritten.extend_from_slice(bytes(self.start, self.value));
            put_text(&value, rewritten);
            return;
        }
        rewritten.push(match self.form {
            Form::LiteralAdded => LITERAL_ADDED,
            _ => LITERAL,
        });
        put_text(&[MARK], rewritten);
        put_text(
            &vec![b'a'; (name_bytes as usize + value_bytes as usize).saturating_sub(1)],
            rewritten,
        );
    }
}

/// A length within a block, which is far shorter than what the number can say.
fn short(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Reads a block.
struct Reader<'a> {
    block: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn is_empty(&self) -> bool {
        self.at >= self.block.len()
    }

    fn peek(&self) -> Option<u8> {
        self.block.get(self.at).copied()
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// RFC 7541, section 5.1.
    fn integer(&mut self, prefix_bits: u32) -> Option<usize> {
        let most = (1_usize << prefix_bits) - 1;
        let mut integer = usize::from(self.byte()?) & most;
        if integer < most {
            return Some(integer);
        }
        // Four bytes more are beyond everything that could follow.
        for shift in [0, 7, 14, 21] {
            let byte = self.byte()?;
            integer += usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(integer);
            }
        }
        None
    }

    /// A text, decoded into `buffer` where it has to be.
    fn text<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Option<&'b [u8]>
    where
        'a: 'b,
    {
        let is_coded = self.peek()? & HUFFMAN != 0;
        let bytes = self.integer(7)?;
        let text = self.block.get(self.at..self.at.checked_add(bytes)?)?;
        self.at += bytes;
        if !is_coded {
            return Some(text);
        }
        buffer.clear();
        huffman::decode(text, buffer).then_some(buffer.as_slice())
    }
}

fn put_text(text: &[u8], block: &mut Vec<u8>) {
    let most = 0x7f;
    if text.len() < most {
        block.extend(u8::try_from(text.len()));
    } else {
        block.push(0x7f);
        let mut left = text.len() - most;
        while left >= 0x80 {
            block.extend(u8::try_from(left & 0x7f | 0x80));
            left >>= 7;
        }
        block.extend(u8::try_from(left));
    }
    block.extend_from_slice(text);
}
