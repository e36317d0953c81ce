//! Points and lengths of time: nanoseconds in 64 bits, UTC.

/// A point in time: nanoseconds since 1970-01-01T00:00:00Z. `Display` writes RFC 3339 with as many fraction digits as needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

/// A length of time in nanoseconds. `Display` writes it as the language does: `2m 3.5s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration(pub i64);

/// The unit of integer epoch times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TimeUnit {
    /// seconds
    Second,
    /// milliseconds, the default
    #[default]
    Milli,
    /// microseconds
    Micro,
    /// nanoseconds
    Nano,
}

impl Timestamp {
    /// The end of time: where the watermark stands after the end of input.
    pub const MAX: Timestamp = Timestamp(i64::MAX);
    /// The beginning of time.
    pub const MIN: Timestamp = Timestamp(i64::MIN);

    /// The point `span` later; at the end of time it stays there.
    #[must_use]
    pub fn saturating_add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// The point `span` earlier; at the beginning of time it stays there.
    #[must_use]
    pub fn saturating_sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(span.0))
    }

    /// How much later this is than `earlier`.
    pub fn since(self, earlier: Self) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }
}

impl Duration {
    /// So many milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }
}
