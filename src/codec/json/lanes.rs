//! Sixteen bytes of text at a time, side by side: where lines end, and where a string stops.

use wide::{CmpEq, CmpLt, i8x16};

/// How many bytes are looked at for line ends in one go: a bit each.
pub(super) const SPAN: usize = 64;
/// Bytes that are looked at side by side.
const LANES: usize = 16;

#[inline(always)]
fn lanes(bytes: &[u8; LANES]) -> i8x16 {
    let mut signed = [0; LANES];
    signed.iter_mut().zip(bytes).for_each(|(to, byte)| *to = byte.cast_signed());
    i8x16::from(signed)
}

#[inline(always)]
fn all(byte: u8) -> i8x16 {
    i8x16::splat(byte.cast_signed())
}

/// A bit for each line end.
#[inline(always)]
pub(super) fn line_ends(bytes: &[u8; SPAN]) -> u64 {
    let (parts, _) = bytes.as_chunks::<LANES>();
    let ends = |part| u64::from(lanes(part).cmp_eq(all(b'\n')).move_mask().cast_unsigned());
    parts.iter().rev().fold(0, |bits, part| bits << LANES | ends(part))
}

/// A bit for each byte that ends the plain part of a string: quotes, backslashes and control characters.
#[inline(always)]
pub(super) fn string_stops(bytes: &[u8; LANES]) -> u32 {
    let lanes = lanes(bytes);
    let stops = lanes.cmp_eq(all(b'"')) | lanes.cmp_eq(all(b'\\')) | lanes.cmp_lt(all(b' '));
    // Bytes that are not ASCII are negative here, and so less than a blank; their highest bit says so.
    (stops.move_mask() & !lanes.move_mask()).cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_stops_a_string_or_does_not() {
        for byte in 0..=u8::MAX {
            for at in 0..LANES {
                let mut bytes = *b"x0,\xff\x80\x7f z ~!#[]:w";
                bytes[at] = byte;
                let is_stop = byte < 0x20 || byte == b'"' || byte == b'\\';
                assert_eq!(string_stops(&bytes), u32::from(is_stop) << at, "{byte} at {at}");
            }
        }
    }

    #[test]
    fn line_ends_are_where_they_are() {
        let mut bytes = [b'\x0b'; SPAN];
        assert_eq!(line_ends(&bytes), 0);
        for at in 0..SPAN {
            bytes[at] = b'\n';
            assert_eq!(line_ends(&bytes), u64::MAX >> (SPAN - 1 - at));
        }
    }
}
