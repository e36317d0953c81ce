//! How a program's state grows, and about how much that is for a load that somebody tells.

use std::collections::BTreeMap;

use super::Engine;
use crate::plan::{self, class_of, kind_text};
pub use crate::plan::{Estimate, Load};

/// How the state of a program grows.
#[derive(Debug, Clone, PartialEq)]
pub struct ProgramState {
    /// Of each statement that has operators, in the order of the text.
    pub statements: Vec<StatementState>,
    /// Events that wait for the watermark, by the name of their source; with a load alone.
    pub waiting: Vec<(String, Estimate)>,
}

/// How the state of a statement grows.
#[derive(Debug, Clone, PartialEq)]
pub struct StatementState {
    /// What messages call it: its name, or which unnamed statement it is.
    pub title: String,
    /// The line at which it begins.
    pub line: usize,
    /// The worst of its operators: `O(1)`, `O(keys)`, `O(window)`, `O(window × steps)` or `unbounded`.
    pub class: &'static str,
    /// Its operators.
    pub operators: Vec<OperatorState>,
}

/// How the state of an operator grows.
#[derive(Debug, Clone, PartialEq)]
pub struct OperatorState {
    /// What `explain` and `stats` call it: `1 pattern`.
    pub name: String,
    /// Its class.
    pub class: &'static str,
    /// What it comes to hold; with a load alone, and where it holds anything.
    pub estimate: Option<Estimate>,
}

impl ProgramState {
    /// Bytes of all that is held, about.
    pub fn bytes(&self) -> f64 {
        let operators = self.statements.iter().flat_map(|statement| &statement.operators).filter_map(|operator| operator.estimate);
        operators.chain(self.waiting.iter().map(|(_, waiting)| *waiting)).map(|estimate| estimate.bytes).sum()
    }
}

impl Engine {
    /// How the state of each statement grows and, for a load, about how much is held of a full window: events of each stream come evenly, keys
    /// are evenly spread, every condition holds and nothing is late. Bytes are those that operators tell of themselves in [`Engine::stats`].
    ///
    /// ```
    /// use betide::Engine;
    /// use betide::engine::Load;
    ///
    /// let program = "CREATE STREAM Payment (card STRING, at TIMESTAMP) TIMESTAMP BY at;
    ///     SELECT card, COUNT(*) AS n FROM Payment WINDOW TUMBLING 1 hour GROUP BY card;";
    /// let load = Load { rate: Some(100.0), keys: Some(5000.0), ..Load::default() };
    /// let state = Engine::compile(program)?.state(Some(&load));
    /// assert_eq!(state.statements[0].class, "O(window)");
    /// assert!(state.bytes() > 1e6 && state.bytes() < 3e6);
    /// # Ok::<(), betide::Error>(())
    /// ```
    pub fn state(&self, load: Option<&Load>) -> ProgramState {
        let (waiting, held) = load.map(|load| plan::estimate(&self.graph, load)).unwrap_or_default();
        let names: Vec<Option<String>> = self.statement_names().collect();
        let lines: Vec<usize> = self.source.lines_of(self.program.statements.iter().map(|statement| statement.span.start)).collect();
        let mut statements: BTreeMap<usize, (plan::StateClass, StatementState)> = BTreeMap::new();
        for (index, node) in self.graph.nodes().iter().enumerate() {
            let class = class_of(node);
            let operator = OperatorState {
                name: format!("{} {}", index + 1, kind_text(&node.spec)),
                class: class.text(),
                estimate: held.get(index).copied().flatten(),
            };
            let (worst, state) = statements.entry(node.statement).or_insert_with(|| {
                let title = super::ended::title(names.get(node.statement).and_then(|name| name.as_deref()), node.statement + 1);
                let line = lines.get(node.statement).copied().unwrap_or(1);
                (class, StatementState { title, line, class: class.text(), operators: Vec::new() })
            });
            *worst = class.max(*worst);
            state.class = worst.text();
            state.operators.push(operator);
        }
        let names = self.graph.sources().iter().map(|source| source.name.to_string());
        let waiting = names.zip(waiting).filter_map(|(name, waiting)| Some((name, waiting?))).collect();
        ProgramState { statements: statements.into_values().map(|(_, state)| state).collect(), waiting }
    }
}
