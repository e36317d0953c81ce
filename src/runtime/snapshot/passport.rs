//! What program a snapshot is of, and how its parts are found in a program that may have others beside them.

use std::collections::BTreeSet;

use super::Restored;
use crate::operators::StreamStats;
use crate::plan::{Fingerprint, Fingerprints, OperatorGraph};

/// What is known of a program where its state is saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passport {
    /// The streams of the statements, in their order; an unnamed output has none.
    statements: Vec<Option<String>>,
    sources: Vec<SourcePart>,
    nodes: Vec<NodePart>,
    outputs: Vec<Fingerprint>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct SourcePart {
    name: String,
    fingerprint: Fingerprint,
    columns: Vec<String>,
    /// Which columns are decoded.
    needed: Vec<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct NodePart {
    statement: usize,
    fingerprint: Fingerprint,
    /// Whatever it reads.
    alone: Fingerprint,
}

crate::saved!(Passport { statements, sources, nodes, outputs });
crate::saved!(SourcePart { name, fingerprint, columns, needed });
crate::saved!(NodePart { statement, fingerprint, alone });

/// Where the parts of a snapshot are in the program that takes it up.
pub(super) struct Matched {
    pub(super) restored: Restored,
    /// Of each part of the snapshot, which one of the program it is.
    pub(super) sources: Vec<Option<usize>>,
    pub(super) nodes: Vec<Option<usize>>,
    pub(super) outputs: Vec<Option<usize>>,
}

impl Passport {
    /// Of a program whose statements make these streams.
    pub fn new(graph: &OperatorGraph, fingerprints: &Fingerprints, statements: Vec<Option<String>>) -> Self {
        let source = |(source, &fingerprint): (&crate::plan::SourceNode, &Fingerprint)| SourcePart {
            name: source.name.to_string(),
            fingerprint,
            columns: source.schema.fields().iter().map(|field| field.name.to_string()).collect(),
            needed: source.needed.clone(),
        };
        let nodes = graph.nodes().iter().zip(fingerprints.nodes.iter().zip(&fingerprints.alone));
        let nodes = nodes.map(|(node, (&fingerprint, &alone))| NodePart { statement: node.statement, fingerprint, alone });
        Self {
            statements,
            sources: graph.sources().iter().zip(&fingerprints.sources).map(source).collect(),
            nodes: nodes.collect(),
            outputs: fingerprints.outputs.clone(),
        }
    }

    /// How many sources there are.
    pub(super) fn sources(&self) -> usize {
        self.sources.len()
    }

    /// How many nodes there are.
    pub(super) fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// Columns that this program reads of events that wait, and that were not decoded when these came.
    pub(super) fn lacking(&self, saved: &Self, sources: &[Option<usize>], stats: &[StreamStats]) -> Vec<String> {
        let mut lacking = Vec::new();
        for (before, now) in saved.sources.iter().zip(sources) {
            let Some(now) = *now else { continue };
            let (now, waiting) = (&self.sources[now], stats[now].held);
            let columns = now.columns.iter().zip(now.needed.iter().zip(&before.needed));
            let new: Vec<&str> = columns.filter(|(_, (now, before))| **now && !**before).map(|(name, _)| name.as_str()).collect();
            if waiting > 0 && !new.is_empty() {
                let (name, new) = (&now.name, new.join("`, `"));
                lacking.push(format!("`{new}` of `{name}` is read now, and {waiting} events that wait have come without it"));
            }
        }
        lacking
    }

    fn name_of(&self, statement: usize) -> String {
        match self.statements.get(statement) {
            Some(Some(name)) => format!("`{name}`"),
            Some(None) | None => format!("the unnamed statement {}", statement + 1),
        }
    }

    /// The statements of nodes that are not among the others.
    fn statements_without(&self, found: &[bool], is_asked: impl Fn(&NodePart) -> bool) -> BTreeSet<usize> {
        let missing = self.nodes.iter().zip(found).filter(|(node, found)| !**found && is_asked(node));
        missing.map(|(node, _)| node.statement).collect()
    }
}

/// Finds the parts of a snapshot in a program, or says in what both differ.
pub(super) fn matched(saved: &Passport, now: &Passport) -> Result<Matched, Vec<String>> {
    let mut differences = Vec::new();
    let source = |before: &SourcePart| {
        let found = now.sources.iter().position(|source| source.name == before.name)?;
        let is_whole = before.needed.len() == before.columns.len() && now.sources[found].needed.len() == before.needed.len();
        if now.sources[found].fingerprint != before.fingerprint || !is_whole {
            differences.push(format!("the stream `{}` is defined otherwise", before.name));
        }
        Some(found)
    };
    let sources: Vec<Option<usize>> = saved.sources.iter().map(source).collect();
    let of_nodes = |passport: &Passport| passport.nodes.iter().map(|node| node.fingerprint).collect::<Vec<_>>();
    let nodes = in_turn(&of_nodes(saved), &of_nodes(now));
    let outputs = in_turn(&saved.outputs, &now.outputs);
    let found_before: Vec<bool> = nodes.iter().map(Option::is_some).collect();
    let mut found_now = vec![false; now.nodes.len()];
    nodes.iter().flatten().for_each(|&node| found_now[node] = true);
    differences.extend(changed(saved, now, &found_before, &found_now));
    if !nodes.iter().flatten().is_sorted() {
        differences.push("its statements stand in another order".to_owned());
    }
    if !differences.is_empty() {
        return Err(differences);
    }
    let names = |of: &Passport, statements: BTreeSet<usize>| statements.into_iter().map(|statement| of.name_of(statement)).collect();
    let restored = Restored {
        added: names(now, now.statements_without(&found_now, |_| true)),
        removed: names(saved, saved.statements_without(&found_before, |_| true)),
        tables_changed: Vec::new(),
    };
    Ok(Matched { restored, sources, nodes, outputs })
}

/// The statements that are there before and now, and do not do the same. One that only reads something else is not named where that is.
fn changed(saved: &Passport, now: &Passport, found_before: &[bool], found_now: &[bool]) -> Vec<String> {
    let key = |passport: &Passport, statement: usize| passport.statements.get(statement).cloned().flatten();
    let statements = |passport: &Passport, found: &[bool], others: &Passport| -> Vec<(Option<String>, usize, bool)> {
        let does_other = |node: &NodePart| !others.nodes.iter().any(|other| other.alone == node.alone);
        let own = passport.statements_without(found, does_other);
        let all = passport.statements_without(found, |_| true);
        all.into_iter().map(|statement| (key(passport, statement), statement, own.contains(&statement))).collect()
    };
    let before = statements(saved, found_before, now);
    let after = statements(now, found_now, saved);
    let is_there = |name: &Option<String>, among: &[(Option<String>, usize, bool)]| among.iter().any(|(other, ..)| other == name);
    let both: Vec<&(Option<String>, usize, bool)> = after.iter().filter(|(name, ..)| is_there(name, &before)).collect();
    let by_itself = both.iter().any(|(.., own)| *own);
    let told = both.into_iter().filter(|(.., own)| *own || !by_itself);
    told.map(|(_, statement, own)| {
        let name = now.name_of(*statement);
        if *own { format!("{name} does something else") } else { format!("{name} reads something else") }
    })
    .collect()
}

/// For each of these, the same one among the others; of several that are equal the first is the first, and so on.
fn in_turn(of: &[Fingerprint], among: &[Fingerprint]) -> Vec<Option<usize>> {
    let mut taken = vec![false; among.len()];
    of.iter()
        .map(|fingerprint| {
            let found = among.iter().zip(&taken).position(|(other, taken)| !taken && other == fingerprint)?;
            taken[found] = true;
            Some(found)
        })
        .collect()
}
