//! Which columns of its events a pattern keeps, and where in a row of words each lies (`log`).

use crate::data::{DataType, EventBatch};
use crate::spec::PatternSpec;

/// Words before the columns: time and sequence of the place, fits, where the row's text begins, and the rest of the place.
pub(super) const HEADER: usize = 5;
/// Which of them says what the event fits.
pub(super) const FITS: usize = 2;

/// Which columns are kept, and where in a row.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) columns: Vec<Kept>,
    /// Of these those that are words.
    pub(super) words: Vec<KeptWord>,
    /// Words a row.
    pub(super) stride: usize,
    /// Words that say which columns have a value.
    pub(super) valid: usize,
    /// Values a row that are no words and no text.
    pub(super) values: usize,
    pub(super) has_text: bool,
    /// Where a row has nothing but words, of one input and at most 63: the word that says that all have a value.
    pub(super) all_words: Option<i64>,
    /// A row of zeros.
    pub(super) blank: Box<[i64]>,
    /// Where two words stand: states that the start at hand has been in behind this row, and those that are known to lead nowhere.
    pub(super) marks: Option<usize>,
}

/// By input and column; whether it is BOOL.
pub(super) type KeptWord = (usize, usize, Word, bool);

#[derive(Debug)]
pub(super) struct Kept {
    pub(super) input: usize,
    pub(super) column: usize,
    pub(super) data_type: DataType,
    pub(super) kind: Kind,
}

/// Where the word of a column lies in a row, and the bit of another word there that says that it has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) at: usize,
    pub(super) valid: usize,
    pub(super) bit: i64,
}

impl Word {
    /// The word in a row; nothing where it is NULL.
    #[inline(always)]
    pub(super) fn of(self, row: &[i64]) -> Option<i64> {
        (row[self.valid] & self.bit != 0).then(|| row[self.at])
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// A part of the key, by its position.
    Key(usize),
    /// By its position in the row.
    Word(usize),
    Text(usize),
    /// By its position among the row's values.
    Value(usize),
}

impl Layout {
    /// The layout for these columns, each named by its input; with or without marks.
    pub(super) fn new(spec: &PatternSpec, mut columns: Vec<(usize, usize)>, is_marked: bool) -> Self {
        columns.sort_unstable();
        columns.dedup();
        let of_key: Vec<Option<usize>> = columns.iter().map(|&(input, column)| part_of_key(spec, input, column)).collect();
        let in_rows = of_key.iter().filter(|part| part.is_none()).count();
        let valid = in_rows.div_ceil(64);
        let mut layout = Self {
            columns: Vec::new(),
            words: Vec::new(),
            stride: HEADER + valid,
            valid,
            values: 0,
            has_text: false,
            all_words: None,
            blank: [].into(),
            marks: None,
        };
        for (&(input, column), part) in columns.iter().zip(of_key) {
            let data_type = spec.inputs[input].fields()[column].data_type.clone();
            let kind = match (part, &data_type) {
                (Some(part), _) => Kind::Key(part),
                (None, DataType::Int | DataType::Float | DataType::Timestamp | DataType::Duration | DataType::Bool) => {
                    layout.stride += 1;
                    layout.words.push((input, column, layout.word_at(layout.stride - 1), data_type == DataType::Bool));
                    Kind::Word(layout.stride - 1)
                }
                (None, DataType::String | DataType::Json) => {
                    layout.stride += 1;
                    layout.has_text = true;
                    Kind::Text(layout.stride - 1)
                }
                (None, DataType::Null | DataType::Decimal { .. } | DataType::List(_) | DataType::Struct(_)) => {
                    layout.values += 1;
                    Kind::Value(layout.values - 1)
                }
            };
            layout.columns.push(Kept { input, column, data_type, kind });
        }
        if (1..=63).contains(&in_rows) && in_rows == layout.words.len() && spec.inputs.len() == 1 {
            layout.all_words = Some((1 << in_rows) - 1);
        }
        if is_marked {
            layout.marks = Some(layout.stride);
            layout.stride += 2;
        }
        layout.blank = vec![0; layout.stride].into();
        layout
    }

    /// Where the word of a kept column lies, if it is kept as one.
    pub(super) fn word(&self, position: usize) -> Option<Word> {
        match self.columns[position].kind {
            Kind::Word(at) => Some(self.word_at(at)),
            Kind::Key(_) | Kind::Text(_) | Kind::Value(_) => None,
        }
    }

    #[inline]
    pub(super) fn word_at(&self, at: usize) -> Word {
        let bit = at - HEADER - self.valid;
        Word { at, valid: HEADER + bit / 64, bit: 1 << (bit % 64) }
    }

    /// No row needs marks.
    pub(super) fn leave_marks_out(&mut self) {
        if let Some(at) = self.marks.take() {
            self.stride = at;
            self.blank = vec![0; at].into();
        }
    }

    /// Of each kept column of words, all its words in these inputs, where none is NULL: they are read there as they lie.
    pub(super) fn words_of<'a>(&self, inputs: &'a [EventBatch]) -> Vec<Option<&'a [i64]>> {
        self.words.iter().map(|&(input, column, _, is_bool)| inputs[input].columns()[column].words().filter(|_| !is_bool)).collect()
    }

    /// Where a column is kept.
    pub(super) fn position(&self, input: usize, column: usize) -> usize {
        let found = self.columns.iter().position(|kept| (kept.input, kept.column) == (input, column));
        found.expect("every column that is read is kept")
    }

    /// The bit of a kept column among those that say which have a value.
    pub(super) fn bit(&self, position: usize) -> usize {
        match self.columns[position].kind {
            Kind::Word(at) | Kind::Text(at) => at - HEADER - self.valid,
            Kind::Value(at) => self.marks.unwrap_or(self.stride) - HEADER - self.valid + at,
            Kind::Key(_) => unreachable!("a part of the key is in no row"),
        }
    }
}

/// Which part of the key a column is, where equal keys mean equal values.
fn part_of_key(spec: &PatternSpec, input: usize, column: usize) -> Option<usize> {
    let data_type = &spec.inputs[input].fields()[column].data_type;
    if !matches!(data_type, DataType::String | DataType::Int | DataType::Timestamp | DataType::Duration | DataType::Bool) {
        return None;
    }
    let exprs = spec.partition.by_input.get(input)?;
    exprs.iter().position(|expr| expr.as_slot().is_some_and(|slot| slot.0 as usize == column) && expr.data_type() == data_type)
}
