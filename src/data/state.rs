//! State as bytes: what is to live on is written by a [`StateWriter`], and read back by a [`StateReader`] that trusts no length in it.
//!
//! Numbers are LEB128 or eight bytes, little-endian; texts and lists have their length in front. What several owners share is written once
//! and shared again when it is read ([`StateWriter::shared`]). Of keyed state only the keys of a range are written, so that state can be
//! cut and put together again ([`KeyRange`]).
//!
//! The bytes of a whole snapshot are guarded by a digest (`runtime::snapshot`), so what a reader finds here has been written by a writer.
//! It checks nevertheless that nothing goes beyond the end, that numbers fit their types, and that texts are UTF-8.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use ahash::AHashMap;

use super::saved::Saved;
use super::{Key, KeyRef, KeyTable, Place};

/// Why a state cannot be read back: in words, for who has to find the defect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateError(String);

impl StateError {
    /// What is wrong.
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StateError {}

/// A stretch of the hashes of keys ([`Key::hash64`]), both ends in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyRange {
    first: u64,
    last: u64,
}

impl KeyRange {
    /// All keys.
    pub const ALL: Self = Self { first: 0, last: u64::MAX };

    /// The part of this number, from 0, of so many about equal parts of all keys. Together they have each key once.
    ///
    /// # Panics
    /// Where there is no such part.
    pub fn part(part: u64, of: u64) -> Self {
        assert!(part < of, "part {part} of {of}");
        let begin = |part: u64| u64::try_from((u128::from(part) << 64) / u128::from(of)).unwrap_or(u64::MAX);
        let last = if part + 1 == of { u64::MAX } else { begin(part + 1) - 1 };
        Self { first: begin(part), last }
    }

    /// The number of the part, of so many, that has the keys of this hash.
    pub fn part_of(hash: u64, of: u64) -> u64 {
        let about = u64::try_from((u128::from(hash) * u128::from(of)) >> 64).unwrap_or(u64::MAX);
        // Parts begin at whole numbers, so the first hash of one may be counted to the part before.
        let next = about + 1;
        if next < of && hash >= Self::part(next, of).first { next } else { about }
    }

    /// Whether a key is in it.
    pub fn contains(self, key: KeyRef<'_>) -> bool {
        (self.first..=self.last).contains(&key.hash64())
    }

    /// Whether it has what belongs to no key: the range with the least hash has it.
    pub fn has_unkeyed(self) -> bool {
        self.first == 0
    }
}

/// Writes state.
#[derive(Debug)]
pub struct StateWriter {
    bytes: Vec<u8>,
    range: KeyRange,
    /// Numbers of what was written once, by where it is in memory.
    shared: AHashMap<usize, u64>,
}

impl Default for StateWriter {
    fn default() -> Self {
        Self::new(KeyRange::ALL)
    }
}

impl StateWriter {
    /// Of keyed state only these keys are to be written.
    pub fn new(range: KeyRange) -> Self {
        Self { bytes: Vec::new(), range, shared: AHashMap::new() }
    }

    /// The keys that are to be written.
    pub fn range(&self) -> KeyRange {
        self.range
    }

    /// Writes a count that belongs to no key: of several parts one has it.
    pub fn once(&mut self, count: u64) {
        self.number(if self.range.has_unkeyed() { count } else { 0 });
    }

    /// Writes a value.
    pub fn put<T: Saved>(&mut self, value: &T) {
        value.save(self);
    }

    /// Writes so many values one behind the other, with their number in front.
    pub fn list<'t, T: Saved + 't>(&mut self, values: impl ExactSizeIterator<Item = &'t T>) {
        self.number(values.len() as u64);
        values.for_each(|value| value.save(self));
    }

    /// Writes the keys of a table that are in the range, each with its number. What else is kept of these keys is to be written by their
    /// numbers as they are; `Kept` tells which.
    pub fn keys(&mut self, table: &KeyTable) -> Kept {
        let range = self.range;
        let kept: Vec<bool> = (0u32..).take(table.capacity()).map(|id| table.key(id).is_some_and(|key| range.contains(key))).collect();
        self.number(table.capacity() as u64);
        self.number(kept.iter().filter(|kept| **kept).count() as u64);
        for (id, key) in table.iter().filter(|(id, _)| kept[*id as usize]) {
            self.number(u64::from(id));
            self.blob(key.as_bytes());
        }
        // Numbers are given out again in this order.
        table.free_numbers().collect::<Vec<u32>>().save(self);
        Kept(kept)
    }

