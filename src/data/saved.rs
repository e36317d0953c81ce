//! What can be written as state and read back: plain values here, structs and enums of them by [`saved!`](crate::saved), each field by
//! name, so that a field that is added and not saved does not compile.

use std::borrow::Cow;
use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use rust_decimal::Decimal;

use super::state::{StateError, StateReader, StateWriter};
use super::{Duration, Key, KeyTable, Place, Timestamp, Value, WatermarkStep};

/// Something that can be written as state and read back.
pub trait Saved: Sized {
    /// Writes it.
    fn save(&self, to: &mut StateWriter);

    /// Reads what [`Saved::save`] has written.
    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError>;
}

/// Lets a struct or an enum be saved: `saved!(Name { field, other });`, `saved!(enum Name { 0 => Unit, 1 => Tuple(a, b), 2 => Named { c } });`.
/// All fields must be named. The numbers of variants are part of the format.
#[macro_export]
macro_rules! saved {
    (enum $name:ident { $($tag:literal => $variant:ident $(($($item:ident),+))? $({ $($field:ident),+ })?),+ $(,)? }) => {
        impl $crate::data::Saved for $name {
            fn save(&self, to: &mut $crate::data::StateWriter) {
                match self {
                    $(Self::$variant $(($($item),+))? $({ $($field),+ })? => {
                        to.number($tag);
                        $($(to.put($item);)+)?
                        $($(to.put($field);)+)?
                    })+
                }
            }

            fn load(from: &mut $crate::data::StateReader<'_>) -> Result<Self, $crate::data::StateError> {
                match from.number()? {
                    $($tag => {
                        $($(let $item = from.take()?;)+)?
                        $($(let $field = from.take()?;)+)?
                        Ok(Self::$variant $(($($item),+))? $({ $($field),+ })?)
                    })+
                    other => Err($crate::data::StateError::new(format!("{} has no variant {other}", stringify!($name)))),
                }
            }
        }
    };
    ($name:ident { $($field:ident),* $(,)? }) => {
        impl $crate::data::Saved for $name {
            fn save(&self, to: &mut $crate::data::StateWriter) {
                let Self { $($field),* } = self;
                $(to.put($field);)*
            }

            fn load(from: &mut $crate::data::StateReader<'_>) -> Result<Self, $crate::data::StateError> {
                $(let $field = from.take()?;)*
                Ok(Self { $($field),* })
            }
        }
    };
    ($name:ident ( $($item:ident),+ $(,)? )) => {
        impl $crate::data::Saved for $name {
            fn save(&self, to: &mut $crate::data::StateWriter) {
                let Self($($item),+) = self;
                $(to.put($item);)+
            }

            fn load(from: &mut $crate::data::StateReader<'_>) -> Result<Self, $crate::data::StateError> {
                $(let $item = from.take()?;)+
                Ok(Self($($item),+))
            }
        }
    };
}

macro_rules! numbers {
    ($($number:ty),+) => {
        $(impl Saved for $number {
            fn save(&self, to: &mut StateWriter) {
                to.number(*self as u64);
            }

            fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
                let number = from.number()?;
                Self::try_from(number).map_err(|_| StateError::new(format!("{number} is no {}", stringify!($number))))
            }
        })+
    };
}

numbers!(u16, u32, u64, usize);

macro_rules! words {
    ($($number:ty),+) => {
        $(impl Saved for $number {
            fn save(&self, to: &mut StateWriter) {
                to.raw(&self.to_le_bytes());
            }

            fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
                Ok(Self::from_le_bytes(from.bytes()?))
            }
        })+
    };
}

words!(u8, i64, i128, u128, f64);

impl Saved for bool {
    fn save(&self, to: &mut StateWriter) {
        to.raw(&[u8::from(*self)]);
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        match from.bytes()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => Err(StateError::new(format!("{other} is neither true nor false"))),
        }
    }
}

impl Saved for String {
    fn save(&self, to: &mut StateWriter) {
        to.blob(self.as_bytes());
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        String::from_utf8(from.blob()?.to_vec()).map_err(|_| StateError::new("a text that is not UTF-8"))
    }
}

impl Saved for Arc<str> {
    fn save(&self, to: &mut StateWriter) {
        to.blob(self.as_bytes());
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        Ok(from.take::<String>()?.into())
    }
}

impl<T: Saved> Saved for Option<T> {
    fn save(&self, to: &mut StateWriter) {
        to.put(&self.is_some());
        if let Some(value) = self {
            to.put(value);
        }
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        Ok(if from.take()? { Some(from.take()?) } else { None })
    }
}

impl<T: Saved> Saved for Box<T> {
    fn save(&self, to: &mut StateWriter) {
        to.put(&**self);
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        from.nested(|from| from.take().map(Box::new))
    }
}

