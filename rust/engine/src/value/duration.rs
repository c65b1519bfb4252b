//! Durations -> text: as people say them, and as an expression writes them.

const SECOND_US: u64 = 1_000_000;
const MINUTE_US: u64 = 60 * SECOND_US;
const HOUR_US: u64 = 60 * MINUTE_US;
const DAY_US: u64 = 24 * HOUR_US;

/// `151 days 5 hours`, `1.5 seconds`, `-1 day`; nothing is rounded.
pub(crate) fn spoken(microseconds: i64) -> String {
    let mut rest = microseconds.unsigned_abs();
    let mut parts = Vec::new();
    for (unit, unit_us) in [("day", DAY_US), ("hour", HOUR_US), ("minute", MINUTE_US)] {
        let count = rest / unit_us;
        rest %= unit_us;
        if count > 0 {
            parts.push(format!("{count} {unit}{}", if count == 1 { "" } else { "s" }));
        }
    }
    if rest > 0 || parts.is_empty() {
        let plural = if rest == SECOND_US { "" } else { "s" };
        parts.push(format!("{} second{plural}", seconds(rest)));
    }
    format!("{}{}", sign(microseconds), parts.join(" "))
}

/// The same for an author: `30 days (720h)`. In parentheses is the form for an expression, which has no days.
pub(crate) fn spoken_and_written(microseconds: i64) -> String {
    let spoken = spoken(microseconds);
    if microseconds.unsigned_abs() < DAY_US {
        return spoken;
    }
    format!("{spoken} ({})", written(microseconds))
}

/// `720h`, `1h30m`, `1.5s`: what `duration("...")` takes.
fn written(microseconds: i64) -> String {
    let mut rest = microseconds.unsigned_abs();
    let mut parts = Vec::new();
    for (unit, unit_us) in [("h", HOUR_US), ("m", MINUTE_US)] {
        let count = rest / unit_us;
        rest %= unit_us;
        if count > 0 {
            parts.push(format!("{count}{unit}"));
        }
    }
    if rest > 0 {
        parts.push(format!("{}s", seconds(rest)));
    }
    format!("{}{}", sign(microseconds), parts.concat())
}

fn sign(microseconds: i64) -> &'static str {
    if microseconds < 0 { "-" } else { "" }
}

fn seconds(microseconds: u64) -> String {
    let (whole, fraction) = (microseconds / SECOND_US, microseconds % SECOND_US);
    if fraction == 0 {
        return whole.to_string();
    }
    format!("{whole}.{fraction:06}").trim_end_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_spoken() {
        let cases = [
            (0, "0 seconds"),
            (1, "0.000001 seconds"),
            (1_000_000, "1 second"),
            (1_500_000, "1.5 seconds"),
            (5_400_000_000, "1 hour 30 minutes"),
            (-86_400_000_000, "-1 day"),
            (13_064_400_000_000, "151 days 5 hours"),
            (172_800_000_001, "2 days 0.000001 seconds"),
        ];
        for (microseconds, text) in cases {
            assert_eq!(spoken(microseconds), text);
        }
        assert!(spoken(i64::MIN).starts_with("-106751991 days 4 hours"));
    }

    #[test]
    fn an_author_also_reads_what_to_write() {
        let cases = [
            (5_400_000_000, "1 hour 30 minutes"),
            (2_592_000_000_000, "30 days (720h)"),
            (-86_400_000_000, "-1 day (-24h)"),
            (90_061_500_000, "1 day 1 hour 1 minute 1.5 seconds (25h1m1.5s)"),
        ];
        for (microseconds, text) in cases {
            assert_eq!(spoken_and_written(microseconds), text);
        }
    }
}
