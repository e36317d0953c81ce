//! Patterns: how long a run waits at each step, and what waits there.

use super::{Estimate, FOR_EVER, KEY, Model, bytes_of, seconds};
use crate::plan::graph::Node;
use crate::spec::{Arrow, CountSpec, EvaluatorChoice, Mode, PatternNode, PatternSpec, Runs, VariableKind, Within};

/// Bytes of a partition, of a run that waits, and of an event that it keeps beside its columns; by what runs the pattern.
struct Cost {
    partition: f64,
    run: f64,
    event: f64,
}

fn cost(evaluator: &EvaluatorChoice) -> Cost {
    match evaluator {
        EvaluatorChoice::RankColumns(_) => Cost { partition: 300.0, run: 0.0, event: 40.0 },
        EvaluatorChoice::StepLists(_) => Cost { partition: 400.0, run: 60.0, event: 40.0 },
        EvaluatorChoice::WayColumns => Cost { partition: 500.0, run: 0.0, event: 50.0 },
        EvaluatorChoice::FlatThreads => Cost { partition: 500.0, run: 120.0, event: 60.0 },
        EvaluatorChoice::Threads => Cost { partition: 450.0, run: 320.0, event: 120.0 },
    }
}

/// What a partition of MATCH_RECOGNIZE takes beside: the room of its log.
const ROWS: f64 = 1200.0;

/// One step behind another: events a second that fit it, and how it follows.
struct Step {
    rate: f64,
    arrow: Arrow,
}

/// The steps that a run has to pass, in order; steps that may be left out are passed at once.
fn steps(model: &Model<'_>, spec: &PatternSpec, node: &Node) -> Vec<Step> {
    let rate_of = |inner: &PatternNode| {
        let mut variables = Vec::new();
        gather(inner, &mut variables);
        let mut inputs: Vec<usize> = variables.iter().map(|variable| spec.variables[*variable].input).collect();
        inputs.sort_unstable();
        inputs.dedup();
        inputs.iter().filter_map(|input| node.inputs.get(*input)).map(|edge| model.rate(*edge)).sum::<f64>()
    };
    let single = [(Arrow::Next, &spec.root)];
    let elements: Vec<(Arrow, &PatternNode)> = match &spec.root {
        PatternNode::Sequence(elements) => elements.iter().map(|element| (element.arrow, &element.node)).collect(),
        _ => single.to_vec(),
    };
    let must = |inner: &PatternNode| match inner {
        PatternNode::Not(_) | PatternNode::NotFor(..) | PatternNode::Empty | PatternNode::PartitionStart | PatternNode::PartitionEnd => {
            false
        }
        PatternNode::Repeat { min, .. } => *min > 0,
        _ => true,
    };
    let mut all = Vec::new();
    for (arrow, element) in elements {
        // Operands side by side are waited for one behind the other, about.
        let parts = if let PatternNode::Both(parts) = element { parts.as_slice() } else { std::slice::from_ref(element) };
        all.extend(parts.iter().filter(|part| must(part)).map(|part| Step { rate: rate_of(part), arrow }));
    }
    all
}

/// The variables that take events in a part of a pattern. As deep as the pattern is written.
fn gather(node: &PatternNode, variables: &mut Vec<usize>) {
    match node {
        PatternNode::Step(variable) => variables.push(variable.0 as usize),
        PatternNode::Sequence(elements) => elements.iter().for_each(|element| gather(&element.node, variables)),
        PatternNode::Either(parts) | PatternNode::Both(parts) | PatternNode::Permute(parts) => {
            parts.iter().for_each(|p| gather(p, variables))
        }
        PatternNode::Repeat { inner, .. } | PatternNode::Exclude(inner) => gather(inner, variables),
        PatternNode::Not(_) | PatternNode::NotFor(..) | PatternNode::Empty | PatternNode::PartitionStart | PatternNode::PartitionEnd => {}
    }
}

/// Whether a finished run may still have to wait until WITHIN is over: for what stands last.
fn waits_at_the_end(spec: &PatternSpec) -> bool {
    let last = match &spec.root {
        PatternNode::Sequence(elements) => elements.last().map(|element| &element.node),
        other => Some(other),
    };
    match last {
        Some(PatternNode::Not(_)) => true,
        Some(PatternNode::Repeat { greedy, max, min, until, .. }) => {
            *greedy && until.is_none() && *max != Some(*min) && spec.mode == Mode::OnePerStart
        }
        _ => false,
    }
}

