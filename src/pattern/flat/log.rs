//! The events that a partition holds: a row of words each, in order, in one vector; let go from the front.
//!
//! An event is known by a number of 32 bits that wraps around (it never is [`NONE`]), so a thread names it in four bytes. A row is its place,
//! the variables that it fits, and the columns that something may still read: eight bytes for INT, FLOAT, TIMESTAMP, DURATION and BOOL, and
//! eight more with the text itself for STRING and JSON. Columns that are part of the partition's key are the same in all rows and stand once.

use super::layout::{FITS, HEADER, KeptWord, Kind, Layout, Word};
use super::table::NONE;
use crate::data::{DataType, Duration, EventBatch, Place, Saved, StateError, StateReader, StateWriter, Timestamp, Value};
use crate::expr::word_of;
use crate::pattern::event::RowOf;

/// The events of a partition.
#[derive(Debug, Default)]
pub(super) struct Log {
    words: Vec<i64>,
    /// How many rows lie there.
    rows: usize,
    /// Rows at the front that have been let go and still lie there.
    gone: usize,
    /// The number of the row that lies first.
    base: u32,
    text: Vec<u8>,
    /// How much text has gone from the front.
    text_base: u64,
    values: Vec<Value<'static>>,
    key: Box<[Value<'static>]>,
}

impl Saved for Log {
    fn save(&self, to: &mut StateWriter) {
        let Self { words, rows: _, gone, base, text, text_base, values, key } = self;
        to.put(words);
        to.put(gone);
        to.put(base);
        to.put(text);
        to.put(text_base);
        to.put(values);
        to.put(key);
    }

    /// How many rows that is follows from the layout: see [`Log::move_places`].
    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        let (words, gone, base) = (from.take()?, from.take()?, from.take()?);
        let (text, text_base, values, key) = (from.take()?, from.take()?, from.take()?, from.take()?);
        Ok(Self { words, rows: 0, gone, base, text, text_base, values, key })
    }
}

/// The word of a row in a kept column that has NULLs, or is BOOL.
#[inline(never)]
fn word_in(&(_, column, _, is_bool): &KeptWord, of: &RowOf<'_>) -> Option<i64> {
    let column = &of.batch.columns()[column];
    if is_bool { word_of(&column.value(of.row)) } else { column.word(of.row) }
}

/// What comes in as an event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arriving<'a> {
    /// Its rows in the inputs that it belongs to.
    pub(crate) rows: &'a [RowOf<'a>],
    /// See [`Layout::words_of`].
    pub(crate) words: &'a [Option<&'a [i64]>],
    pub(crate) place: Place,
    /// The variables whose unary terms hold.
    pub(crate) fits: u64,
}

/// Rows of the only input, of which some come in as events of one partition.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stretch<'a> {
    pub(crate) batch: &'a EventBatch,
    pub(crate) places: &'a [Place],
    /// See [`Layout::words_of`].
    pub(crate) words: &'a [Option<&'a [i64]>],
    /// None of these columns has to be looked at value by value.
    pub(crate) has_words: bool,
    /// Of each row the variables whose unary terms hold.
    pub(crate) fits: &'a [u64],
}

