//! The same with the instructions of x86.

#![expect(
    clippy::inline_always,
    reason = "has to become a part of what has the instructions"
)]

use std::arch::x86_64::{
    __m256, __m512, _mm256_add_ps, _mm256_load_ps, _mm256_loadu_ps, _mm256_mul_ps, _mm256_set1_ps,
    _mm256_setzero_ps, _mm256_store_ps, _mm512_add_ps, _mm512_load_ps, _mm512_loadu_ps, _mm512_mul_ps,
    _mm512_set1_ps, _mm512_setzero_ps, _mm512_store_ps,
};

use super::vector::{LANES, Line, Vector};

/// Of AVX2.
#[derive(Clone, Copy)]
pub(super) struct Pair(__m256, __m256);

/// Of AVX-512.
#[derive(Clone, Copy)]
pub(super) struct Whole(__m512);

// SAFETY (of all that follows): the trait's; a line is 16 numbers, aligned to 64 bytes.
impl Vector for Pair {
    const LINES_MAX: usize = 4;

    #[inline(always)]
    unsafe fn zero() -> Self {
        unsafe { Self(_mm256_setzero_ps(), _mm256_setzero_ps()) }
    }

    #[inline(always)]
    unsafe fn splat(number: f32) -> Self {
        unsafe { Self(_mm256_set1_ps(number), _mm256_set1_ps(number)) }
    }

    #[inline(always)]
    unsafe fn load(numbers: &[f32; LANES]) -> Self {
        let numbers = numbers.as_ptr();
        unsafe { Self(_mm256_loadu_ps(numbers), _mm256_loadu_ps(numbers.add(8))) }
    }

    #[inline(always)]
    unsafe fn add_product(self, input: Self, weights: &Line) -> Self {
        let weights = weights.0.as_ptr();
        unsafe {
            Self(
                _mm256_add_ps(self.0, _mm256_mul_ps(input.0, _mm256_load_ps(weights))),
                _mm256_add_ps(self.1, _mm256_mul_ps(input.1, _mm256_load_ps(weights.add(8)))),
            )
        }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        unsafe { Self(_mm256_add_ps(self.0, other.0), _mm256_add_ps(self.1, other.1)) }
    }

    #[inline(always)]
    unsafe fn store(self, line: &mut Line) {
        let line = line.0.as_mut_ptr();
        unsafe {
            _mm256_store_ps(line, self.0);
            _mm256_store_ps(line.add(8), self.1);
        }
    }
}

impl Vector for Whole {
    const LINES_MAX: usize = 4;

    #[inline(always)]
    unsafe fn zero() -> Self {
        unsafe { Self(_mm512_setzero_ps()) }
    }

    #[inline(always)]
    unsafe fn splat(number: f32) -> Self {
        unsafe { Self(_mm512_set1_ps(number)) }
    }

    #[inline(always)]
    unsafe fn load(numbers: &[f32; LANES]) -> Self {
        unsafe { Self(_mm512_loadu_ps(numbers.as_ptr())) }
    }

    #[inline(always)]
    unsafe fn add_product(self, input: Self, weights: &Line) -> Self {
        unsafe {
            let products = _mm512_mul_ps(input.0, _mm512_load_ps(weights.0.as_ptr()));
            Self(_mm512_add_ps(self.0, products))
        }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        unsafe { Self(_mm512_add_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn store(self, line: &mut Line) {
        unsafe { _mm512_store_ps(line.0.as_mut_ptr(), self.0) };
    }
}
