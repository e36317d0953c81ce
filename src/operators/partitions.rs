//! The partitions of a pattern whose state is small or short-lived: found by key, and forgotten when all that they hold is over.
//!
//! Each partition is looked at once in each WITHIN, in turn, so that keys that never come again cost nothing for ever.

use std::collections::VecDeque;

use arrow_buffer::NullBuffer;

use super::codes::Codes;
use super::memory::fit_queue;
use crate::data::{
    Column, DataType, Duration, EventBatch, Ids, Kept, KeyBuffer, KeyTable, Saved, Schema, StateError, StateReader, StateWriter, Timestamp,
    Value,
};
use crate::expr::{BatchRow, EvalContext, Expr};
use crate::pattern::RowOf;
use crate::spec::{PartitionKeys, PatternSpec, Within};

/// Stands for a partition whose number is not known.
pub(super) const UNKNOWN: u32 = super::codes::NONE;
/// Stands for none, where it is known that there is none.
pub(super) const ABSENT: u32 = super::codes::NO_GROUP;

/// Partitions, with what is kept of each.
#[derive(Debug)]
pub(super) struct Partitions<P> {
    of: PartitionKeys,
    /// Whether there are keys.
    is_keyed: bool,
    within: Option<Duration>,
    keys: KeyTable,
    key: KeyBuffer,
    /// For each input, how its keys are found.
    ways: Vec<Way>,
    known: KnownWords,
    /// By the number of the key.
    kept: Vec<Option<P>>,
    forgotten: u64,
    /// When to look whether a partition is over: each stands here once, if there is a WITHIN.
    visits: VecDeque<(Timestamp, u32)>,
    context: EvalContext,
}

/// How the keys of an input are found, where they need not be hashed as bytes each time.
#[derive(Debug)]
enum Way {
    Hash,
    /// The key is this column of whole numbers.
    Word(usize),
    /// It is this column of texts, which may come as codes.
    Text(usize, Codes),
}

/// Where the keys of the rows of a batch are read: what kind they are is looked at once a batch.
#[derive(Debug, Clone, Copy)]
pub(super) enum RowKeys<'b> {
    /// There are none.
    Alone,
    /// They are texts that come as these codes, some of them NULLs.
    Codes(&'b [u32], Option<&'b NullBuffer>),
    /// They are the whole numbers of this column.
    Words(&'b Column),
    /// They are hashed as bytes.
    Hash,
}

impl RowKeys<'_> {
    /// The code of a row's text, where it comes as one.
    #[inline(always)]
    fn code(self, row: usize) -> Option<u32> {
        match self {
            Self::Codes(codes, nulls) if nulls.is_none_or(|nulls| nulls.is_valid(row)) => Some(codes[row]),
            _ => None,
        }
    }
}

impl Way {
    fn of(key: &[Expr], schema: &Schema) -> Self {
        let column = match key {
            [expr] => expr.as_slot().map(|slot| slot.0 as usize),
            _ => None,
        };
        match column.map(|column| (column, &schema.fields()[column].data_type)) {
            Some((column, DataType::Int | DataType::Timestamp | DataType::Duration)) => Self::Word(column),
            Some((column, DataType::String)) => Self::Text(column, Codes::default()),
            Some(_) | None => Self::Hash,
        }
    }
}

impl<P> Partitions<P> {
    /// Of a pattern of which nothing has come.
    pub(super) fn new(spec: &PatternSpec) -> Self {
        let within = match spec.within {
            Some(Within::Time(span)) => Some(span),
            Some(Within::Events(_)) | None => None,
        };
        Self {
            ways: spec.partition.by_input.iter().zip(&spec.inputs).map(|(key, schema)| Way::of(key, schema)).collect(),
            known: KnownWords::default(),
            is_keyed: spec.partition.by_input.iter().any(|exprs| !exprs.is_empty()),
            of: spec.partition.clone(),
            within,
            keys: KeyTable::new(),
            key: KeyBuffer::new(),
            kept: Vec::new(),
            forgotten: 0,
            visits: VecDeque::new(),
            context: EvalContext::new(),
        }
    }

