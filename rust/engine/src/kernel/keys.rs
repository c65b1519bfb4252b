//! Rows of ascending keys to count in, as trees of lines: eight keys of a line are compared at once, and
//! determine the next line. A search reads a line a level, three for 512 keys, where halving would read
//! seven.

/// Keys that are compared at once.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct KeyLine(pub(super) [i64; 8]);

/// Levels of a tree: more keys than a bundle has literals.
const LEVELS_MAX: usize = 8;

/// Rows of ascending keys.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    rows: Vec<Tree>,
    lines: Vec<KeyLine>,
}

/// The last keys of the lines of one level are the keys of the level above it; the lowest has all.
#[derive(Clone, Copy, Debug)]
struct Tree {
    /// Where each level starts in `Keys::lines`, the highest first, and where the lowest ends.
    starts: [u32; LEVELS_MAX + 1],
    level_count: usize,
    key_count: u32,
}

impl Keys {
    /// Adds a row.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a bundle has far fewer than 2^32 literals"
    )]
    pub(crate) fn push(&mut self, keys: &[i64]) {
        let mut levels = vec![lines(keys.iter().copied())];
        while let Some(above) = levels.last().filter(|level| level.len() > 1) {
            levels.push(lines(above.iter().map(|line| line.0[7])));
        }
        let mut tree = Tree {
            starts: [0; LEVELS_MAX + 1],
            level_count: levels.len(),
            key_count: keys.len() as u32,
        };
        for (start, level) in tree.starts.iter_mut().zip(levels.into_iter().rev()) {
            *start = self.lines.len() as u32;
            self.lines.extend(level);
        }
        if let Some(end) = tree.starts.get_mut(tree.level_count) {
            *end = self.lines.len() as u32;
        }
        self.rows.push(tree);
    }

    pub(crate) fn row_count(&self) -> usize {
        self.rows.len()
    }

    /// Counts in every row, with one way of counting in a line.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "has to become a part of what has the instructions"
    )]
    pub(super) fn count_up_to(
        &self,
        wanted: &[i64],
        counts: &mut [u32],
        count_in_line: impl Fn(&KeyLine, i64) -> u32,
    ) {
        for ((tree, key), count) in self.rows.iter().zip(wanted).zip(counts) {
            let mut index = 0;
            for level in tree.starts.windows(2).take(tree.level_count) {
                let &[start, end] = level else { break };
                // Where all keys of a level are at or below the key, the last line is looked at, and counted whole.
                let line = index.min(end - start - 1);
                let keys = self.lines.get((start + line) as usize);
                index = line * 8 + keys.map_or(0, |keys| count_in_line(keys, *key));
            }
            *count = index.min(tree.key_count);
        }
    }
}

/// At least one line; filled up with the greatest key there is.
fn lines(keys: impl Iterator<Item = i64>) -> Vec<KeyLine> {
    let keys: Vec<i64> = keys.collect();
    let mut lines = Vec::with_capacity(keys.len().div_ceil(8).max(1));
    for some in keys.chunks(8) {
        let mut line = [i64::MAX; 8];
        for (slot, key) in line.iter_mut().zip(some) {
            *slot = *key;
        }
        lines.push(KeyLine(line));
    }
    if lines.is_empty() {
        lines.push(KeyLine([i64::MAX; 8]));
    }
    lines
}
