//! Queues give memory back when they have become short: what a burst of keys or rows took must not stay for ever.

use std::collections::{BinaryHeap, VecDeque};

/// How much room a queue of this length may keep: enough that giving back pays for itself.
fn is_too_much(capacity: usize, length: usize) -> bool {
    capacity > 16 + 4 * length
}

/// After something has been taken out.
pub(super) fn fit_queue<T>(queue: &mut VecDeque<T>) {
    if is_too_much(queue.capacity(), queue.len()) {
        queue.shrink_to(2 * queue.len());
    }
}

/// The same for a heap.
pub(super) fn fit_heap<T: Ord>(heap: &mut BinaryHeap<T>) {
    if is_too_much(heap.capacity(), heap.len()) {
        heap.shrink_to(2 * heap.len());
    }
}
