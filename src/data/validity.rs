//! Which rows of a column in the making have a value.

use std::ops::Range;

use arrow_buffer::NullBuffer;

/// Which rows have a value; nothing is kept while all have.
#[derive(Debug, Default)]
pub(super) struct Validity(Option<Vec<bool>>);

impl Validity {
    /// Notes that one row more, behind `len` others, has a value or has none.
    #[inline]
    pub(super) fn push(&mut self, len: usize, is_valid: bool) {
        match &mut self.0 {
            Some(flags) => flags.push(is_valid),
            None if is_valid => {}
            None => {
                let mut flags = vec![true; len];
                flags.push(false);
                self.0 = Some(flags);
            }
        }
    }

    pub(super) fn push_times(&mut self, len: usize, is_valid: bool, times: usize) {
        if !is_valid && times > 0 && self.0.is_none() {
            self.0 = Some(vec![true; len]);
        }
        if let Some(flags) = &mut self.0 {
            flags.resize(flags.len() + times, is_valid);
        }
    }

    pub(super) fn extend(&mut self, len: usize, more: Option<&[bool]>, rows: usize) {
        match more {
            None => self.push_times(len, true, rows),
            Some(more) => self.0.get_or_insert_with(|| vec![true; len]).extend_from_slice(more),
        }
    }

    pub(super) fn repeat_rows(&mut self, rows: Range<usize>) {
        if let Some(flags) = &mut self.0 {
            flags.extend_from_within(rows);
        }
    }

    pub(super) fn finish(&mut self) -> Option<NullBuffer> {
        self.0.take().filter(|flags| flags.contains(&false)).map(NullBuffer::from)
    }
}
