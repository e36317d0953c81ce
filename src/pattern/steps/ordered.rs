//! Places of records in the order of one of their words, the key: all up to a limit are found at once. Of each, another word may be known,
//! its reach: then only those are looked at that also reach as far as is asked. So `low <= x AND x <= high` finds what holds `x`.
//!
//! Entries lie in blocks of a few dozen, each in order, and blocks in order of their first keys; what a block reaches at most is known, and of
//! so many blocks together too. Whatever is put in or goes moves the entries of one block; a full one is cut in two, thin ones are put together.

/// See the module.
#[derive(Debug)]
pub(super) struct Ordered {
    /// Of each block, in order: its least key,
    firsts: Vec<i64>,
    /// the most that it reaches,
    reaches: Vec<i64>,
    /// and where it lies.
    blocks: Vec<Block>,
    /// The most that each [`GROUP`] of blocks reaches.
    groups: Vec<i64>,
    /// Entries, side by side: so many of each block.
    keys: Vec<i64>,
    /// Empty where no reach is asked for.
    reach: Vec<i64>,
    places: Vec<u32>,
    room: usize,
    has_reach: bool,
    /// Numbers of blocks that lie empty.
    empty: Vec<u32>,
    /// Blocks that one question has left thin.
    thin: Vec<usize>,
}

/// Which entries of `keys` are a block's: the block of this number, so many of them.
#[derive(Debug, Clone, Copy)]
struct Block {
    number: u32,
    len: u32,
}

/// An entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) key: i64,
    pub(super) reach: i64,
    pub(super) place: u32,
}

/// What is asked for: keys up to the limit, that reach at least as far.
#[derive(Debug, Clone, Copy)]
pub(super) struct UpTo {
    pub(super) limit: i64,
    pub(super) reach: i64,
}

const GROUP: usize = 16;
/// Entries of a block where they are not very many.
const ROOM: usize = 64;
/// From so many on, blocks are larger: else it were their number that costs.
const VERY_MANY: usize = 50_000;

impl Ordered {
    /// Of these entries.
    pub(super) fn new(mut entries: Vec<Entry>, has_reach: bool) -> Self {
        entries.sort_unstable();
        Self::of_sorted(&entries, has_reach)
    }

    fn of_sorted(entries: &[Entry], has_reach: bool) -> Self {
        let room = if entries.len() < VERY_MANY { ROOM } else { 8 * ROOM };
        let full = room * 3 / 4;
        let blocks = entries.len().div_ceil(full);
        // Twice as many are cut in two.
        let entries_of = |count: usize| count * room;
        let mut ordered = Self {
            firsts: Vec::with_capacity(2 * blocks),
            reaches: Vec::with_capacity(2 * blocks),
            blocks: Vec::with_capacity(2 * blocks),
            groups: Vec::new(),
            keys: Vec::with_capacity(entries_of(2 * blocks)),
            reach: Vec::with_capacity(if has_reach { entries_of(2 * blocks) } else { 0 }),
            places: Vec::with_capacity(entries_of(2 * blocks)),
            room,
            has_reach,
            empty: Vec::new(),
            thin: Vec::new(),
        };
        for (number, block) in entries.chunks(full).enumerate() {
            ordered.insert_block(number);
            let at = ordered.start(number);
            for (at, entry) in (at..).zip(block) {
                ordered.write(at, entry);
            }
            ordered.blocks[number].len = u32::try_from(block.len()).unwrap_or(u32::MAX);
            ordered.tell(number);
        }
        ordered.tell_groups();
        ordered
    }

    /// Keeps the entries whose places have new numbers, under these.
    pub(super) fn renumber(&mut self, number: impl Fn(u32) -> Option<u32>) {
        let mut entries = Vec::with_capacity(self.blocks.iter().map(|block| block.len as usize).sum());
        for block in 0..self.blocks.len() {
            let at = self.start(block);
            for at in at..at + self.len(block) {
                if let Some(place) = number(self.places[at]) {
                    entries.push(Entry { place, ..self.read(at) });
                }
            }
        }
        *self = Self::of_sorted(&entries, self.has_reach);
    }