/// What the evaluator of a pattern holds, and how many matches a second there are.
pub(super) fn held(model: &Model<'_>, spec: &PatternSpec, evaluator: &EvaluatorChoice, node: &Node) -> (Option<Estimate>, f64) {
    let is_keyed = spec.partition.by_input.iter().any(|key| !key.is_empty());
    let keys = if is_keyed { model.load.keys.unwrap_or(f64::INFINITY).max(1.0) } else { 1.0 };
    let all: f64 = node.inputs.iter().map(|edge| model.rate(*edge)).sum();
    let within = match spec.within {
        Some(Within::Time(span)) => seconds(span),
        Some(Within::Events(events)) if all > 0.0 => events as f64 * keys.min(1e12) / all,
        Some(Within::Events(_)) | None => FOR_EVER,
    };
    let steps = steps(model, spec, node);
    let mut flow = steps.first().map_or(0.0, |step| step.rate);
    let (mut runs, mut events) = (0.0, 0.0);
    let keeps_all = spec.mode == Mode::AllMatches;
    for (at, next) in steps.iter().enumerate().skip(1) {
        // Of a key, how many that fit the next step come within the time.
        let rate = if next.arrow == Arrow::Strict { all } else { next.rate };
        let hits = rate * within / keys;
        let arrives = -(-hits).exp_m1();
        if keeps_all && next.arrow == Arrow::Any {
            // What has come stays; of each pair behind it the times are in order.
            runs += flow * within;
            events += steps[at - 1].rate * within;
            flow *= hits.max(f64::MIN_POSITIVE) / at as f64;
            continue;
        }
        let life = if hits > 1e-9 { within * arrives / hits } else { within };
        runs += flow * life;
        events += flow * life * at as f64;
        flow *= if next.arrow == Arrow::Strict && all > 0.0 { next.rate / all } else { arrives };
    }
    if waits_at_the_end(spec) {
        runs += flow * within;
        events += flow * within * steps.len() as f64;
    }
    if spec.mode == Mode::Rows {
        // One start is undecided at a time, and the rows behind it are kept.
        let most = if keys.is_finite() { keys } else { all * within };
        runs = runs.min(most);
        events = (runs * 2.0 * steps.len() as f64).max(runs);
    }
    match spec.runs {
        Runs::All => {}
        Runs::Latest => runs = runs.min(keys * steps.len().saturating_sub(1).max(1) as f64),
        Runs::Count(count) | Runs::DropOldest(count) | Runs::OrEnd(count) => runs = runs.min(keys * count as f64),
    }
    if !matches!(evaluator, EvaluatorChoice::RankColumns(_) | EvaluatorChoice::WayColumns) {
        events = events.min(runs * steps.len().max(1) as f64);
    }
    let mut parts = if is_keyed { partitions(runs.max(events), keys) } else { 1.0 };
    if let Some(most) = spec.most_keys().map(|most| most as f64).filter(|most| is_keyed && *most < parts) {
        (runs, events, parts) = (runs * most / parts, events * most / parts, most);
    }
    let mut cost = cost(evaluator);
    if spec.mode == Mode::Rows {
        cost.partition += ROWS;
    }
    let columns = spec.variables.iter().filter(|variable| variable.kind == VariableKind::Step).map(|variable| {
        let schema = &spec.inputs[variable.input];
        schema.fields().iter().map(|field| bytes_of(&field.data_type)).sum::<f64>()
    });
    let columns = columns.fold(0.0, f64::max);
    let is_listed = matches!(evaluator, EvaluatorChoice::RankColumns(_) | EvaluatorChoice::WayColumns);
    let count = if is_listed { events } else { runs };
    let value = if matches!(evaluator, EvaluatorChoice::Threads) { 4.0 } else { 1.5 };
    let bytes = parts * (cost.partition + if is_keyed { KEY } else { 0.0 }) + runs * cost.run + events * (cost.event + value * columns);
    let what = if is_listed { "events" } else { "runs" };
    let grows = spec.within.is_none() && runs > keys * steps.len() as f64;
    (Some(Estimate { what, count, keys: if is_keyed { parts } else { 0.0 }, bytes, grows }), flow)
}

/// How many of so many keys have at least one of so many things.
fn partitions(things: f64, keys: f64) -> f64 {
    if keys.is_finite() { keys * -(-things / keys).exp_m1() } else { things }
}

/// What counters of matches hold: numbers for each step, and what comes into them again when WITHIN is over.
pub(super) fn counted(model: &Model<'_>, spec: &CountSpec, node: &Node) -> (Option<Estimate>, f64) {
    let pattern = &spec.pattern;
    let is_keyed = pattern.partition.by_input.iter().any(|key| !key.is_empty());
    let all: f64 = node.inputs.iter().map(|edge| model.rate(*edge)).sum();
    let keys = if is_keyed { model.distinct(all * FOR_EVER) } else { 1.0 };
    let events = match pattern.within {
        Some(Within::Time(span)) => all * seconds(span),
        Some(Within::Events(_)) | None => 0.0,
    };
    let bytes = keys * 500.0 + events * 48.0;
    let keys = if is_keyed { keys } else { 0.0 };
    (Some(Estimate { what: "events", count: events, keys, bytes, grows: is_keyed && model.load.keys.is_none() }), all.min(1.0))
}
