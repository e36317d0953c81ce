//! Pairs of queries to trees: SELECT, FROM a relation, and the clauses behind it.

use crate::text::{Diagnostic, Span, Spanned};

use super::ast::{
    From, Join, JoinKind, JoinWithin, Keys, Limit, Name, OrderItem, Overflow, Query, Relation, Runs, SelectItem, Suppress, Window,
    WindowKind, Within,
};
use super::codes;
use super::parse_grammar::{Pair, Read, Reader, Rule, all, find, folded, has, inside_out, only, parts, start, the};
use super::parse_statement::Once;

/// What `WITHIN` says, in all its forms.
enum WithinForm {
    Time(super::ast::Expr),
    Events(super::ast::Expr),
    BothSides(super::ast::Expr, super::ast::Expr),
}

impl Reader {
    /// The tree of a `query` pair: the queries that it reads from first, then itself.
    pub(super) fn query(&mut self, pair: &Pair<'_>) -> Read<Query> {
        if let Some(done) = self.done_queries.remove(&start(pair)) {
            return Ok(done);
        }
        for inner in inside_out(pair, &[Rule::query], Rule::expr) {
            let query = self.one_query(&inner)?;
            self.done_queries.insert(start(&inner), query);
        }
        self.one_query(pair)
    }

    fn one_query(&mut self, pair: &Pair<'_>) -> Read<Query> {
        let span = self.span(pair);
        let mut query = Query {
            with: self.with_list(pair)?,
            select_span: self.span(&the(pair, Rule::kw_select)),
            all_matches: find(pair, Rule::all_matches).map(|part| self.span(&part)),
            distinct: find(pair, Rule::select_distinct).map(|part| self.span(&part)),
            items: all(pair, Rule::select_item).map(|item| self.select_item(&item)).collect::<Read<_>>()?,
            from: match find(pair, Rule::from) {
                Some(from) => self.from(&from)?,
                None => From::Nothing(span),
            },
            filter: None,
            window: None,
            group_by: Vec::new(),
            having: None,
            partition_by: None,
            within: None,
            after_match: None,
            runs: None,
            keys: None,
            timeout_into: None,
            suppress: None,
            emit_every: None,
            order_by: Vec::new(),
            limit: None,
            span,
        };
        let mut once = Once::default();
        for clause in all(pair, Rule::clause) {
            let clause = only(&clause);
            let (rule, span) = (clause.as_rule(), self.span(&clause));
            if once.first(self, rule, span, clause_name(rule)) {
                self.clause(&mut query, &clause)?;
            }
        }
        Ok(query)
    }

    fn with_list(&mut self, pair: &Pair<'_>) -> Read<Vec<(Name, Query)>> {
        let Some(list) = find(pair, Rule::with_list) else { return Ok(Vec::new()) };
        all(&list, Rule::named_query).map(|named| Ok((self.first_name(&named), self.query(&only(&the(&named, Rule::subquery)))?))).collect()
    }

    fn select_item(&mut self, pair: &Pair<'_>) -> Read<SelectItem> {
        let Some(inner) = parts(pair).next() else { return Ok(SelectItem::All(self.span(pair))) };
        if inner.as_rule() == Rule::all_of {
            return Ok(SelectItem::AllOf(self.first_name(&inner)));
        }
        let expr = the(&inner, Rule::expr);
        Ok(SelectItem::Expr { expr: self.expr(&expr)?, alias: self.alias(&inner), text: folded(expr.as_str()) })
    }

    /// The name behind a direct `alias` part.
    fn alias(&self, pair: &Pair<'_>) -> Option<Name> {
        find(pair, Rule::alias).map(|alias| self.first_name(&alias))
    }

    fn from(&mut self, pair: &Pair<'_>) -> Read<From> {
        let inner = only(pair);
        if inner.as_rule() == Rule::from_pattern {
            let pattern = self.pattern(&the(&inner, Rule::pattern))?;
            return Ok(From::Pattern(Box::new(pattern), self.span(&inner)));
        }
        let joined = the(&inner, Rule::joined);
        let start = self.span(&inner);
        let mut left = self.joined(&joined)?;
        for join in all(&inner, Rule::join) {
            left = Relation::Join(Box::new(self.join(left, &join, start)?));
        }
        Ok(From::Relation(Box::new(left)))
    }