    #[inline]
    fn start(&self, block: usize) -> usize {
        self.blocks[block].number as usize * self.room
    }

    #[inline]
    fn len(&self, block: usize) -> usize {
        self.blocks[block].len as usize
    }

    fn read(&self, at: usize) -> Entry {
        Entry { key: self.keys[at], reach: if self.has_reach { self.reach[at] } else { 0 }, place: self.places[at] }
    }

    fn write(&mut self, at: usize, entry: &Entry) {
        self.keys[at] = entry.key;
        if self.has_reach {
            self.reach[at] = entry.reach;
        }
        self.places[at] = entry.place;
    }

    /// Moves so many entries.
    fn move_entries(&mut self, from: usize, len: usize, to: usize) {
        self.keys.copy_within(from..from + len, to);
        if self.has_reach {
            self.reach.copy_within(from..from + len, to);
        }
        self.places.copy_within(from..from + len, to);
    }

    /// An empty block before that of this number.
    fn insert_block(&mut self, before: usize) {
        let number = self.empty.pop().unwrap_or_else(|| {
            let number = self.places.len() / self.room;
            let len = self.places.len() + self.room;
            self.keys.resize(len, 0);
            self.reach.resize(if self.has_reach { len } else { 0 }, 0);
            self.places.resize(len, 0);
            u32::try_from(number).expect("fewer than 2^32 matches wait")
        });
        self.blocks.insert(before, Block { number, len: 0 });
        self.firsts.insert(before, i64::MAX);
        self.reaches.insert(before, i64::MIN);
    }

    fn remove_block(&mut self, block: usize) {
        self.empty.push(self.blocks.remove(block).number);
        self.firsts.remove(block);
        self.reaches.remove(block);
    }

    /// Works out what is known of a block that is not empty.
    fn tell(&mut self, block: usize) {
        let (at, len) = (self.start(block), self.len(block));
        self.firsts[block] = self.keys[at];
        if self.has_reach {
            self.reaches[block] = self.reach[at..at + len].iter().copied().fold(i64::MIN, i64::max);
        }
    }

    fn tell_groups(&mut self) {
        if self.has_reach {
            self.groups.clear();
            self.groups.extend(self.reaches.chunks(GROUP).map(|group| group.iter().copied().fold(i64::MIN, i64::max)));
        }
    }

    pub(super) fn insert(&mut self, entry: Entry) {
        let mut block = self.firsts.partition_point(|first| *first <= entry.key).saturating_sub(1);
        if self.blocks.is_empty() || self.len(block) == self.room {
            block = self.make_room(block, entry.key);
        }
        let (start, len) = (self.start(block), self.len(block));
        let above = self.keys[start..start + len].partition_point(|key| *key <= entry.key);
        self.move_entries(start + above, len - above, start + above + 1);
        self.write(start + above, &entry);
        self.blocks[block].len += 1;
        self.firsts[block] = self.firsts[block].min(entry.key);
        if self.has_reach {
            self.reaches[block] = self.reaches[block].max(entry.reach);
            self.groups[block / GROUP] = self.groups[block / GROUP].max(entry.reach);
        }
    }

    /// Cuts a block in two, or begins one where keys come in order. Gives the block for the key.
    fn make_room(&mut self, block: usize, key: i64) -> usize {
        let is_above = block + 1 >= self.blocks.len() && (self.blocks.is_empty() || self.keys[self.start(block) + self.room - 1] <= key);
        let is_below = block == 0 && self.firsts.first().is_some_and(|first| key < *first);
        let new = if is_above && !self.blocks.is_empty() { block + 1 } else { block };
        if is_above || is_below {
            self.insert_block(new);
            self.tell_groups();
            return new;
        }
        let (new, half) = (block + 1, self.room / 2);
        self.insert_block(new);
        self.move_entries(self.start(block) + half, self.room - half, self.start(new));
        self.blocks[block].len = half as u32;
        self.blocks[new].len = (self.room - half) as u32;
        self.tell(block);
        self.tell(new);
        self.tell_groups();
        if self.firsts[new] <= key { new } else { block }
    }

