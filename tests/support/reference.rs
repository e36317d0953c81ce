//! The reference evaluator of FROM PATTERN: section 6 "Formally" of the language page, read aloud.
//! In: a program of the known subset and its events. Out: its rows, as JSON objects, in the order that the page fixes.
//! Every start keeps its threads, a thread is its history and the list of what it may do next. No merging, no index, no sharing:
//! slow, so that it is easy to see that it is right.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::Value as Json;

use super::choices::{Arrival, Choice, Cont, Here, Hidden, Watch, behind_arrival, each_once};
use super::expr::{Event, Scope, Value};
use super::program::{After, Arrow, Kind, Node, Program, Query, Runs, Until, Within};
use super::terms::Terms;

/// What has been taken so far.
#[derive(Debug, Clone, Default)]
pub struct History {
    pub taken: Vec<(String, usize)>,
    /// For negations that are judged later: the events that stood between, and where the negation stood.
    pub between: Vec<(usize, Vec<usize>, Hidden<Cont>)>,
}

/// How a step is reached: the negations on its arrow, what ends its loops, and what comes after it.
type By<'a> = (&'a [Watch], &'a [Hidden<Rc<Node>>], &'a Cont);

/// A live thread.
#[derive(Debug, Clone)]
pub struct Thread {
    pub history: History,
    pub choices: Vec<Choice>,
}

/// A way to the end of the pattern.
#[derive(Debug, Clone)]
pub struct Finished {
    pub history: History,
    pub end: i64,
}

/// All that began with one event.
#[derive(Debug)]
pub struct Start {
    pub first: usize,
    pub threads: Vec<Thread>,
    /// One match per start: the best way so far, after all live threads in the order.
    pub best: Option<Finished>,
    /// What has come out and waits for its turn (SKIP), or for this moment's end.
    pub out: Vec<Finished>,
}

/// When something becomes certain: the time, whether it is a deadline (after the events of that time), the event.
pub type Moment = (i64, bool, usize);

/// A row with what orders it.
#[derive(Debug, Clone)]
pub struct Row {
    pub moment: Moment,
    /// The match's first event.
    pub first: usize,
    pub row: Json,
}

/// Runs a program over events that are already in order and not late.
pub fn run(program: &Program, events: &[Event]) -> Vec<Json> {
    run_keyed(program, events).into_iter().map(|row| row.row).collect()
}

/// The rows with what orders them.
pub fn run_keyed(program: &Program, events: &[Event]) -> Vec<Row> {
    let query = &program.query;
    let mut partitions: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, event) in events.iter().enumerate() {
        if query.steps.iter().any(|s| s.stream == event.stream)
            && let Some(key) = partition_key(query, events, index)
        {
            partitions.entry(key).or_default().push(index);
        }
    }
    let mut rows: Vec<Row> = Vec::new();
    for members in partitions.values() {
        let mut partition = Partition {
            query,
            terms: Terms::new(query),
            events,
            members,
            starts: vec![],
            rows: vec![],
            moment: (i64::MIN, false, 0),
            seen: 0,
            consumed: BTreeSet::new(),
        };
        partition.run();
        if let Some((limit, true)) = query.limit {
            partition.rows.truncate(limit);
        }
        rows.append(&mut partition.rows);
    }
    rows.sort_by_key(|row| (row.moment, row.first));
    if let Some((limit, false)) = query.limit {
        rows.truncate(limit);
    }
    rows
}

/// The key of the event's partition; nothing where the event takes no part.
fn partition_key(query: &Query, events: &[Event], index: usize) -> Option<String> {
    let scope = Scope { events, taken: &[], bare: Some(index), bounds: None };
    let mut key: Vec<Value> = query.partition.iter().map(|expr| scope.eval(expr)).collect();
    for equality in &query.partition_equal {
        let own = equality.iter().find(|expr| {
            let variables = expr.variables(&[]);
            query.steps.iter().any(|s| s.stream == events[index].stream && variables.contains(&s.variable))
        })?;
        let variable = own.variables(&[]).remove(0);
        let value = Scope { taken: &[(variable, index)], ..scope }.eval(own);
        if value == Value::Null {
            return None;
        }
        key.push(value);
    }
    Some(format!("{key:?}"))
}