    /// Writes what several may share: the first time as it is, and then as a number.
    pub fn shared<T: Saved>(&mut self, value: &Arc<T>) {
        if !self.known(Arc::as_ptr(value).addr()) {
            value.as_ref().save(self);
        }
    }

    /// The same for slices.
    pub fn shared_slice<T: Saved>(&mut self, values: &Arc<[T]>) {
        if !self.known(values.as_ptr().addr() ^ usize::from(values.is_empty())) {
            self.list(values.iter());
        }
    }

    /// Writes the number of what is there in memory, which must stay there while this writer lives. Whether it had been written before;
    /// where not, it is to be written now.
    pub fn known(&mut self, address: usize) -> bool {
        let next = self.shared.len() as u64;
        let number = *self.shared.entry(address).or_insert(next);
        self.number(number);
        number != next
    }

    /// The number that [`StateWriter::known`] has given to what is there in memory.
    pub fn number_of(&self, address: usize) -> Option<u64> {
        self.shared.get(&address).copied()
    }

    /// Writes a number in as few bytes as it takes.
    pub fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.bytes.push(number.to_le_bytes()[0]);
    }

    /// Writes bytes, with their number in front.
    pub fn blob(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    /// Writes bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Everything that was written.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// Which numbers of a table's keys were written.
#[derive(Debug)]
pub struct Kept(Vec<bool>);

impl Kept {
    /// Whether the key of this number was.
    pub fn has(&self, id: u32) -> bool {
        self.0.get(id as usize).is_some_and(|kept| *kept)
    }

    /// The numbers that were, rising.
    pub fn ids(&self) -> impl Iterator<Item = u32> + '_ {
        (0u32..).zip(&self.0).filter(|(_, kept)| **kept).map(|(id, _)| id)
    }
}

/// The numbers that keys have now, by those that they were written with.
#[derive(Debug)]
pub struct Ids(Vec<(u32, u32)>);

impl Ids {
    /// The number of a key now.
    pub fn get(&self, written: u32) -> Result<u32, StateError> {
        let at = self.0.binary_search_by_key(&written, |(written, _)| *written);
        at.map(|at| self.0[at].1).map_err(|_| StateError::new(format!("no key has the number {written}")))
    }

    /// The numbers that keys were written with, rising, and those that they have now.
    pub fn pairs(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.0.iter().copied()
    }
}

/// The ranks of operators in the program that is restored, by those that they had when state was written.
#[derive(Debug, Clone, Default)]
pub struct Ranks(Option<Vec<Option<u32>>>);

impl Ranks {
    /// Operators have the ranks that they had.
    pub fn same() -> Self {
        Self(None)
    }

    /// The operator that had the rank `index + 1` has this one now, if it is still there.
    pub fn new(of_each: Vec<Option<u32>>) -> Self {
        Self(Some(of_each))
    }

    fn of(&self, place: Place) -> Result<Place, StateError> {
        let Some(ranks) = &self.0 else { return Ok(place) };
        let rank = place.rank();
        if rank == 0 || rank == Place::LAST_RANK || place == Place::MIN || place == Place::MAX {
            return Ok(place);
        }
        let now = ranks.get(rank as usize - 1).copied().flatten();
        let (.., nth) = place.to_parts();
        let moved = |rank| {
            let (time, sequence, _) = place.derived_by(rank).to_parts();
            Place::from_parts(time, sequence, nth)
        };
        now.map(moved).ok_or_else(|| StateError::new(format!("operator {rank} is gone, and a place of it is left")))
    }
}

/// How deep values may nest.
const DEPTH_MAX: u32 = 200;
/// For how many values room is made before any has been read.
const ROOM_MAX: usize = 4096;

/// Reads state.
#[derive(Debug)]
pub struct StateReader<'a> {
    rest: &'a [u8],
    shared: Vec<Arc<dyn Any + Send + Sync>>,
    ranks: Ranks,
    depth: u32,
    /// What numbers of the operator that is read have become ([`StateReader::translate`]).
    translation: Vec<u32>,
    /// What state cannot say of itself ([`StateReader::bring`]).
    brought: Option<Arc<dyn Any + Send + Sync>>,
}

