//! A hash table of key hashes, and a bitmap that drops most rows before they reach it.

/// What the table holds for a key: two numbers beside its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) hash: u64,
    pub(super) first: u32,
    pub(super) second: u32,
}

const FREE: u32 = u32::MAX;
const SMALLEST: u32 = 4;

/// Open addressing by the high bits of the hash, at most half full: a probe mostly touches one cache line.
pub(super) struct Table {
    entries: Vec<Entry>,
    bits: u32,
    used: usize,
}

impl Table {
    pub(super) fn new() -> Self {
        Self::with_bits(SMALLEST)
    }

    fn with_bits(bits: u32) -> Self {
        let free = Entry {
            hash: 0,
            first: FREE,
            second: 0,
        };
        Self {
            entries: vec![free; 1 << bits],
            bits,
            used: 0,
        }
    }

    /// The entry with this hash that `same` accepts.
    #[inline]
    pub(super) fn find(&self, hash: u64, same: impl Fn(&Entry) -> bool) -> Option<Entry> {
        self.position(hash, same).ok().map(|position| self.entries[position])
    }

    /// Where the entry is, or else the free place for it.
    #[inline]
    fn position(&self, hash: u64, same: impl Fn(&Entry) -> bool) -> Result<usize, usize> {
        let mask = self.entries.len() - 1;
        let mut position = (hash >> (64 - self.bits)) as usize & mask;
        loop {
            let entry = &self.entries[position];
            if entry.first == FREE {
                return Err(position);
            }
            if entry.hash == hash && same(entry) {
                return Ok(position);
            }
            position = (position + 1) & mask;
        }
    }

    /// The entry with this hash that `same` accepts, else the new one, whose `first` must not be `u32::MAX`.
    #[inline]
    pub(super) fn find_or_insert(&mut self, new: Entry, same: impl Fn(&Entry) -> bool) -> Entry {
        match self.position(new.hash, same) {
            Ok(position) => self.entries[position],
            Err(position) => {
                self.entries[position] = new;
                self.used += 1;
                if self.used * 2 > self.entries.len() {
                    self.grow();
                }
                new
            }
        }
    }

    fn grow(&mut self) {
        let mut larger = Self::with_bits(self.bits + 1);
        for entry in self.iter() {
            if let Err(position) = larger.position(entry.hash, |_| false) {
                larger.entries[position] = *entry;
            }
        }
        larger.used = self.used;
        *self = larger;
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.first != FREE)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.entries.iter_mut().filter(|entry| entry.first != FREE)
    }

    pub(super) fn len(&self) -> usize {
        self.used
    }
}

/// Bits per key: one row in 16 passes that the table then refuses, and a million keys fit the L2 cache.
const BITS_PER_KEY: usize = 16;

/// A bitmap of key hashes: no false negatives.
pub(super) struct Filter {
    words: Vec<u64>,
    bits: u32,
}

impl Filter {
    pub(super) fn new(table: &Table) -> Self {
        let bits = (table.len() * BITS_PER_KEY).next_power_of_two().max(64).ilog2();
        let mut words = vec![0; 1 << (bits - 6)];
        for entry in table.iter() {
            let bit = entry.hash >> (64 - bits);
            words[(bit >> 6) as usize] |= 1 << (bit & 63);
        }
        Self { words, bits }
    }

    #[inline]
    pub(super) fn contains(&self, hash: u64) -> bool {
        let bit = hash >> (64 - self.bits);
        self.words[(bit >> 6) as usize] >> (bit & 63) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(hash: u64, first: u32) -> Entry {
        Entry { hash, first, second: 0 }
    }

    #[test]
    fn equal_hashes_of_different_keys_stay_apart() {
        let mut table = Table::new();
        for key in 0..100 {
            assert_eq!(table.find_or_insert(entry(7, key), |e| e.first == key).first, key);
        }
        for key in 0..100 {
            assert_eq!(table.find(7, |e| e.first == key), Some(entry(7, key)));
        }
        assert_eq!(table.find(7, |e| e.first == 100), None);
        assert_eq!(table.len(), 100);
    }

    #[test]
    fn what_was_inserted_is_found_after_growing() {
        let mut table = Table::new();
        let hash = |key: u32| u64::from(key).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        for key in 0..5_000 {
            table.find_or_insert(entry(hash(key), key), |_| true);
        }
        let filter = Filter::new(&table);
        for key in 0..5_000 {
            assert_eq!(table.find(hash(key), |_| true).map(|e| e.first), Some(key));
            assert!(filter.contains(hash(key)));
        }
        assert_eq!(table.find(hash(5_001), |_| true), None);
    }

    #[test]
    fn the_filter_drops_most_strangers() {
        let mut table = Table::new();
        let hash = |key: u32| u64::from(key).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (0..1_000).for_each(|key| {
            table.find_or_insert(entry(hash(key), key), |_| true);
        });
        let filter = Filter::new(&table);
        let passed = (1_000..11_000).filter(|key| filter.contains(hash(*key))).count();
        assert!(passed < 1_500, "{passed} of 10000 passed");
    }
}
