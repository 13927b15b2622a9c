use hybrid_core::chrono::{DateTime, Datelike, Utc};

/// From 1970 to 2000, which Postgres counts from, in days and in microseconds.
pub(super) const EPOCH_DAYS: i32 = 10_957;
pub(super) const EPOCH_MICROS: i64 = EPOCH_DAYS as i64 * 86_400_000_000;

/// The earliest instant of Postgres, in 4713 BC; the latest is later than any i64 of microseconds.
const FIRST: i64 = -210_866_803_200_000_000;

/// Microseconds since 1970 as an instant of Postgres, `None` out of its range.
pub(super) fn to_wire(micros: i64) -> Option<i64> {
    (micros >= FIRST).then(|| micros - EPOCH_MICROS)
}

/// The other way round; `None` for the infinities and what no i64 holds.
pub(super) fn from_wire(value: i64) -> Option<i64> {
    if value == i64::MAX || value == i64::MIN {
        None
    } else {
        value.checked_add(EPOCH_MICROS)
    }
}

/// The text of an instant that Postgres reads exactly; beyond its range an infinity. `date`: the day alone.
pub(crate) fn literal(micros: i64, date: bool) -> String {
    let time = to_wire(micros).and_then(|_| DateTime::<Utc>::from_timestamp_micros(micros));
    let Some(time) = time else {
        return if micros < 0 { "-infinity" } else { "infinity" }.to_owned();
    };
    let (year, era) = if time.year() > 0 {
        (time.year(), "")
    } else {
        (1 - time.year(), " BC")
    };
    let day = format!("{year:04}-{:02}-{:02}", time.month(), time.day());
    if date {
        format!("{day}{era}")
    } else {
        format!("{day} {}{era}", time.format("%H:%M:%S%.6f+00"))
    }
}

/// The text of a time of day, microseconds since midnight.
pub(super) fn time_of_day(micros: i64, out: &mut String) {
    use std::fmt::Write;
    let (seconds, rest) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    // Writing into a String does not fail.
    let _ = write!(
        out,
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    );
    if rest > 0 {
        let _ = write!(out, ".{rest:06}");
        out.truncate(out.trim_end_matches('0').len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_of_instants() {
        assert_eq!(literal(0, false), "1970-01-01 00:00:00.000000+00");
        assert_eq!(literal(-1, false), "1969-12-31 23:59:59.999999+00");
        assert_eq!(literal(-1, true), "1969-12-31");
        assert_eq!(literal(-62_198_755_200_000_000, true), "0002-01-01 BC");
        assert_eq!(literal(i64::MIN, false), "-infinity");
        assert_eq!(literal(i64::MAX, true), "infinity");
        assert_eq!(to_wire(FIRST - 1), None);
    }

    #[test]
    fn times_of_day() {
        let text = |micros| {
            let mut text = String::new();
            time_of_day(micros, &mut text);
            text
        };
        assert_eq!(text(0), "00:00:00");
        assert_eq!(text(86_400_000_000), "24:00:00");
        assert_eq!(text(45_296_100_000), "12:34:56.1");
    }
}