impl<'a> Stretch<'a> {
    /// The rows of a batch; see the fields.
    pub(crate) fn new(batch: &'a EventBatch, words: &'a [Option<&'a [i64]>], fits: &'a [u64]) -> Self {
        Self { batch, places: batch.places(), words, has_words: words.iter().all(Option::is_some), fits }
    }
}

impl<'a> Arriving<'a> {
    /// Its row in an input.
    #[inline(always)]
    fn row_of(&self, input: usize) -> Option<&'a RowOf<'a>> {
        match self.rows {
            [row] => Some(row).filter(|row| row.input == input),
            rows => rows.iter().find(|row| row.input == input),
        }
    }
}

impl Log {
    /// The log of a partition with this key.
    pub(super) fn new(key: Box<[Value<'static>]>) -> Self {
        Self { key, ..Self::default() }
    }

    /// Reads the first word that is held, and the last.
    pub(super) fn touch(&self) -> usize {
        (self.words.first().copied().unwrap_or(0) ^ self.words.last().copied().unwrap_or(0)) as usize
    }

    /// How many events are held.
    pub(super) fn len(&self) -> usize {
        self.rows - self.gone
    }

    /// How many events are held from this one on.
    pub(super) fn len_from(&self, event: u32) -> usize {
        self.rows - self.index(event)
    }

    /// The number of the event that lies there, from the front of what lies there.
    #[inline]
    pub(super) fn number_at(&self, index: usize) -> u32 {
        // Numbers are taken modulo 2^32 - 1; fewer are held at once.
        let number = self.base.wrapping_add(index as u32);
        if number < self.base || number == NONE { number.wrapping_add(1) } else { number }
    }

    /// Where an event lies, from the front of what lies there.
    #[inline]
    pub(super) fn index(&self, event: u32) -> usize {
        // Behind the end of the numbers stand those that passed over one.
        event.wrapping_sub(self.base).wrapping_sub(u32::from(event < self.base)) as usize
    }

    /// The event so many behind (or before) another, where it is held.
    pub(super) fn beside(&self, event: u32, by: i64) -> Option<u32> {
        let index = self.index(event).checked_add_signed(isize::try_from(by).ok()?)?;
        (index >= self.gone && index < self.rows).then(|| self.number_at(index))
    }

    /// The first event that is held, or the number of the next.
    pub(super) fn first(&self) -> u32 {
        self.number_at(self.gone)
    }

    /// The number before that of an event.
    #[inline]
    pub(super) fn before(event: u32) -> u32 {
        // That of no event is passed over.
        event.checked_sub(1).unwrap_or(NONE - 1)
    }

    /// The index of the first event that is held.
    pub(super) fn begin(&self) -> usize {
        self.gone
    }

    /// How many rows lie there: the index behind that of the last event.
    pub(super) fn end(&self) -> usize {
        self.rows
    }

    /// The number that the next event gets.
    pub(super) fn next(&self) -> u32 {
        self.number_at(self.rows)
    }

    /// Appends an event.
    pub(super) fn push(&mut self, layout: &Layout, event: &Arriving<'_>) -> u32 {
        let number = self.next();
        let begin = self.words.len();
        let (time, sequence, nth) = event.place.to_parts();
        let text_at = self.text_base + self.text.len() as u64;
        let header = [time, sequence.cast_signed(), event.fits.cast_signed(), text_at.cast_signed(), nth.into()];
        self.rows += 1;
        if let (Some(all), None, [row]) = (layout.all_words, layout.marks, event.rows) {
            let [time, sequence, fits, text_at, nth] = header;
            // Word by word: what is put together elsewhere and copied in wide registers has to wait for the stores.
            self.words.extend_from_slice(&[time, sequence, fits, text_at, nth, all]);
            self.words.extend(event.words.iter().map_while(|words| words.map(|words| words[row.row])));
            if self.words.len() - begin == layout.stride {
                return number;
            }
            self.words.truncate(begin);
        }
        self.words.extend_from_slice(&layout.blank);
        let row = &mut self.words[begin..];
        row[..HEADER].copy_from_slice(&header);
        for (kept, words) in layout.words.iter().zip(event.words) {
            let &(input, _, Word { at, valid, bit }, _) = kept;
            let Some(of) = event.row_of(input) else { continue };
            let word = match words {
                Some(words) => Some(words[of.row]),
                None => word_in(kept, of),
            };
            if let Some(word) = word {
                row[at] = word;
                row[valid] |= bit;
            }
        }
        if layout.has_text || layout.values > 0 {
            self.fill_rest(layout, begin, text_at, event);
        }
        number
    }

    /// Puts what is no word into the row that begins there.
    #[inline(never)]
    fn fill_rest(&mut self, layout: &Layout, begin: usize, text_at: u64, event: &Arriving<'_>) {
        self.values.resize(self.values.len() + layout.values, Value::Null);
        (0..layout.columns.len()).for_each(|position| self.fill(layout, position, begin, text_at, event));
    }

    /// Puts a text, or what is no word, into the row that begins there.
    fn fill(&mut self, layout: &Layout, position: usize, begin: usize, text_at: u64, event: &Arriving<'_>) {
        let kept = &layout.columns[position];
        let Some(row) = event.row_of(kept.input) else { return };
        let is_there = match kept.kind {
            Kind::Key(_) | Kind::Word(_) => return,
            Kind::Text(at) => match row.batch.value(kept.column, row.row) {
                Value::String(text) | Value::Json(text) => {
                    let from = self.text_base + self.text.len() as u64 - text_at;
                    let (from, len) = (u32::try_from(from), u32::try_from(text.len()));
                    let (from, len) = (from.expect("a row has less than 4 GiB of text"), len.expect("a text has less than 4 GiB"));
                    self.words[begin + at] = (u64::from(from) << 32 | u64::from(len)).cast_signed();
                    self.text.extend_from_slice(text.as_bytes());
                    true
                }
                _ => false,
            },
            Kind::Value(at) => {
                let value = row.batch.value(kept.column, row.row).into_owned();
                let is_there = !value.is_null();
                let first = self.values.len() - layout.values;
                self.values[first + at] = value;
                is_there
            }
        };
        if is_there {
            let bit = layout.bit(position);
            self.words[begin + HEADER + bit / 64] |= 1 << (bit % 64);
        }
    }

    /// Appends events, which are these rows.
    pub(super) fn extend(&mut self, layout: &Layout, stretch: &Stretch<'_>, rows: &[u32]) {
        self.words.reserve(rows.len() * layout.stride);
        let text_at = (self.text_base + self.text.len() as u64).cast_signed();
        for &row in rows {
            let (row, place, fits) = (row as usize, stretch.places[row as usize], stretch.fits[row as usize]);
            let (Some(all), true) = (layout.all_words, layout.marks.is_none() && stretch.has_words) else {
                let rows = [RowOf { input: 0, batch: stretch.batch, row }];
                self.push(layout, &Arriving { rows: &rows, words: stretch.words, place, fits });
                continue;
            };
            let (time, sequence, nth) = place.to_parts();
            self.words.extend_from_slice(&[time, sequence.cast_signed(), fits.cast_signed(), text_at, nth.into(), all]);
            self.words.extend(stretch.words.iter().map(|words| words.map_or(0, |words| words[row])));
            self.rows = self.rows.wrapping_add(1);
        }
    }

    /// Takes the last events back, until so many rows lie there.
    pub(super) fn truncate(&mut self, layout: &Layout, rows: usize) {
        if rows >= self.rows {
            return;
        }
        let begin = rows * layout.stride;
        let text = self.words[begin + 3].cast_unsigned() - self.text_base;
        self.text.truncate(usize::try_from(text).expect("what is in memory has an index"));
        self.words.truncate(begin);
        self.values.truncate(rows * layout.values);
        self.rows = rows;
    }

    /// The words of an event.
    #[inline(always)]
    pub(super) fn row(&self, layout: &Layout, event: u32) -> &[i64] {
        let begin = self.index(event) * layout.stride;
        &self.words[begin..begin + layout.stride]
    }

    /// Where an event stands.
    pub(super) fn place(&self, layout: &Layout, event: u32) -> Place {
        place_of(self.row(layout, event))
    }

    /// After it has been read: where its events stand in the program that reads.
    pub(super) fn move_places(&mut self, layout: &Layout, from: &StateReader<'_>) -> Result<(), StateError> {
        if !self.words.len().is_multiple_of(layout.stride) || self.gone * layout.stride > self.words.len() {
            return Err(StateError::new("rows of another width"));
        }
        self.rows = self.words.len() / layout.stride;
        for row in self.words.chunks_exact_mut(layout.stride).skip(self.gone) {
            let (time, sequence, nth) = from.place(place_of(row))?.to_parts();
            (row[0], row[1], row[4]) = (time, sequence.cast_signed(), nth.into());
        }
        Ok(())
    }

    pub(super) fn time(&self, layout: &Layout, event: u32) -> Timestamp {
        Timestamp(self.row(layout, event)[0])
    }

    /// The variables that an event fits.
    pub(super) fn fits(&self, layout: &Layout, event: u32) -> u64 {
        self.row(layout, event)[2].cast_unsigned()
    }

    /// What the event fits that lies there.
    #[inline]
    pub(super) fn fits_at(&self, layout: &Layout, index: usize) -> u64 {
        self.words[index.wrapping_mul(layout.stride).wrapping_add(FITS)].cast_unsigned()
    }

    /// In place of what the event fits that lies there, another number that says what it is.
    #[inline]
    pub(super) fn change_fits_at(&mut self, layout: &Layout, index: usize, f: impl Fn(u64) -> u64) {
        let fits = &mut self.words[index * layout.stride + FITS];
        *fits = f(fits.cast_unsigned()).cast_signed();
    }

    /// The same of all events from there on: `f` is given the words of the event before, if one is held, and its own.
    #[inline]
    pub(super) fn change_fits(&mut self, layout: &Layout, from: usize, f: impl Fn(Option<&[i64]>, &[i64]) -> u64) {
        let first = from.saturating_sub(1).max(self.gone);
        let mut rows = self.words[first * layout.stride..].chunks_exact_mut(layout.stride);
        let mut before: Option<&[i64]> = if first < from { rows.next().map(|row| &*row) } else { None };
        for row in rows {
            row[FITS] = f(before, row).cast_signed();
            before = Some(row);
        }
    }

    /// What events fit, from one to another.
    pub(super) fn fits_between<'a>(
        &'a self,
        layout: &Layout,
        from: u32,
        to: u32,
    ) -> impl DoubleEndedIterator<Item = u64> + ExactSizeIterator + Clone + use<'a> {
        let words = &self.words[self.index(from) * layout.stride..(self.index(to) + 1) * layout.stride];
        words.chunks_exact(layout.stride).map(|row| row[FITS].cast_unsigned())
    }

