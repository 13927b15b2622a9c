use hybrid_core::chrono::{DateTime, Datelike, NaiveDate, Utc};

/// The earliest instant of Redshift, in 4713 BC, and the latest that is written here, in the year 262142, in microseconds
/// since 1970.
const FIRST: i64 = -210_866_803_200_000_000;
const LAST: i64 = 8_210_266_876_799_999_999;

/// Whether Redshift has this instant.
pub(super) fn is_known(micros: i64) -> bool {
    (FIRST..=LAST).contains(&micros)
}

/// The text of an instant in UTC that Redshift reads exactly; what is beyond its range is its end. `date`: the day alone.
pub(crate) fn literal(micros: i64, date: bool) -> String {
    let micros = micros.clamp(FIRST, LAST);
    // The range of the clamp is inside of chrono's.
    let time = DateTime::<Utc>::from_timestamp_micros(micros).unwrap_or_default();
    let (year, era) = match time.year() {
        year if year > 0 => (year, ""),
        year => (1 - year, " BC"),
    };
    let day = format!("{year:04}-{:02}-{:02}", time.month(), time.day());
    match date {
        true => format!("{day}{era}"),
        false => format!("{day} {}{era}", time.format("%H:%M:%S%.6f")),
    }
}

/// Microseconds since 1970 of a timestamp as the engine prints it: `2024-01-31 10:20:30.5`, then a zone's offset, then ` BC`.
pub(super) fn timestamp(text: &str) -> Option<i64> {
    let (text, before) = era(text);
    let (day, clock) = match text.split_once([' ', 'T']) {
        Some((day, clock)) => (day, clock),
        None => (text, "00:00:00"),
    };
    let zone = clock.find(['+', '-', 'Z']).unwrap_or(clock.len());
    let (clock, zone) = clock.split_at(zone);
    let seconds = clock_micros(clock)?.checked_sub(offset_micros(zone)?)?;
    i64::from(days(day, before)?)
        .checked_mul(86_400_000_000)?
        .checked_add(seconds)
}

/// Days since 1970 of a date as the engine prints it.
pub(super) fn date(text: &str) -> Option<i32> {
    let (text, before) = era(text);
    days(text, before)
}

fn era(text: &str) -> (&str, bool) {
    match text.strip_suffix(" BC") {
        Some(text) => (text, true),
        None => (text, false),
    }
}

fn days(text: &str, before: bool) -> Option<i32> {
    let mut parts = text.splitn(3, '-');
    let year: i32 = parts.next()?.parse().ok()?;
    let (month, day) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let date = NaiveDate::from_ymd_opt(if before { 1 - year } else { year }, month, day)?;
    i32::try_from(date.signed_duration_since(NaiveDate::default()).num_days()).ok()
}

fn clock_micros(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut seconds = 0;
    for (part, unit) in whole.splitn(3, ':').zip([3600, 60, 1]) {
        seconds += part.parse::<i64>().ok()? * unit;
    }
    let digits = fraction.get(..fraction.len().min(6))?;
    let micros = match digits {
        "" => 0,
        digits => digits.parse::<i64>().ok()? * 10_i64.pow(6 - u32::try_from(digits.len()).ok()?),
    };
    Some(seconds * 1_000_000 + micros)
}

fn offset_micros(zone: &str) -> Option<i64> {
    let (sign, zone) = match zone.as_bytes().first() {
        None | Some(b'Z') => return Some(0),
        Some(b'-') => (-1, &zone[1..]),
        _ => (1, &zone[1..]),
    };
    Some(sign * clock_micros(zone)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_come_back() {
        for micros in [0, -1, 1_700_000_000_123_456, -62_198_755_200_000_000, FIRST] {
            assert_eq!(
                timestamp(&literal(micros, false)),
                Some(micros),
                "{}",
                literal(micros, false)
            );
        }
        assert_eq!(literal(0, false), "1970-01-01 00:00:00.000000");
        assert_eq!(literal(-62_198_755_200_000_000, true), "0002-01-01 BC");
        assert_eq!(literal(i64::MIN, true), "4714-11-24 BC");
        assert_eq!(
            timestamp(&literal(i64::MAX, false)),
            timestamp("262142-12-31 23:59:59.999999")
        );
    }

    #[test]
    fn texts_of_the_engine_are_read() {
        assert_eq!(timestamp("1970-01-01 00:00:01"), Some(1_000_000));
        assert_eq!(timestamp("1970-01-01 02:00:00.5+02"), Some(500_000));
        assert_eq!(timestamp("1970-01-01 00:00:00-05:30"), Some(19_800_000_000));
        assert_eq!(timestamp("1970-01-02"), Some(86_400_000_000));
        assert_eq!(date("1969-12-31"), Some(-1));
        for wrong in [
            "",
            "x",
            "2024-13-01 00:00:00",
            "infinity",
            "2024-01-01 1é:00:00",
            "1970-01-01 00:00:00.é",
        ] {
            assert_eq!(timestamp(wrong), None, "{wrong}");
        }
    }
}
