//! Numbers in three significant digits, appended to a text.

/// Powers of ten that are exact.
const POWERS: [f64; 6] = [1.0, 10.0, 100.0, 1e3, 1e4, 1e5];

/// Appends three significant digits, and no zeros behind the last of them: `2.28`, `0.0181`, `120`, `1.90e-3`,
/// `1.00e+300`.
///
/// Numbers of which half a digit is left may be rounded either way.
pub(crate) fn push_significant(text: &mut String, number: f64) {
    let magnitude = number.abs();
    let decimals = match magnitude {
        _ if magnitude >= 1e15 || magnitude.is_nan() => return push_slowly(text, number),
        _ if magnitude >= 100.0 || magnitude == 0.0 => 0,
        _ if magnitude >= 10.0 => 1,
        _ if magnitude >= 1.0 => 2,
        _ if magnitude >= 0.1 => 3,
        _ if magnitude >= 0.01 => 4,
        _ => return push_scientific(text, number),
    };
    let Some(power) = POWERS.get(decimals) else { return };
    if number < 0.0 {
        text.push('-');
    }
    push_scaled(text, whole(magnitude * power), decimals);
}

/// Below 0.01: a digit, two behind the point, and the exponent.
fn push_scientific(text: &mut String, number: f64) {
    let mut mantissa = number.abs();
    let mut exponent = 0_usize;
    while mantissa < 1.0 {
        // Beyond this the factors' errors would show.
        if exponent == 12 {
            return push_slowly(text, number);
        }
        mantissa *= 10.0;
        exponent += 1;
    }
    let mut digits = whole(mantissa * 100.0);
    if digits >= 1_000 {
        digits = 100;
        exponent -= 1;
    }
    if number < 0.0 {
        text.push('-');
    }
    push_integer(text, digits / 100);
    text.push('.');
    push_digits(text, digits % 100, 2);
    text.push_str("e-");
    push_integer(text, exponent as u64);
}

fn push_slowly(text: &mut String, number: f64) {
    let scientific = format!("{number:.2e}");
    match scientific.split_once('e') {
        Some((mantissa, exponent)) if !exponent.starts_with('-') => {
            text.push_str(mantissa);
            text.push_str("e+");
            text.push_str(exponent);
        }
        _ => text.push_str(&scientific),
    }
}

/// Appends `scaled` with its last `decimals` digits after a point, without trailing zeros.
fn push_scaled(text: &mut String, mut scaled: u64, mut decimals: usize) {
    while decimals > 0 && scaled.is_multiple_of(10) {
        scaled /= 10;
        decimals -= 1;
    }
    let power = 10_u64.pow(u32::try_from(decimals).unwrap_or(0));
    push_integer(text, scaled / power);
    if decimals > 0 {
        text.push('.');
        push_digits(text, scaled % power, decimals);
    }
}

/// Appends a number with leading zeros to this number of digits; at most 20.
fn push_digits(text: &mut String, number: u64, digits: usize) {
    let mut buffer = itoa::Buffer::new();
    let rendered = buffer.format(number);
    text.push_str(
        "00000000000000000000"
            .get(rendered.len()..digits)
            .unwrap_or_default(),
    );
    text.push_str(rendered);
}

/// Appends a whole number.
pub(crate) fn push_integer(text: &mut String, number: u64) {
    text.push_str(itoa::Buffer::new().format(number));
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not negative, and below 1e15"
)]
fn whole(number: f64) -> u64 {
    number.round_ties_even() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brief(number: f64) -> String {
        let mut text = String::new();
        push_significant(&mut text, number);
        text
    }

    /// The same with the standard library.
    fn expected(number: f64) -> String {
        let magnitude = number.abs();
        if magnitude != 0.0 && magnitude < 0.01 {
            return format!("{number:.2e}");
        }
        let decimals = [(100.0, 0), (10.0, 1), (1.0, 2), (0.1, 3), (0.01, 4)]
            .into_iter()
            .find(|(least, _)| magnitude >= *least)
            .map_or(0, |(_, decimals)| decimals);
        let text = format!("{number:.decimals$}");
        if decimals == 0 {
            return text;
        }
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }

    #[test]
    fn three_digits_count() {
        for (number, text) in [
            (2.284, "2.28"),
            (0.018_13, "0.0181"),
            (120.4, "120"),
            (1.05, "1.05"),
            (1.0, "1"),
            (0.0, "0"),
            (9.999, "10"),
            (0.001_9, "1.90e-3"),
            (0.009_999, "1.00e-2"),
            (-2.5, "-2.5"),
            (1e-20, "1.00e-20"),
            (-1e300, "-1.00e+300"),
            (f64::INFINITY, "inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(brief(number), text);
        }
    }

    #[test]
    fn it_is_what_the_standard_library_says() {
        let mut random = fastrand::Rng::with_seed(3);
        for _ in 0..200_000 {
            let number = (random.f64() - 0.3) * 10_f64.powi(random.i32(-14..14));
            assert_eq!(brief(number), expected(number), "{number:e}");
        }
    }
}
