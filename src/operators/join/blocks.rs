//! The columns of rows that wait, as they came: a row is not copied when it is taken, only when it comes out.
//!
//! Every row that arrives has an address, one more than the row before it. A block holds the columns of rows with addresses that follow each
//! other; it goes when none of its rows is needed any more. Short blocks are put together as they follow each other, each row a logarithmic
//! number of times, so that events that come one by one do not leave a block each.

use std::collections::VecDeque;

use arrow_array::{Array, UInt32Array};

use crate::data::{CodedText, Column, EventBatch, Schema, Value};

/// Blocks of more rows together than this are not put together.
const LONG: usize = 4096;
/// Of a block of no more rows than this nothing is cut off.
const SHORT: usize = 16;

/// The rows of one input that may still be needed.
#[derive(Debug)]
pub(super) struct Blocks {
    blocks: VecDeque<Block>,
    /// The address of the next row.
    next: u64,
}

#[derive(Debug)]
struct Block {
    /// The address of its first row.
    first: u64,
    len: usize,
    columns: Vec<Column>,
}

/// One row of a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowOf<'b> {
    columns: &'b [Column],
    row: usize,
}

impl<'b> RowOf<'b> {
    pub(super) fn value(self, column: usize) -> Value<'b> {
        self.columns[column].value(self.row)
    }

    pub(super) fn width(self) -> usize {
        self.columns.len()
    }
}

impl Blocks {
    pub(super) fn new() -> Self {
        Self { blocks: VecDeque::new(), next: 0 }
    }

    /// Takes the rows of a batch; gives the address of the first.
    pub(super) fn push(&mut self, batch: &EventBatch) -> u64 {
        self.push_columns(batch.columns().to_vec(), batch.len())
    }

    /// The same of columns of so many rows.
    pub(super) fn push_columns(&mut self, columns: Vec<Column>, len: usize) -> u64 {
        let first = self.next;
        if len > 0 {
            self.blocks.push_back(Block { first, len, columns });
            self.next += len as u64;
        }
        first
    }

    fn position(&self, address: u64) -> usize {
        self.blocks.partition_point(|block| block.first <= address) - 1
    }

    /// The row of an address.
    pub(super) fn row(&self, address: u64) -> RowOf<'_> {
        let block = &self.blocks[self.position(address)];
        RowOf { columns: &block.columns, row: within(address - block.first) }
    }

    /// The rows of these addresses as columns; all NULL where there is none.
    pub(super) fn gather(&self, schema: &Schema, addresses: &[Option<u64>]) -> Vec<Column> {
        // Neighbours are mostly of one block.
        let mut at = 0;
        let mut has_none = false;
        let rows: Vec<(u32, u32)> = addresses
            .iter()
            .map(|address| {
                let Some(address) = *address else {
                    has_none = true;
                    return (number(self.blocks.len()), 0);
                };
                let block = self.blocks.get(at).filter(|block| (block.first..block.first + block.len as u64).contains(&address));
                if block.is_none() {
                    at = self.position(address);
                }
                (number(at), number(within(address - self.blocks[at].first)))
            })
            .collect();
        let column = |(index, field): (usize, &crate::data::Field)| {
            let mut parts: Vec<&Column> = self.blocks.iter().map(|block| &block.columns[index]).collect();
            let none = has_none.then(|| one_null(&field.data_type, &parts));
            parts.extend(&none);
            Column::interleave(&field.data_type, &parts, &rows)
        };
        schema.fields().iter().enumerate().map(column).collect()
    }

    /// Rows before this address are needed no more (without one: no row is).
    pub(super) fn forget_before(&mut self, address: Option<u64>, schema: &Schema) {
        let least = address.unwrap_or(self.next);
        while self.blocks.front().is_some_and(|block| block.first + block.len as u64 <= least) {
            self.blocks.pop_front();
        }
        crate::operators::memory::fit_queue(&mut self.blocks);
        self.trim(least);
        self.put_together(schema);
    }

    /// Of the first block, where more rows are needed no more than are, only those stay that are: what is kept is at most twice as much.
    fn trim(&mut self, least: u64) {
        let Some(block) = self.blocks.front_mut() else { return };
        let dead = within(least.saturating_sub(block.first));
        if dead * 2 > block.len && block.len > SHORT {
            let rows: Vec<u32> = (0u32..).take(block.len).skip(dead).collect();
            block.columns = block.columns.iter().map(|column| column.gather(&rows)).collect();
            block.first = least;
            block.len -= dead;
        }
    }

    fn put_together(&mut self, schema: &Schema) {
        while let [.., before, last] = self.blocks.make_contiguous()
            && before.len <= 2 * last.len
            && before.len + last.len <= LONG
        {
            let rows = |block: u32, len: usize| (0u32..).take(len).map(move |row| (block, row));
            let at: Vec<(u32, u32)> = rows(0, before.len).chain(rows(1, last.len)).collect();
            let column = |(index, field): (usize, &crate::data::Field)| {
                Column::interleave(&field.data_type, &[&before.columns[index], &last.columns[index]], &at)
            };
            let columns = schema.fields().iter().enumerate().map(column).collect();
            let whole = Block { first: before.first, len: at.len(), columns };
            self.blocks.pop_back();
            self.blocks.pop_back();
            self.blocks.push_back(whole);
        }
    }

    /// About how much memory the columns take.
    pub(super) fn bytes(&self) -> usize {
        self.blocks.iter().flat_map(|block| &block.columns).map(bytes_of).sum()
    }
}

