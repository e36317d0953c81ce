//! Pairs of FROM PATTERN and MATCH_RECOGNIZE to trees.
//!
//! A pattern's pair is flat: elements and the connectors between them. `|` cuts it first, then the arrows, then `&`.

use crate::text::{Span, Spanned};

use super::ast::{
    AfterMatch, Arrow, BinaryOp, Expr, ExprKind, Inside, MatchRecognize, PartitionBy, PartitionKey, Pattern, PatternKind, Quantifier,
    RowPattern, RowPatternKind, RowsPerMatch, Step, Until, Within,
};
use super::codes;
use super::parse_grammar::{Deep, Pair, Read, Reader, Rule, Stop, all, find, has, inside_out, only, parts, start, the};
use super::scan::DEPTH_MAX;

impl Reader {
    /// The tree of a `pattern` pair.
    pub(super) fn pattern(&mut self, pair: &Pair<'_>) -> Read<Pattern> {
        self.deep_pattern(pair).map(|deep| deep.pattern)
    }

    /// Reads the groups inside first, then the pattern around them.
    fn deep_pattern(&mut self, pair: &Pair<'_>) -> Read<Deep<Pattern>> {
        if let Some(done) = self.done_patterns.remove(&start(pair)) {
            return Ok(done);
        }
        for inner in inside_out(pair, &[Rule::pattern], Rule::expr) {
            let deep = self.connect(&inner)?;
            self.done_patterns.insert(start(&inner), deep);
        }
        self.connect(pair)
    }

    /// Orders the elements and connectors of one pair.
    fn connect(&mut self, pair: &Pair<'_>) -> Read<Deep<Pattern>> {
        // Three lists, the tightest inside: operands of `&`, elements of the sequence, alternatives of `|`.
        let (mut both, mut elements, mut arrows, mut either) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for part in pair.clone().into_inner() {
            if part.as_rule() == Rule::element {
                both.push(self.element(&part)?);
                continue;
            }
            let arrow = match part.as_str() {
                "&" => continue,
                "|" => None,
                "->>" => Some(Arrow::Any),
                "->" => Some(Arrow::Next),
                _ => Some(Arrow::Strict),
            };
            elements.push(self.joined_by(std::mem::take(&mut both), PatternKind::Both)?);
            match arrow {
                Some(arrow) => arrows.push(Spanned::new(arrow, self.span(&part))),
                None => {
                    let sequence = std::mem::take(&mut arrows);
                    either.push(self.sequence(std::mem::take(&mut elements), sequence)?);
                }
            }
        }
        elements.push(self.joined_by(both, PatternKind::Both)?);
        either.push(self.sequence(elements, arrows)?);
        self.joined_by(either, PatternKind::Either)
    }

    fn sequence(&mut self, elements: Vec<Deep<Pattern>>, arrows: Vec<Spanned<Arrow>>) -> Read<Deep<Pattern>> {
        self.joined_by(elements, |elements| PatternKind::Sequence { elements, arrows })
    }

    /// One pattern is itself, several are the given kind of them.
    fn joined_by(&mut self, list: Vec<Deep<Pattern>>, kind: impl FnOnce(Vec<Pattern>) -> PatternKind) -> Read<Deep<Pattern>> {
        let depth = list.iter().map(|deep| deep.depth).max().unwrap_or(0);
        let mut patterns: Vec<Pattern> = list.into_iter().map(|deep| deep.pattern).collect();
        match (patterns.len(), patterns.pop()) {
            (1, Some(pattern)) => Ok(Deep { pattern, depth }),
            (_, last) => {
                patterns.extend(last);
                let span = hull(patterns.iter().map(|pattern| pattern.span));
                self.deeper_pattern(depth, span).map(|depth| Deep { pattern: Pattern { kind: kind(patterns), span }, depth })
            }
        }
    }

    fn deeper_pattern(&mut self, below: u32, span: Span) -> Read<u32> {
        if below >= DEPTH_MAX {
            self.tell(codes::too_deep(span));
            return Err(Stop);
        }
        Ok(below + 1)
    }