impl<'a> StateReader<'a> {
    /// Of these bytes, by a program whose operators have the ranks that they had.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self::with_ranks(bytes, Ranks::same())
    }

    /// Of these bytes, by a program whose operators have these ranks.
    pub fn with_ranks(bytes: &'a [u8], ranks: Ranks) -> Self {
        Self { rest: bytes, shared: Vec::new(), ranks, depth: 0, translation: Vec::new(), brought: None }
    }

    /// Reads a value.
    pub fn take<T: Saved>(&mut self) -> Result<T, StateError> {
        T::load(self)
    }

    /// Reads values that [`StateWriter::list`] has written.
    pub fn list<T: Saved>(&mut self) -> Result<Vec<T>, StateError> {
        let count = self.length()?;
        let mut values = Vec::with_capacity(count.min(ROOM_MAX));
        for _ in 0..count {
            values.push(T::load(self)?);
        }
        Ok(values)
    }

    /// Reads keys that [`StateWriter::keys`] has written into a table, beside those that it has. In an empty table they have their numbers
    /// again.
    pub fn keys(&mut self, table: &mut KeyTable) -> Result<Ids, StateError> {
        let capacity = self.number()?;
        let count = self.length()?;
        let mut keys: Vec<(u32, Key)> = Vec::with_capacity(count.min(ROOM_MAX));
        for _ in 0..count {
            let id: u32 = self.take()?;
            let is_next = keys.last().is_none_or(|(before, _)| *before < id) && u64::from(id) < capacity;
            let key = Key::from_bytes(self.blob()?).filter(|_| is_next);
            keys.push((id, key.ok_or_else(|| StateError::new("keys that are none, or out of order"))?));
        }
        let free: Vec<u32> = self.take()?;
        let is_whole = keys.len() as u64 + free.len() as u64 == capacity;
        if is_whole && table.capacity() == 0 {
            table.place(&keys, &free).ok_or_else(|| StateError::new("numbers of keys that cannot be"))?;
        }
        Ok(Ids(keys.into_iter().map(|(written, key)| (written, table.intern(key.as_ref()))).collect()))
    }

    /// Reads what several may share, as [`StateWriter::shared`] has written it.
    pub fn shared<T: Saved + Send + Sync + 'static>(&mut self) -> Result<Arc<T>, StateError> {
        match self.known::<T>()? {
            Ok(known) => Ok(known),
            Err(slot) => {
                let value = Arc::new(T::load(self)?);
                self.share(slot, value.clone())?;
                Ok(value)
            }
        }
    }

    /// The same for slices.
    pub fn shared_slice<T: Saved + Send + Sync + 'static>(&mut self) -> Result<Arc<[T]>, StateError> {
        match self.known::<Arc<[T]>>()? {
            Ok(known) => Ok((*known).clone()),
            Err(slot) => {
                let values: Arc<[T]> = self.list()?.into();
                self.share(slot, Arc::new(values.clone()))?;
                Ok(values)
            }
        }
    }

    /// Reads the number of something shared: what has been read before, or the slot of what is to be read now and told by
    /// [`StateReader::share`].
    pub fn known<T: Send + Sync + 'static>(&mut self) -> Result<Result<Arc<T>, Slot>, StateError> {
        let number = self.number()?;
        let next = self.shared.len() as u64;
        if number == next {
            // Until it is there, nothing can be read in its place.
            self.shared.push(Arc::new(()));
            return Ok(Err(Slot(self.shared.len() - 1)));
        }
        self.shared_before(number).map(Ok)
    }

    /// What a slot stands for.
    pub fn share<T: Send + Sync + 'static>(&mut self, slot: Slot, value: Arc<T>) -> Result<(), StateError> {
        let place = self.shared.get_mut(slot.0).ok_or_else(|| StateError::new("a slot that is not there"))?;
        *place = value;
        Ok(())
    }

    /// Numbers that [`StateReader::translated`] reads stand for these from now on, by their places in the list.
    pub fn translate(&mut self, translation: Vec<u32>) {
        self.translation = translation;
    }

    /// Reads a number that is another now.
    pub fn translated(&mut self) -> Result<u32, StateError> {
        let index = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        self.translation.get(index).copied().ok_or_else(|| StateError::new("a number without a translation"))
    }

    /// What is not in the state, and has to be known to read it.
    pub fn bring(&mut self, what: Arc<dyn Any + Send + Sync>) {
        self.brought = Some(what);
    }

    /// What was brought, if it is of this type.
    pub fn brought<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.brought.clone().and_then(|brought| brought.downcast().ok())
    }

    /// Reads what was shared under this number.
    pub fn shared_before<T: Send + Sync + 'static>(&self, number: u64) -> Result<Arc<T>, StateError> {
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        let found = self.shared.get(index).cloned().and_then(|shared| shared.downcast().ok());
        found.ok_or_else(|| StateError::new("a part that is shared, and is not there"))
    }

    /// Reads a number.
    pub fn number(&mut self) -> Result<u64, StateError> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = self.bytes::<1>()?;
            let part = u64::from(byte & 0x7f);
            if part << shift >> shift != part {
                break;
            }
            number |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(StateError::new("a number of more than 64 bits"))
    }

    /// Reads how many things follow, of at least one byte each: never more than there are bytes.
    pub fn length(&mut self) -> Result<usize, StateError> {
        let number = self.number()?;
        let fits = usize::try_from(number).ok().filter(|count| *count <= self.rest.len());
        fits.ok_or_else(|| StateError::new(format!("{number} things in {} bytes", self.rest.len())))
    }

    /// Reads bytes that [`StateWriter::blob`] has written.
    pub fn blob(&mut self) -> Result<&'a [u8], StateError> {
        let count = self.length()?;
        self.raw(count)
    }

    /// Reads so many bytes.
    pub fn raw(&mut self, count: usize) -> Result<&'a [u8], StateError> {
        let (bytes, rest) = self.rest.split_at_checked(count).ok_or_else(|| StateError::new("its end is missing"))?;
        self.rest = rest;
        Ok(bytes)
    }

    /// Reads so many bytes.
    pub fn bytes<const N: usize>(&mut self) -> Result<[u8; N], StateError> {
        self.raw(N).and_then(|bytes| bytes.try_into().map_err(|_| StateError::new("its end is missing")))
    }

    /// Reads bytes that [`StateWriter::blob`] has written as state of their own, which shares nothing with what is around it.
    pub fn part(&mut self) -> Result<StateReader<'a>, StateError> {
        let ranks = self.ranks.clone();
        self.blob().map(|bytes| StateReader::with_ranks(bytes, ranks))
    }

    /// A place as it is called in the program that is restored.
    pub fn place(&self, place: Place) -> Result<Place, StateError> {
        self.ranks.of(place)
    }

    /// Reads something that is nested in what is being read.
    pub(super) fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, StateError>) -> Result<T, StateError> {
        if self.depth == DEPTH_MAX {
            return Err(StateError::new("values nest too deep"));
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    /// How many bytes are left.
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    /// Nothing may be left.
    pub fn end(&self) -> Result<(), StateError> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(StateError::new(format!("{left} bytes more than were expected"))),
        }
    }
}