/// A column of one NULL that goes with these.
fn one_null(data_type: &crate::data::DataType, parts: &[&Column]) -> Column {
    let coded = parts.iter().find_map(|column| if let Column::Coded(texts) = column { Some(texts) } else { None });
    match coded {
        Some(texts) => Column::Coded(CodedText::new(UInt32Array::new_null(1), texts.dictionary().clone())),
        None => Column::nulls(data_type, 1),
    }
}

fn bytes_of(column: &Column) -> usize {
    match column {
        Column::Null(_) => 0,
        Column::Bool(a) => a.len() / 8,
        Column::Int(a) | Column::Timestamp(a) | Column::Duration(a) => 8 * a.len(),
        Column::Float(a) => 8 * a.len(),
        Column::Decimal(a) => 16 * a.len(),
        Column::String(a) | Column::Json(a) => 4 * a.len() + a.value_data().len(),
        Column::Coded(texts) => 4 * texts.len(),
        Column::Nested(_, values) => size_of_val(&**values),
        Column::Lists(lists) => 4 * lists.len() + 8 * lists.items().len(),
    }
}

fn within(distance: u64) -> usize {
    usize::try_from(distance).expect("rows that are held fit memory")
}

fn number(index: usize) -> u32 {
    u32::try_from(index).expect("a batch has fewer than 2^32 rows")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operators::test_support::{int_schema, ints};

    #[test]
    fn rows_are_found_by_address_however_they_came() {
        let schema = int_schema(1);
        let mut blocks = Blocks::new();
        let mut address = 0;
        for len in [1usize, 1, 1, 70, 1, 1, 3000, 2, 1, 900] {
            let rows: Vec<(i64, Vec<i64>)> = (0..len).map(|row| (0, vec![i64::try_from(address + row).unwrap()])).collect();
            assert_eq!(blocks.push(&ints(&rows)), address as u64);
            address += len;
            blocks.forget_before(Some(5), &schema);
            assert!(blocks.blocks.len() <= 5, "short blocks are put together");
        }
        let wanted = [Some(3975), None, Some(5), Some(72), Some(73), Some(3000), None];
        let columns = blocks.gather(&schema, &wanted);
        for (row, address) in wanted.iter().enumerate() {
            let expected = address.map_or(Value::Null, |address| Value::Int(i64::try_from(address).unwrap()));
            assert_eq!(columns[0].value(row), expected);
            assert!(address.is_none_or(|address| blocks.row(address).value(0) == expected));
        }
        blocks.forget_before(Some(3900), &schema);
        assert_eq!(blocks.row(3975).value(0), Value::Int(3975), "what is cut off changes no address");
        assert!(blocks.bytes() <= 2 * 8 * (address - 3900), "{} bytes", blocks.bytes());
        blocks.forget_before(None, &schema);
        assert_eq!((blocks.blocks.len(), blocks.bytes()), (0, 0));
    }
}