    fn element(&mut self, pair: &Pair<'_>) -> Read<Deep<Pattern>> {
        let span = self.span(pair);
        if let Some(negated) = find(pair, Rule::negated) {
            let step = self.step(&the(&negated, Rule::step))?;
            let for_ = find(&negated, Rule::bound).map(|bound| self.expr(&bound)).transpose()?;
            return Ok(Deep { pattern: Pattern { kind: PatternKind::Not { step, for_ }, span }, depth: 0 });
        }
        let mut inner = match find(pair, Rule::step) {
            Some(step) => {
                let span = self.span(&step);
                Deep { pattern: Pattern { kind: PatternKind::Step(self.step(&step)?), span }, depth: 0 }
            }
            None => {
                let group = the(pair, Rule::pattern_group);
                let mut inner = self.deep_pattern(&only(&group))?;
                inner.pattern.span = self.span(&group);
                inner
            }
        };
        let Some(quantifier) = find(pair, Rule::quantifier) else { return Ok(inner) };
        inner.depth = self.deeper_pattern(inner.depth, span)?;
        let inside = find(pair, Rule::inside).map(|part| {
            let inside = if has(&part, Rule::kw_strict) { Inside::Strict } else { Inside::Any };
            Spanned::new(inside, self.span(&part))
        });
        let until = find(pair, Rule::until).map(|part| self.until(&part)).transpose()?;
        let kind = PatternKind::Repeat { inner: Box::new(inner.pattern), quantifier: self.quantifier(&quantifier), inside, until };
        Ok(Deep { pattern: Pattern { kind, span }, depth: inner.depth })
    }

    fn step(&mut self, pair: &Pair<'_>) -> Read<Step> {
        Ok(Step {
            stream: self.first_name(pair),
            condition: find(pair, Rule::step_condition).map(|part| self.inner_expr(&part)).transpose()?,
            alias: find(pair, Rule::step_alias).map(|part| self.name(&part.into_inner().last().expect("an alias has a name"))),
        })
    }

    fn until(&mut self, pair: &Pair<'_>) -> Read<Until> {
        let inner = only(pair);
        if inner.as_rule() == Rule::step { self.step(&inner).map(Until::Step) } else { self.expr(&inner).map(Until::Condition) }
    }

    /// The bounds that a `quantifier` pair spells.
    fn quantifier(&mut self, pair: &Pair<'_>) -> Quantifier {
        let (span, reluctant) = (self.span(pair), has(pair, Rule::reluctant));
        let (min, max) = match only(pair).as_str() {
            "+" => (1, None),
            "*" => (0, None),
            "?" => (0, Some(1)),
            _ => self.repeat_range(&only(pair)),
        };
        Quantifier { min, max, reluctant, span }
    }

    /// `{n}`, `{n,}`, `{n,m}`, `{,m}`
    fn repeat_range(&mut self, pair: &Pair<'_>) -> (u64, Option<u64>) {
        let (mut low, mut high, mut comma) = (None, None, false);
        for part in pair.clone().into_inner() {
            match part.as_rule() {
                Rule::comma => comma = true,
                Rule::whole if comma => high = Some(self.whole(&part)),
                Rule::whole => low = Some(self.whole(&part)),
                _ => {}
            }
        }
        (low.unwrap_or(0), if comma { high } else { low })
    }

    pub(super) fn partition_by(&mut self, pair: &Pair<'_>) -> Read<PartitionBy> {
        let keys = self.exprs(pair)?.into_iter().map(partition_key).collect();
        Ok(PartitionBy { keys, span: self.span(pair) })
    }

    /// The `AFTER MATCH` of a query or of MATCH_RECOGNIZE.
    pub(super) fn after_match(&mut self, pair: &Pair<'_>) -> AfterMatch {
        if has(pair, Rule::kw_restart) {
            return AfterMatch::Restart;
        }
        if has(pair, Rule::kw_consume) {
            return AfterMatch::Consume;
        }
        let skip = only(pair);
        match find(&skip, Rule::ident) {
            _ if skip.as_rule() == Rule::skip_past => AfterMatch::SkipPastLast,
            Some(name) if has(&skip, Rule::kw_first) => AfterMatch::SkipToFirst(self.name(&name)),
            Some(name) => AfterMatch::SkipToLast(self.name(&name)),
            None if has(&skip, Rule::kw_next) => AfterMatch::SkipToNext,
            None => AfterMatch::SkipToLastEvent,
        }
    }