    /// What all events fit that are held.
    pub(super) fn fits_of_all(&self, layout: &Layout) -> impl Iterator<Item = u64> {
        self.words[self.gone * layout.stride..].chunks_exact(layout.stride).map(|row| row[FITS].cast_unsigned())
    }

    /// The word of a kept column, nothing where it is NULL. BOOL is 0 or 1.
    #[inline]
    pub(super) fn word(&self, layout: &Layout, event: u32, position: usize) -> Option<i64> {
        match layout.columns[position].kind {
            Kind::Word(at) => layout.word_at(at).of(self.row(layout, event)),
            Kind::Key(part) => word_of(&self.key[part]),
            Kind::Text(_) | Kind::Value(_) => None,
        }
    }

    /// The value of a kept column.
    pub(super) fn value(&self, layout: &Layout, event: u32, position: usize) -> Value<'_> {
        let kept = &layout.columns[position];
        match kept.kind {
            Kind::Key(part) => self.key[part].borrowed(),
            Kind::Word(_) => {
                let Some(word) = self.word(layout, event, position) else { return Value::Null };
                match kept.data_type {
                    DataType::Float => Value::Float(f64::from_bits(word.cast_unsigned())),
                    DataType::Timestamp => Value::Timestamp(Timestamp(word)),
                    DataType::Duration => Value::Duration(Duration(word)),
                    DataType::Bool => Value::Bool(word != 0),
                    _ => Value::Int(word),
                }
            }
            Kind::Text(at) => {
                let (row, bit) = (self.row(layout, event), layout.bit(position));
                if row[HEADER + bit / 64] >> (bit % 64) & 1 == 0 {
                    return Value::Null;
                }
                let (text_at, word) = (row[3].cast_unsigned(), row[at].cast_unsigned());
                let from = usize::try_from(text_at - self.text_base + (word >> 32)).expect("what is in memory has an index");
                let text = std::str::from_utf8(&self.text[from..from + (word & 0xffff_ffff) as usize]);
                let text = text.expect("the bytes of a text are kept whole");
                if kept.data_type == DataType::Json { Value::Json(text.into()) } else { Value::String(text.into()) }
            }
            Kind::Value(at) => self.values[self.index(event) * layout.values + at].borrowed(),
        }
    }

    /// The type of a kept column.
    pub(super) fn is_word(layout: &Layout, position: usize) -> bool {
        matches!(layout.columns[position].kind, Kind::Word(_)) && layout.columns[position].data_type != DataType::Bool
    }

    /// Of these states, as bits, those that are known to lead nowhere from behind a row on.
    pub(super) fn dead(&self, layout: &Layout, event: u32) -> u64 {
        layout.marks.map_or(0, |at| self.row(layout, event)[at + 1].cast_unsigned())
    }

    /// Notes states, as bits, that the start at hand is in behind a row.
    pub(super) fn mark(&mut self, layout: &Layout, event: u32, states: u64) {
        if let Some(at) = layout.marks {
            let begin = self.index(event) * layout.stride;
            self.words[begin + at] |= states.cast_signed();
        }
    }

    /// The start at hand is decided: the states that it has been in behind these rows led nowhere, or it is not known where they lead.
    pub(super) fn clear_marks(&mut self, layout: &Layout, (from, to): (u32, u32), led_nowhere: bool) {
        let Some(at) = layout.marks else { return };
        let (from, to) = (self.index(from), self.index(to));
        for row in self.words[from * layout.stride..to * layout.stride].chunks_exact_mut(layout.stride) {
            let states = std::mem::take(&mut row[at]);
            row[at + 1] |= if led_nowhere { states } else { 0 };
        }
    }

    /// Lets all events before this one go.
    pub(super) fn forget_before(&mut self, layout: &Layout, event: u32) {
        let index = self.index(event);
        if index == self.rows {
            return self.clear();
        }
        self.gone = self.gone.max(index);
        if self.gone < 16 || self.gone * 2 < self.rows {
            return;
        }
        let first = self.number_at(self.gone);
        self.words.drain(..self.gone * layout.stride);
        self.values.drain(..self.gone * layout.values);
        if layout.has_text {
            let text_at = self.words[3].cast_unsigned();
            self.text.drain(..usize::try_from(text_at - self.text_base).expect("what is in memory has an index"));
            self.text_base = text_at;
        }
        self.rows -= self.gone;
        (self.base, self.gone) = (first, 0);
        self.give_memory_back();
    }

    /// Lets all events go.
    pub(super) fn clear(&mut self) {
        if self.words.is_empty() {
            return;
        }
        self.base = self.next();
        (self.gone, self.rows) = (0, 0);
        self.words.clear();
        self.text_base += self.text.len() as u64;
        self.text.clear();
        self.values.clear();
        self.give_memory_back();
    }

    fn give_memory_back(&mut self) {
        self.fit(512);
    }

    /// Gives back what is much more than is used, and than so many words.
    #[inline]
    pub(super) fn fit(&mut self, few: usize) {
        let most = |used: usize| few + 4 * used;
        if self.words.capacity() > most(self.words.len()) {
            self.words.shrink_to(2 * self.words.len());
        }
        if self.text.capacity() > most(self.text.len()) {
            self.text.shrink_to(2 * self.text.len());
        }
        if self.values.capacity() > most(self.values.len()) {
            self.values.shrink_to(2 * self.values.len());
        }
    }

    /// Bytes, about.
    pub(super) fn bytes(&self) -> usize {
        self.words.capacity() * 8 + self.text.capacity() + self.values.capacity() * size_of::<Value<'_>>()
    }
}

