//! Keys of groups and partitions: several values as one string of bytes, and a table that gives each key a small number.
//!
//! Two keys are the same bytes exactly if they are the same key: NULL is a key like others, -0.0 is 0.0, all NaNs are one, decimals are equal
//! by value. The encoding is self-describing, so a key gives its values back, and its hash is the same on every machine and in every run:
//! state can be cut by it. Numbers of different types are different keys; a key column has one type.

use std::borrow::Cow;
use std::fmt;

use hashbrown::HashTable;
use rust_decimal::Decimal;

use super::{Duration, Timestamp, Value};

/// An owned key. A short one, as most are (a number, a short text), has no memory of its own.
#[derive(Clone)]
pub struct Key(Bytes);

#[derive(Clone)]
enum Bytes {
    Short(u8, [u8; SHORT]),
    Long(Box<[u8]>),
}

/// With its length beside it a short key is as large as a long one.
const SHORT: usize = 22;

impl Bytes {
    fn new(bytes: &[u8]) -> Self {
        let mut short = [0; SHORT];
        match (short.get_mut(..bytes.len()), u8::try_from(bytes.len())) {
            (Some(room), Ok(length)) => {
                room.copy_from_slice(bytes);
                Self::Short(length, short)
            }
            _ => Self::Long(bytes.into()),
        }
    }

    #[inline]
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Short(length, bytes) => &bytes[..usize::from(*length)],
            Self::Long(bytes) => bytes,
        }
    }

    /// How much memory it has of its own.
    fn held(&self) -> usize {
        match self {
            Self::Short(..) => 0,
            Self::Long(bytes) => bytes.len(),
        }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl std::hash::Hash for Key {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

/// A key that someone else holds: a [`KeyBuffer`], a [`Key`] or a [`KeyTable`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyRef<'a>(&'a [u8]);

/// Encodes keys one after the other into the same memory.
#[derive(Debug, Default)]
pub struct KeyBuffer(Vec<u8>);

impl KeyBuffer {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// The key of these values.
    pub fn encode<'v>(&mut self, values: impl Iterator<Item = Value<'v>>) -> KeyRef<'_> {
        self.0.clear();
        for value in values {
            encode_value(&mut self.0, &value);
        }
        KeyRef(&self.0)
    }
}

impl Key {
    /// The key of these values.
    pub fn encode<'v>(values: impl Iterator<Item = Value<'v>>) -> Self {
        KeyBuffer::new().encode(values).to_key()
    }

    /// The same key, borrowed.
    pub fn as_ref(&self) -> KeyRef<'_> {
        KeyRef(self.as_bytes())
    }

    /// The values that the key was made of.
    pub fn decode(&self) -> Vec<Value<'static>> {
        self.as_ref().decode()
    }

    /// A hash that is the same everywhere and always: for shards.
    pub fn hash64(&self) -> u64 {
        self.as_ref().hash64()
    }

    /// The bytes of the key, for snapshots.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// The key of these bytes, if they are those of a key.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        while !rest.is_empty() {
            decode_value(&mut rest)?;
        }
        Some(Self(Bytes::new(bytes)))
    }
}

impl<'a> KeyRef<'a> {
    /// An owned copy.
    pub fn to_key(self) -> Key {
        Key(Bytes::new(self.0))
    }

    /// The bytes of the key.
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The values that the key was made of.
    pub fn decode(self) -> Vec<Value<'static>> {
        self.values().map(Value::into_owned).collect()
    }

    /// The same, one after the other; texts are borrowed.
    pub fn values(self) -> impl Iterator<Item = Value<'a>> {
        let mut rest = self.0;
        std::iter::from_fn(move || (!rest.is_empty()).then(|| decode_value(&mut rest).expect("a key holds whole values")))
    }

    /// A hash that is the same everywhere and always: for shards. Eight bytes at a time, multiplied and folded.
    pub fn hash64(self) -> u64 {
        hash_bytes(self.0)
    }

    /// The same hash of a bare text.
    pub fn hash_text(text: &str) -> u64 {
        hash_bytes(text.as_bytes())
    }
}

