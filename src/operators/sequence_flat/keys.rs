//! From the key of a row to the number of its partition. A key that comes as a code of a dictionary is looked up once a text and not once a row.

use crate::data::{Column, DataType, EventBatch, Ids, Kept, KeyBuffer, KeyTable, StateError, StateReader, StateWriter, Value};
use crate::expr::{BatchRow, EvalContext, Expr};
use crate::operators::codes::Codes;
use crate::pattern::RowOf;
use crate::spec::PartitionKeys;

/// Stands for a partition whose number is not known.
pub(super) const UNKNOWN: u32 = u32::MAX;

/// The keys of a pattern.
#[derive(Debug)]
pub(super) struct Keys {
    of: PartitionKeys,
    /// Whether there are any; without, the only partition is 0.
    pub(super) are_there: bool,
    table: KeyTable,
    key: KeyBuffer,
    /// For each input whose key is one column, which it is, and what is known of its codes.
    coded: Vec<Option<(usize, Codes)>>,
    context: EvalContext,
}

impl Keys {
    pub(super) fn new(of: PartitionKeys) -> Self {
        Self {
            are_there: of.by_input.iter().any(|exprs| !exprs.is_empty()),
            table: KeyTable::new(),
            key: KeyBuffer::new(),
            coded: of.by_input.iter().map(|exprs| key_column(exprs).map(|column| (column, Codes::default()))).collect(),
            context: EvalContext::new(),
            of,
        }
    }

    /// Codes are those of these batches from now on.
    pub(super) fn turn_to(&mut self, inputs: &[EventBatch]) {
        for (batch, coded) in inputs.iter().zip(&mut self.coded) {
            let Some((column, codes)) = coded else { continue };
            match &batch.columns()[*column] {
                Column::Coded(texts) => codes.turn_to(texts.dictionary()),
                // What is the key of nothing yet may become a key behind the codes' back.
                _ if !batch.is_empty() => *codes = Codes::default(),
                _ => {}
            }
        }
    }

    /// The code that the key of a row is, where it comes as one.
    fn code_of(&self, row: &RowOf<'_>) -> Option<u32> {
        let (column, _) = self.coded.get(row.input)?.as_ref()?;
        let Column::Coded(texts) = &row.batch.columns()[*column] else { return None };
        if texts.is_null(row.row) { None } else { Some(texts.codes().value(row.row)) }
    }

    /// The number of a row whose key is a code that has come before.
    #[inline]
    pub(super) fn known(&self, row: &RowOf<'_>) -> Option<u32> {
        if !self.are_there {
            return Some(0);
        }
        let (_, codes) = self.coded.get(row.input)?.as_ref()?;
        codes.group(self.code_of(row)?)
    }

    /// The same of several rows of the only input: [`UNKNOWN`] stands where the number is not known.
    pub(super) fn known_of(&self, batch: &EventBatch, rows: &[u32], numbers: &mut Vec<u32>) {
        numbers.clear();
        if let Some(Some((column, codes))) = self.coded.first()
            && let Column::Coded(texts) = &batch.columns()[*column]
        {
            let known = |row: usize| if texts.is_null(row) { None } else { codes.group(texts.codes().value(row)) };
            numbers.extend(rows.iter().map(|row| known(*row as usize).unwrap_or(UNKNOWN)));
        } else {
            numbers.resize(rows.len(), if self.are_there { UNKNOWN } else { 0 });
        }
    }

    /// The number of a row; nothing where its key takes no part, or is new and may not begin anything.
    pub(super) fn number_of(&mut self, row: &RowOf<'_>, may_begin: bool) -> Option<u32> {
        if let Some(id) = self.known(row) {
            return Some(id);
        }
        let code = self.code_of(row);
        // Where keys come from several inputs, another one may have made a key of what was none.
        let may_be_none = !may_begin && self.coded.len() == 1;
        if let (true, Some(code), Some(Some((_, codes)))) = (may_be_none, code, self.coded.get(row.input))
            && codes.has_no_group(code)
        {
            return None;
        }
        let exprs = self.of.by_input.get(row.input).map_or(&[][..], |exprs| exprs);
        let view = BatchRow { batch: row.batch, row: row.row };
        let mut has_null = false;
        let values = exprs.iter().map(|expr| expr.eval(&view, &self.context)).inspect(|value| has_null |= value.is_null());
        let key = self.key.encode(values);
        if self.of.null_takes_no_part && has_null {
            return None;
        }
        let id = if may_begin { Some(self.table.intern(key)) } else { self.table.get(key) };
        if let (Some(Some((_, codes))), Some(code)) = (self.coded.get_mut(row.input), code) {
            match id {
                Some(id) => codes.note(code, id),
                None => codes.note_none(code),
            }
        }
        id
    }

    fn values<'r>(&'r self, row: &'r BatchRow<'r>, input: usize) -> impl Iterator<Item = Value<'r>> {
        let exprs = self.of.by_input.get(input).map_or(&[][..], |exprs| exprs);
        exprs.iter().map(|expr| expr.eval(row, &self.context))
    }

    /// The key of a row.
    pub(super) fn of_row(&self, row: &RowOf<'_>) -> Box<[Value<'static>]> {
        let view = BatchRow { batch: row.batch, row: row.row };
        self.values(&view, row.input).map(Value::into_owned).collect()
    }

    /// Whether two rows have one key.
    pub(super) fn are_one(&self, a: &RowOf<'_>, b: &RowOf<'_>) -> bool {
        let [one, other] = [a, b].map(|row| {
            let view = BatchRow { batch: row.batch, row: row.row };
            let mut key = KeyBuffer::new();
            key.encode(self.values(&view, row.input)).to_key()
        });
        one == other
    }

    /// A partition is no more.
    pub(super) fn forget(&mut self, id: u32) {
        if self.are_there {
            self.table.remove(id);
            self.coded.iter_mut().flatten().for_each(|(_, codes)| codes.forget(id));
        }
    }

    /// Gives back room that those that are left do not need.
    pub(super) fn fit<P>(&mut self, partitions: &mut Vec<Option<P>>) {
        if self.are_there {
            self.table.fit(partitions);
            self.coded.iter_mut().flatten().for_each(|(_, codes)| codes.fit(partitions.len()));
        }
    }

    /// Writes the keys that are asked for.
    pub(super) fn save(&self, to: &mut StateWriter) -> Kept {
        to.keys(&self.table)
    }

    /// Takes keys in.
    pub(super) fn load(&mut self, from: &mut StateReader<'_>) -> Result<Ids, StateError> {
        from.keys(&mut self.table)
    }

    /// For how many partitions there are numbers.
    pub(super) fn capacity(&self) -> usize {
        if self.are_there { self.table.capacity() } else { 1 }
    }

    /// About how much memory they take.
    pub(super) fn bytes(&self) -> usize {
        self.table.bytes() + self.coded.iter().flatten().map(|(_, codes)| codes.bytes()).sum::<usize>()
    }

    /// How many NULLs they had to make up since the last call.
    pub(super) fn take_nulls(&mut self) -> u64 {
        self.context.take_nulls()
    }
}

/// The column that a key is, where it is one column of text.
fn key_column(key: &[Expr]) -> Option<usize> {
    match key {
        [expr] if *expr.data_type() == DataType::String => expr.as_slot().map(|slot| slot.0 as usize),
        _ => None,
    }
}