    /// From now on the codes of texts are those of these batches.
    pub(super) fn turn_to(&mut self, inputs: &[EventBatch]) {
        for (batch, way) in inputs.iter().zip(&mut self.ways) {
            let Way::Text(column, codes) = way else { continue };
            match &batch.columns()[*column] {
                Column::Coded(texts) => codes.turn_to(texts.dictionary()),
                // What is the key of nothing yet may become a key behind the codes' back.
                _ if !batch.is_empty() => *codes = Codes::default(),
                _ => {}
            }
        }
    }

    /// The number of the partition of a row; where there is none, `fresh` begins one, if it is given. The batch has been turned to.
    #[inline]
    pub(super) fn find(&mut self, row: &RowOf<'_>, fresh: Option<impl FnOnce() -> P>) -> Option<u32> {
        self.find_by(self.keys_of(row.input, row.batch), row, fresh)
    }

    /// The same, where the keys of the row's batch have been looked at.
    #[inline]
    pub(super) fn find_by(&mut self, keys: RowKeys<'_>, row: &RowOf<'_>, fresh: Option<impl FnOnce() -> P>) -> Option<u32> {
        match self.known(keys, row.input, row.row) {
            Some(id) => Some(id),
            None if fresh.is_none() && self.is_known_to_have_none(keys, row.input, row.row) => None,
            None => self.find_anew(row, fresh),
        }
    }