fn hash_bytes(bytes: &[u8]) -> u64 {
    const PRIME: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut state = (bytes.len() as u64).wrapping_mul(PRIME) ^ 0x2545_f491_4f6c_dd1d;
    let mut mix = |word: u64| {
        let wide = u128::from(state ^ word) * u128::from(PRIME);
        state = (wide as u64) ^ ((wide >> 64) as u64) ^ word.rotate_left(32);
    };
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        mix(u64::from_le_bytes(chunk.try_into().expect("eight bytes")));
    }
    let mut last = [0u8; 8];
    last[..chunks.remainder().len()].copy_from_slice(chunks.remainder());
    mix(u64::from_le_bytes(last));
    mix(PRIME);
    state
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

impl fmt::Debug for KeyRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")?;
        f.debug_list().entries(self.decode()).finish()
    }
}

mod tag {
    pub(super) const NULL: u8 = 0;
    pub(super) const FALSE: u8 = 1;
    pub(super) const TRUE: u8 = 2;
    pub(super) const INT: u8 = 3;
    pub(super) const FLOAT: u8 = 4;
    pub(super) const DECIMAL: u8 = 5;
    pub(super) const STRING: u8 = 6;
    pub(super) const TIMESTAMP: u8 = 7;
    pub(super) const DURATION: u8 = 8;
    pub(super) const LIST: u8 = 9;
    pub(super) const STRUCT: u8 = 10;
    pub(super) const JSON: u8 = 11;
}

fn encode_value(out: &mut Vec<u8>, value: &Value<'_>) {
    let mut fixed = |tag: u8, bits: [u8; 8]| {
        out.push(tag);
        out.extend_from_slice(&bits);
    };
    match value {
        Value::Null => out.push(tag::NULL),
        Value::Bool(false) => out.push(tag::FALSE),
        Value::Bool(true) => out.push(tag::TRUE),
        Value::Int(v) => fixed(tag::INT, v.to_le_bytes()),
        Value::Float(v) => {
            let one_of_its_kind = if v.is_nan() { f64::NAN.to_bits() & !(1 << 63) } else { (v + 0.0).to_bits() };
            fixed(tag::FLOAT, one_of_its_kind.to_le_bytes());
        }
        Value::Decimal(v) => {
            out.push(tag::DECIMAL);
            out.extend_from_slice(&v.normalize().serialize());
        }
        Value::Timestamp(v) => fixed(tag::TIMESTAMP, v.0.to_le_bytes()),
        Value::Duration(v) => fixed(tag::DURATION, v.0.to_le_bytes()),
        Value::String(v) => encode_text(out, tag::STRING, v),
        Value::Json(v) => encode_text(out, tag::JSON, v),
        Value::List(items) => encode_items(out, tag::LIST, items),
        Value::Struct(items) => encode_items(out, tag::STRUCT, items),
    }
}

fn encode_length(out: &mut Vec<u8>, tag: u8, length: usize) {
    out.push(tag);
    out.extend_from_slice(&u32::try_from(length).expect("a value has less than 4 GiB").to_le_bytes());
}

fn encode_text(out: &mut Vec<u8>, tag: u8, text: &str) {
    encode_length(out, tag, text.len());
    out.extend_from_slice(text.as_bytes());
}

fn encode_items(out: &mut Vec<u8>, tag: u8, items: &[Value<'_>]) {
    encode_length(out, tag, items.len());
    for item in items {
        encode_value(out, item);
    }
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(count)?;
    *rest = tail;
    Some(head)
}

/// Nesting is bounded by that of the value's type.
fn decode_value<'a>(rest: &mut &'a [u8]) -> Option<Value<'a>> {
    let word = |rest: &mut &'a [u8]| Some(i64::from_le_bytes(take(rest, 8)?.try_into().expect("eight bytes")));
    Some(match take(rest, 1)?[0] {
        tag::NULL => Value::Null,
        tag::FALSE => Value::Bool(false),
        tag::TRUE => Value::Bool(true),
        tag::INT => Value::Int(word(rest)?),
        tag::FLOAT => Value::Float(f64::from_bits(word(rest)?.cast_unsigned())),
        tag::DECIMAL => Value::Decimal(Decimal::deserialize(take(rest, 16)?.try_into().expect("sixteen bytes"))),
        tag::TIMESTAMP => Value::Timestamp(Timestamp(word(rest)?)),
        tag::DURATION => Value::Duration(Duration(word(rest)?)),
        tag::STRING => Value::String(Cow::Borrowed(decode_text(rest)?)),
        tag::JSON => Value::Json(Cow::Borrowed(decode_text(rest)?)),
        tag::LIST => Value::List(decode_items(rest)?.into()),
        tag::STRUCT => Value::Struct(decode_items(rest)?.into()),
        _ => return None,
    })
}

