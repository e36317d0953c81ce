//! About how much a program comes to hold, where somebody says how many events come and how many keys they have.
//!
//! The model: events of each stream come evenly, keys are evenly spread, every condition holds, nothing is late. What is held is the most of a
//! full window. Bytes are those that operators tell of themselves ([`crate::operators::Held`]); `tests/estimate.rs` holds one against the other.

mod pattern;

use std::collections::BTreeMap;

use super::graph::{Edge, LookupTable, Node, OperatorGraph, OperatorSpec};
use crate::data::{DataType, Duration, Schema};
use crate::spec::{JoinKind, JoinSpec, WindowKind, WindowOutput, WindowSpec};

/// What comes to a program.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Load {
    /// Events a second of all sources together that `rates` does not name; each has the same share.
    pub rate: Option<f64>,
    /// Events a second of single sources, by their names.
    pub rates: BTreeMap<String, f64>,
    /// How many keys there are, in whatever things are grouped by. Without a word each event has its own.
    pub keys: Option<f64>,
}

/// What something comes to hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// What is counted: `events`, `rows`, `runs`.
    pub what: &'static str,
    /// How many of them.
    pub count: f64,
    /// Of how many keys; 0 where it knows none.
    pub keys: f64,
    /// How many bytes.
    pub bytes: f64,
    /// It never ends to grow: this is what there is after an hour.
    pub grows: bool,
}

/// Bytes of a key in its table, with what stands beside it.
const KEY: f64 = 70.0;
/// Bytes of a group of a window, and of each aggregate in it.
const GROUP: f64 = 220.0;
const AGGREGATE: f64 = 90.0;
/// Bytes of a value that an aggregate keeps, and of one of which it keeps one of a kind.
const KEPT_VALUE: f64 = 40.0;
const DISTINCT_VALUE: f64 = 70.0;
/// Bytes beside the columns of a row that a window or a join keeps, and of an event that waits for the watermark.
const WINDOW_ROW: f64 = 280.0;
const JOIN_ROW: f64 = 60.0;
const WAITING_EVENT: f64 = 48.0;
/// What never ends to grow is told as it is after so many seconds.
const FOR_EVER: f64 = 3600.0;

/// What each source holds until the watermark has passed it, and each operator by its number in the graph; nothing where nothing is held.
pub fn estimate(graph: &OperatorGraph, load: &Load) -> (Vec<Option<Estimate>>, Vec<Option<Estimate>>) {
    let mut model = Model { graph, load, rates: Vec::new() };
    let sources = graph.sources().iter().enumerate().map(|(index, source)| {
        let count = model.source_rate(index) * seconds(source.read_as.delay);
        let columns: f64 =
            source.schema.fields().iter().zip(&source.needed).filter(|(_, needed)| **needed).map(|(f, _)| bytes_of(&f.data_type)).sum();
        (count > 0.0).then_some(Estimate { what: "events", count, keys: 0.0, bytes: count * (WAITING_EVENT + columns), grows: false })
    });
    let sources = sources.collect();
    let mut nodes = Vec::new();
    for node in graph.nodes() {
        let (held, rate) = model.node(node);
        model.rates.push(rate);
        nodes.push(held);
    }
    (sources, nodes)
}

struct Model<'g> {
    graph: &'g OperatorGraph,
    load: &'g Load,
    /// Rows a second of the nodes so far.
    rates: Vec<f64>,
}

fn seconds(duration: Duration) -> f64 {
    if duration.0 == i64::MAX { FOR_EVER } else { duration.0 as f64 / 1e9 }
}

/// Bytes of a value in a column.
fn bytes_of(data_type: &DataType) -> f64 {
    match data_type {
        DataType::Bool => 1.0,
        // Texts that repeat are numbers in a dictionary.
        DataType::String => 4.0,
        DataType::Int | DataType::Float | DataType::Timestamp | DataType::Duration => 8.0,
        _ => 32.0,
    }
}

fn row_bytes(schema: &Schema) -> f64 {
    schema.fields().iter().map(|field| bytes_of(&field.data_type)).sum()
}

