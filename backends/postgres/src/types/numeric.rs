//! The binary form of `numeric`: digits of base 10,000, the power of the first, sign, decimal places.

use bytes::{BufMut, BytesMut};

const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const MINUS_INFINITY: u16 = 0xF000;

/// What is in a binary numeric.
struct Parts<'a> {
    digits: &'a [u8],
    weight: i16,
    sign: u16,
    places: u16,
}

impl<'a> Parts<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let word = |at: usize| Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
        let count = usize::from(word(0)?);
        Some(Self {
            digits: bytes.get(8..).filter(|digits| digits.len() == count * 2)?,
            weight: word(2)? as i16,
            sign: word(4)?,
            places: word(6)?,
        })
    }

    /// The digit that counts 10,000 to the `power`.
    fn digit(&self, power: i32) -> u16 {
        let index = i32::from(self.weight) - power;
        let at = usize::try_from(index).ok().map(|index| index * 2);
        at.and_then(|at| self.digits.get(at..at + 2))
            .map_or(0, |two| u16::from_be_bytes([two[0], two[1]]))
    }

    fn special(&self) -> Option<&'static str> {
        match self.sign {
            NAN => Some("NaN"),
            INFINITY => Some("Infinity"),
            MINUS_INFINITY => Some("-Infinity"),
            _ => None,
        }
    }
}

/// The unscaled value at `scale`; `None` for NaN, infinities, what does not fit, and malformed bytes.
pub(super) fn unscaled(bytes: &[u8], scale: i8) -> Option<i128> {
    let parts = Parts::read(bytes)?;
    if parts.special().is_some() || scale < 0 {
        return None;
    }
    let mut value: i128 = 0;
    for power in (0..=i32::from(parts.weight).max(0)).rev() {
        value = value.checked_mul(10_000)?.checked_add(i128::from(parts.digit(power)))?;
    }
    let (mut left, mut power) = (i32::from(scale), -1);
    while left > 0 {
        let digit = i128::from(parts.digit(power));
        let taken = left.min(4);
        let unit = 10_i128.pow(4 - taken as u32);
        value = value
            .checked_mul(10_i128.pow(taken as u32))?
            .checked_add(digit / unit)?;
        left -= taken;
        power -= 1;
    }
    Some(if parts.sign == NEGATIVE { -value } else { value })
}

/// The number as Postgres prints it; `None` for malformed bytes.
pub(super) fn text(bytes: &[u8], out: &mut String) -> Option<()> {
    use std::fmt::Write;
    let parts = Parts::read(bytes)?;
    if let Some(special) = parts.special() {
        out.push_str(special);
        return Some(());
    }
    if parts.sign == NEGATIVE {
        out.push('-');
    }
    let first = i32::from(parts.weight).max(0);
    // Writing into a String does not fail.
    let _ = write!(out, "{}", parts.digit(first));
    for power in (0..first).rev() {
        let _ = write!(out, "{:04}", parts.digit(power));
    }
    if parts.places > 0 {
        out.push('.');
        let end = out.len() + usize::from(parts.places);
        let mut power = -1;
        while out.len() < end {
            let _ = write!(out, "{:04}", parts.digit(power));
            power -= 1;
        }
        out.truncate(end);
    }
    Some(())
}

/// Writes `value / 10^scale`.
pub(super) fn write(value: i128, scale: u8, out: &mut BytesMut) {
    let mut rest = value.unsigned_abs();
    // Digits from the right: first those that fill up the last four decimal places.
    let padding = (4 - scale % 4) % 4;
    let mut digits: Vec<u16> = Vec::new();
    if padding > 0 {
        let unit = 10_u128.pow(4 - u32::from(padding));
        digits.push((rest % unit) as u16 * 10_u16.pow(u32::from(padding)));
        rest /= unit;
    }
    while rest > 0 {
        digits.push((rest % 10_000) as u16);
        rest /= 10_000;
    }
    let groups = i32::from(scale.div_ceil(4));
    let weight = digits.len() as i32 - groups - 1;
    let trailing = digits.iter().take_while(|digit| **digit == 0).count();
    let kept = &digits[trailing..];
    out.put_i32(8 + 2 * kept.len() as i32);
    out.put_u16(kept.len() as u16);
    out.put_i16(if kept.is_empty() { 0 } else { weight as i16 });
    out.put_u16(if value < 0 { NEGATIVE } else { 0 });
    out.put_u16(u16::from(scale));
    for digit in kept.iter().rev() {
        out.put_u16(*digit);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let values = [
            0,
            1,
            -1,
            9_999,
            10_000,
            123_456_789,
            -1_000_000,
            10_i128.pow(38) - 1,
            1 - 10_i128.pow(38),
        ];
        for value in values {
            for scale in [0_u8, 1, 2, 3, 4, 5, 9, 37, 38] {
                let mut out = BytesMut::new();
                write(value, scale, &mut out);
                assert_eq!(unscaled(&out[4..], scale as i8), Some(value), "{value} at {scale}");
                let mut shown = String::new();
                text(&out[4..], &mut shown).unwrap();
                let digits: String = shown.chars().filter(|c| *c != '.').collect();
                assert_eq!(digits.parse::<i128>().unwrap(), value, "{shown}");
            }
        }
    }

    #[test]
    fn malformed_ones_are_none() {
        for bytes in [&[][..], &[0, 1, 0, 0, 0, 0, 0, 0], &[0; 7]] {
            assert_eq!(unscaled(bytes, 2), None);
        }
        assert_eq!(unscaled(&[0, 0, 0, 0, 0xC0, 0, 0, 0], 2), None);
    }
}