/// The place that the words of a row tell.
#[inline]
fn place_of(row: &[i64]) -> Place {
    // The word was made of 32 bits.
    Place::from_parts(row[0], row[1].cast_unsigned(), row[4] as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_round_and_pass_over_the_one_that_is_none() {
        let layout = Layout {
            columns: Vec::new(),
            words: Vec::new(),
            stride: HEADER,
            valid: 0,
            values: 0,
            has_text: false,
            all_words: None,
            blank: [0; HEADER].into(),
            marks: None,
        };
        let mut log = Log { base: u32::MAX - 2, ..Log::default() };
        let place = |at: usize| Place::event(Timestamp(at as i64), at as u64 + 1);
        let mut push = |at: usize| log.push(&layout, &Arriving { rows: &[], words: &[], place: place(at), fits: at as u64 });
        let numbers: Vec<u32> = (0..40).map(&mut push).collect();
        assert_eq!(numbers[..4], [u32::MAX - 2, u32::MAX - 1, 0, 1]);
        for (at, number) in numbers.iter().enumerate() {
            assert_eq!((log.index(*number), log.place(&layout, *number)), (at, place(at)));
        }
        assert_eq!(log.beside(numbers[1], 1), Some(numbers[2]));
        assert_eq!(log.beside(numbers[0], -1), None);
        log.forget_before(&layout, numbers[30]);
        assert_eq!((log.len(), log.first(), log.place(&layout, numbers[35])), (10, numbers[30], place(35)));
        log.truncate(&layout, log.end() - 1);
        assert_eq!(log.next(), numbers[39]);
        log.clear();
        assert_eq!((log.first(), log.len()), (numbers[39], 0));
    }
}