    /// Calls `goes` for each place that is asked for, and removes those for which it says so, to `free`.
    #[inline]
    pub(super) fn take(&mut self, asked: UpTo, mut goes: impl FnMut(u32) -> bool, free: &mut Vec<u32>) {
        let mut from = 0;
        while let Some(block) = self.next(from, asked) {
            self.take_of(block, asked, &mut goes, free);
            from = block + 1;
        }
        while let Some(block) = self.thin.pop() {
            self.thicken(block);
        }
    }

    /// The first block from this one on that may have what is asked for.
    #[inline]
    fn next(&self, mut from: usize, asked: UpTo) -> Option<usize> {
        while *self.firsts.get(from)? <= asked.limit {
            if !self.has_reach || self.reaches[from] >= asked.reach {
                return Some(from);
            }
            let is_group_too_short = from.is_multiple_of(GROUP) && self.groups[from / GROUP] < asked.reach;
            from += if is_group_too_short { GROUP } else { 1 };
        }
        None
    }

    fn take_of(&mut self, block: usize, asked: UpTo, goes: &mut impl FnMut(u32) -> bool, free: &mut Vec<u32>) {
        let (start, len) = (self.start(block), self.len(block));
        let is_last = self.firsts.get(block + 1).is_none_or(|first| *first > asked.limit);
        let count = if is_last { self.keys[start..start + len].partition_point(|key| *key <= asked.limit) } else { len };
        let (mut at, end) = (start, start + count);
        // Up to the first that goes, nothing is moved.
        loop {
            at += self.first_that_reaches(at..end, asked.reach);
            if at == end {
                return;
            }
            if goes(self.places[at]) {
                break;
            }
            at += 1;
        }
        free.push(self.places[at]);
        let mut kept = at;
        for at in at + 1..end {
            let is_asked = !self.has_reach || self.reach[at] >= asked.reach;
            if is_asked && goes(self.places[at]) {
                free.push(self.places[at]);
                continue;
            }
            let entry = self.read(at);
            self.write(kept, &entry);
            kept += 1;
        }
        let gone = end - kept;
        self.move_entries(end, len - count, kept);
        let left = len - gone;
        self.blocks[block].len = left as u32;
        if left > 0 {
            self.tell(block);
        } else {
            self.reaches[block] = i64::MIN;
        }
        if left == 0 || left <= self.room / 4 && len > self.room / 4 {
            self.thin.push(block);
        }
    }

    /// How many of these entries stand before one that reaches as far; all where none does.
    #[inline]
    fn first_that_reaches(&self, entries: std::ops::Range<usize>, least: i64) -> usize {
        if !self.has_reach {
            return 0;
        }
        let count = entries.len();
        self.reach[entries].iter().position(|reach| *reach >= least).unwrap_or(count)
    }

    /// Removes a block that is empty; puts one that is thin and one beside it together, if they are few.
    fn thicken(&mut self, block: usize) {
        let len = self.len(block);
        if len == 0 {
            self.remove_block(block);
        } else {
            let fits = |other: usize| other < self.blocks.len() && len + self.len(other) <= self.room / 2;
            let Some(first) =
                [block, block.wrapping_sub(1)].into_iter().find(|first| fits(if *first == block { block + 1 } else { *first }))
            else {
                return;
            };
            let (len, more) = (self.len(first), self.len(first + 1));
            self.move_entries(self.start(first + 1), more, self.start(first) + len);
            self.blocks[first].len = (len + more) as u32;
            self.remove_block(first + 1);
            if len + more > 0 {
                self.tell(first);
            }
        }
        self.tell_groups();
    }

    /// How many entries are looked at for a question.
    pub(super) fn cost(&self, asked: UpTo) -> usize {
        let blocks = std::iter::successors(self.next(0, asked), |block| self.next(block + 1, asked));
        blocks.map(|block| self.len(block)).sum()
    }

    /// Bytes, about.
    pub(super) fn bytes(&self) -> usize {
        let words =
            self.firsts.capacity() + self.reaches.capacity() + self.groups.capacity() + self.keys.capacity() + self.reach.capacity();
        words * 8 + self.blocks.capacity() * size_of::<Block>() + (self.places.capacity() + self.empty.capacity()) * 4
    }
}