    /// Where the keys of the rows of a batch of an input are read.
    #[inline]
    pub(super) fn keys_of<'b>(&self, input: usize, batch: &'b EventBatch) -> RowKeys<'b> {
        match self.ways.get(input) {
            _ if !self.is_keyed => RowKeys::Alone,
            Some(Way::Text(column, _)) => match &batch.columns()[*column] {
                Column::Coded(texts) => RowKeys::Codes(texts.codes().values(), texts.nulls()),
                _ => RowKeys::Hash,
            },
            Some(Way::Word(column)) => RowKeys::Words(&batch.columns()[*column]),
            Some(Way::Hash) | None => RowKeys::Hash,
        }
    }

    /// The number of the partition of a row whose key has come before, and is remembered.
    #[inline]
    pub(super) fn known(&self, keys: RowKeys<'_>, input: usize, row: usize) -> Option<u32> {
        match (keys, self.ways.get(input)) {
            (RowKeys::Codes(..), Some(Way::Text(_, codes))) => codes.group(keys.code(row)?),
            (RowKeys::Words(column), _) => self.known.get(column.word(row)?),
            (RowKeys::Alone, _) => self.kept.first().is_some_and(Option::is_some).then_some(0),
            (RowKeys::Codes(..) | RowKeys::Hash, _) => None,
        }
    }

    /// Puts down the numbers of the partitions of rows as far as they are remembered, [`ABSENT`] where it is remembered that there is none, and
    /// [`UNKNOWN`] of the others. A number means the same until a partition is [forgotten](Self::forgotten).
    #[inline]
    pub(super) fn put_known<'r>(&self, keys: RowKeys<'_>, input: usize, rows: impl Iterator<Item = (u32, &'r mut u32)>) {
        match (keys, self.ways.as_slice()) {
            (RowKeys::Codes(codes, None), [Way::Text(_, known)]) => {
                rows.for_each(|(row, id)| *id = known.group_or_none(codes[row as usize]));
            }
            _ => rows.for_each(|(row, id)| *id = self.known(keys, input, row as usize).unwrap_or(UNKNOWN)),
        }
    }

    /// How many have been forgotten so far.
    #[inline]
    pub(super) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Whether it is remembered that the key of a row has no partition. Where keys come from several inputs, another one may have made a key
    /// of what was none.
    #[inline]
    fn is_known_to_have_none(&self, keys: RowKeys<'_>, input: usize, row: usize) -> bool {
        match (keys.code(row), self.ways.get(input)) {
            (Some(code), Some(Way::Text(_, codes))) => self.ways.len() == 1 && codes.has_no_group(code),
            _ => false,
        }
    }

    #[inline(never)]
    fn find_anew(&mut self, row: &RowOf<'_>, fresh: Option<impl FnOnce() -> P>) -> Option<u32> {
        let time = row.batch.time(row.row);
        if !self.is_keyed {
            return self.begin(0, time, fresh);
        }
        let code = self.keys_of(row.input, row.batch).code(row.row);
        let found = self.key_of(row, fresh.is_some()).and_then(|id| self.begin(id, time, fresh));
        match (self.ways.get_mut(row.input), code, found) {
            (Some(Way::Text(_, codes)), Some(code), Some(id)) => codes.note(code, id),
            (Some(Way::Text(_, codes)), Some(code), None) => codes.note_none(code),
            (Some(Way::Word(column)), _, Some(id)) => {
                if let Some(word) = row.batch.columns()[*column].word(row.row) {
                    self.known.note(word, id, self.keys.len());
                }
            }
            _ => {}
        }
        found
    }

    /// The partition of this number (0 without keys), begun at this time if there is none.
    pub(super) fn begin(&mut self, id: u32, time: Timestamp, fresh: Option<impl FnOnce() -> P>) -> Option<u32> {
        let index = id as usize;
        if self.kept.len() <= index {
            self.kept.resize_with(index + 1, || None);
        }
        if self.kept[index].is_none() {
            self.kept[index] = Some(fresh?());
            self.visits.extend(self.within.map(|span| (time.saturating_add(span), id)));
        }
        Some(id)
    }

    /// Whether there are keys.
    pub(super) fn are_keyed(&self) -> bool {
        self.is_keyed
    }

    /// The only partition, where there are no keys, if it has begun.
    #[inline]
    pub(super) fn alone(&mut self) -> Option<&mut P> {
        self.kept.first_mut().filter(|_| !self.is_keyed)?.as_mut()
    }

    fn key_of(&mut self, row: &RowOf<'_>, may_begin: bool) -> Option<u32> {
        let exprs = self.of.by_input.get(row.input).map_or(&[][..], |exprs| exprs);
        let view = BatchRow { batch: row.batch, row: row.row };
        let mut has_null = false;
        let values = exprs.iter().map(|expr| expr.eval(&view, &self.context)).inspect(|value| has_null |= value.is_null());
        let key = self.key.encode(values);
        if self.of.null_takes_no_part && has_null {
            return None;
        }
        if may_begin { Some(self.keys.intern(key)) } else { self.keys.get(key) }
    }

    /// The partition of a number.
    #[inline]
    pub(super) fn get(&self, id: u32) -> Option<&P> {
        self.kept.get(id as usize)?.as_ref()
    }

    /// The same, to be changed.
    #[inline]
    pub(super) fn get_mut(&mut self, id: u32) -> Option<&mut P> {
        self.kept.get_mut(id as usize)?.as_mut()
    }

    /// The key of a partition; of one without keys there are no values.
    pub(super) fn key(&self, id: u32) -> Vec<Value<'static>> {
        if self.is_keyed { self.keys.key(id).map_or_else(Vec::new, |key| key.decode()) } else { Vec::new() }
    }

    /// Forgets a partition of which nothing is left, where it would not be looked at later.
    #[inline]
    pub(super) fn drop_if(&mut self, id: u32, is_empty: impl FnOnce(&P) -> bool) {
        if self.within.is_none() && self.kept.get(id as usize).and_then(Option::as_ref).is_some_and(is_empty) {
            self.forget(id);
        }
    }

    fn forget(&mut self, id: u32) {
        self.forgotten += 1;
        self.kept[id as usize] = None;
        if self.is_keyed {
            if self.ways.iter().any(|way| matches!(way, Way::Word(_))) {
                let left = self.keys.len().saturating_sub(1);
                self.known.forget(id, self.keys.key(id).and_then(|key| key.values().next()), left);
            }
            self.keys.remove(id);
            self.keys.fit(&mut self.kept);
            for way in &mut self.ways {
                if let Way::Text(_, codes) = way {
                    codes.forget(id);
                    codes.fit(self.kept.len());
                }
            }
        }
    }

    /// Looks at the partitions whose turn it is, and forgets those that are over.
    pub(super) fn visit(&mut self, now: Timestamp, mut is_over: impl FnMut(&mut P) -> bool) {
        while let Some(&(time, id)) = self.visits.front()
            && time < now
        {
            self.visits.pop_front();
            fit_queue(&mut self.visits);
            let Some(partition) = self.kept.get_mut(id as usize).and_then(Option::as_mut) else { continue };
            if is_over(partition) {
                self.forget(id);
            } else {
                self.visits.extend(self.within.map(|span| (now.saturating_add(span), id)));
            }
        }
    }

    /// Forgets all that are over.
    pub(super) fn forget_all(&mut self, mut is_over: impl FnMut(&mut P) -> bool) {
        let visits = std::mem::take(&mut self.visits);
        for (time, id) in visits {
            let Some(partition) = self.kept.get_mut(id as usize).and_then(Option::as_mut) else { continue };
            if is_over(partition) {
                self.forget(id);
            } else {
                self.visits.push_back((time, id));
            }
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        if self.is_keyed { self.keys.len() } else { self.kept.iter().flatten().count() }
    }

    /// When a partition is looked at next.
    pub(super) fn next_visit(&self) -> Option<Timestamp> {
        self.visits.front().map(|(time, _)| *time)
    }

    /// Writes the partitions of the keys that are asked for. Gives which are.
    pub(super) fn save(&self, to: &mut StateWriter) -> Written
    where
        P: Saved,
    {
        let kept = to.keys(&self.keys);
        let written = Written { kept: self.is_keyed.then_some(kept), has_unkeyed: to.range().has_unkeyed() };
        let partitions: Vec<(u32, &P)> = self.numbered().filter(|(id, _)| written.has(*id)).collect();
        to.number(partitions.len() as u64);
        for (id, partition) in partitions {
            to.put(&id);
            to.put(partition);
        }
        to.put(&self.visits.iter().copied().filter(|(_, id)| written.has(*id)).collect::<Vec<_>>());
        written
    }

    /// Takes partitions in, of keys that it has not, each as `adapt` makes it. Gives the numbers that they have now, by those as written.
    pub(super) fn load(&mut self, from: &mut StateReader<'_>, adapt: impl Fn(P) -> Result<P, StateError>) -> Result<Numbers, StateError>
    where
        P: Saved,
    {
        let ids = from.keys(&mut self.keys)?;
        let now = Numbers(self.is_keyed.then_some(ids));
        self.kept.resize_with(self.keys.capacity().max(usize::from(!self.is_keyed)), || None);
        for _ in 0..from.length()? {
            let id = now.get(from.take()?)?;
            self.kept[id as usize] = Some(adapt(from.take()?)?);
        }
        for (time, id) in from.take::<Vec<(Timestamp, u32)>>()? {
            self.visits.push_back((time, now.get(id)?));
        }
        self.visits.make_contiguous().sort_by_key(|(time, _)| *time);
        Ok(now)
    }

    /// All partitions, in no order that means anything.
    pub(super) fn iter(&self) -> impl Iterator<Item = &P> {
        self.kept.iter().flatten()
    }

    /// The same with their numbers.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (u32, &P)> {
        (0u32..).zip(&self.kept).filter_map(|(id, partition)| Some((id, partition.as_ref()?)))
    }

    /// The same, to be changed.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut P> {
        self.kept.iter_mut().flatten()
    }

    /// For how many partitions there is room.
    pub(super) fn room(&self) -> usize {
        self.kept.len()
    }

    /// About how much memory the tables take.
    pub(super) fn bytes(&self) -> usize {
        let codes = |way: &Way| if let Way::Text(_, codes) = way { codes.bytes() } else { 0 };
        self.keys.bytes()
            + self.known.bytes()
            + self.ways.iter().map(codes).sum::<usize>()
            + self.visits.capacity() * size_of::<(Timestamp, u32)>()
            + self.kept.capacity() * size_of::<Option<P>>()
    }

    /// How many NULLs the keys had to make up since the last call.
    pub(super) fn take_nulls(&mut self) -> u64 {
        self.context.take_nulls()
    }
}