impl Model<'_> {
    fn source_rate(&self, index: usize) -> f64 {
        let sources = self.graph.sources();
        if let Some(rate) = self.load.rates.get(&*sources[index].name) {
            return *rate;
        }
        let shared = sources.iter().filter(|source| source.is_read && !self.load.rates.contains_key(&*source.name)).count();
        self.load.rate.unwrap_or(0.0) / shared.max(1) as f64
    }

    fn rate(&self, edge: Edge) -> f64 {
        match edge {
            Edge::Source(id) => self.source_rate(id.0 as usize),
            Edge::Late(_) => 0.0,
            Edge::Node(id, 0) => self.rates[id.0 as usize],
            // Runs that WITHIN ends are as many as matches, for all that is known.
            Edge::Node(id, _) => self.rates[id.0 as usize],
        }
    }

    /// How many keys so many events have.
    fn distinct(&self, events: f64) -> f64 {
        match self.load.keys {
            Some(keys) if keys > 0.0 => keys * -(-events / keys).exp_m1(),
            Some(_) | None => events,
        }
    }

    /// What a node holds, and how many rows a second it gives.
    fn node(&self, node: &Node) -> (Option<Estimate>, f64) {
        let rate: f64 = node.inputs.iter().map(|edge| self.rate(*edge)).sum();
        let first = node.inputs.first().map_or(0.0, |edge| self.rate(*edge));
        let keyed = |keys: f64, bytes: f64, grows: bool| Estimate { what: "rows", count: keys, keys, bytes: keys * bytes, grows };
        match &node.spec {
            OperatorSpec::Filter(_) | OperatorSpec::Project(_) | OperatorSpec::Limit(_) => (None, rate),
            OperatorSpec::Until(_) => (None, first),
            OperatorSpec::Union | OperatorSpec::Lookup { table: LookupTable::File(_), .. } => (None, rate),
            OperatorSpec::Lookup { table: LookupTable::View { .. }, .. } => {
                (Some(keyed(self.distinct(f64::INFINITY.min(rate * FOR_EVER)), KEY + 60.0, self.load.keys.is_none())), first)
            }
            OperatorSpec::View { .. } => {
                let row = KEY + row_bytes(&node.ports[0]) + 60.0;
                (Some(keyed(self.distinct(rate * FOR_EVER), row, self.load.keys.is_none())), rate)
            }
            OperatorSpec::TopOfWindow { .. } => {
                let rows = self.distinct(rate * FOR_EVER).min(rate * FOR_EVER);
                let bytes = rows * (row_bytes(&node.ports[0]) * 4.0 + WINDOW_ROW);
                (Some(Estimate { what: "rows", count: rows, keys: 0.0, bytes, grows: false }), rate)
            }
            OperatorSpec::Suppress { keys, .. } if keys.is_empty() => (None, rate),
            OperatorSpec::Suppress { duration, .. } => (Some(keyed(self.distinct(rate * seconds(*duration)), KEY + 40.0, false)), rate),
            OperatorSpec::Window(spec) => self.window(spec, rate, self.graph.schema(node.inputs[0])),
            OperatorSpec::Join(spec) => self.join(spec, node),
            OperatorSpec::Pattern { spec, evaluator, .. } => pattern::held(self, spec, evaluator, node),
            OperatorSpec::CountMatches { spec, .. } => pattern::counted(self, spec, node),
        }
    }

    /// Of a window: groups with their aggregates, or rows.
    fn window(&self, spec: &WindowSpec, rate: f64, input: &Schema) -> (Option<Estimate>, f64) {
        let is_keyed = !spec.keys.is_empty();
        let groups_of = |events: f64| if is_keyed { self.distinct(events) } else { events.min(1.0) };
        // (groups of all slices, events in them that are kept whole, keys, rows a second, whether it grows)
        let (groups, rows, keys, out, grows) = match &spec.kind {
            WindowKind::Running => {
                let keys = groups_of(rate * FOR_EVER);
                (keys, 0.0, keys, rate, is_keyed && self.load.keys.is_none())
            }
            WindowKind::Hopping { size, every, .. } => {
                let slice = gcd(size.0, every.0) as f64 / 1e9;
                let (size, every) = (seconds(*size), seconds(*every));
                let keys = groups_of(rate * size);
                (groups_of(rate * slice) * (size / slice), 0.0, keys, keys / every, false)
            }
            WindowKind::Sliding(size) => {
                let rows = rate * seconds(*size);
                (groups_of(rows), rows, groups_of(rows), rate, false)
            }
            WindowKind::Session { gap, .. } => {
                let open = groups_of(rate * seconds(*gap));
                let ends = self.load.keys.map_or(rate, |keys| rate * (-rate * seconds(*gap) / keys).exp());
                (open, 0.0, open, if is_keyed { ends } else { 0.0 }, false)
            }
            WindowKind::Rows(rows) => {
                let keys = groups_of(rate * FOR_EVER);
                (keys, 0.0, keys, rate / (*rows).max(1) as f64, is_keyed && self.load.keys.is_none())
            }
            WindowKind::LastRows(rows) => {
                let keys = groups_of(rate * FOR_EVER);
                let kept = (keys * *rows as f64).min(rate * FOR_EVER);
                (keys, kept, keys, rate, is_keyed && self.load.keys.is_none())
            }
        };
        let in_window = match &spec.kind {
            WindowKind::Hopping { size, .. } => rate * seconds(*size),
            WindowKind::Session { gap, .. } => self.rows_of_sessions(rate, seconds(*gap), groups),
            WindowKind::Rows(most) => groups * *most as f64 / 2.0,
            WindowKind::Running => rate * FOR_EVER,
            WindowKind::Sliding(_) | WindowKind::LastRows(_) => rows,
        };
        let (mut bytes, mut keeps_all) = (groups * (KEY + GROUP), false);
        let keys = if is_keyed { keys } else { 0.0 };
        match &spec.output {
            WindowOutput::Rows => {
                let kept = if rows > 0.0 { rows } else { in_window };
                return (Some(self.rows_held(kept, keys, bytes + kept * (row_bytes(input) * 2.0 + WINDOW_ROW), grows)), rate);
            }
            WindowOutput::Aggregates(calls) => {
                for call in calls {
                    let values =
                        if matches!(call.function.name(), "ARRAY_AGG" | "MEDIAN" | "QUANTILE") && rows == 0.0 { in_window } else { 0.0 };
                    // Where nothing is grouped by, the values are the keys; in a group they are all different.
                    let one_of_a_kind = match (call.distinct, is_keyed) {
                        (false, _) => 0.0,
                        (true, false) => self.distinct(in_window),
                        (true, true) => in_window,
                    };
                    bytes += groups * AGGREGATE + values * KEPT_VALUE + one_of_a_kind * DISTINCT_VALUE;
                    keeps_all |= values > 0.0 && matches!(spec.kind, WindowKind::Running);
                }
                bytes += rows * (WINDOW_ROW + 8.0 * calls.len() as f64);
            }
        }
        (Some(self.rows_held(if rows > 0.0 { rows } else { groups }, keys, bytes, grows || keeps_all)), out)
    }

    fn rows_held(&self, count: f64, keys: f64, bytes: f64, grows: bool) -> Estimate {
        Estimate { what: if keys > 0.0 && count > keys * 1.01 { "rows" } else { "groups" }, count, keys, bytes, grows }
    }

    /// Rows in open sessions: each has lasted for as long as no gap came, at most for an hour.
    fn rows_of_sessions(&self, rate: f64, gap: f64, open: f64) -> f64 {
        let of_key = rate / self.load.keys.unwrap_or(f64::INFINITY).max(1.0);
        open * (of_key * gap).exp().min(of_key * FOR_EVER).max(1.0)
    }

    fn join(&self, spec: &JoinSpec, node: &Node) -> (Option<Estimate>, f64) {
        let [left, right] = [0, 1].map(|side| self.rate(node.inputs[side]));
        let [left_row, right_row] = [0, 1].map(|side| row_bytes(self.graph.schema(node.inputs[side])) + JOIN_ROW);
        let (before, after) = (seconds(spec.before), seconds(spec.after));
        let is_keyed = !spec.left_keys.is_empty();
        if matches!(spec.kind, JoinKind::AsOf | JoinKind::LeftAsOf) {
            let all = right * before;
            let (kept, grows) = if spec.before.0 == i64::MAX { (self.distinct(all), self.load.keys.is_none()) } else { (all, false) };
            let keys = if is_keyed { self.distinct(all) } else { 0.0 };
            let bytes = kept * right_row + keys * KEY;
            return (Some(Estimate { what: "rows", count: kept, keys, bytes, grows }), left);
        }
        let (lefts, rights) = (left * after, right * before);
        let keys = if is_keyed { self.distinct(lefts + rights) } else { 0.0 };
        let bytes = lefts * left_row + rights * right_row + keys * KEY;
        let grows = spec.before.0 == i64::MAX || spec.after.0 == i64::MAX;
        let partners = match (is_keyed, self.load.keys) {
            (true, Some(keys)) => right * (before + after) / keys.max(1.0),
            (true, None) => 1.0,
            (false, _) => right * (before + after),
        };
        (Some(Estimate { what: "rows", count: lefts + rights, keys, bytes, grows }), left * partners)
    }
}

/// The length of the slices that overlapping windows are cut into.
fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a.max(1) } else { gcd(b, a % b) }
}
