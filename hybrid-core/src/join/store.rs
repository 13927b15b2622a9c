//! The distinct keys of an index, numbered as they were first seen.

use super::keys::{KeyEncoder, KeyRows, KeyValues};
use super::table::{Entry, Table};
use crate::{Error, ErrorKind, Result};

/// The values of distinct keys, where a hash alone does not tell keys apart.
pub(super) enum KeyStore {
    /// At most one word: the hash is the key.
    Exact,
    /// `width` words per key.
    Words { width: usize, words: Vec<i64> },
    /// The bytes of all keys, and where each ends.
    Bytes { ends: Vec<usize>, bytes: Vec<u8> },
}

impl KeyStore {
    pub(super) fn new(encoder: &KeyEncoder) -> Self {
        match encoder.words() {
            Some(0 | 1) => Self::Exact,
            Some(width) => Self::Words {
                width,
                words: Vec::new(),
            },
            None => Self::Bytes {
                ends: Vec::new(),
                bytes: Vec::new(),
            },
        }
    }

    pub(super) fn is_exact(&self) -> bool {
        matches!(self, Self::Exact)
    }

    fn push(&mut self, rows: &KeyRows, row: usize) {
        match (self, &rows.values) {
            (Self::Words { words, .. }, KeyValues::Words(columns)) => {
                words.extend(columns.iter().map(|column| column[row]));
            }
            (Self::Bytes { ends, bytes }, KeyValues::Bytes(values)) => {
                bytes.extend_from_slice(values.value(row));
                ends.push(bytes.len());
            }
            _ => {}
        }
    }

    /// Whether key number `key` is that of a row with the same hash.
    #[inline]
    pub(super) fn equals(&self, key: u32, rows: &KeyRows, row: usize) -> bool {
        let key = key as usize;
        match (self, &rows.values) {
            (Self::Words { width, words }, KeyValues::Words(columns)) => {
                let own = &words[key * width..(key + 1) * width];
                own.iter().zip(columns).all(|(word, column)| *word == column[row])
            }
            (Self::Bytes { .. }, KeyValues::Bytes(values)) => self.bytes(key) == values.value(row),
            _ => true,
        }
    }

    fn bytes(&self, key: usize) -> &[u8] {
        match self {
            Self::Bytes { ends, bytes } => {
                let start = if key == 0 { 0 } else { ends[key - 1] };
                &bytes[start..ends[key]]
            }
            _ => &[],
        }
    }

    fn words(&self, key: usize) -> &[i64] {
        match self {
            Self::Words { width, words } => &words[key * width..(key + 1) * width],
            _ => &[],
        }
    }

    fn push_from(&mut self, other: &Self, key: usize) {
        match self {
            Self::Exact => {}
            Self::Words { words, .. } => words.extend_from_slice(other.words(key)),
            Self::Bytes { ends, bytes } => {
                bytes.extend_from_slice(other.bytes(key));
                ends.push(bytes.len());
            }
        }
    }
}

/// Numbers distinct keys.
pub(super) struct KeyMap {
    pub(super) table: Table,
    pub(super) store: KeyStore,
}

impl KeyMap {
    pub(super) fn new(encoder: &KeyEncoder) -> Self {
        Self {
            table: Table::new(),
            store: KeyStore::new(encoder),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// The number of a row's key, a new one if it was not seen before.
    #[inline]
    pub(super) fn insert(&mut self, hash: u64, rows: &KeyRows, row: usize) -> Result<u32> {
        let next = self.next()?;
        let new = Entry {
            hash,
            first: next,
            second: 0,
        };
        let store = &self.store;
        let found = self
            .table
            .find_or_insert(new, |entry| store.equals(entry.first, rows, row));
        if found.first == next {
            self.store.push(rows, row);
        }
        Ok(found.first)
    }

    /// Takes over the keys of `other`; gives the number here of each key there.
    pub(super) fn absorb(&mut self, other: &Self) -> Result<Vec<u32>> {
        let mut numbers = vec![0; other.len()];
        for entry in other.table.iter() {
            let next = self.next()?;
            let theirs = entry.first as usize;
            let (store, new) = (&self.store, Entry { first: next, ..*entry });
            let found = self.table.find_or_insert(new, |own| {
                let own = own.first as usize;
                store.words(own) == other.store.words(theirs) && store.bytes(own) == other.store.bytes(theirs)
            });
            if found.first == next {
                self.store.push_from(&other.store, theirs);
            }
            numbers[theirs] = found.first;
        }
        Ok(numbers)
    }

    #[inline]
    fn next(&self) -> Result<u32> {
        match u32::try_from(self.len()) {
            Ok(next) if next < u32::MAX => Ok(next),
            _ => Err(too_many("distinct join keys")),
        }
    }
}

/// The error for more than 4 billion of something that is numbered by 32 bits.
pub(super) fn too_many(what: &str) -> Error {
    Error::new(
        ErrorKind::ResourceExhausted,
        format!("more than {} {what} in one join", u32::MAX - 1),
    )
    .with_help("split the entity frame into several retrievals")
}
