//! The types of the language and how they print.

use std::fmt;
use std::sync::Arc;

use super::Field;

/// The type of a column or expression.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DataType {
    /// The type of a bare `NULL`; fits everywhere.
    Null,
    /// `BOOL`.
    Bool,
    /// `INT`: 64-bit signed.
    Int,
    /// `FLOAT`: 64-bit IEEE 754.
    Float,
    /// `DECIMAL(precision, scale)`: exact, at most 28 digits.
    Decimal {
        /// All digits, 1 to 28.
        precision: u8,
        /// Digits behind the point, at most `precision`.
        scale: u8,
    },
    /// `STRING`: UTF-8 text.
    String,
    /// `TIMESTAMP`: UTC, nanoseconds since 1970 in 64 bits.
    Timestamp,
    /// `DURATION`: nanoseconds in 64 bits.
    Duration,
    /// `LIST<T>`.
    List(Arc<DataType>),
    /// `STRUCT<name T, …>`.
    Struct(Arc<[Field]>),
    /// `JSON`: any JSON value, kept as its text.
    Json,
}

impl DataType {
    /// Whether values of this type are numbers (`INT`, `FLOAT`, `DECIMAL`).
    pub fn is_numeric(&self) -> bool {
        matches!(self, Self::Int | Self::Float | Self::Decimal { .. })
    }

    /// The narrowest type that holds values of both, where there is one: `INT` widens to `DECIMAL` and `FLOAT`,
    /// `DECIMAL` to `FLOAT`, and `NULL` to anything. Nothing else widens silently.
    pub fn common(&self, other: &Self) -> Option<Self> {
        use DataType as T;
        match (self, other) {
            (a, b) if a == b => Some(a.clone()),
            (T::Null, t) | (t, T::Null) => Some(t.clone()),
            (T::Int, T::Float) | (T::Float, T::Int) => Some(T::Float),
            (T::Decimal { .. }, T::Float) | (T::Float, T::Decimal { .. }) => Some(T::Float),
            (T::Decimal { scale, .. }, T::Int) | (T::Int, T::Decimal { scale, .. }) => Some(T::Decimal { precision: 28, scale: *scale }),
            (T::Decimal { precision: p, scale: s }, T::Decimal { precision: q, scale: r }) => {
                let scale = (*s).max(*r);
                let whole = (p - s).max(q - r);
                Some(T::Decimal { precision: (whole + scale).min(28), scale })
            }
            (T::List(a), T::List(b)) => a.common(b).map(|t| T::List(Arc::new(t))),
            _ => None,
        }
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Bool => f.write_str("BOOL"),
            Self::Int => f.write_str("INT"),
            Self::Float => f.write_str("FLOAT"),
            Self::Decimal { precision, scale } => write!(f, "DECIMAL({precision}, {scale})"),
            Self::String => f.write_str("STRING"),
            Self::Timestamp => f.write_str("TIMESTAMP"),
            Self::Duration => f.write_str("DURATION"),
            Self::List(item) => write!(f, "LIST<{item}>"),
            Self::Struct(fields) => {
                f.write_str("STRUCT<")?;
                for (i, field) in fields.iter().enumerate() {
                    let comma = if i == 0 { "" } else { ", " };
                    write!(f, "{comma}{} {}", field.name, field.data_type)?;
                }
                f.write_str(">")
            }
            Self::Json => f.write_str("JSON"),
        }
    }
}
