//! Numbers -> numbers, as ONNX's operators say: one by one, in pairs, and over groups.

use nextbest_proto::v1::NativeOperation as Code;

fn truth(truth: bool) -> f32 {
    f32::from(u8::from(truth))
}

fn map(from: &[f32], into: &mut [f32], one: impl Fn(f32) -> f32) {
    match from {
        [single] if into.len() > 1 => into.fill(one(*single)),
        _ => {
            for (into, from) in into.iter_mut().zip(from) {
                *into = one(*from);
            }
        }
    }
}

/// One operand. What is NaN stays NaN, but for truth values.
pub(super) fn unary(code: Code, from: &[f32], into: &mut [f32]) {
    match code {
        Code::NativeNegate => map(from, into, |x| -x),
        Code::NativeAbsolute => map(from, into, f32::abs),
        Code::NativeSquareRoot => map(from, into, f32::sqrt),
        Code::NativeExponential => map(from, into, f32::exp),
        Code::NativeLogarithm => map(from, into, f32::ln),
        Code::NativeFloor => map(from, into, f32::floor),
        Code::NativeCeiling => map(from, into, f32::ceil),
        Code::NativeRound => map(from, into, f32::round_ties_even),
        Code::NativeSign => map(
            from,
            into,
            |x| if x == 0.0 || x.is_nan() { x } else { x.signum() },
        ),
        Code::NativeReciprocal => map(from, into, |x| 1.0 / x),
        Code::NativeRelu => map(from, into, |x| if x < 0.0 { 0.0 } else { x }),
        Code::NativeLogistic => map(from, into, logistic),
        Code::NativeTanh => map(from, into, f32::tanh),
        Code::NativeNot => map(from, into, |x| truth(x == 0.0)),
        Code::NativeIsNan => map(from, into, |x| truth(x.is_nan())),
        Code::NativeTruncate => map(from, into, f32::trunc),
        Code::NativeErf => map(from, into, erf),
        Code::NativeSoftplus => map(from, into, |x| {
            if x > 0.0 {
                x + (-x).exp().ln_1p()
            } else {
                x.exp().ln_1p()
            }
        }),
        _ => into.fill(f32::NAN),
    }
}

/// ONNX Runtime's post-transform, operation by operation: exp of what is not positive, and from 1 for a negative.
fn logistic(x: f32) -> f32 {
    let from_above = 1.0 / (1.0 + (-x.abs()).exp());
    if x < 0.0 { 1.0 - from_above } else { from_above }
}

/// Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26: to 1.5e-7.
fn erf(x: f32) -> f32 {
    let positive = f64::from(x.abs());
    let t = 1.0 / (1.0 + 0.327_591_1 * positive);
    let polynomial = t
        * (0.254_829_592
            + t * (-0.284_496_736 + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    let magnitude = 1.0 - polynomial * (-positive * positive).exp();
    #[expect(clippy::cast_possible_truncation, reason = "cells are floats of 32 bits")]
    let magnitude = magnitude as f32;
    if x.is_nan() { x } else { magnitude.copysign(x) }
}

fn zip(left: &[f32], right: &[f32], into: &mut [f32], both: impl Fn(f32, f32) -> f32) {
    let width = into.len();
    match (left, right) {
        ([left], right) if right.len() == width => map(right, into, |right| both(*left, right)),
        (left, [right]) if left.len() == width => map(left, into, |left| both(left, *right)),
        ([left], [right]) => into.fill(both(*left, *right)),
        _ => {
            for ((into, left), right) in into.iter_mut().zip(left).zip(right) {
                *into = both(*left, *right);
            }
        }
    }
}

pub(super) fn binary(code: Code, left: &[f32], right: &[f32], into: &mut [f32]) {
    match code {
        Code::NativeAdd => zip(left, right, into, |x, y| x + y),
        Code::NativeSubtract => zip(left, right, into, |x, y| x - y),
        Code::NativeMultiply => zip(left, right, into, |x, y| x * y),
        Code::NativeDivide => zip(left, right, into, |x, y| x / y),
        Code::NativePower => zip(left, right, into, power),
        Code::NativeMinimum => zip(left, right, into, |x, y| if x < y || x.is_nan() { x } else { y }),
        Code::NativeMaximum => zip(left, right, into, |x, y| if x > y || x.is_nan() { x } else { y }),
        Code::NativeLess => zip(left, right, into, |x, y| truth(x < y)),
        Code::NativeLessOrEqual => zip(left, right, into, |x, y| truth(x <= y)),
        Code::NativeGreater => zip(left, right, into, |x, y| truth(x > y)),
        Code::NativeGreaterOrEqual => zip(left, right, into, |x, y| truth(x >= y)),
        #[expect(clippy::float_cmp, reason = "what the operation is")]
        Code::NativeEqual => zip(left, right, into, |x, y| truth(x == y)),
        Code::NativeAnd => zip(left, right, into, |x, y| truth(x != 0.0 && y != 0.0)),
        Code::NativeOr => zip(left, right, into, |x, y| truth(x != 0.0 || y != 0.0)),
        Code::NativeXor => zip(left, right, into, |x, y| truth((x != 0.0) != (y != 0.0))),
        _ => into.fill(f32::NAN),
    }
}

/// Squares and cubes are products, as ONNX Runtime has them.
#[expect(clippy::float_cmp, reason = "exactly these exponents")]
fn power(base: f32, exponent: f32) -> f32 {
    if exponent == 2.0 {
        base * base
    } else if exponent == 3.0 {
        base * base * base
    } else {
        base.powf(exponent)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a group is shorter than 2^24 cells")]
pub(super) fn reduce(code: Code, group: &[f32]) -> f32 {
    let sum = |of: fn(f32) -> f32| group.iter().fold(0.0, |sum, x| sum + of(*x));
    match code {
        Code::NativeReduceSum => sum(|x| x),
        Code::NativeReduceMean => sum(|x| x) / group.len() as f32,
        Code::NativeReduceMaximum => group.iter().copied().reduce(largest).unwrap_or(f32::NAN),
        Code::NativeReduceMinimum => -group.iter().map(|x| -x).reduce(largest).unwrap_or(f32::NAN),
        Code::NativeReduceProduct => group.iter().product(),
        Code::NativeReduceL1 => sum(f32::abs),
        Code::NativeReduceL2 => sum(|x| x * x).sqrt(),
        Code::NativeArgMaximum => first(group, |best, x| x > best),
        Code::NativeArgMinimum => first(group, |best, x| x < best),
        Code::NativeReduceLogSumExp => {
            let most = group.iter().copied().reduce(largest).unwrap_or(f32::NAN);
            let most = if most.is_finite() { most } else { 0.0 };
            group.iter().fold(0.0, |sum, x| sum + (x - most).exp()).ln() + most
        }
        _ => f32::NAN,
    }
}

/// NaN where one is.
fn largest(left: f32, right: f32) -> f32 {
    if left > right || left.is_nan() {
        left
    } else {
        right
    }
}

/// The place of the first that none beats.
#[expect(clippy::cast_precision_loss, reason = "a group is shorter than 2^24 cells")]
fn first(group: &[f32], beats: impl Fn(f32, f32) -> bool) -> f32 {
    let mut best = (0, group.first().copied().unwrap_or(f32::NAN));
    for (index, x) in group.iter().enumerate().skip(1) {
        if beats(best.1, *x) {
            best = (index, *x);
        }
    }
    best.0 as f32
}

pub(super) fn softmax(from: &[f32], into: &mut [f32]) {
    let most = from.iter().copied().reduce(largest).unwrap_or(f32::NAN);
    let mut sum = 0.0;
    for (into, from) in into.iter_mut().zip(from) {
        *into = (from - most).exp();
        sum += *into;
    }
    for into in into {
        *into /= sum;
    }
}
