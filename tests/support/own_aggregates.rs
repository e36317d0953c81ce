//! The aggregates SUM, AVG and COUNT once more, as a user of the library would write them: `OWN_SUM`, `OWN_AVG`, `OWN_COUNT`, and `OWN_ROWS()`
//! for COUNT(*).

use betide::{AggregateFunction, AggregateState, DataType, Options, StateError, TypeError, Value};

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum What {
    Sum,
    Avg,
    Count,
    Rows,
}

/// One of them.
#[derive(Debug)]
pub struct Own(pub What);

/// What has been seen, of INTs and FLOATs apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    what: What,
    is_float: bool,
    count: u64,
    ints: i128,
    floats: f64,
}

impl AggregateFunction for Own {
    type State = Seen;

    fn name(&self) -> &str {
        match self.0 {
            What::Sum => "OWN_SUM",
            What::Avg => "OWN_AVG",
            What::Count => "OWN_COUNT",
            What::Rows => "OWN_ROWS",
        }
    }

    fn resolve(&self, found: &[DataType]) -> Result<(Vec<DataType>, DataType), TypeError> {
        let wrong = |expected: &str| TypeError::new(self.name(), found.to_vec(), expected);
        match (self.0, found) {
            (What::Rows, []) => Ok((Vec::new(), DataType::Int)),
            (What::Rows, _) => Err(wrong("no argument")),
            (What::Count, [any]) => Ok((vec![any.clone()], DataType::Int)),
            (What::Sum, [DataType::Int | DataType::Float]) => Ok((found.to_vec(), found[0].clone())),
            (What::Avg, [DataType::Int | DataType::Float]) => Ok((found.to_vec(), DataType::Float)),
            (_, [_]) => Err(wrong("a number").at(0)),
            _ => Err(wrong("1 argument")),
        }
    }

    fn start(&self, args: &[DataType]) -> Seen {
        Seen { what: self.0, is_float: args.first() == Some(&DataType::Float), count: 0, ints: 0, floats: 0.0 }
    }
}

impl AggregateState for Seen {
    fn update(&mut self, args: &[Value<'_>]) {
        self.count += 1;
        match args.first() {
            Some(Value::Int(x)) => self.ints += i128::from(*x),
            Some(Value::Float(x)) => self.floats += x,
            _ => {}
        }
    }

    fn merge(&mut self, later: &Self) {
        self.count += later.count;
        self.ints += later.ints;
        self.floats += later.floats;
    }

    fn finish(&self) -> Value<'static> {
        match self.what {
            What::Count | What::Rows => Value::Int(self.count as i64),
            _ if self.count == 0 => Value::Null,
            What::Sum if self.is_float => Value::Float(self.floats),
            What::Sum => i64::try_from(self.ints).map_or(Value::Null, Value::Int),
            What::Avg if self.is_float => Value::Float(self.floats / self.count as f64),
            What::Avg => Value::Float(self.ints as f64 / self.count as f64),
        }
    }

    fn save(&self) -> Vec<u8> {
        [&self.count.to_le_bytes()[..], &self.ints.to_le_bytes(), &self.floats.to_le_bytes()].concat()
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), StateError> {
        let bytes: &[u8; 32] = saved.try_into().map_err(|_| StateError::new("32 bytes were expected"))?;
        let part = |from: usize| <[u8; 8]>::try_from(&bytes[from..from + 8]).unwrap();
        self.count = u64::from_le_bytes(part(0));
        self.ints = i128::from(u64::from_le_bytes(part(8))) | i128::from(i64::from_le_bytes(part(16))) << 64;
        self.floats = f64::from_le_bytes(part(24));
        Ok(())
    }
}

/// Options with all of them.
pub fn options() -> Options {
    let mut options = Options::default();
    for what in [What::Sum, What::Avg, What::Count, What::Rows] {
        options.register_aggregate(Own(what)).unwrap();
    }
    options
}

/// The program with these in place of those of the language, wherever values are counted or added.
pub fn replaced(program: &str) -> String {
    let mut text = program.replace("SUM(", "OWN_SUM(").replace("AVG(", "OWN_AVG(");
    for counted in ["x", "id", "v", "DISTINCT x", "DISTINCT k", "DISTINCT id"] {
        text = text.replace(&format!("COUNT({counted})"), &format!("OWN_COUNT({counted})"));
    }
    text.replace("COUNT(*)", "OWN_ROWS()")
}
