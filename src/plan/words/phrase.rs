//! The pattern of FROM PATTERN as a phrase: "3 or more Login `fail` where NOT ok, then a Login `success` where ok".

use super::Said;
use crate::spec::{Arrow, FollowUp, PatternNode, VariableId, Within};

/// Where a node stands in the whole pattern.
#[derive(Debug, Clone, Copy)]
struct At {
    start: bool,
    end: bool,
}

impl Said<'_> {
    pub(super) fn whole_pattern(&self) -> String {
        let all = if self.spec.mode == crate::spec::Mode::AllMatches { "every way to find " } else { "" };
        format!("{all}{}", self.phrase(&self.spec.root, At { start: true, end: true }))
    }

    fn phrase(&self, node: &PatternNode, at: At) -> String {
        match node {
            PatternNode::Step(id) => self.one(*id),
            PatternNode::Sequence(elements) => self.sequence(elements, at),
            PatternNode::Either(branches) => format!("either {}", self.each(branches, at).join(" or ")),
            PatternNode::Both(operands) => format!("{}, in any order", self.each(operands, at).join(" and ")),
            PatternNode::Repeat { inner, min, max, greedy, inside, until } => {
                let mut text = self.repeated(inner, *min, *max);
                match inside {
                    Arrow::Next => {}
                    Arrow::Strict => text += ", each right after the one before",
                    Arrow::Any => text += ", in every combination",
                }
                if !greedy {
                    text += ", as few as will do";
                }
                if let Some(until) = until {
                    text += &format!(", up to the first {}", self.noun(*until));
                }
                text
            }
            PatternNode::Not(id) => format!("no {}", self.noun(*id)),
            PatternNode::NotFor(id, duration) => format!("{duration} without a {}", self.noun(*id)),
            PatternNode::Empty => "nothing".to_owned(),
            PatternNode::PartitionStart => "the start".to_owned(),
            PatternNode::PartitionEnd => "the end".to_owned(),
            PatternNode::Permute(parts) => format!("{}, in any order", self.each(parts, at).join(" and ")),
            PatternNode::Exclude(inner) => self.phrase(inner, at),
        }
    }

    /// Alternatives or operands; what has parts stands in parentheses.
    fn each(&self, nodes: &[PatternNode], at: At) -> Vec<String> {
        nodes.iter().map(|node| self.grouped(node, at)).collect()
    }

    fn grouped(&self, node: &PatternNode, at: At) -> String {
        let text = self.phrase(node, at);
        match node {
            PatternNode::Step(_) | PatternNode::Not(_) | PatternNode::NotFor(..) => text,
            PatternNode::Repeat { inner, .. } if matches!(**inner, PatternNode::Step(_)) => text,
            _ => format!("({text})"),
        }
    }

    fn sequence(&self, elements: &[FollowUp], at: At) -> String {
        let mut text = String::new();
        let mut waiting = String::new();
        let mut is_first = true;
        for (index, element) in elements.iter().enumerate() {
            let here = At { start: at.start && is_first, end: at.end && index + 1 == elements.len() };
            let comma = if text.is_empty() { "" } else { ", " };
            match &element.node {
                PatternNode::Not(id) => {
                    waiting += &self.absence(*id, element.arrow, here, index + 1 == elements.len());
                    continue;
                }
                PatternNode::NotFor(id, duration) if here.start => {
                    waiting += &format!("no {} in the {duration} before, ", self.noun(*id));
                    continue;
                }
                node => {
                    let inner = match node {
                        PatternNode::Sequence(_) | PatternNode::Either(_) | PatternNode::Both(_) => self.grouped(node, here),
                        _ => self.phrase(node, here),
                    };
                    let connector = match element.arrow {
                        _ if is_first => "",
                        Arrow::Next => "then ",
                        Arrow::Any if matches!(node, PatternNode::Step(_)) => "then each later ",
                        Arrow::Any => "then, each later way, ",
                        Arrow::Strict => "directly followed by ",
                    };
                    let inner = match (element.arrow, node) {
                        (Arrow::Any, PatternNode::Step(id)) if !is_first => self.noun(*id),
                        _ => inner,
                    };
                    text += &format!("{comma}{}{}{connector}{inner}", waiting, if is_first && !waiting.is_empty() { "then " } else { "" });
                    waiting.clear();
                    is_first = false;
                }
            }
        }
        let comma = if text.is_empty() || waiting.is_empty() { "" } else { ", " };
        format!("{text}{comma}{}", waiting.trim_end_matches(", "))
    }

    /// A negation in a sequence, with a comma behind it.
    fn absence(&self, id: VariableId, arrow: Arrow, here: At, is_last: bool) -> String {
        let what = self.noun(id);
        if here.start {
            return match self.spec.within {
                Some(Within::Time(span)) => format!("no {what} in the {span} before, "),
                Some(Within::Events(count)) => format!("no {what} in the {} events before, ", count.saturating_sub(1)),
                None => format!("no {what} ever before, "),
            };
        }
        match (here.end, is_last, arrow) {
            (true, _, Arrow::Strict) => format!("the next event being no {what} until the window closes, "),
            (true, _, Arrow::Next | Arrow::Any) => format!("with no {what} until the window closes, "),
            (false, _, Arrow::Strict) => format!("the next event being no {what}, "),
            (false, true, Arrow::Next | Arrow::Any) => format!("with no {what} before what follows, "),
            (false, false, Arrow::Next | Arrow::Any) => format!("with no {what} in between, "),
        }
    }

    fn repeated(&self, inner: &PatternNode, min: u64, max: Option<u64>) -> String {
        let count = match (min, max) {
            (0, Some(1)) => "optionally ".to_owned(),
            (0, None) => "any number of ".to_owned(),
            (n, None) => format!("{} or more ", number(n)),
            (n, Some(m)) if n == m => format!("{} ", number(n)),
            (0, Some(m)) => format!("at most {} ", number(m)),
            (n, Some(m)) => format!("{} to {} ", number(n), number(m)),
        };
        match inner {
            PatternNode::Step(id) if (min, max) == (0, Some(1)) => format!("optionally {}", self.one(*id)),
            PatternNode::Step(id) => format!("{count}{}", self.noun(*id)),
            inner => {
                let text = self.phrase(inner, At { start: false, end: false });
                if (min, max) == (0, Some(1)) { format!("optionally ({text})") } else { format!("{count}times ({text})") }
            }
        }
    }

    /// "a Login `fail` where NOT ok"
    fn one(&self, id: VariableId) -> String {
        let noun = self.noun(id);
        let article = if noun.starts_with(['A', 'E', 'I', 'O', 'a', 'e', 'i', 'o']) { "an" } else { "a" };
        format!("{article} {noun}")
    }

    /// "Login `fail` where NOT ok"
    pub(super) fn noun(&self, id: VariableId) -> String {
        let variable = self.variable(id);
        let stream = &self.names[variable.input];
        let mut text = stream.to_string();
        if *stream != variable.name {
            text += &format!(" `{}`", variable.name);
        }
        if let Some(terms) = self.terms_of(id) {
            text += &format!(" where {terms}");
        }
        if !variable.checks_after_first.is_empty() {
            let terms: Vec<String> = variable.checks_after_first.iter().map(|term| self.term(term, Some(id))).collect();
            let and = if text.contains(" where ") { " and, from the second on," } else { " where, from the second on," };
            text += &format!("{and} {}", terms.join(" AND "));
        }
        text
    }
}

fn number(n: u64) -> String {
    const WORDS: [&str; 11] = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
    usize::try_from(n).ok().and_then(|n| WORDS.get(n)).map_or_else(|| n.to_string(), |word| (*word).to_owned())
}
