//! Partitions as state, and back: what follows from the pattern is made anew, what is read is checked against it.

use super::log::Log;
use super::machine::{FINISHED, Machine};
use super::rows::RowPartition;
use super::runs::RunPartition;
use super::table::NONE;
use super::{FlatEvaluator, FlatPartition, RowPartitionState, RunPartitionState};
use crate::data::{StateError, StateReader, StateWriter};
use crate::spec::Mode;

impl FlatEvaluator {
    /// Writes what belongs to no partition.
    pub(crate) fn save(&self, to: &mut StateWriter) {
        to.put(&self.dropped);
        to.put(&self.skips_failed);
    }

    /// Reads it: counts add up.
    pub(crate) fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        self.dropped += from.take::<u64>()?;
        self.skips_failed += from.take::<u64>()?;
        Ok(())
    }

    /// Writes a partition.
    pub(crate) fn save_partition(&self, partition: &FlatPartition, to: &mut StateWriter) {
        match partition {
            FlatPartition::Runs(partition) => {
                partition.0.log.save(&self.machine.layout, to);
                partition.0.save(to);
            }
            FlatPartition::Rows(partition) => {
                partition.0.log.save(&self.machine.layout, to);
                partition.0.save(to);
            }
        }
    }

    /// Reads a partition.
    pub(crate) fn load_partition(&self, from: &mut StateReader<'_>) -> Result<FlatPartition, StateError> {
        let log = Log::load(&self.machine.layout, from)?;
        Ok(match self.machine.spec.mode {
            Mode::Rows => FlatPartition::Rows(RowPartitionState(RowPartition::load(&self.machine, log, from)?)),
            Mode::OnePerStart | Mode::AllMatches => FlatPartition::Runs(RunPartitionState(RunPartition::load(&self.machine, log, from)?)),
        })
    }
}

/// Checks that threads are records of this machine, and that the events they name are there.
pub(super) fn check_threads(machine: &Machine, log: &Log, threads: &[u32]) -> Result<(), StateError> {
    let states = machine.table.rows.len();
    let is_state = |state: u32| state == FINISHED || (state as usize) < states;
    let is_event = |event: u32| event == NONE || log.holds(&machine.layout, event);
    let is_record = |record: &[u32]| {
        let places = record.iter().enumerate().skip(1).filter(|(at, _)| machine.is_event_place(*at));
        is_state(record[0]) && places.map(|(_, event)| *event).all(is_event)
    };
    let records = threads.chunks_exact(machine.width());
    if !records.remainder().is_empty() || !records.into_iter().all(is_record) {
        return Err(StateError::new("threads that this pattern cannot have"));
    }
    Ok(())
}
