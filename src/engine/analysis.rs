//! What a program does with some events, measured: it runs as it is planned, and beside it runs the same program with terms that count.

use super::compile::{assembled, planned_noting};
use super::{Engine, Error, Options, PictureLanguage};
use crate::analysis::{Analyzed, Counting, Figures, Held, OperatorFigures, OutputFigures, SourceFigures};
use crate::operators::StepTaken;
use crate::runtime::{RunError, RunMetrics, Running};
use crate::text::{Diagnostics, Source};
use crate::why::WatchedProgram;

/// Runs a program over some events and measures it: rows in and out of every operator, how often each term was asked and true, how far the
/// runs of patterns came, what was held, and the time that it took. It runs on one thread, and rows are not kept.
///
/// ```
/// use betide::{Analysis, Options};
///
/// let program = "CREATE STREAM Payment (card STRING, amount FLOAT);
///     SELECT card FROM Payment WHERE amount > 500 AND card <> 'test';";
/// let mut analysis = Analysis::new(program, &Options::default())?;
/// analysis.push_json(b"{\"card\":\"x\",\"amount\":900}\n{\"card\":\"y\",\"amount\":1}\n{\"card\":\"test\",\"amount\":800}\n")?;
/// let analyzed = analysis.finish()?;
///
/// let filter = &analyzed.figures().operators[0];
/// assert_eq!((filter.rows_in, filter.rows_out), (3, 1));
/// assert_eq!((&*filter.terms[0].text, filter.terms[0].asked, filter.terms[0].held), ("amount > 500", 3, 2));
/// assert_eq!((&*filter.terms[1].text, filter.terms[1].asked, filter.terms[1].held), ("card <> 'test'", 2, 1));
/// println!("{}", analyzed.to_text());
/// # Ok::<(), betide::Error>(())
/// ```
#[derive(Debug)]
pub struct Analysis {
    engine: Engine,
    /// Nothing once it has failed.
    counting: Option<Running>,
    counts: Counting,
    /// Why the counts are not complete.
    notes: Vec<String>,
    nanos: u64,
}

impl Analysis {
    /// Compiles a program to be measured.
    pub fn new(text: &str, options: &Options) -> Result<Self, Error> {
        // On one thread, so that the time around an operator is that of the operator.
        let options = Options { strict: false, endless: false, open: false, threads: 1, ..options.clone() };
        let mut engine = Engine::with_options(text, &options)?;
        let source = Source::new(options.name.clone(), text);
        let noting = planned_noting(&source, &options, |_| super::compile::outputs(&options), true);
        let checked = noting.map_err(|diagnostics| Error::Query { diagnostics, source: source.clone() })?.program;
        let type_field: Vec<String> = options.type_field.split('.').map(str::to_owned).collect();
        let program = WatchedProgram { graph: &engine.graph, checked: &checked, source: &source, type_field: &type_field };
        let (graph, mut counts) = Counting::of(&engine.graph, &program);
        let mut counting = assembled(&graph, &options);
        counting.watch(&mut counts);
        engine.running.profile();
        Ok(Self { engine, counting: Some(counting), counts, notes: Vec::new(), nanos: 0 })
    }

    /// What may not be meant so in the program.
    pub fn warnings(&self) -> &Diagnostics {
        self.engine.warnings()
    }

    /// The program's text, for showing the warnings in it.
    pub fn source(&self) -> &Source {
        self.engine.source()
    }

    /// Takes bytes of JSON lines, cut anywhere.
    pub fn push_json(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.both(|engine| engine.push_json(bytes), |counting| counting.push_bytes(bytes))
    }

    /// Takes bytes of comma-separated values, cut anywhere.
    pub fn push_csv(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.both(|engine| engine.push_csv(bytes), |counting| counting.push_csv(bytes))
    }

    /// The end of one input of several.
    pub fn end_input(&mut self) -> Result<(), Error> {
        self.both(Engine::end_input, Running::end_input)
    }

    /// The end of input, and what was measured.
    pub fn finish(mut self) -> Result<Analyzed, Error> {
        self.end_input()?;
        self.both(Engine::catch_up, Running::catch_up)?;
        let before = self.engine.running.metrics();
        self.both(Engine::finish, Running::finish)?;
        let figures = self.figures(&before);
        Ok(Analyzed::new(self.engine.graph, figures))
    }

