//! Rows that are added together: which group each is of, and a small number for each group that has any.

/// Of the rows at hand. It is kept for its memory alone.
#[derive(Debug, Default)]
pub(super) struct Slots {
    /// The group of each row.
    pub(super) groups: Vec<u32>,
    /// The slot of each row: the position of its group in `touched`.
    pub(super) slots: Vec<u32>,
    /// The groups that have rows, in the order of their first rows, and which row that is.
    pub(super) touched: Vec<(u32, u32)>,
    /// For each group, its slot among these rows; between rows all are free.
    of_group: Vec<u32>,
}

const FREE: u32 = u32::MAX;

impl Slots {
    /// Gives each group of the rows a slot. All groups are below `capacity`.
    pub(super) fn number(&mut self, capacity: usize) {
        if self.of_group.len() < capacity || self.of_group.capacity() > 16 + 4 * capacity {
            self.of_group.resize(capacity, FREE);
            self.of_group.shrink_to(2 * capacity);
        }
        self.slots.clear();
        self.touched.clear();
        for (row, &group) in (0u32..).zip(&self.groups) {
            let slot = &mut self.of_group[group as usize];
            if *slot == FREE {
                *slot = u32::try_from(self.touched.len()).expect("fewer than 2^32 groups");
                self.touched.push((group, row));
            }
            self.slots.push(*slot);
        }
        for &(group, _) in &self.touched {
            self.of_group[group as usize] = FREE;
        }
    }

    /// How much memory it keeps that grows with the number of groups.
    pub(super) fn bytes(&self) -> usize {
        self.of_group.capacity() * size_of::<u32>()
    }
}