/// Where something shared will be found.
#[derive(Debug)]
pub struct Slot(usize);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{KeyBuffer, Timestamp, Value};

    fn table(keys: impl IntoIterator<Item = i64>) -> KeyTable {
        let (mut table, mut buffer) = (KeyTable::new(), KeyBuffer::new());
        for key in keys {
            table.intern(buffer.encode([Value::Int(key)].into_iter()));
        }
        table
    }

    fn read_keys(bytes: &[u8], into: &mut KeyTable) -> Ids {
        let mut reader = StateReader::new(bytes);
        let ids = reader.keys(into).unwrap();
        reader.end().unwrap();
        ids
    }

    #[test]
    fn numbers_come_back_in_as_few_bytes_as_it_takes() {
        for number in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            let mut writer = StateWriter::default();
            writer.number(number);
            let bytes = writer.finish();
            assert_eq!(StateReader::new(&bytes).number(), Ok(number));
            assert!((1..bytes.len()).all(|len| StateReader::new(&bytes[..len]).number().is_err()));
        }
        assert!(StateReader::new(&[0xff; 10]).number().is_err(), "more than 64 bits");
        assert!(StateReader::new(&[0xff; 20]).number().is_err());
    }

    #[test]
    fn a_table_comes_back_with_its_numbers_and_the_order_of_those_that_are_free() {
        let mut before = table(0..10);
        for id in [3, 7, 5] {
            before.remove(id);
        }
        let mut writer = StateWriter::default();
        let kept = writer.keys(&before);
        assert_eq!(kept.ids().collect::<Vec<_>>(), [0, 1, 2, 4, 6, 8, 9]);
        let mut after = KeyTable::new();
        let ids = read_keys(&writer.finish(), &mut after);
        assert!(ids.pairs().all(|(a, b)| a == b) && ids.get(3).is_err());
        assert_eq!(before, after);
        let mut buffer = KeyBuffer::new();
        for key in 100..105 {
            let key = buffer.encode([Value::Int(key)].into_iter()).to_key();
            assert_eq!(before.intern(key.as_ref()), after.intern(key.as_ref()));
        }
    }

    #[test]
    fn a_table_is_cut_by_ranges_and_put_together_again() {
        let whole = table(0..1000);
        for parts in [1, 2, 3, 7] {
            let mut together = KeyTable::new();
            let mut seen = 0;
            for part in 0..parts {
                let mut writer = StateWriter::new(KeyRange::part(part, parts));
                seen += writer.keys(&whole).ids().count();
                read_keys(&writer.finish(), &mut together);
            }
            assert_eq!((seen, together.len()), (1000, 1000), "each key is in one part");
            assert!(whole.iter().all(|(_, key)| together.get(key).is_some()));
        }
        assert_eq!(KeyRange::part(0, 1), KeyRange::ALL);
    }

    #[test]
    fn a_hash_is_in_the_part_that_it_is_counted_to() {
        for parts in [1, 2, 3, 5, 7, 16, 1000] {
            let edges = (0..parts).flat_map(|part| [KeyRange::part(part, parts).first, KeyRange::part(part, parts).last]);
            for hash in edges.chain((0..1000).map(|n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15))) {
                let KeyRange { first, last } = KeyRange::part(KeyRange::part_of(hash, parts), parts);
                assert!((first..=last).contains(&hash), "{hash} of {parts} parts");
            }
        }
    }

    #[test]
    fn what_is_shared_is_shared_again() {
        let one = Arc::new(7_u64);
        let other = Arc::new(7_u64);
        let mut writer = StateWriter::default();
        for value in [&one, &other, &one] {
            writer.shared(value);
        }
        let bytes = writer.finish();
        let mut reader = StateReader::new(&bytes);
        let read: Vec<Arc<u64>> = (0..3).map(|_| reader.shared().unwrap()).collect();
        assert!(Arc::ptr_eq(&read[0], &read[2]) && !Arc::ptr_eq(&read[0], &read[1]));
        let mut reader = StateReader::new(&bytes);
        reader.shared::<u64>().unwrap();
        reader.shared::<u64>().unwrap();
        assert!(reader.shared::<String>().is_err(), "of another type it is not there");
    }

    #[test]
    fn places_follow_their_operators() {
        let at = |rank| Place::event(Timestamp(5), 3).derived_by(rank);
        let mut writer = StateWriter::default();
        [at(0), at(1), at(3), at(2)].iter().for_each(|place| writer.put(place));
        let bytes = writer.finish();
        let mut reader = StateReader::with_ranks(&bytes, Ranks::new(vec![Some(1), None, Some(2)]));
        assert_eq!(reader.take::<Place>(), Ok(at(0)));
        assert_eq!(reader.take::<Place>(), Ok(at(1)));
        assert_eq!(reader.take::<Place>(), Ok(at(2)));
        assert!(reader.take::<Place>().is_err(), "its operator is gone");
    }

    #[test]
    fn lengths_are_not_trusted() {
        let mut writer = StateWriter::default();
        writer.number(u64::MAX / 2);
        let bytes = writer.finish();
        assert!(StateReader::new(&bytes).list::<u64>().is_err());
        assert!(StateReader::new(&bytes).blob().is_err());
        assert!(StateReader::new(&bytes).take::<String>().is_err());
    }
}