fn decode_length(rest: &mut &[u8]) -> Option<usize> {
    Some(u32::from_le_bytes(take(rest, 4)?.try_into().expect("four bytes")) as usize)
}

fn decode_text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let length = decode_length(rest)?;
    std::str::from_utf8(take(rest, length)?).ok()
}

fn decode_items(rest: &mut &[u8]) -> Option<Vec<Value<'static>>> {
    (0..decode_length(rest)?).map(|_| decode_value(rest).map(Value::into_owned)).collect()
}

/// Gives each key a dense number. Numbers of removed keys are given out again, the last freed first, so that arrays indexed by them stay
/// as short as the most keys there were at once; when most of these are gone again, memory goes back.
#[derive(Clone)]
pub struct KeyTable {
    ids: HashTable<u32>,
    keys: Vec<Option<Key>>,
    free: Vec<u32>,
    hasher: ahash::RandomState,
    key_bytes: usize,
}

/// How long an array of so many used places may be before memory goes back.
fn most(used: usize) -> usize {
    16 + 4 * used
}

impl Default for KeyTable {
    fn default() -> Self {
        Self::new()
    }
}

impl KeyTable {
    /// An empty table.
    pub fn new() -> Self {
        // Fixed seeds: nothing may depend on chance.
        let hasher = ahash::RandomState::with_seeds(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344);
        Self { ids: HashTable::new(), keys: Vec::new(), free: Vec::new(), hasher, key_bytes: 0 }
    }

    /// The number of the key, a new one if it has none.
    pub fn intern(&mut self, key: KeyRef<'_>) -> u32 {
        self.insert(key).0
    }

    /// The number of the key, and whether it is new.
    pub fn insert(&mut self, key: KeyRef<'_>) -> (u32, bool) {
        let hash = self.hasher.hash_one(key.0);
        let Self { ids, keys, .. } = self;
        if let Some(&id) = ids.find(hash, |&id| is_at(keys, id, key)) {
            return (id, false);
        }
        // Numbers that were cut off the end since they were freed are passed over. New ones are made only when none is left, so that none of
        // these ever comes back to life in the list.
        let free = std::iter::from_fn(|| self.free.pop()).find(|&id| (id as usize) < self.keys.len());
        let id = free.unwrap_or_else(|| {
            self.keys.push(None);
            u32::try_from(self.keys.len() - 1).expect("fewer than 2^32 keys at once")
        });
        let key = key.to_key();
        self.key_bytes += key.0.held();
        self.keys[id as usize] = Some(key);
        let Self { ids, keys, hasher, .. } = self;
        ids.insert_unique(hash, id, |&id| hasher.hash_one(bytes_at(keys, id)));
        (id, true)
    }

    /// The number of the key, if it has one.
    pub fn get(&self, key: KeyRef<'_>) -> Option<u32> {
        let hash = self.hasher.hash_one(key.0);
        self.ids.find(hash, |&id| is_at(&self.keys, id, key)).copied()
    }

