//! Random values, with those beside which something turns among them.

use proptest::{
    prelude::Rng as _,
    test_runner::{RngAlgorithm, TestRng},
};

use crate::testing::NOW_US;

const INTS: [i64; 14] = [
    i64::MIN,
    i64::MIN + 1,
    -(1 << 53),
    -1,
    0,
    1,
    17,
    18,
    65,
    1 << 53,
    (1 << 53) + 1,
    (1 << 53) + 2,
    i64::MAX - 1,
    i64::MAX,
];
const DOUBLES: [f64; 13] = [
    f64::NEG_INFINITY,
    f64::MIN,
    -1.5,
    -0.0,
    0.0,
    f64::MIN_POSITIVE,
    0.5,
    17.5,
    18.0,
    9_007_199_254_740_992.0,
    9_223_372_036_854_775_808.0,
    f64::MAX,
    f64::INFINITY,
];
const TEXTS: [&str; 9] = [
    "",
    "a",
    "affluent",
    "gold",
    "mass",
    "mass ",
    "private",
    "z",
    "\u{10ffff}",
];
const MOMENTS: [i64; 5] = [NOW_US - 1, NOW_US, NOW_US + 1, 0, 253_402_300_799_999_999];

/// Random choices from one seed.
pub(super) struct Dice(TestRng);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self(TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.0.next_u64() % u64::try_from(end).unwrap()).unwrap()
    }

    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    pub(super) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub(super) fn some<T>(
        &mut self,
        least: usize,
        end: usize,
        mut make: impl FnMut(&mut Self) -> T,
    ) -> Vec<T> {
        (0..least + self.below(end - least)).map(|_| make(self)).collect()
    }

    pub(super) fn int(&mut self) -> i64 {
        if self.one_in(2) {
            self.pick(&INTS)
        } else {
            i64::try_from(self.below(2_000)).unwrap()
        }
    }

    pub(super) fn double(&mut self) -> f64 {
        if self.one_in(2) {
            self.pick(&DOUBLES)
        } else {
            f64::from(u32::try_from(self.below(2_000)).unwrap()) / 4.0
        }
    }

    pub(super) fn text(&mut self) -> String {
        if self.one_in(2) {
            self.pick(&TEXTS).to_owned()
        } else {
            format!("t{}", self.below(300))
        }
    }

    pub(super) fn moment(&mut self) -> i64 {
        if self.one_in(2) {
            self.pick(&MOMENTS)
        } else {
            NOW_US + i64::try_from(self.below(40)).unwrap() - 20
        }
    }
}