/// Which partitions have been written.
#[derive(Debug)]
pub(super) struct Written {
    /// Nothing without keys.
    kept: Option<Kept>,
    has_unkeyed: bool,
}

impl Written {
    /// Whether the one of this number has.
    pub(super) fn has(&self, id: u32) -> bool {
        self.kept.as_ref().map_or(self.has_unkeyed, |kept| kept.has(id))
    }
}

/// The numbers that partitions have now.
#[derive(Debug)]
pub(super) struct Numbers(Option<Ids>);

impl Numbers {
    /// The number of the one that was written with this one.
    pub(super) fn get(&self, written: u32) -> Result<u32, StateError> {
        self.0.as_ref().map_or(Ok(0), |ids| ids.get(written))
    }
}

/// The numbers of partitions whose keys came last, where a key is one whole number: most keys come again soon, and are found without being
/// hashed as bytes.
#[derive(Debug, Default)]
struct KnownWords(Vec<(i64, u32)>);

/// How many there are at least, once there are any, and at most.
const KNOWN: (usize, usize) = (16, 1024);
/// Stands for no partition.
const NONE: u32 = u32::MAX;

impl KnownWords {
    #[inline]
    fn at(&self, word: i64) -> usize {
        let hash = word.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        hash as usize & self.0.len().wrapping_sub(1)
    }