    /// A stream or subquery with its alias and its MATCH_RECOGNIZE.
    fn joined(&mut self, pair: &Pair<'_>) -> Read<Relation> {
        let alias = self.alias(pair);
        let input = match find(pair, Rule::subquery) {
            Some(sub) => Relation::Subquery { query: Box::new(self.query(&only(&sub))?), alias, span: self.span(&sub) },
            None => Relation::Stream { name: self.first_name(pair), alias },
        };
        let Some(part) = find(pair, Rule::match_recognize) else { return Ok(input) };
        Ok(Relation::MatchRecognize {
            input: Box::new(input),
            spec: Box::new(self.match_recognize(&part)?),
            alias: self.alias(&part),
            column_list: find(&part, Rule::column_list).map(|list| self.span(&list)),
        })
    }

    fn join(&mut self, left: Relation, pair: &Pair<'_>, start: Span) -> Read<Join> {
        let kind = the(pair, Rule::join_kind);
        let span = self.span(pair);
        let mut join = Join {
            kind: join_kind(&kind),
            kind_span: self.span(&kind),
            left,
            right: self.joined(&the(pair, Rule::joined))?,
            on: None,
            within: None,
            tolerance: None,
            span: Span::new(start.start, span.end),
        };
        let mut once = Once::default();
        for clause in all(pair, Rule::join_clause) {
            let clause = only(&clause);
            let (rule, span) = (clause.as_rule(), self.span(&clause));
            if !once.first(self, rule, span, clause_name(rule)) {
                continue;
            }
            match rule {
                Rule::join_on => join.on = Some(self.inner_expr(&clause)?),
                Rule::tolerance => join.tolerance = Some(self.inner_expr(&clause)?),
                _ => join.within = self.join_within(&clause)?,
            }
        }
        Ok(join)
    }

    fn within_form(&mut self, pair: &Pair<'_>) -> Read<WithinForm> {
        let mut bounds = self.bounds(pair)?.into_iter();
        let first = bounds.next().expect("WITHIN has a bound");
        Ok(match bounds.next() {
            Some(second) => WithinForm::BothSides(first, second),
            None if has(pair, Rule::kw_events) => WithinForm::Events(first),
            None => WithinForm::Time(first),
        })
    }

    fn join_within(&mut self, pair: &Pair<'_>) -> Read<Option<JoinWithin>> {
        let span = self.span(pair);
        Ok(match self.within_form(pair)? {
            WithinForm::Time(both) => Some(JoinWithin { before: both.clone(), after: both, span }),
            WithinForm::BothSides(before, after) => Some(JoinWithin { before, after, span }),
            WithinForm::Events(_) => {
                let wrong = Diagnostic::error(codes::MISPLACED, span, "a join is bounded by time, not by a number of events");
                self.tell(wrong.label("a number of events").hint("write a length of time, as in `WITHIN 10 minutes`"));
                None
            }
        })
    }

    /// `WITHIN` as a clause of the query: that of a pattern, or of the last join where other clauses came between.
    fn query_within(&mut self, query: &mut Query, pair: &Pair<'_>) -> Read<()> {
        if let From::Relation(relation) = &mut query.from
            && let Relation::Join(join) = relation.as_mut()
            && join.within.is_none()
        {
            join.within = self.join_within(pair)?;
            return Ok(());
        }
        let span = self.span(pair);
        match self.within_form(pair)? {
            WithinForm::Time(length) => query.within = Some(Within::Time(length)),
            WithinForm::Events(count) => query.within = Some(Within::Events(count)),
            WithinForm::BothSides(..) => self.tell(codes::sides_without_join(span)),
        }
        Ok(())
    }

    fn clause(&mut self, query: &mut Query, pair: &Pair<'_>) -> Read<()> {
        let span = self.span(pair);
        match pair.as_rule() {
            Rule::where_clause => query.filter = Some(self.inner_expr(pair)?),
            Rule::window => query.window = Some(Window { kind: self.window(&only(&only(pair)))?, span }),
            Rule::group_by => query.group_by = self.exprs(pair)?,
            Rule::having => query.having = Some(self.inner_expr(pair)?),
            Rule::partition_by => query.partition_by = Some(self.partition_by(pair)?),
            Rule::within => self.query_within(query, pair)?,
            Rule::after_match => query.after_match = Some(Spanned::new(self.after_match(pair), span)),
            Rule::runs => query.runs = Some(Spanned::new(self.runs(pair)?, span)),
            Rule::keys => {
                let (count, overflow) = (self.expr(&the(pair, Rule::bound))?, overflow(pair));
                query.keys = Some(Spanned::new(Keys { count, overflow }, span));
            }
            Rule::timeout_into => query.timeout_into = Some(self.first_name(pair)),
            Rule::suppress => {
                let duration = self.expr(&the(pair, Rule::bound))?;
                query.suppress = Some(Suppress { by: self.exprs(pair)?, duration, span });
            }
            Rule::emit_every => query.emit_every = Some(self.inner_expr(pair)?),
            Rule::order_by => query.order_by = self.order_by(pair)?,
            _ => query.limit = Some(Limit { count: self.inner_expr(pair)?, per_partition: has(pair, Rule::kw_per), span }),
        }
        Ok(())
    }