    pub(super) fn match_recognize(&mut self, pair: &Pair<'_>) -> Read<MatchRecognize> {
        let mut spec = MatchRecognize {
            partition_by: find(pair, Rule::partition_by).map(|part| self.exprs(&part)).transpose()?.unwrap_or_default(),
            order_by: find(pair, Rule::order_by).map(|part| self.order_by(&part)).transpose()?.unwrap_or_default(),
            measures: Vec::new(),
            rows: find(pair, Rule::rows_per_match).map_or(RowsPerMatch::One, |part| rows_per_match(&part)),
            after_match: find(pair, Rule::mr_after).map(|part| Spanned::new(self.after_match(&part), self.span(&part))),
            seek: find(pair, Rule::seek).map(|part| self.span(&part)),
            pattern: self.row_pattern(&the(pair, Rule::row_pattern))?.pattern,
            within: find(pair, Rule::within).map(|part| self.match_within(&part)).transpose()?.flatten(),
            subsets: Vec::new(),
            defines: Vec::new(),
            span: self.span(&the(pair, Rule::kw_match_recognize)).to(self.span(&the(pair, Rule::mr_end))),
        };
        if let Some(measures) = find(pair, Rule::measures) {
            for measure in all(&measures, Rule::measure) {
                let name = find(&measure, Rule::ident).map(|part| self.name(&part));
                spec.measures.push((self.expr(&the(&measure, Rule::expr))?, name));
            }
        }
        if let Some(subsets) = find(pair, Rule::subsets) {
            for subset in all(&subsets, Rule::subset) {
                let mut names = self.names(&subset);
                let members = names.split_off(1);
                spec.subsets.extend(names.pop().map(|name| (name, members)));
            }
        }
        if let Some(defines) = find(pair, Rule::defines) {
            for define in all(&defines, Rule::define) {
                spec.defines.push((self.first_name(&define), self.expr(&the(&define, Rule::expr))?));
            }
        }
        Ok(spec)
    }

    fn match_within(&mut self, pair: &Pair<'_>) -> Read<Option<Within>> {
        if has(pair, Rule::kw_before) {
            self.tell(codes::sides_without_join(self.span(pair)));
            return Ok(None);
        }
        let bound = self.expr(&the(pair, Rule::bound))?;
        Ok(Some(if has(pair, Rule::kw_events) { Within::Events(bound) } else { Within::Time(bound) }))
    }

    /// Reads the groups inside first, then the row pattern around them.
    fn row_pattern(&mut self, pair: &Pair<'_>) -> Read<Deep<RowPattern>> {
        if let Some(done) = self.done_rows.remove(&start(pair)) {
            return Ok(done);
        }
        for inner in inside_out(pair, &[Rule::row_pattern], Rule::expr) {
            let deep = self.row_terms(&inner)?;
            self.done_rows.insert(start(&inner), deep);
        }
        self.row_terms(pair)
    }

    fn row_terms(&mut self, pair: &Pair<'_>) -> Read<Deep<RowPattern>> {
        let (mut terms, mut either) = (Vec::new(), Vec::new());
        for part in pair.clone().into_inner() {
            if part.as_rule() == Rule::row_term {
                terms.push(self.row_term(&part)?);
            } else {
                either.push(self.rows_joined_by(std::mem::take(&mut terms), RowPatternKind::Concat)?);
            }
        }
        either.push(self.rows_joined_by(terms, RowPatternKind::Concat)?);
        self.rows_joined_by(either, RowPatternKind::Either)
    }