    /// The key of a number that is in use.
    pub fn key(&self, id: u32) -> Option<KeyRef<'_>> {
        self.keys.get(id as usize)?.as_ref().map(Key::as_ref)
    }

    /// Forgets a key; its number may be given to another.
    pub fn remove(&mut self, id: u32) -> Option<Key> {
        let key = self.keys.get_mut(id as usize)?.take()?;
        let hash = self.hasher.hash_one(key.as_bytes());
        if let Ok(entry) = self.ids.find_entry(hash, |&found| found == id) {
            entry.remove();
        }
        self.key_bytes -= key.0.held();
        if id as usize + 1 == self.keys.len() {
            while let Some(None) = self.keys.last() {
                self.keys.pop();
            }
        } else {
            self.free.push(id);
        }
        self.give_memory_back();
        Some(key)
    }

    fn give_memory_back(&mut self) {
        let Self { ids, keys, free, hasher, .. } = self;
        if keys.capacity() > most(keys.len()) {
            keys.shrink_to(2 * keys.len());
        }
        if free.capacity() > most(keys.len()) {
            free.retain(|&id| (id as usize) < keys.len());
            free.shrink_to(2 * keys.len());
        }
        if ids.capacity() > most(ids.len()) {
            ids.shrink_to(2 * ids.len(), |&id| hasher.hash_one(bytes_at(keys, id)));
        }
    }

    /// Makes an array that is indexed by the numbers as short as they allow.
    pub fn fit<T>(&self, beside: &mut Vec<T>) {
        beside.truncate(self.keys.len());
        if beside.capacity() > most(beside.len()) {
            beside.shrink_to(2 * beside.len());
        }
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// One more than the largest number that may be in use: the length of an array indexed by them.
    pub fn capacity(&self) -> usize {
        self.keys.len()
    }

    /// Numbers and keys, in the order of the numbers.
    pub fn iter(&self) -> impl Iterator<Item = (u32, KeyRef<'_>)> {
        (0u32..).zip(&self.keys).filter_map(|(id, key)| Some((id, key.as_ref()?.as_ref())))
    }

    /// The numbers that are free, in the reverse of the order in which they are given out.
    pub fn free_numbers(&self) -> impl Iterator<Item = u32> + '_ {
        self.free.iter().copied().filter(|&id| (id as usize) < self.keys.len())
    }

    /// Gives keys their numbers, in a table that has none. `free` are all numbers between them, as [`KeyTable::free_numbers`] has them.
    /// Nothing where a number or a key comes twice, or a number is neither in use nor free.
    pub(super) fn place(&mut self, keys: &[(u32, Key)], free: &[u32]) -> Option<()> {
        let highest = keys.iter().map(|(id, _)| *id as usize + 1).max().unwrap_or(0);
        if highest != keys.len() + free.len() {
            return None;
        }
        self.keys.resize_with(highest, || None);
        for (id, key) in keys {
            let place = self.keys.get_mut(*id as usize).filter(|place| place.is_none())?;
            *place = Some(key.clone());
            self.key_bytes += key.0.held();
        }
        let mut is_free = vec![false; highest];
        for &id in free {
            let is_used = self.keys.get(id as usize)?.is_some();
            if is_used || std::mem::replace(&mut is_free[id as usize], true) {
                return None;
            }
        }
        self.free = free.to_vec();
        for (id, key) in keys {
            let hash = self.hasher.hash_one(key.as_bytes());
            let Self { ids, keys, hasher, .. } = self;
            if ids.find(hash, |&id| is_at(keys, id, key.as_ref())).is_some() {
                return None;
            }
            ids.insert_unique(hash, *id, |&id| hasher.hash_one(bytes_at(keys, id)));
        }
        Some(())
    }

    /// About how much memory the table takes.
    pub fn bytes(&self) -> usize {
        self.key_bytes + self.keys.capacity() * size_of::<Option<Key>>() + self.ids.allocation_size() + self.free.capacity() * 4
    }
}

fn bytes_at(keys: &[Option<Key>], id: u32) -> &[u8] {
    keys[id as usize].as_ref().expect("a number in the table has its key").as_bytes()
}

fn is_at(keys: &[Option<Key>], id: u32, key: KeyRef<'_>) -> bool {
    bytes_at(keys, id) == key.0
}

/// Equal if they give the same keys the same numbers.
impl PartialEq for KeyTable {
    fn eq(&self, other: &Self) -> bool {
        let free = |table: &Self| table.free.iter().copied().filter(|&id| (id as usize) < table.keys.len()).collect::<Vec<_>>();
        self.keys == other.keys && free(self) == free(other)
    }
}