/// The runs of one partition.
pub struct Partition<'a> {
    pub query: &'a Query,
    pub terms: Terms,
    pub events: &'a [Event],
    pub members: &'a [usize],
    pub starts: Vec<Start>,
    pub rows: Vec<Row>,
    pub moment: Moment,
    /// How many events have come.
    pub seen: usize,
    /// CONSUME: what is used up.
    pub consumed: BTreeSet<usize>,
}

impl Partition<'_> {
    fn run(&mut self) {
        for position in 0..self.members.len() {
            let event = self.members[position];
            self.deadlines(Some(self.events[event].time));
            self.seen = position + 1;
            self.moment = (self.events[event].time, false, event);
            self.event(event);
        }
        self.deadlines(None);
        self.moment = (i64::MAX, true, usize::MAX);
        for start in 0..self.starts.len() {
            self.end(start);
        }
        self.settle();
    }

    fn event(&mut self, event: usize) {
        let busy = self.starts.iter().filter(|s| !s.threads.is_empty()).count();
        for first in self.firsts() {
            self.step(first, event);
            if self.query.after == After::Consume {
                // What it takes with its last event no later start can take.
                self.fill(first);
                self.settle();
            }
        }
        let may_start = match self.query.runs {
            Runs::Count(n) => busy < n,
            Runs::All | Runs::Latest | Runs::DropOldest(_) => true,
        };
        if may_start && !self.consumed.contains(&event) {
            self.begin(event);
        }
        self.firsts().into_iter().for_each(|first| self.fill(first));
        self.settle();
        if self.query.runs == Runs::Latest {
            self.keep_latest();
        }
        if let Runs::DropOldest(most) = self.query.runs {
            let open: Vec<usize> = (0..self.starts.len()).filter(|at| !self.starts[*at].threads.is_empty()).collect();
            for &oldest in &open[..open.len().saturating_sub(most)] {
                (self.starts[oldest].threads, self.starts[oldest].best) = (vec![], None);
            }
            self.settle();
        }
    }

    /// WITHIN n EVENTS: a start that has seen as many takes no more.
    fn fill(&mut self, first: usize) {
        let Some(index) = self.index_of(first).filter(|_| self.is_full(first, 0)) else { return };
        let waits = |thread: &Thread| earliest_wait(&thread.choices).is_some();
        if self.starts[index].threads.iter().any(waits) {
            self.starts[index].threads.retain(waits);
        } else {
            self.end(index);
        }
    }

    /// WITHIN n EVENTS: whether a match of this start could take none of the events behind the last `but` that have come.
    fn is_full(&self, first: usize, but: usize) -> bool {
        let Some(Within::Events(n)) = self.query.within else { return false };
        let first = self.members.iter().position(|member| *member == first).unwrap();
        self.seen - but >= first + n
    }

    fn firsts(&self) -> Vec<usize> {
        self.starts.iter().map(|s| s.first).collect()
    }

    fn index_of(&self, first: usize) -> Option<usize> {
        self.starts.iter().position(|s| s.first == first)
    }

    /// Every event that can start a match starts one.
    fn begin(&mut self, event: usize) {
        let here = Here { taken: 0, now: self.events[event].time, waited: false, all: self.query.all_matches() };
        let arrival = Arrival { arrow: Arrow::Strict, watch: vec![], front: true, trailing: false };
        let choices = here.enter(&self.query.pattern, &arrival, &None);
        let (taken, _) = self.offer(&each_once(choices), &History::default(), event);
        if taken.is_empty() {
            return;
        }
        self.starts.push(Start { first: event, threads: vec![], best: None, out: vec![] });
        self.install(self.starts.len() - 1, taken, self.events[event].time);
    }

    /// Rules 1 to 5 for one start and one event.
    fn step(&mut self, first: usize, event: usize) {
        let Some(index) = self.index_of(first) else { return };
        // CONSUME: an event that an earlier start's match took just now fits nothing.
        let takes_none = self.consumed.contains(&event) || self.is_full(first, 1);
        let threads = std::mem::take(&mut self.starts[index].threads);
        let mut next = Vec::new();
        for thread in threads {
            let (taken, kept) = if takes_none {
                (vec![], self.pass(&thread.choices, &thread.history, event))
            } else {
                self.offer(&thread.choices, &thread.history, event)
            };
            next.extend(taken);
            if !kept.is_empty() {
                next.push((thread.history, kept));
            }
        }
        self.install(index, next, self.events[event].time);
    }

    /// Puts threads in order, sees which have finished, drops what stands behind a finished one (rule 5).
    fn install(&mut self, index: usize, threads: Vec<(History, Vec<Choice>)>, end: i64) {
        let all = self.query.all_matches();
        let start = &mut self.starts[index];
        start.threads.clear();
        for (history, choices) in threads {
            let choices = each_once(choices);
            let finish = choices.iter().position(|c| matches!(c, Choice::Finish));
            let finished = Finished { history: history.clone(), end };
            if all {
                start.out.extend(finish.map(|_| finished));
                let choices: Vec<Choice> = choices.into_iter().filter(|c| !matches!(c, Choice::Finish)).collect();
                if !choices.is_empty() {
                    start.threads.push(Thread { history, choices });
                }
                continue;
            }
            let before = choices[..finish.unwrap_or(choices.len())].to_vec();
            if !before.is_empty() {
                start.threads.push(Thread { history, choices: before });
            }
            if finish.is_some() {
                start.best = Some(finished);
                return;
            }
        }
    }

    /// What becomes of a list of choices when an event comes: the new threads in order, and what stays.
    fn offer(&self, choices: &[Choice], history: &History, event: usize) -> (Vec<(History, Vec<Choice>)>, Vec<Choice>) {
        let all = self.query.all_matches();
        let (mut taken, mut kept) = (Vec::new(), Vec::new());
        for choice in choices {
            let (new, stays) = match choice {
                Choice::Step { step, watch, until, arrow, after } => match self.take(*step, (watch, until, after), history, event) {
                    Some(history) => {
                        let carried = Arrival { arrow: Arrow::Next, watch: vec![], front: false, trailing: false };
                        let choices = self.here(&history).advance(after, carried);
                        (vec![(history, choices)], *arrow == Arrow::Any)
                    }
                    None => (vec![], *arrow != Arrow::Strict),
                },
                Choice::Both { .. } => self.offer_both(choice, history, event),
                Choice::Wait { .. } | Choice::Absence { .. } | Choice::Finish => (vec![], true),
            };
            taken.extend(new);
            if stays {
                kept.extend(self.pass_one(choice, history, event));
            }
        }
        if !all && !taken.is_empty() {
            kept.clear();
        }
        (taken, kept)
    }

    /// The first operand that the event fits takes it; the others see it pass.
    fn offer_both(&self, choice: &Choice, history: &History, event: usize) -> (Vec<(History, Vec<Choice>)>, bool) {
        let Choice::Both { node, operands, touched, begun, arrival, after } = choice else { unreachable!("asked for & only") };
        let Kind::Both(parts) = &node.kind else { unreachable!("a node of &") };
        for (index, operand) in operands.iter().enumerate() {
            let (taken, kept) = self.offer(operand, history, event);
            if taken.is_empty() {
                continue;
            }
            let ways: Vec<(History, Vec<Choice>)> = taken;
            let mut new = Vec::new();
            for (new_history, choices) in ways {
                let here = self.here(&new_history);
                let next = operands.iter().zip(touched).enumerate().map(|(other, (operand, touched))| match other == index {
                    true => choices.clone(),
                    false if *touched || has_wait(operand) => {
                        let operand = if *begun { operand.clone() } else { behind_arrival(operand, arrival) };
                        self.pass(&operand, history, event)
                    }
                    false => {
                        here.enter(&parts[other], &Arrival { arrow: Arrow::Next, watch: vec![], front: false, trailing: false }, &None)
                    }
                });
                let next: Vec<Vec<Choice>> = next.collect();
                let touched: Vec<bool> = touched.iter().enumerate().map(|(other, t)| *t || other == index).collect();
                let choices = here.both(node, next, (touched, true), arrival, after);
                new.push((new_history, choices));
            }
            return (new, !kept.is_empty());
        }
        (vec![], true)
    }

    /// What stays of choices when an event passes them by.
    fn pass(&self, choices: &[Choice], history: &History, event: usize) -> Vec<Choice> {
        let stays = |choice: &&Choice| !matches!(choice, Choice::Step { arrow: Arrow::Strict, .. });
        choices.iter().filter(stays).flat_map(|choice| self.pass_one(choice, history, event)).collect()
    }

    /// Rule 3: a choice is lost if the event fits a negation that watches it (or the end of its loop).
    fn pass_one(&self, choice: &Choice, history: &History, event: usize) -> Vec<Choice> {
        let forbidden = |watch: &[Watch]| {
            watch
                .iter()
                .any(|w| self.terms.late(w.not).is_empty() && self.terms.forbids(self.query, self.events, w.not, &history.taken, event))
        };
        let rest = |watch: &[Watch]| {
            let watching = watch.iter().filter(|w| !w.once || !self.terms.late(w.not).is_empty());
            watching.map(|w| Watch { passed: w.once, ..w.clone() }).collect()
        };
        match choice {
            Choice::Finish => vec![Choice::Finish],
            Choice::Step { step, arrow, watch, until, after } => {
                if forbidden(watch) || self.loop_ends(until, history, event) {
                    return vec![];
                }
                vec![Choice::Step { step: *step, arrow: *arrow, watch: rest(watch), until: until.clone(), after: after.clone() }]
            }
            Choice::Absence { watch } => {
                if forbidden(watch) {
                    return vec![];
                }
                vec![Choice::Absence { watch: rest(watch) }]
            }
            Choice::Wait { not, watch, began, deadline, after } => {
                // What a later step decides on is looked at when the wait is over.
                let lost = self.terms.late(*not).is_empty() && self.terms.forbids(self.query, self.events, *not, &history.taken, event);
                if lost || forbidden(watch) {
                    return vec![];
                }
                vec![Choice::Wait { not: *not, watch: rest(watch), began: began.clone(), deadline: deadline.clone(), after: after.clone() }]
            }
            Choice::Both { node, operands, touched, begun, arrival, after } => {
                let operands: Vec<Vec<Choice>> = operands.iter().map(|operand| self.pass(operand, history, event)).collect();
                if operands.iter().any(Vec::is_empty) {
                    return vec![];
                }
                vec![Choice::Both {
                    node: node.clone(),
                    operands,
                    touched: touched.clone(),
                    begun: *begun,
                    arrival: arrival.clone(),
                    after: after.clone(),
                }]
            }
        }
    }

    fn loop_ends(&self, until: &[Hidden<Rc<Node>>], history: &History, event: usize) -> bool {
        until.iter().any(|node| match &node.0.kind {
            Kind::Repeat { until: Some(Until::Step(step)), .. } => {
                self.terms.forbids(self.query, self.events, *step, &history.taken, event)
            }
            Kind::Repeat { until: Some(Until::Condition(condition)), body, .. } => {
                let Kind::Step(step) = body.kind else { panic!("UNTIL (cond) of a group") };
                self.query.steps[step].stream == self.events[event].stream
                    && Scope { events: self.events, taken: &history.taken, bare: Some(event), bounds: None }.holds(condition)
            }
            _ => false,
        })
    }

    /// The history with the event taken for the step, if it fits.
    fn take(&self, step: usize, (watch, until, after): By<'_>, history: &History, event: usize) -> Option<History> {
        let front = history.taken.is_empty();
        if self.loop_ends(until, history, event) {
            return None;
        }
        let mut next = history.clone();
        next.taken.push((self.query.steps[step].variable.clone(), event));
        for w in watch {
            let (standing, began) = &w.since.0;
            let early: Vec<usize> = if front { self.looked_back(w, event) } else { self.since(history, event, w.once, *began) };
            let hits: Vec<usize> =
                early.into_iter().filter(|e| self.terms.forbids(self.query, self.events, w.not, &history.taken, *e)).collect();
            if !self.terms.late(w.not).is_empty() {
                next.between.push((w.not, hits, Hidden(standing.clone())));
            } else if front && !hits.is_empty() {
                return None;
            }
        }
        self.terms.fits(self.query, self.events, (step, after), &next, event).then_some(next)
    }

    /// The events before the first one that a negation at the front looks at.
    fn looked_back(&self, watch: &Watch, event: usize) -> Vec<usize> {
        let length = watch.back.or(match self.query.within {
            Some(Within::Time(length)) => Some(length),
            _ => None,
        });
        let before = self.members.iter().copied().filter(|m| *m < event);
        let before: Vec<usize> = before.filter(|m| length.is_none_or(|d| self.events[event].time - self.events[*m].time <= d)).collect();
        match self.query.within {
            Some(Within::Events(n)) if watch.back.is_none() => before.into_iter().rev().take(n.saturating_sub(1)).collect(),
            _ => before,
        }
    }

    /// The events between the last one taken, or the wait that was over at `began`, and `event`.
    fn since(&self, history: &History, event: usize, once: bool, began: Option<i64>) -> Vec<usize> {
        let last = history.taken.iter().map(|(_, e)| *e).max().unwrap_or(0);
        let waited = |m: &usize| began.is_none_or(|began| self.events[*m].time > began);
        let between = self.members.iter().copied().filter(|m| *m > last && *m < event && waited(m));
        if once { between.take(1).collect() } else { between.collect() }
    }

    fn here(&self, history: &History) -> Here {
        let last = history.taken.iter().map(|(_, e)| *e).max().expect("something was taken");
        Here { taken: history.taken.len(), now: self.events[last].time, waited: false, all: self.query.all_matches() }
    }

    /// Lets all deadlines before `until` pass, the earliest first.
    fn deadlines(&mut self, until: Option<i64>) {
        loop {
            let due = self.starts.iter().filter_map(|start| self.due(start)).min();
            let Some(time) = due.filter(|time| until.is_none_or(|until| *time < until)) else { return };
            self.moment = (time, true, 0);
            for first in self.firsts() {
                let Some(index) = self.index_of(first) else { continue };
                while self.starts[index].threads.iter().any(|t| earliest_wait(&t.choices) == Some(time)) {
                    self.fire(index, time);
                }
                if self.within_end(&self.starts[index]) == Some(time) {
                    self.end(index);
                }
                if self.query.after == After::Consume {
                    self.settle();
                }
            }
            self.settle();
            if self.query.runs == Runs::Latest {
                self.keep_latest();
            }
        }
    }

    fn within_end(&self, start: &Start) -> Option<i64> {
        match self.query.within {
            Some(Within::Time(length)) => Some(self.events[start.first].time.saturating_add(length)),
            _ => None,
        }
    }

    fn due(&self, start: &Start) -> Option<i64> {
        if start.threads.is_empty() {
            return None;
        }
        let waits = start.threads.iter().filter_map(|t| earliest_wait(&t.choices)).min();
        [waits, self.within_end(start)].into_iter().flatten().min()
    }

    /// The waits of one start that are over at `time` go on.
    fn fire(&mut self, index: usize, time: i64) {
        let threads = std::mem::take(&mut self.starts[index].threads);
        let all = self.query.all_matches();
        let mut next = Vec::new();
        for mut thread in threads {
            let here = Here { now: time, waited: true, ..self.here(&thread.history) };
            let before = thread.history.clone();
            let mut fired = Vec::new();
            let mut rest = Vec::new();
            for choice in &thread.choices {
                match over(&here, choice, time) {
                    Some(choices) => {
                        fired.extend(choices);
                        self.keep_between(choice, &before, time, &mut thread.history);
                    }
                    None => rest.push(choice.clone()),
                }
            }
            if fired.is_empty() {
                next.push((thread.history, thread.choices));
            } else if all {
                next.push((thread.history, [fired, rest].concat()));
            } else {
                next.push((thread.history, fired));
            }
        }
        if self.is_full(self.starts[index].first, 0) {
            // What takes an event comes too late, and holds nothing up.
            let needs_none = |choice: &Choice| matches!(choice, Choice::Finish) || earliest_wait(std::slice::from_ref(choice)).is_some();
            next.iter_mut().for_each(|(_, choices)| choices.retain(needs_none));
        }
        self.install(index, next, time);
    }

    /// Notes the events of a wait that is over at `time` that a later step decides on.
    fn keep_between(&self, choice: &Choice, before: &History, time: i64, into: &mut History) {
        match choice {
            Choice::Wait { not, began, deadline, after, .. } if deadline.0 == time && !self.terms.late(*not).is_empty() => {
                let since = self.since(before, usize::MAX, false, began.0).into_iter().filter(|e| self.events[*e].time <= time);
                let hits = since.filter(|e| self.terms.forbids(self.query, self.events, *not, &before.taken, *e)).collect();
                into.between.push((*not, hits, Hidden(after.clone())));
            }
            Choice::Both { operands, .. } => {
                operands.iter().flatten().for_each(|choice| self.keep_between(choice, before, time, into));
            }
            _ => {}
        }
    }

    /// Rule 6: WITHIN, or the input, is over for a start.
    fn end(&mut self, index: usize) {
        let threads = std::mem::take(&mut self.starts[index].threads);
        let end = self.within_end(&self.starts[index]).unwrap_or(self.moment.0);
        for thread in threads {
            for choice in &thread.choices {
                let absent = matches!(choice, Choice::Absence { .. });
                if absent && self.query.within.is_some() {
                    let finished = Finished { history: thread.history.clone(), end };
                    if self.query.all_matches() {
                        self.starts[index].out.push(finished);
                    } else {
                        self.starts[index].best = Some(finished);
                        return;
                    }
                }
            }
        }
    }

    /// RUNS LATEST: of the threads with the same remaining pattern only the one with the latest events stays.
    fn keep_latest(&mut self) {
        let mut best: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let remaining = |thread: &Thread| format!("{:?}", thread.choices);
        let recency = |thread: &Thread| {
            let mut events: Vec<usize> = thread.history.taken.iter().map(|(_, e)| *e).collect();
            events.sort_unstable();
            events.reverse();
            // Where one runs out, the shorter began later.
            events.push(usize::MAX);
            events
        };
        for thread in self.starts.iter().flat_map(|s| &s.threads) {
            let entry = best.entry(remaining(thread)).or_default();
            *entry = std::mem::take(entry).max(recency(thread));
        }
        for start in &mut self.starts {
            start.threads.retain(|thread| best[&remaining(thread)] == recency(thread));
        }
        self.settle();
    }
}

