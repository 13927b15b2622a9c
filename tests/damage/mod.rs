//! Damaged copies of bytes, the same ones in each run.

/// Makes one damaged copy after another.
pub struct Damage<'a> {
    whole: &'a [u8],
    state: u64,
    copies: usize,
}

impl<'a> Damage<'a> {
    pub fn new(whole: &'a [u8]) -> Self {
        Self {
            whole,
            state: 0x2545_F491_4F6C_DD1D,
            copies: 0,
        }
    }

    /// How many were made.
    pub fn copies(&self) -> usize {
        self.copies
    }

    /// The next one: one to eight changes, each of another kind at another place.
    pub fn next_copy(&mut self) -> Vec<u8> {
        self.copies += 1;
        let mut copy = self.whole.to_vec();
        for _ in 0..=self.below(8) {
            self.change(&mut copy);
        }
        copy
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        // Half of the changes hit the last kilobyte, where Parquet has its metadata.
        let tail = bytes.len().saturating_sub(1024) * self.below(2);
        let at = tail + self.below(bytes.len() - tail);
        match self.below(5) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at.min(bytes.len()), self.below(256) as u8),
            2 => drop(bytes.drain(at..(at + self.below(16)).min(bytes.len()))),
            3 => bytes.extend_from_within(at..),
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << self.below(8);
                }
            }
        }
    }

    /// A number below `limit`; 0 when that is 0.
    fn below(&mut self, limit: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state % (limit.max(1) as u64)) as usize
    }
}