impl<T: Saved> Saved for Reverse<T> {
    fn save(&self, to: &mut StateWriter) {
        to.put(&self.0);
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        from.take().map(Reverse)
    }
}

impl<T: Saved> Saved for Vec<T> {
    fn save(&self, to: &mut StateWriter) {
        to.list(self.iter());
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        from.list()
    }
}

impl<T: Saved> Saved for VecDeque<T> {
    fn save(&self, to: &mut StateWriter) {
        to.list(self.iter());
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        from.list().map(Self::from)
    }
}

impl<T: Saved> Saved for Box<[T]> {
    fn save(&self, to: &mut StateWriter) {
        to.list(self.iter());
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        from.list().map(Vec::into_boxed_slice)
    }
}

impl<T: Saved + Ord> Saved for BTreeSet<T> {
    fn save(&self, to: &mut StateWriter) {
        to.list(self.iter());
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        Ok(from.list()?.into_iter().collect())
    }
}

impl<K: Saved + Ord, V: Saved> Saved for BTreeMap<K, V> {
    fn save(&self, to: &mut StateWriter) {
        to.number(self.len() as u64);
        for (key, value) in self {
            to.put(key);
            to.put(value);
        }
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        (0..from.length()?).map(|_| Ok((from.take()?, from.take()?))).collect()
    }
}

macro_rules! tuples {
    ($(($($item:ident $number:tt),+)),+) => {
        $(impl<$($item: Saved),+> Saved for ($($item,)+) {
            fn save(&self, to: &mut StateWriter) {
                $(to.put(&self.$number);)+
            }

            fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
                Ok(($(from.take::<$item>()?,)+))
            }
        })+
    };
}

tuples!((A 0, B 1), (A 0, B 1, C 2), (A 0, B 1, C 2, D 3));

impl<T: Saved, const N: usize> Saved for [T; N] {
    fn save(&self, to: &mut StateWriter) {
        self.iter().for_each(|value| to.put(value));
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        let values: Vec<T> = (0..N).map(|_| from.take()).collect::<Result<_, _>>()?;
        values.try_into().map_err(|_| StateError::new("an array of another length"))
    }
}

impl Saved for Ordering {
    fn save(&self, to: &mut StateWriter) {
        to.raw(&[(*self as i8).cast_unsigned()]);
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        let [byte] = from.bytes()?;
        match byte.cast_signed() {
            -1 => Ok(Self::Less),
            0 => Ok(Self::Equal),
            1 => Ok(Self::Greater),
            other => Err(StateError::new(format!("{other} is no order"))),
        }
    }
}

impl Saved for Timestamp {
    fn save(&self, to: &mut StateWriter) {
        to.put(&self.0);
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        from.take().map(Self)
    }
}

impl Saved for Duration {
    fn save(&self, to: &mut StateWriter) {
        to.put(&self.0);
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        from.take().map(Self)
    }
}

/// The ranks of operators may be others in the program that is restored: a place follows its operator.
impl Saved for Place {
    fn save(&self, to: &mut StateWriter) {
        let (time, sequence, nth) = self.to_parts();
        to.raw(&time.to_le_bytes());
        to.raw(&sequence.to_le_bytes());
        to.put(&nth);
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        let (time, sequence, nth) = (i64::from_le_bytes(from.bytes()?), u64::from_le_bytes(from.bytes()?), from.take()?);
        from.place(Self::from_parts(time, sequence, nth))
    }
}

crate::saved!(WatermarkStep { moment, watermark });

impl Saved for Key {
    fn save(&self, to: &mut StateWriter) {
        to.blob(self.as_bytes());
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        Self::from_bytes(from.blob()?).ok_or_else(|| StateError::new("a key that is none"))
    }
}

/// As a part of one key's state: whole, whatever the range of the writer.
impl Saved for KeyTable {
    fn save(&self, to: &mut StateWriter) {
        to.put(&self.iter().map(|(id, key)| (id, key.to_key())).collect::<Vec<(u32, Key)>>());
        to.put(&self.free_numbers().collect::<Vec<u32>>());
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        let (keys, free): (Vec<(u32, Key)>, Vec<u32>) = (from.take()?, from.take()?);
        let mut table = Self::new();
        table.place(&keys, &free).ok_or_else(|| StateError::new("numbers of keys that cannot be"))?;
        Ok(table)
    }
}

impl Saved for Value<'static> {
    fn save(&self, to: &mut StateWriter) {
        save_value(self, to);
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        Ok(match from.bytes()? {
            [0] => Value::Null,
            [1] => Value::Bool(from.take()?),
            [2] => Value::Int(from.take()?),
            [3] => Value::Float(from.take()?),
            [4] => Value::Decimal(Decimal::deserialize(from.bytes()?)),
            [5] => Value::String(Cow::Owned(from.take()?)),
            [6] => Value::Timestamp(from.take()?),
            [7] => Value::Duration(from.take()?),
            [8] => Value::List(from.nested(StateReader::list)?.into()),
            [9] => Value::Struct(from.nested(StateReader::list)?.into()),
            [10] => Value::Json(Cow::Owned(from.take()?)),
            [other] => return Err(StateError::new(format!("{other} is no kind of value"))),
        })
    }
}