impl fmt::Debug for KeyTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(values: &[Value<'_>]) -> Key {
        Key::encode(values.iter().map(Value::borrowed))
    }

    #[test]
    fn equal_keys_are_equal_bytes() {
        assert_eq!(key(&[Value::Null]), key(&[Value::Null]));
        assert_eq!(key(&[Value::Float(-0.0)]), key(&[Value::Float(0.0)]));
        assert_eq!(key(&[Value::Float(f64::NAN)]), key(&[Value::Float(-f64::NAN)]));
        let (a, b): (Decimal, Decimal) = ("2.50".parse().unwrap(), "2.5".parse().unwrap());
        assert_eq!(key(&[Value::Decimal(a)]), key(&[Value::Decimal(b)]));
        assert_ne!(key(&[Value::Int(1)]), key(&[Value::Float(1.0)]));
        assert_ne!(key(&[Value::string("ab"), Value::string("c")]), key(&[Value::string("a"), Value::string("bc")]));
        assert_ne!(key(&[Value::Null, Value::string("")]), key(&[Value::string(""), Value::Null]));
    }

    #[test]
    fn keys_give_their_values_back() {
        let values = vec![
            Value::Null,
            Value::Bool(true),
            Value::Int(-7),
            Value::Float(1.5),
            Value::Decimal("12.5".parse().unwrap()),
            Value::string("héé"),
            Value::Timestamp(Timestamp(5)),
            Value::Duration(Duration(-5)),
            Value::List(vec![Value::Int(1), Value::Null].into()),
            Value::Struct(vec![Value::string("x")].into()),
            Value::Json("{}".into()),
        ];
        let key = key(&values);
        assert_eq!(key.decode(), values);
        assert_eq!(Key::from_bytes(key.as_bytes()), Some(key.clone()));
        assert_eq!(Key::from_bytes(&key.as_bytes()[..key.as_bytes().len() - 1]), None);
        assert_eq!(Key::from_bytes(&[99]), None);
    }

    #[test]
    fn the_hash_never_changes() {
        assert_eq!(key(&[Value::string("4929-1"), Value::Int(7)]).hash64(), key(&[Value::string("4929-1"), Value::Int(7)]).hash64());
        assert_eq!(key(&[]).hash64(), HASH_OF_NOTHING);
        assert_eq!(key(&[Value::string("4929-1"), Value::Int(7)]).hash64(), HASH_OF_CARD);
        let mut buckets = [0; 16];
        for i in 0..16_000 {
            buckets[(key(&[Value::Int(i)]).hash64() >> 60) as usize] += 1;
        }
        assert!(buckets.iter().all(|n| (800..1200).contains(n)), "{buckets:?}");
    }
    const HASH_OF_NOTHING: u64 = 11_550_155_874_628_165_597;
    const HASH_OF_CARD: u64 = 466_429_689_284_246_203;

    #[test]
    fn the_table_gives_dense_numbers_and_reuses_them() {
        let mut table = KeyTable::new();
        let mut buffer = KeyBuffer::new();
        for i in 0..1000 {
            assert_eq!(table.insert(buffer.encode([Value::Int(i)].into_iter())), (u32::try_from(i).unwrap(), true));
        }
        assert_eq!(table.insert(key(&[Value::Int(5)]).as_ref()), (5, false));
        assert_eq!(table.remove(5), Some(key(&[Value::Int(5)])));
        assert_eq!(table.remove(5), None);
        assert_eq!(table.get(key(&[Value::Int(5)]).as_ref()), None);
        assert_eq!(table.len(), 999);
        assert_eq!(table.intern(key(&[Value::string("new")]).as_ref()), 5);
        assert_eq!(table.key(5).map(KeyRef::decode), Some(vec![Value::string("new")]));
        assert_eq!(table.capacity(), 1000);
        assert!(table.bytes() > 9000);
        assert!((0..1000).filter(|i| *i != 5).all(|i| table.get(key(&[Value::Int(i)]).as_ref()) == u32::try_from(i).ok()));
    }

    #[test]
    fn memory_goes_back_when_most_keys_are_gone() {
        let mut table = KeyTable::new();
        let mut buffer = KeyBuffer::new();
        let mut number = |i: i64| buffer.encode([Value::Int(i)].into_iter()).to_key();
        (0..5).for_each(|i| assert!(table.insert(number(i).as_ref()).1));
        let few = table.bytes();
        for round in 0..3 {
            let keys: Vec<Key> = (0..10_000).map(|i| number(1_000_000 * (round + 1) + i)).collect();
            keys.iter().for_each(|key| assert!(table.insert(key.as_ref()).1));
            let many = table.bytes();
            for key in &keys {
                let id = table.get(key.as_ref()).unwrap();
                assert!(table.remove(id).is_some());
            }
            assert!(table.bytes() < few + 64 * 40 && table.bytes() * 50 < many, "{} of {many}, {few} before", table.bytes());
            assert!((0..5).all(|i| table.get(number(i).as_ref()) == u32::try_from(i).ok()));
            let mut beside = vec![0; 10_005];
            table.fit(&mut beside);
            assert_eq!(beside.len(), 5);
        }
    }
}
