//! The bounds of a run, as they are written on the command line.

use std::str::FromStr;

use betide::{Limits, resident_bytes};
use clap::Args;

use super::Failure;

/// What a run needs beyond what it has before its first event: chunks that are read ahead, a round of events, rows on their way out.
const LEAST_ROOM: usize = 16 << 20;

/// Bounds, and what they are without a word.
#[derive(Debug, Args)]
pub(crate) struct BoundFlags {
    /// The most memory that the process may have, its program's own among it (`512MB`); beyond it the run ends with exit code 65
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory: Option<Size>,
    /// The most that the state of one statement may take; beyond it that statement ends, and the others go on
    #[arg(long, value_name = "SIZE")]
    pub(crate) statement_memory: Option<Size>,
    /// The most keys that one operator may hold; beyond it its statement ends, and the others go on
    #[arg(long, value_name = "KEYS")]
    pub(crate) max_keys: Option<usize>,
    /// The most rows that one event may give in one operator; beyond it its statement ends, and the others go on
    #[arg(long, value_name = "ROWS")]
    pub(crate) max_event_rows: Option<usize>,
    /// How many unfinished runs of a pattern one key may have; beyond it the oldest are dropped, counted and told
    #[arg(long, value_name = "RUNS")]
    pub(crate) max_runs: Option<usize>,
    /// How many events may wait for the watermark; beyond it the oldest go before it, counted and told
    #[arg(long, value_name = "EVENTS")]
    pub(crate) max_waiting: Option<usize>,
}

impl BoundFlags {
    /// Puts them among the limits.
    pub(crate) fn apply(&self, limits: &mut Limits) {
        limits.memory = self.memory.map(|size| size.0);
        limits.statement_memory = self.statement_memory.map(|size| size.0);
        limits.keys = self.max_keys.unwrap_or(limits.keys);
        limits.event_rows = self.max_event_rows.unwrap_or(limits.event_rows);
        limits.pattern_threads = self.max_runs.unwrap_or(limits.pattern_threads);
        limits.waiting_events = self.max_waiting.unwrap_or(limits.waiting_events);
    }

    /// A bound that leaves no room for any event is refused before one is read.
    pub(crate) fn refuse_too_little(&self) -> Result<(), Failure> {
        let (Some(Size(memory)), Some(resident)) = (self.memory, resident_bytes()) else { return Ok(()) };
        let least = resident + LEAST_ROOM;
        if memory >= least {
            return Ok(());
        }
        let megabytes = |bytes: usize| bytes.div_ceil(1_000_000);
        let (has, least) = (megabytes(resident), megabytes(least));
        Err(Failure::usage(format!("--memory is too little: the process has {has} MB before the first event; give {least}MB at least")))
    }
}

/// A number of bytes: `512MB`, `64KiB`, `1000000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size(usize);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no size (512MB, 2GB, 64KiB, 1000000)");
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let number: usize = number.parse().map_err(|_| wrong())?;
        let unit: usize = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "k" | "kb" => 1000,
            "m" | "mb" => 1_000_000,
            "g" | "gb" => 1_000_000_000,
            "kib" => 1 << 10,
            "mib" => 1 << 20,
            "gib" => 1 << 30,
            _ => return Err(wrong()),
        };
        number.checked_mul(unit).map(Self).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::Size;

    #[test]
    fn sizes_have_units() {
        let size = |text: &str| text.parse::<Size>().map(|size| size.0);
        assert_eq!(["512MB", "2 gb", "64KiB", "7"].map(|text| size(text).unwrap()), [512_000_000, 2_000_000_000, 65_536, 7]);
        assert!(["", "MB", "1.5MB", "12xb", "99999999999999999999GB"].iter().all(|text| size(text).is_err()));
    }
}
