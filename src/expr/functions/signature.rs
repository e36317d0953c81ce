//! How a definition says which arguments it takes: one call an argument, from left to right. Arguments that are left out are passed over, as
//! their number has been checked before. A bare NULL fits everywhere.

use super::{Kernel, Resolved, TypeError, ValueKernel};
use crate::data::DataType;

/// The arguments of a call and how far they have been looked at.
#[derive(Debug)]
pub struct Signature<'t> {
    pub(super) name: &'static str,
    pub(super) found: &'t [DataType],
    wanted: Vec<DataType>,
}

impl<'t> Signature<'t> {
    pub(super) fn new(name: &'static str, found: &'t [DataType]) -> Self {
        Self { name, found, wanted: Vec::with_capacity(found.len()) }
    }

    /// Type of an argument.
    pub(super) fn at(&self, argument: usize) -> &DataType {
        self.found.get(argument).unwrap_or(&DataType::Null)
    }

    /// An error about the next argument.
    pub(super) fn wrong(&self, expected: &str) -> TypeError {
        TypeError::new(self.name, self.found.to_vec(), expected).at(self.wanted.len())
    }

    /// The next argument is, or widens to, this type.
    pub(super) fn want(mut self, wanted: &DataType, in_words: &str) -> Result<Self, TypeError> {
        if let Some(found) = self.found.get(self.wanted.len()) {
            if found.common(wanted).as_ref() != Some(wanted) {
                return Err(self.wrong(in_words));
            }
            self.wanted.push(wanted.clone());
        }
        Ok(self)
    }

    pub(super) fn text(self) -> Result<Self, TypeError> {
        self.want(&DataType::String, "a STRING")
    }

    pub(super) fn int(self) -> Result<Self, TypeError> {
        self.want(&DataType::Int, "an INT")
    }

    pub(super) fn float(self) -> Result<Self, TypeError> {
        self.want(&DataType::Float, "a number")
    }

    pub(super) fn timestamp(self) -> Result<Self, TypeError> {
        self.want(&DataType::Timestamp, "a TIMESTAMP")
    }

    pub(super) fn duration(self) -> Result<Self, TypeError> {
        self.want(&DataType::Duration, "a DURATION")
    }

    /// The next argument as it is.
    pub(super) fn any(mut self) -> Self {
        if let Some(found) = self.found.get(self.wanted.len()) {
            self.wanted.push(found.clone());
        }
        self
    }

    /// The next argument is a number of any kind, and stays of that kind; a NULL counts as a FLOAT.
    pub(super) fn number(self) -> Result<Self, TypeError> {
        match self.at(self.wanted.len()) {
            DataType::Null => self.float(),
            t if t.is_numeric() => Ok(self.any()),
            _ => Err(self.wrong("a number")),
        }
    }

    /// All arguments from here on are text.
    pub(super) fn texts(mut self) -> Result<Self, TypeError> {
        while self.wanted.len() < self.found.len() {
            self = self.text()?;
        }
        Ok(self)
    }

    /// All arguments from here on as they are.
    pub(super) fn rest(mut self) -> Self {
        while self.wanted.len() < self.found.len() {
            self = self.any();
        }
        self
    }

    /// The common type of all arguments, which they are all cast to.
    pub(super) fn alike(mut self) -> Result<(Self, DataType), TypeError> {
        let mut common = DataType::Null;
        for found in self.found {
            common = common.common(found).ok_or_else(|| self.wrong(&format!("{common} as before")))?;
            self.wanted.push(found.clone());
        }
        self.wanted = vec![common.clone(); self.found.len()];
        Ok((self, common))
    }

    /// What an argument has become.
    pub(super) fn wanted(&self, argument: usize) -> DataType {
        self.wanted.get(argument).cloned().unwrap_or(DataType::Null)
    }

    /// The call gives this type by this kernel.
    pub(super) fn gives(self, result: DataType, kernel: ValueKernel) -> Result<Resolved, TypeError> {
        debug_assert_eq!(self.wanted.len(), self.found.len(), "{}: every argument has been looked at", self.name);
        Ok(Resolved { args: self.wanted, result, kernel: Kernel::Values(kernel) })
    }
}
