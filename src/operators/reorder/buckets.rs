//! The order of times that are spread rather evenly: by buckets, in time that grows with their number alone.
//!
//! Times and positions are put into one number each, which sorts many times faster than keys do.

use crate::data::Timestamp;

/// Room to sort in, used again.
#[derive(Debug, Default)]
pub(super) struct Sorter {
    /// Times and positions, each in one number.
    packed: Vec<u64>,
    scattered: Vec<u64>,
    buckets: Vec<u32>,
}

impl Sorter {
    /// How many bytes it takes for a while to sort a time.
    pub(super) const BYTES: usize = 2 * size_of::<u64>() + size_of::<u32>();

    /// Gives the positions of these times to `out`, by time and then position. False, and nothing, where the times lie so far apart that they
    /// do not go into one number with their positions.
    pub(super) fn sort(&mut self, times: impl ExactSizeIterator<Item = i64> + Clone, out: &mut Vec<u32>) -> bool {
        let Some(last) = times.len().checked_sub(1) else { return true };
        let Some((_, bits)) = self.sort_packed(times, 0u64.., last as u64) else { return false };
        let mask = (1 << bits) - 1;
        // The lower half of a word has room for fewer than 2^32 of them.
        out.extend(self.packed.iter().map(|packed| (packed & mask) as u32));
        true
    }

    /// Sorts rows by their times; those of one time stay in order. `at` has a number for each, rising.
    pub(super) fn sort_rows(&mut self, times: &mut [Timestamp], at: &mut [u32]) {
        let Some(&last) = at.last() else { return };
        match self.sort_packed(times.iter().map(|time| time.0), at.iter().map(|&at| u64::from(at)), u64::from(last)) {
            Some((first, bits)) => {
                let mask = (1 << bits) - 1;
                let rows = times.iter_mut().zip(at).zip(&self.packed);
                rows.for_each(|((time, at), packed)| {
                    (*time, *at) = (Timestamp(first.wrapping_add((packed >> bits).cast_signed())), (packed & mask) as u32);
                });
            }
            None => {
                let mut rows: Vec<(Timestamp, u32)> = times.iter().copied().zip(at.iter().copied()).collect();
                rows.sort_unstable();
                times.iter_mut().zip(at).zip(rows).for_each(|((time, at), row)| (*time, *at) = row);
            }
        }
    }

    /// Puts times and numbers that rise up to `most` into one number each, and sorts them; gives the least time, and how many bits are the number's.
    /// Nothing where that is too much for one.
    #[inline]
    fn sort_packed(
        &mut self,
        times: impl ExactSizeIterator<Item = i64> + Clone,
        at: impl Iterator<Item = u64>,
        most: u64,
    ) -> Option<(i64, u32)> {
        let (first, last) = times.clone().fold((i64::MAX, i64::MIN), |(first, last), time| (first.min(time), last.max(time)));
        let bits = u64::BITS - most.leading_zeros();
        let span = last.abs_diff(first);
        if bits > u32::BITS || span.leading_zeros() < bits {
            return None;
        }
        self.packed.clear();
        self.packed.extend(times.zip(at).map(|(time, at)| time.wrapping_sub(first).cast_unsigned() << bits | at));
        sort_by_buckets(&mut self.packed, &mut self.scattered, &mut self.buckets, span << bits | ((1 << bits) - 1));
        Some((first, bits))
    }
}

/// Sorts numbers up to `most` that are spread rather evenly, as times are: into nearly as many buckets as there are numbers, by the high bits,
/// and what is left by insertion. Where they are not spread so, by comparison.
fn sort_by_buckets(numbers: &mut Vec<u64>, scattered: &mut Vec<u64>, ends: &mut Vec<u32>, most: u64) {
    const FEW: usize = 64;
    const FULL: u32 = 24;
    let count = numbers.len();
    if count < FEW || u32::try_from(count).is_err() {
        return numbers.sort_unstable();
    }
    let bits = count.ilog2();
    let shift = (u64::BITS - most.leading_zeros()).saturating_sub(bits);
    ends.clear();
    ends.resize(1 << bits, 0);
    for number in &*numbers {
        let bucket = &mut ends[(number >> shift) as usize];
        *bucket = bucket.wrapping_add(1);
    }
    if ends.iter().fold(0, |most, &count| count.max(most)) > FULL {
        return numbers.sort_unstable();
    }
    let mut begin = 0u32;
    for bucket in ends.iter_mut() {
        begin = begin.wrapping_add(std::mem::replace(bucket, begin));
    }
    // What stands there is written over.
    if scattered.len() < count {
        scattered.resize(count, 0);
    }
    scattered.truncate(count);
    for &number in &*numbers {
        let place = &mut ends[(number >> shift) as usize];
        scattered[*place as usize] = number;
        *place = place.wrapping_add(1);
    }
    let mut before = 0;
    for at in 0..count {
        let number = scattered[at];
        if before <= number {
            before = number;
            continue;
        }
        let mut to = at;
        while to > 0 && scattered[to - 1] > number {
            scattered[to] = scattered[to - 1];
            to -= 1;
        }
        scattered[to] = number;
    }
    std::mem::swap(numbers, scattered);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Also times that lie too far apart to go into one number with where their rows are.
    #[test]
    fn rows_of_one_time_stay_in_order() {
        let mut sorter = Sorter::default();
        for (count, apart) in [1, 40, 64, 500].into_iter().flat_map(|count| [(count, 1000), (count, i64::MAX / 2)]) {
            let mut rows: Vec<(Timestamp, u32)> =
                (0..count).map(|at| (Timestamp((i64::from(at) * 7919 % 5 - 2) * apart), at * 3)).collect();
            let (mut sorted, mut at): (Vec<Timestamp>, Vec<u32>) = rows.iter().copied().unzip();
            sorter.sort_rows(&mut sorted, &mut at);
            rows.sort_by_key(|(time, _)| *time);
            assert_eq!(sorted.into_iter().zip(at).collect::<Vec<_>>(), rows, "{count} rows, {apart} apart");
        }
    }

    #[test]
    fn buckets_sort_as_comparisons_do() {
        let mut state = 11u64;
        let (mut scattered, mut buckets) = (Vec::new(), Vec::new());
        for round in 0..400u32 {
            let mut numbers: Vec<u64> = (0..round * 3)
                .map(|at| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    // Spread evenly, in a heap at one end, or nearly in order.
                    match round % 4 {
                        0 => state >> (round % 60),
                        1 => (state >> 60) << (round % 60) | u64::from(at),
                        2 => u64::from(at) * 1000 + (state >> 48),
                        _ => u64::MAX - (state >> 40),
                    }
                })
                .collect();
            let mut wanted = numbers.clone();
            wanted.sort_unstable();
            let most = numbers.iter().copied().max().unwrap_or(0);
            sort_by_buckets(&mut numbers, &mut scattered, &mut buckets, most);
            assert_eq!(numbers, wanted, "round {round}");
        }
    }
}
