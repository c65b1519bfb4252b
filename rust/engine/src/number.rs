//! Numbers -> the text that people read: neither 309 digits nor more precision than they need.

/// From here on, and below [`TINY`], a number is written with an exponent.
const HUGE: f64 = 1e15;
const TINY: f64 = 1e-6;

/// A number as it is: `18`, `0.1`, `1e+300`, `4.2e-7`.
pub(crate) fn exact(number: f64) -> String {
    if has_exponent(number) {
        with_sign(&format!("{number:e}"))
    } else {
        number.to_string()
    }
}

/// A number in four significant digits at least: 2.28, 0.0004211, 12345.7, 1.798e+308.
pub(crate) fn short(number: f64) -> String {
    if has_exponent(number) {
        let text = format!("{number:.3e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return with_sign(&format!("{}e{exponent}", without_zeros(mantissa)));
    }
    let digits = if number == 0.0 {
        0.0
    } else {
        number.abs().log10().floor()
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "1 to 12 by then"
    )]
    let decimals = (3.0 - digits).clamp(1.0, 12.0) as usize;
    without_zeros(&format!("{number:.decimals$}")).to_owned()
}

fn has_exponent(number: f64) -> bool {
    let size = number.abs();
    size.is_finite() && size != 0.0 && !(TINY..HUGE).contains(&size)
}

/// `1e300` -> `1e+300`.
fn with_sign(text: &str) -> String {
    match text.split_once('e') {
        Some((mantissa, exponent)) if !exponent.starts_with('-') => format!("{mantissa}e+{exponent}"),
        _ => text.to_owned(),
    }
}

/// Of a number with a point.
fn without_zeros(text: &str) -> &str {
    text.trim_end_matches('0').trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let cases = [
            (2.28, "2.28"),
            (2.284_9, "2.285"),
            (0.000_421_12, "0.0004211"),
            (12_345.678, "12345.7"),
            (0.0, "0"),
            (1e300, "1e+300"),
            (f64::MAX, "1.798e+308"),
            (-1e15, "-1e+15"),
            (4.2e-7, "4.2e-7"),
        ];
        for (number, text) in cases {
            assert_eq!(short(number), text);
        }
    }

    #[test]
    fn exact_numbers_keep_their_digits() {
        let cases = [
            (18.0, "18"),
            (-0.5, "-0.5"),
            (999_999_999_999_999.9, "999999999999999.9"),
            (1e15, "1e+15"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (0.0, "0"),
        ];
        for (number, text) in cases {
            assert_eq!(exact(number), text);
        }
    }
}