    /// One row pattern is itself, several are the given kind of them.
    fn rows_joined_by(&mut self, list: Vec<Deep<RowPattern>>, kind: fn(Vec<RowPattern>) -> RowPatternKind) -> Read<Deep<RowPattern>> {
        let depth = list.iter().map(|deep| deep.depth).max().unwrap_or(0);
        let mut patterns: Vec<RowPattern> = list.into_iter().map(|deep| deep.pattern).collect();
        match (patterns.len(), patterns.pop()) {
            (1, Some(pattern)) => Ok(Deep { pattern, depth }),
            (_, last) => {
                patterns.extend(last);
                let span = hull(patterns.iter().map(|pattern| pattern.span));
                self.deeper_pattern(depth, span).map(|depth| Deep { pattern: RowPattern { kind: kind(patterns), span }, depth })
            }
        }
    }

    fn row_term(&mut self, pair: &Pair<'_>) -> Read<Deep<RowPattern>> {
        let inner = self.row_primary(&only(pair))?;
        let Some(quantifier) = find(pair, Rule::quantifier) else { return Ok(inner) };
        let span = self.span(pair);
        let depth = self.deeper_pattern(inner.depth, span)?;
        let kind = RowPatternKind::Repeat(Box::new(inner.pattern), self.quantifier(&quantifier));
        Ok(Deep { pattern: RowPattern { kind, span }, depth })
    }

    fn row_primary(&mut self, pair: &Pair<'_>) -> Read<Deep<RowPattern>> {
        let span = self.span(pair);
        let plain = |kind| Ok(Deep { pattern: RowPattern { kind, span }, depth: 0 });
        match pair.as_rule() {
            Rule::ident => plain(RowPatternKind::Variable(self.name(pair))),
            Rule::row_empty => plain(RowPatternKind::Empty),
            Rule::row_start => plain(RowPatternKind::Start),
            Rule::row_end => plain(RowPatternKind::End),
            Rule::row_group => {
                let mut inner = self.row_pattern(&only(pair))?;
                inner.pattern.span = span;
                Ok(inner)
            }
            Rule::row_exclude => {
                let inner = self.row_pattern(&only(pair))?;
                let depth = self.deeper_pattern(inner.depth, span)?;
                Ok(Deep { pattern: RowPattern { kind: RowPatternKind::Exclude(Box::new(inner.pattern)), span }, depth })
            }
            _ => {
                let list = parts(pair).map(|part| self.row_pattern(&part)).collect::<Read<Vec<_>>>()?;
                let depth = list.iter().map(|deep| deep.depth).max().unwrap_or(0);
                let depth = self.deeper_pattern(depth, span)?;
                let kind = RowPatternKind::Permute(list.into_iter().map(|deep| deep.pattern).collect());
                Ok(Deep { pattern: RowPattern { kind, span }, depth })
            }
        }
    }
}

fn rows_per_match(pair: &Pair<'_>) -> RowsPerMatch {
    if has(pair, Rule::kw_one) {
        return RowsPerMatch::One;
    }
    match find(pair, Rule::empty_matches).map(|part| only(&part).as_rule()) {
        Some(Rule::omit_empty) => RowsPerMatch::AllOmitEmpty,
        Some(Rule::with_unmatched) => RowsPerMatch::AllWithUnmatched,
        _ => RowsPerMatch::AllShowEmpty,
    }
}

/// `a.x = b.y = c.z` is a list of equal keys. In the tree it leans left; a part in parentheses begins before its first operand, and is
/// then one key.
fn partition_key(expr: Expr) -> PartitionKey {
    let mut equal = Vec::new();
    let mut rest = expr;
    loop {
        match rest.kind {
            ExprKind::Binary(BinaryOp::Eq, _, left, right) if rest.span.start == left.span.start => {
                equal.push(*right);
                rest = *left;
            }
            kind => {
                let first = Expr { kind, span: rest.span };
                if equal.is_empty() {
                    return PartitionKey::Column(first);
                }
                equal.push(first);
                equal.reverse();
                return PartitionKey::Equal(equal);
            }
        }
    }
}

/// The smallest range that holds all.
fn hull(spans: impl Iterator<Item = Span>) -> Span {
    spans.reduce(Span::to).unwrap_or_default()
}
