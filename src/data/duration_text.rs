//! Lengths of time as text, as the language writes them: `2m 3.5s`.

use std::fmt;

use super::Duration;

impl Duration {
    /// Appends the text that `Display` writes: for writing many of them.
    pub fn append_to(self, out: &mut Vec<u8>) {
        if self.0 < 0 {
            out.push(b'-');
        }
        let (nanos, second) = (self.0.unsigned_abs(), 1_000_000_000);
        if nanos == 0 {
            return out.extend_from_slice(b"0s");
        }
        if nanos < second {
            let (unit, name, digits) = match nanos {
                1_000_000.. => (1_000_000, b"ms", 6),
                1_000.. => (1_000, b"us", 3),
                _ => (1, b"ns", 0),
            };
            append_number(nanos / unit, out);
            append_fraction(nanos % unit, digits, out);
            return out.extend_from_slice(name);
        }
        let seconds = nanos / second;
        let begin = out.len();
        for (count, name) in [(seconds / 86_400, b'd'), (seconds / 3600 % 24, b'h'), (seconds / 60 % 60, b'm')] {
            if count > 0 {
                append_number(count, out);
                out.extend_from_slice(&[name, b' ']);
            }
        }
        if !nanos.is_multiple_of(60 * second) {
            append_number(seconds % 60, out);
            append_fraction(nanos % second, 9, out);
            out.push(b's');
        } else if out.len() > begin {
            out.pop();
        }
    }
}

fn append_number(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// `.5` for half of 10^`digits`; nothing for zero.
fn append_fraction(mut fraction: u64, mut digits: usize, out: &mut Vec<u8>) {
    if fraction == 0 {
        return;
    }
    while fraction.is_multiple_of(10) {
        fraction /= 10;
        digits -= 1;
    }
    out.push(b'.');
    let begin = out.len();
    out.resize(begin + digits, b'0');
    for digit in out[begin..].iter_mut().rev() {
        *digit = b'0' + (fraction % 10) as u8;
        fraction /= 10;
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(32);
        self.append_to(&mut text);
        f.write_str(std::str::from_utf8(&text).expect("the text is ASCII"))
    }
}