fn has_wait(choices: &[Choice]) -> bool {
    choices.iter().any(|c| matches!(c, Choice::Wait { .. }))
}

fn earliest_wait(choices: &[Choice]) -> Option<i64> {
    let one = |choice: &Choice| match choice {
        Choice::Wait { deadline, .. } => Some(deadline.0),
        Choice::Both { operands, .. } => operands.iter().filter_map(|o| earliest_wait(o)).min(),
        Choice::Step { .. } | Choice::Absence { .. } | Choice::Finish => None,
    };
    choices.iter().filter_map(one).min()
}

/// What a choice becomes if its wait is over at `time`; nothing if it does not wait for that.
fn over(here: &Here, choice: &Choice, time: i64) -> Option<Vec<Choice>> {
    match choice {
        Choice::Wait { watch, deadline, after, .. } if deadline.0 == time => {
            let carried = Arrival { arrow: Arrow::Next, watch: watch.clone(), front: false, trailing: false };
            Some(here.advance(after, carried))
        }
        Choice::Both { node, operands, touched, begun, arrival, after } if earliest_wait(std::slice::from_ref(choice)) == Some(time) => {
            let go_on = |operand: &Vec<Choice>| -> Vec<Choice> {
                let fired: Vec<Choice> = operand.iter().filter_map(|c| over(here, c, time)).flatten().collect();
                if fired.is_empty() { operand.clone() } else { fired }
            };
            let waited = operands.iter().map(|operand| earliest_wait(operand) == Some(time));
            let touched = touched.iter().zip(waited).map(|(touched, waited)| *touched || waited).collect();
            let operands: Vec<Vec<Choice>> = operands.iter().map(go_on).collect();
            Some(here.both(node, operands, (touched, *begun), arrival, after))
        }
        _ => None,
    }
}