    fn runs(&mut self, pair: &Pair<'_>) -> Read<Runs> {
        Ok(match find(pair, Rule::bound) {
            Some(count) => {
                let overflow = overflow(pair);
                Runs::Count(self.expr(&count)?, overflow)
            }
            None if has(pair, Rule::kw_all) => Runs::All,
            None => Runs::Latest,
        })
    }

    /// The items of an `order_by` pair.
    pub(super) fn order_by(&mut self, pair: &Pair<'_>) -> Read<Vec<OrderItem>> {
        let item = |item: Pair<'_>| {
            Ok(OrderItem {
                expr: self.expr(&the(&item, Rule::expr))?,
                descending: has(&item, Rule::kw_desc),
                nulls_first: find(&item, Rule::nulls).map(|nulls| has(&nulls, Rule::kw_first)),
                span: self.span(&item),
            })
        };
        all(pair, Rule::order_item).map(item).collect()
    }

    fn window(&mut self, pair: &Pair<'_>) -> Read<WindowKind> {
        let mut bounds = self.bounds(pair)?.into_iter();
        let size = bounds.next().expect("every window has a size");
        let offset = find(pair, Rule::offset).map(|part| self.inner_expr(&part)).transpose()?;
        let zone = find(pair, Rule::zone).map(|part| self.string(&only(&part)));
        Ok(match pair.as_rule() {
            Rule::tumbling => WindowKind::Tumbling { size, offset, zone },
            Rule::hopping => WindowKind::Hopping { size, every: bounds.next().expect("HOPPING has a step"), offset, zone },
            Rule::sliding => WindowKind::Sliding { size },
            Rule::session => WindowKind::Session { gap: size, max: bounds.next() },
            Rule::rows => WindowKind::Rows(size),
            _ => WindowKind::LastRows(size),
        })
    }
}

fn overflow(pair: &Pair<'_>) -> Overflow {
    match find(pair, Rule::on_overflow) {
        None => Overflow::Refuse,
        Some(part) if has(&part, Rule::kw_error) => Overflow::Error,
        Some(_) => Overflow::DropOldest,
    }
}

/// What a clause is called where it is told of.
fn clause_name(rule: Rule) -> &'static str {
    match rule {
        Rule::where_clause => "`WHERE`",
        Rule::window => "`WINDOW`",
        Rule::group_by => "`GROUP BY`",
        Rule::having => "`HAVING`",
        Rule::partition_by => "`PARTITION BY`",
        Rule::within => "`WITHIN`",
        Rule::after_match => "`AFTER MATCH`",
        Rule::runs => "`RUNS`",
        Rule::keys => "`KEYS`",
        Rule::timeout_into => "`TIMEOUT INTO`",
        Rule::suppress => "`SUPPRESS`",
        Rule::emit_every => "`EMIT EVERY`",
        Rule::order_by => "`ORDER BY`",
        Rule::limit => "`LIMIT`",
        Rule::join_on => "`ON`",
        Rule::tolerance => "`TOLERANCE`",
        _ => "this clause",
    }
}

fn join_kind(pair: &Pair<'_>) -> JoinKind {
    let left = has(pair, Rule::kw_left);
    match () {
        () if has(pair, Rule::kw_asof) && left => JoinKind::LeftAsOf,
        () if has(pair, Rule::kw_asof) => JoinKind::AsOf,
        () if left => JoinKind::Left,
        () if has(pair, Rule::kw_right) => JoinKind::Right,
        () if has(pair, Rule::kw_full) => JoinKind::Full,
        () if has(pair, Rule::kw_semi) => JoinKind::Semi,
        () if has(pair, Rule::kw_anti) => JoinKind::Anti,
        () => JoinKind::Inner,
    }
}
