//! Runs that share a thread: two starts at one state that remember the same of all that a term can still read do the same with every event to
//! come. From then on the older one leads: its thread is stepped for both, and the other's lies as it was when it began to follow.
//!
//! What a follower's thread would be is known at any time: a place that the leader has filled since is as the leader has it, any other as it
//! lies. That needs places that hold the event that came last, or first; counts, and places whose events move on, are not shared. So
//! `s , d+ , u+ , e` takes a step a run of falling prices, however many starts lie in it.

use super::compile::Compiler;
use super::log::Log;
use super::table::{NONE, Table};
use crate::pattern::terms::Terms;
use crate::spec::VariableId;

/// Which threads do the same from now on.
#[derive(Debug)]
pub(super) struct Sharing {
    /// By state; nothing where its threads are not shared.
    asked: Vec<Option<Asked>>,
    /// Places that keep the first event that comes.
    first: Box<[usize]>,
}

/// What a later term can ask of a thread.
#[derive(Debug, Default)]
struct Asked {
    always: Vec<usize>,
    /// By the place that has an event once the answer cannot change any more.
    until: Vec<(usize, Vec<usize>)>,
}

impl Sharing {
    /// Of a pattern of which two starts may be alike, or may not.
    pub(super) fn new(compiler: &Compiler<'_>, terms: &Terms, table: &Table, may_share: bool) -> Self {
        let first = compiler.captures.simple().filter(|_| may_share);
        let asked = |reaches: u64| {
            let mut asked = Asked::default();
            for variable in (0..64).filter(|at| reaches >> at & 1 == 1).map(VariableId) {
                for (settled_by, places) in compiler.questions(terms, variable)? {
                    match settled_by {
                        Some(by) => asked.until.push((by, places)),
                        None => asked.always.extend(places),
                    }
                }
            }
            asked.always.sort_unstable();
            asked.always.dedup();
            Some(asked)
        };
        let asked = table.rows.iter().map(|row| first.as_ref().and_then(|_| asked(row.reaches))).collect();
        Self { asked, first: first.unwrap_or_default().into() }
    }

    /// Whether two threads do the same with every event to come.
    pub(super) fn are_alike(&self, one: &[u32], other: &[u32]) -> bool {
        if one[0] != other[0] {
            return false;
        }
        let Some(Some(asked)) = self.asked.get(one[0] as usize) else { return false };
        let is_same = |&at: &usize| one[at] == other[at];
        asked.always.iter().all(is_same)
            && self.first.iter().all(|&at| (one[at] == NONE) == (other[at] == NONE))
            && asked.until.iter().all(|(by, places)| one[*by] != NONE || places.iter().all(is_same))
    }
}

/// Makes of the thread that a follower has left behind, at the event `since`, what it would be by now.
pub(super) fn catch_up(log: &Log, thread: &mut [u32], since: u32, leader: &[u32]) {
    let since = log.index(since);
    thread[0] = leader[0];
    for (own, &new) in thread.iter_mut().zip(leader).skip(1) {
        if new != NONE && log.index(new) > since {
            *own = new;
        }
    }
}
