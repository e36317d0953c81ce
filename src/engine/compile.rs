//! Text to running program: parse, check, plan, assemble.

use super::Options;
use crate::pattern::states_of_starts;
use crate::plan::{Node, OperatorGraph, OperatorSpec, Outputs, PlanOptions, plan};
use crate::runtime::{AssembleOptions, RunOptions, Running, assemble};
use crate::semantics::{CheckOptions, Program, UNKNOWN_STREAM, check};
use crate::spec::EvaluatorChoice;
use crate::syntax::ast::File;
use crate::syntax::parse;
use crate::text::{Diagnostics, Source};

/// A program that is ready to be assembled.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) program: Program,
    pub(super) graph: OperatorGraph,
    pub(super) warnings: Diagnostics,
}

/// Which streams leave a program that is compiled from the beginning.
pub(super) fn outputs(options: &Options) -> Outputs {
    if options.outputs.is_empty() { Outputs::Unread } else { Outputs::Named(options.outputs.clone()) }
}

/// Plans a text, once it is known what leaves. On failure all mistakes are told, and the warnings with them.
pub(super) fn planned(source: &Source, options: &Options, outputs: impl FnOnce(&Program) -> Outputs) -> Result<Planned, Diagnostics> {
    planned_noting(source, options, outputs, false)
}

/// The same; `keeps_places`: where each expression is written is kept.
pub(super) fn planned_noting(
    source: &Source,
    options: &Options,
    outputs: impl FnOnce(&Program) -> Outputs,
    keeps_places: bool,
) -> Result<Planned, Diagnostics> {
    let (file, mut told) = parse(source);
    let (program, found) = check(&file, &CheckOptions { keeps_places, ..check_options(options) });
    told.extend(without_followers(source, &file, found));
    told.sort();
    if told.has_errors() {
        return Err(told);
    }
    let planned = plan(&program, &plan_options(options, outputs(&program)));
    let graph = match planned {
        Ok((graph, warnings)) => {
            told.extend(warnings);
            graph
        }
        Err(errors) => {
            told.extend(errors);
            told.sort();
            return Err(told);
        }
    };
    told.sort();
    Ok(Planned { program, graph, warnings: told })
}

/// Makes a planned program live.
pub(super) fn assembled(graph: &OperatorGraph, options: &Options) -> Running {
    assemble(graph, &assemble_options(options), run_options(options))
}

/// In words, where a pattern steps all its starts that are alike at once.
pub(super) fn steps_together(node: &Node, options: &Options) -> Option<String> {
    let OperatorSpec::Pattern { spec, evaluator: EvaluatorChoice::FlatThreads, .. } = &node.spec else { return None };
    let states = states_of_starts(spec, options.limits.pattern_threads)?;
    Some(format!("every event of a match follows the one before at once: starts in one state are stepped together ({states} states)"))
}

pub(super) fn check_options(options: &Options) -> CheckOptions {
    CheckOptions {
        parameters: options.set.clone(),
        endless: options.endless,
        functions: options.functions.clone(),
        aggregates: options.aggregates.clone(),
        keeps_places: false,
    }
}

/// How a program of which these streams leave is planned.
pub(super) fn plan_options(options: &Options, outputs: Outputs) -> PlanOptions {
    PlanOptions { outputs, endless: options.endless, general_evaluators: options.general_evaluators, open: options.open }
}

/// Leaves out the streams that are unknown only because the statement that names them could not be read, which has been told.
fn without_followers(source: &Source, file: &File, found: Diagnostics) -> Diagnostics {
    if found.is_empty() {
        return found;
    }
    let mut unread = String::new();
    let mut end = 0;
    for statement in &file.statements {
        unread.push_str(text_of(source, end, statement.span.start));
        end = statement.span.end;
    }
    unread.push_str(text_of(source, end, u32::MAX));
    let mut kept = Diagnostics::default();
    for diagnostic in found.iter() {
        let span = diagnostic.primary.span;
        let names_unread = || unread.contains(text_of(source, span.start, span.end));
        if diagnostic.code != UNKNOWN_STREAM || !names_unread() {
            kept.push(diagnostic.clone());
        }
    }
    kept
}

fn text_of(source: &Source, start: u32, end: u32) -> &str {
    let text = source.text();
    let byte = |at: u32| usize::try_from(at).unwrap_or(usize::MAX).min(text.len());
    text.get(byte(start)..byte(end)).unwrap_or_default()
}

fn assemble_options(options: &Options) -> AssembleOptions {
    AssembleOptions {
        type_field: options.type_field.split('.').map(str::to_owned).collect(),
        endless: options.endless,
        whole_input: options.whole_input,
        folder: options.folder.clone(),
    }
}

fn run_options(options: &Options) -> RunOptions {
    RunOptions {
        batch_size: options.batch_size.clamp(1, options.limits.round().max(1)),
        max_line: options.max_line,
        strict: options.strict,
        threads: options.all_threads(),
        hand_over_from: options.hand_over_from,
        limits: options.limits,
        clock: options.clock.clone(),
    }
}