/// Kinds have numbers of their own: a reordered enum must not change what is written.
pub(super) fn save_value(value: &Value<'_>, to: &mut StateWriter) {
    match value {
        Value::Null => to.raw(&[0]),
        Value::Bool(v) => to.raw(&[1, u8::from(*v)]),
        Value::Int(v) => word(2, *v, to),
        Value::Float(v) => word(3, v.to_bits().cast_signed(), to),
        Value::Decimal(v) => {
            to.raw(&[4]);
            to.raw(&v.serialize());
        }
        Value::String(v) => {
            to.raw(&[5]);
            to.blob(v.as_bytes());
        }
        Value::Timestamp(v) => word(6, v.0, to),
        Value::Duration(v) => word(7, v.0, to),
        Value::List(items) => {
            to.raw(&[8]);
            to.list(items.iter());
        }
        Value::Struct(items) => {
            to.raw(&[9]);
            to.list(items.iter());
        }
        Value::Json(v) => {
            to.raw(&[10]);
            to.blob(v.as_bytes());
        }
    }
}

fn word(kind: u8, word: i64, to: &mut StateWriter) {
    to.raw(&[kind]);
    to.raw(&word.to_le_bytes());
}

/// Shared again by all who shared it.
impl<T: Saved + Send + Sync + 'static> Saved for Arc<T> {
    fn save(&self, to: &mut StateWriter) {
        to.shared(self);
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        from.nested(StateReader::shared)
    }
}

/// Shared again by all who shared it.
impl<T: Saved + Send + Sync + 'static> Saved for Arc<[T]> {
    fn save(&self, to: &mut StateWriter) {
        to.shared_slice(self);
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        from.shared_slice()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    struct Plain {
        count: u64,
        name: String,
        of: Option<i64>,
    }

    saved!(Plain { count, name, of });

    #[derive(Debug, Clone, PartialEq)]
    enum Choice {
        Nothing,
        Pair(i64, bool),
        Named { plain: Box<Plain>, list: Vec<Choice> },
    }

    saved!(enum Choice { 0 => Nothing, 1 => Pair(a, b), 2 => Named { plain, list } });

    fn bytes_of(value: &impl Saved) -> Vec<u8> {
        let mut writer = StateWriter::default();
        writer.put(value);
        writer.finish()
    }

    fn there_and_back<T: Saved + PartialEq + std::fmt::Debug>(value: &T) {
        let bytes = bytes_of(value);
        let mut reader = StateReader::new(&bytes);
        assert_eq!(reader.take::<T>().as_ref(), Ok(value));
        assert_eq!(reader.end(), Ok(()));
        for len in 0..bytes.len() {
            let mut reader = StateReader::new(&bytes[..len]);
            assert!(reader.take::<T>().is_err(), "cut at {len} of {}", bytes.len());
        }
    }

    #[test]
    fn structs_and_enums_come_back() {
        let plain = Plain { count: 700, name: "ä".to_owned(), of: Some(-1) };
        there_and_back(&plain);
        there_and_back(&Choice::Pair(i64::MIN, true));
        there_and_back(&Choice::Named { plain: Box::new(plain), list: vec![Choice::Nothing, Choice::Pair(0, false)] });
        assert!(StateReader::new(&[9]).take::<Choice>().is_err());
    }

    #[test]
    fn values_come_back_to_the_bit() {
        let values = vec![
            Value::Null,
            Value::Bool(true),
            Value::Int(i64::MIN),
            Value::Float(-0.0),
            Value::Float(f64::from_bits(0x7ff8_0000_0000_0001)),
            Value::Decimal("2.50".parse().unwrap()),
            Value::string("héé"),
            Value::Timestamp(Timestamp(5)),
            Value::Duration(Duration(-5)),
            Value::List(vec![Value::Int(1), Value::Null, Value::List(Arc::new([]))].into()),
            Value::Struct(vec![Value::string("x")].into()),
            Value::Json("{}".into()),
        ];
        for value in values {
            let bytes = bytes_of(&value);
            let back: Value<'static> = StateReader::new(&bytes).take().unwrap();
            assert_eq!(format!("{back:?}"), format!("{value:?}"));
            assert_eq!(bytes_of(&back), bytes, "to the bit");
        }
    }

    #[test]
    fn values_do_not_nest_for_ever() {
        let bytes = [[8, 1]; 5000].concat();
        assert!(StateReader::new(&bytes).take::<Value<'static>>().is_err());
    }
}
