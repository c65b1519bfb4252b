//! Sixteen numbers at a time, on any machine.

/// Columns that are computed side by side.
pub(super) const LANES: usize = 16;

#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Line(pub(super) [f32; LANES]);

/// Sixteen numbers.
///
/// # Safety
/// Of all methods: the machine must have the instructions that an implementation is made of.
pub(super) trait Vector: Copy {
    /// Lines whose sums fit the registers.
    const LINES_MAX: usize;
    unsafe fn zero() -> Self;
    unsafe fn splat(number: f32) -> Self;
    unsafe fn load(numbers: &[f32; LANES]) -> Self;
    /// Itself plus the products, which are rounded first.
    unsafe fn add_product(self, input: Self, weights: &Line) -> Self;
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn store(self, line: &mut Line);
}

impl Vector for [f32; LANES] {
    const LINES_MAX: usize = 2;

    #[inline]
    unsafe fn zero() -> Self {
        [0.0; LANES]
    }

    #[inline]
    unsafe fn splat(number: f32) -> Self {
        [number; LANES]
    }

    #[inline]
    unsafe fn load(numbers: &[f32; LANES]) -> Self {
        *numbers
    }

    #[inline]
    unsafe fn add_product(mut self, input: Self, weights: &Line) -> Self {
        for ((sum, input), weight) in self.iter_mut().zip(input).zip(weights.0) {
            *sum += input * weight;
        }
        self
    }

    #[inline]
    unsafe fn add(mut self, other: Self) -> Self {
        for (sum, other) in self.iter_mut().zip(other) {
            *sum += other;
        }
        self
    }

    #[inline]
    unsafe fn store(self, line: &mut Line) {
        line.0 = self;
    }
}