    #[inline]
    fn get(&self, word: i64) -> Option<u32> {
        self.0.get(self.at(word)).filter(|(known, id)| *known == word && *id != NONE).map(|(_, id)| *id)
    }

    /// The key of a partition, one of so many.
    fn note(&mut self, word: i64, id: u32, partitions: usize) {
        if self.0.len() < KNOWN.1.min(2 * partitions) || self.0.is_empty() {
            self.0 = vec![(0, NONE); (2 * partitions).next_power_of_two().clamp(KNOWN.0, KNOWN.1)];
        }
        let at = self.at(word);
        self.0[at] = (word, id);
    }

    /// The partition of this number, which had this key, is no more; so many are left. Room for many more than those is given back.
    fn forget(&mut self, id: u32, key: Option<Value<'_>>, left: usize) {
        if self.0.len() > KNOWN.0.max(8 * left) {
            self.0 = Vec::new();
            return;
        }
        let word = match key {
            Some(Value::Int(word) | Value::Timestamp(Timestamp(word)) | Value::Duration(Duration(word))) => word,
            _ => return,
        };
        let at = self.at(word);
        if let Some(known) = self.0.get_mut(at).filter(|(_, of)| *of == id) {
            known.1 = NONE;
        }
    }

    fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<(i64, u32)>()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn known_words_are_those_of_partitions_that_are() {
        let (mut known, mut there) = (KnownWords::default(), HashMap::new());
        let mut state = 0x5eed_u64;
        let (mut found, mut most) = (0, 0);
        for number in 0..100_000u32 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let word = (state >> 40).cast_signed() % [20, 5000, 3][number as usize / 40_000] - 2;
            if let Some(id) = known.get(word) {
                assert_eq!(there.get(&word), Some(&id), "{word}");
                found += 1;
            }
            if state.is_multiple_of(3) {
                if let Some(id) = there.remove(&word) {
                    known.forget(id, Some(Value::Int(word)), there.len());
                }
            } else {
                let id = *there.entry(word).or_insert(number);
                known.note(word, id, there.len());
            }
            most = most.max(known.0.len());
            // The words of the second phase are gone before the third begins.
            if number == 80_000 {
                there.drain().for_each(|(word, id)| known.forget(id, Some(Value::Int(word)), 0));
            }
        }
        assert!(found > 30_000 && most == KNOWN.1 && known.0.len() == KNOWN.0, "{found}, {most}, {}", known.0.len());
    }
}