    /// Does something with the program as it is planned, which is measured, and then with the one that counts. Where that one fails, the
    /// program goes on without it.
    fn both(
        &mut self,
        measured: impl FnOnce(&mut Engine) -> Result<(), Error>,
        counted: impl FnOnce(&mut Running) -> Result<(), RunError>,
    ) -> Result<(), Error> {
        let clock = self.engine.options.clock.clone();
        let begun = clock.now();
        let done = measured(&mut self.engine);
        self.nanos += u64::try_from(clock.now().since(begun).0).unwrap_or(0);
        // Rows and bad events are counted, and not kept.
        self.engine.running.take_departures();
        self.engine.running.take_bad();
        done?;
        if let Some(counting) = &mut self.counting {
            let done = counting.guarded(counted);
            counting.take_departures();
            counting.take_bad();
            if let Err(error) = done {
                self.notes.push(format!("terms and steps were counted up to event {} only: {error}", counting.read().0));
                self.counting = None;
            }
        }
        Ok(())
    }

    /// What was measured; `before` is how things were before the end of input was told.
    fn figures(&mut self, before: &RunMetrics) -> Figures {
        let stats = self.engine.running.metrics();
        let costs = self.engine.running.profiled().cloned().unwrap_or_default();
        let mut taken: Vec<Vec<StepTaken>> = vec![Vec::new(); stats.operators.len()];
        if let Some(counting) = &self.counting {
            counting.steps_taken().for_each(|(node, steps)| taken[node] = steps);
            let lost: u64 = counting.metrics().operators.iter().map(|operator| operator.held.dropped).sum();
            if lost > 0 || !counting.ended().is_empty() {
                let text =
                    "counts of terms and steps are not complete: the run that counts them reached a bound that the program itself may not";
                self.notes.push(text.to_owned());
            }
        }
        self.notes.extend(self.engine.ended().iter().map(|ended| format!("{} has ended before the input: {}", ended.title(), ended.cause)));
        let operators = stats.operators.iter().enumerate().map(|(node, operator)| {
            let cost = costs.operators.get(node).copied().unwrap_or_default();
            let held = before.operators.get(node).map(|operator| operator.held).unwrap_or_default();
            let mut figures = OperatorFigures {
                name: operator.name.clone(),
                rows_in: operator.counts.rows_in,
                rows_out: operator.counts.rows_out,
                eval_nulls: operator.counts.eval_nulls,
                dropped: operator.held.dropped,
                held: told(&held),
                most: told(&cost.most),
                nanos: Some(cost.nanos),
                steps: Vec::new(),
                terms: Vec::new(),
            };
            self.counts.add_to(node, &taken[node], &mut figures);
            figures
        });
        let sources = stats.sources.iter().zip(&before.sources).map(|(source, before)| SourceFigures {
            name: source.name.to_string(),
            events: source.stats.events,
            late: source.stats.late,
            waiting: before.stats.held,
        });
        let outputs = self.engine.graph.outputs().iter().zip(self.engine.running.taken());
        Figures {
            events: stats.events,
            late: stats.late,
            unrouted: stats.unrouted,
            bad: stats.bad_events(),
            rows: stats.rows_out,
            nanos: Some(self.nanos),
            shared_nanos: stats.shared.is_some().then_some(costs.shared_nanos),
            sources: sources.collect(),
            operators: operators.collect(),
            outputs: outputs.map(|(output, rows)| OutputFigures { name: output.name.as_deref().map(str::to_owned), rows: *rows }).collect(),
            notes: std::mem::take(&mut self.notes),
        }
    }
}

fn told(held: &crate::operators::Held) -> Held {
    Held { keys: held.keys as u64, rows: held.rows as u64, bytes: Some(held.bytes as u64) }
}

impl Analyzed {
    /// The operators as a picture, with figures in the boxes.
    pub fn picture(&self, language: PictureLanguage) -> String {
        match language {
            PictureLanguage::Dot => self.to_dot(),
            PictureLanguage::Mermaid => self.to_mermaid(),
            PictureLanguage::Svg => self.to_svg(),
        }
    }
}
