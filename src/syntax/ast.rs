//! The tree of a program: plain data, a span on every node that a diagnostic may point at, no meaning.

use crate::text::{Span, Spanned};

/// An identifier as written (quotes removed).
pub type Name = Spanned<String>;

/// A program.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct File {
    /// Its statements in order.
    pub statements: Vec<Statement>,
}

/// A statement with its place, from its first word up to, without, its `;`.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// What it says.
    pub kind: StatementKind,
    /// Where it stands.
    pub span: Span,
}

/// What a statement says.
#[derive(Debug, Clone, PartialEq)]
pub enum StatementKind {
    /// `SET name = literal`
    Set {
        /// The parameter, without `$`.
        name: Name,
        /// Its default: a literal expression.
        value: Expr,
    },
    /// `CREATE STREAM name (columns) …`
    CreateSource(CreateSource),
    /// `CREATE STREAM name AS query`
    CreateStream {
        /// The stream's name.
        name: Name,
        /// What it is.
        query: Query,
    },
    /// `CREATE TABLE name (columns) WITH (…)`
    CreateTable {
        /// The table's name.
        name: Name,
        /// Its columns.
        columns: Vec<ColumnDef>,
        /// `TIMESTAMP BY column`
        time_by: Option<Vec<Name>>,
        /// `WITH (key = value)`
        options: Vec<(Name, Expr)>,
    },
    /// `CREATE TABLE name AS query`
    CreateView {
        /// The view's name.
        name: Name,
        /// What it is.
        query: Query,
    },
    /// `INSERT INTO name query`
    Insert {
        /// The stream that the rows go to.
        into: Name,
        /// Where they come from.
        query: Query,
    },
    /// A bare query: an unnamed output.
    Query(Query),
}

/// `CREATE STREAM name (columns) clauses`
#[derive(Debug, Clone, PartialEq)]
pub struct CreateSource {
    /// The stream's name.
    pub name: Name,
    /// Its columns.
    pub columns: Vec<ColumnDef>,
    /// `TIMESTAMP BY at` or `TIMESTAMP BY (at, seq)`: the event-time column, then the tie-breakers.
    pub time_by: Option<Vec<Name>>,
    /// `DELAY d`
    pub delay: Option<Expr>,
    /// `IDLE AFTER d`
    pub idle_after: Option<Expr>,
    /// `LATE INTO name`
    pub late_into: Option<Name>,
    /// `AHEAD d`
    pub ahead: Option<Expr>,
    /// `WHEN condition`
    pub when: Option<Expr>,
    /// `WITH (key = value, …)`
    pub options: Vec<(Name, Expr)>,
}

/// A column of a source stream or table.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnDef {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub data_type: TypeName,
    /// `NOT NULL`
    pub not_null: bool,
    /// `PRIMARY KEY` (tables)
    pub primary_key: bool,
    /// `FROM 'a.b.c'`: the path of the value in the event.
    pub path: Option<Spanned<String>>,
    /// `DEFAULT expr`
    pub default: Option<Expr>,
    /// The whole definition.
    pub span: Span,
}

/// A type as written.
#[derive(Debug, Clone, PartialEq)]
pub struct TypeName {
    /// Which type.
    pub kind: TypeKind,
    /// Where.
    pub span: Span,
}

/// The types that can be written.
#[derive(Debug, Clone, PartialEq)]
pub enum TypeKind {
    /// A plain name: `INT`, `VARCHAR`, … in upper case. The checker knows which exist.
    Plain(String),
    /// `VARCHAR(n)`, `CHAR(n)`, `CHARACTER(n)`: the name in upper case, and the length.
    Text(String, u32),
    /// `DECIMAL(p, s)`; `DECIMAL(p)` has scale 0.
    Decimal(u32, u32),
    /// `TIMESTAMP(s | ms | us | ns)`
    TimestampUnit(Spanned<String>),
    /// `TIMESTAMP FORMAT '…'`
    TimestampFormat(Spanned<String>),
    /// `LIST<T>`
    List(Box<TypeName>),
    /// `STRUCT<name T, …>`
    Struct(Vec<(Name, TypeName)>),
}

/// A query: `[WITH name AS (query), …] SELECT … FROM … clauses`.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// `WITH name AS (query)`, in order.
    pub with: Vec<(Name, Query)>,
    /// The place of the word `SELECT`.
    pub select_span: Span,
    /// `SELECT ALL MATCHES`
    pub all_matches: Option<Span>,
    /// `SELECT DISTINCT` (read so that it can be refused with a hint).
    pub distinct: Option<Span>,
    /// The output columns.
    pub items: Vec<SelectItem>,
    /// `FROM …`
    pub from: From,
    /// `WHERE cond`
    pub filter: Option<Expr>,
    /// `WINDOW …`
    pub window: Option<Window>,
    /// `GROUP BY …`
    pub group_by: Vec<Expr>,
    /// `HAVING cond`
    pub having: Option<Expr>,
    /// `PARTITION BY …` of a pattern.
    pub partition_by: Option<PartitionBy>,
    /// `WITHIN …` of a pattern (that of a join stands in the join).
    pub within: Option<Within>,
    /// `AFTER MATCH …`
    pub after_match: Option<Spanned<AfterMatch>>,
    /// `RUNS …`
    pub runs: Option<Spanned<Runs>>,
    /// `KEYS n ON OVERFLOW …`
    pub keys: Option<Spanned<Keys>>,
    /// `TIMEOUT INTO name`
    pub timeout_into: Option<Name>,
    /// `SUPPRESS BY cols FOR d`
    pub suppress: Option<Suppress>,
    /// `EMIT EVERY d`
    pub emit_every: Option<Expr>,
    /// `ORDER BY …`
    pub order_by: Vec<OrderItem>,
    /// `LIMIT n [PER PARTITION]`
    pub limit: Option<Limit>,
    /// The whole query.
    pub span: Span,
}

/// One output column.
#[derive(Debug, Clone, PartialEq)]
pub enum SelectItem {
    /// `*`
    All(Span),
    /// `v.*`
    AllOf(Name),
    /// `expr [AS name]`. `text` is the expression as written: the column's name where nothing better names it.
    Expr {
        /// What it computes.
        expr: Expr,
        /// `AS name`
        alias: Option<Name>,
        /// As written, white space folded to single blanks.
        text: String,
    },
}

/// What a query reads.
#[derive(Debug, Clone, PartialEq)]
pub enum From {
    /// No FROM at all (read so that it can be refused).
    Nothing(Span),
    /// A stream, or joins of them from left to right.
    Relation(Box<Relation>),
    /// `PATTERN ( … )`
    Pattern(Box<Pattern>, Span),
}

/// A stream, a subquery, or a join.
#[derive(Debug, Clone, PartialEq)]
pub enum Relation {
    /// `name [AS] [alias]`
    Stream {
        /// Which.
        name: Name,
        /// Under which name.
        alias: Option<Name>,
    },
    /// `(query) [AS] alias`
    Subquery {
        /// The query.
        query: Box<Query>,
        /// Under which name.
        alias: Option<Name>,
        /// With its parentheses.
        span: Span,
    },
    /// `relation MATCH_RECOGNIZE ( … ) [AS] [alias]`
    MatchRecognize {
        /// What it reads.
        input: Box<Relation>,
        /// What it looks for.
        spec: Box<MatchRecognize>,
        /// Under which name.
        alias: Option<Name>,
        /// A column list behind the alias (read so that it can be refused).
        column_list: Option<Span>,
    },
    /// `left kind JOIN right …`
    Join(Box<Join>),
}

/// A join.
#[derive(Debug, Clone, PartialEq)]
pub struct Join {
    /// Which rows come out.
    pub kind: JoinKind,
    /// Where the kind is written (`LEFT JOIN`).
    pub kind_span: Span,
    /// The left side.
    pub left: Relation,
    /// The right side.
    pub right: Relation,
    /// `ON cond`
    pub on: Option<Expr>,
    /// `WITHIN d` or `WITHIN d BEFORE AND d AFTER`
    pub within: Option<JoinWithin>,
    /// `TOLERANCE d` of an ASOF join.
    pub tolerance: Option<Expr>,
    /// The whole join.
    pub span: Span,
}

/// Kinds of joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JoinKind {
    /// `JOIN`, `INNER JOIN`
    Inner,
    /// `LEFT [OUTER] JOIN`
    Left,
    /// `RIGHT [OUTER] JOIN`
    Right,
    /// `FULL [OUTER] JOIN`
    Full,
    /// `SEMI JOIN`
    Semi,
    /// `ANTI JOIN`
    Anti,
    /// `ASOF JOIN`
    AsOf,
    /// `LEFT ASOF JOIN`
    LeftAsOf,
}

/// The time bound of a join.
#[derive(Debug, Clone, PartialEq)]
pub struct JoinWithin {
    /// How long before the left row the right one may lie (for the symmetric form both are the same).
    pub before: Expr,
    /// How long after.
    pub after: Expr,
    /// The whole clause.
    pub span: Span,
}

/// `WINDOW …`
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Which window.
    pub kind: WindowKind,
    /// The whole clause.
    pub span: Span,
}

/// Kinds of windows.
#[derive(Debug, Clone, PartialEq)]
pub enum WindowKind {
    /// `TUMBLING size [OFFSET d] [IN 'zone']`
    Tumbling {
        /// Length.
        size: Expr,
        /// Shift of the alignment.
        offset: Option<Expr>,
        /// Time zone of the calendar that days and longer are aligned to.
        zone: Option<Spanned<String>>,
    },
    /// `HOPPING size EVERY step [OFFSET d] [IN 'zone']`
    Hopping {
        /// Length.
        size: Expr,
        /// Distance of the starts.
        every: Expr,
        /// Shift of the alignment.
        offset: Option<Expr>,
        /// Time zone of the calendar.
        zone: Option<Spanned<String>>,
    },
    /// `SLIDING size`
    Sliding {
        /// How far back.
        size: Expr,
    },
    /// `SESSION gap [MAX d]`
    Session {
        /// Longest gap inside.
        gap: Expr,
        /// Longest session.
        max: Option<Expr>,
    },
    /// `ROWS n`
    Rows(Expr),
    /// `LAST n ROWS`
    LastRows(Expr),
}

/// `PARTITION BY …`
#[derive(Debug, Clone, PartialEq)]
pub struct PartitionBy {
    /// The keys: each a single expression, or several that are equal (`a.x = b.y = c.z`).
    pub keys: Vec<PartitionKey>,
    /// The whole clause.
    pub span: Span,
}

/// One key of PARTITION BY.
#[derive(Debug, Clone, PartialEq)]
pub enum PartitionKey {
    /// An expression over columns that every stream of the pattern has.
    Column(Expr),
    /// `a.x = b.y = c.z`: one expression a stream or variable.
    Equal(Vec<Expr>),
}

/// `WITHIN d` or `WITHIN n EVENTS`
#[derive(Debug, Clone, PartialEq)]
pub enum Within {
    /// A length of time.
    Time(Expr),
    /// A number of events.
    Events(Expr),
}

/// `AFTER MATCH …`
#[derive(Debug, Clone, PartialEq)]
pub enum AfterMatch {
    /// `SKIP PAST LAST EVENT`
    SkipPastLast,
    /// `SKIP TO LAST EVENT`
    SkipToLastEvent,
    /// `SKIP TO NEXT EVENT`
    SkipToNext,
    /// `SKIP TO FIRST v`
    SkipToFirst(Name),
    /// `SKIP TO LAST v`, and in MATCH_RECOGNIZE `SKIP TO v`
    SkipToLast(Name),
    /// `RESTART`
    Restart,
    /// `CONSUME`
    Consume,
}

/// `RUNS …`
#[derive(Debug, Clone, PartialEq)]
pub enum Runs {
    /// `RUNS ALL`
    All,
    /// `RUNS LATEST`
    Latest,
    /// `RUNS n [ON OVERFLOW …]`
    Count(Expr, Overflow),
}

/// `KEYS n ON OVERFLOW …`
#[derive(Debug, Clone, PartialEq)]
pub struct Keys {
    /// How many.
    pub count: Expr,
    /// What happens at one more; never [`Overflow::Refuse`].
    pub overflow: Overflow,
}

/// What happens where a run, or a key, would be one too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overflow {
    /// Nothing is written: it does not begin.
    Refuse,
    /// `ON OVERFLOW DROP OLDEST`
    DropOldest,
    /// `ON OVERFLOW ERROR`
    Error,
}

/// `SUPPRESS BY cols FOR d`
#[derive(Debug, Clone, PartialEq)]
pub struct Suppress {
    /// Output columns (or expressions over them).
    pub by: Vec<Expr>,
    /// How long.
    pub duration: Expr,
    /// The whole clause.
    pub span: Span,
}

/// `expr [ASC | DESC] [NULLS FIRST | LAST]`
#[derive(Debug, Clone, PartialEq)]
pub struct OrderItem {
    /// What to order by.
    pub expr: Expr,
    /// `DESC`
    pub descending: bool,
    /// `NULLS FIRST` (true), `NULLS LAST` (false), or not said.
    pub nulls_first: Option<bool>,
    /// The whole item.
    pub span: Span,
}

/// `LIMIT n [PER PARTITION]`
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// How many.
    pub count: Expr,
    /// `PER PARTITION`
    pub per_partition: bool,
    /// The whole clause.
    pub span: Span,
}

/// A pattern of FROM PATTERN.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    /// What it is.
    pub kind: PatternKind,
    /// Where it stands.
    pub span: Span,
}

/// Forms of patterns.
#[derive(Debug, Clone, PartialEq)]
pub enum PatternKind {
    /// `Stream[cond] alias`
    Step(Step),
    /// `! Stream[cond] alias [FOR d]`, as an element of a sequence.
    Not {
        /// What must not come.
        step: Step,
        /// `FOR d`
        for_: Option<Expr>,
    },
    /// Elements and the arrows between them: `arrows[i]` stands before `elements[i + 1]`.
    Sequence {
        /// At least two.
        elements: Vec<Pattern>,
        /// One less than elements.
        arrows: Vec<Spanned<Arrow>>,
    },
    /// `a | b | …`
    Either(Vec<Pattern>),
    /// `a & b & …`
    Both(Vec<Pattern>),
    /// A step or group with a quantifier. A group without one is just its inner pattern.
    Repeat {
        /// What is repeated.
        inner: Box<Pattern>,
        /// How often.
        quantifier: Quantifier,
        /// `STRICT` or `ANY` inside the loop.
        inside: Option<Spanned<Inside>>,
        /// `UNTIL B` or `UNTIL (cond)`
        until: Option<Until>,
    },
}

/// A step: `Stream[cond] alias`.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The stream.
    pub stream: Name,
    /// The condition in brackets.
    pub condition: Option<Expr>,
    /// The alias; the stream's name where there is none.
    pub alias: Option<Name>,
}

/// Arrows between steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Arrow {
    /// `->`: what does not fit is skipped, the first that fits is taken.
    Next,
    /// `->>`: every one that fits, a match each.
    Any,
    /// `,`: the very next event.
    Strict,
}

/// `STRICT` and `ANY` behind a quantifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Inside {
    /// Inside the loop as by `,`.
    Strict,
    /// Inside the loop as by `->>`.
    Any,
}

/// A quantifier: `+ * ? {n} {n,} {n,m} {,m}` and a `?` for reluctant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantifier {
    /// At least.
    pub min: u64,
    /// At most; `None` is without bound.
    pub max: Option<u64>,
    /// Written with a `?` behind.
    pub reluctant: bool,
    /// The quantifier's characters.
    pub span: Span,
}

/// `UNTIL B` or `UNTIL (cond)`
#[derive(Debug, Clone, PartialEq)]
pub enum Until {
    /// A step.
    Step(Step),
    /// A condition over the loop's own event.
    Condition(Expr),
}

/// The inside of `MATCH_RECOGNIZE ( … )`
#[derive(Debug, Clone, PartialEq)]
pub struct MatchRecognize {
    /// `PARTITION BY …` (columns; an expression is refused by the checker)
    pub partition_by: Vec<Expr>,
    /// `ORDER BY …`
    pub order_by: Vec<OrderItem>,
    /// `MEASURES expr AS name`; a measure without a name is refused by the checker.
    pub measures: Vec<(Expr, Option<Name>)>,
    /// `ONE ROW PER MATCH`, `ALL ROWS PER MATCH …`
    pub rows: RowsPerMatch,
    /// `AFTER MATCH SKIP …`
    pub after_match: Option<Spanned<AfterMatch>>,
    /// `INITIAL` or `SEEK` before PATTERN (read so that it can be refused)
    pub seek: Option<Span>,
    /// `PATTERN ( … )`
    pub pattern: RowPattern,
    /// `WITHIN …`
    pub within: Option<Within>,
    /// `SUBSET u = (v, …)`
    pub subsets: Vec<(Name, Vec<Name>)>,
    /// `DEFINE v AS cond`
    pub defines: Vec<(Name, Expr)>,
    /// From `MATCH_RECOGNIZE` to its closing parenthesis.
    pub span: Span,
}

/// Which rows a match of MATCH_RECOGNIZE gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowsPerMatch {
    /// `ONE ROW PER MATCH`
    One,
    /// `ALL ROWS PER MATCH [SHOW EMPTY MATCHES]`
    AllShowEmpty,
    /// `ALL ROWS PER MATCH OMIT EMPTY MATCHES`
    AllOmitEmpty,
    /// `ALL ROWS PER MATCH WITH UNMATCHED ROWS`
    AllWithUnmatched,
}

/// A row pattern of MATCH_RECOGNIZE.
#[derive(Debug, Clone, PartialEq)]
pub struct RowPattern {
    /// What it is.
    pub kind: RowPatternKind,
    /// Where it stands.
    pub span: Span,
}

/// Forms of row patterns.
#[derive(Debug, Clone, PartialEq)]
pub enum RowPatternKind {
    /// A variable.
    Variable(Name),
    /// `()`
    Empty,
    /// `^`
    Start,
    /// `$`
    End,
    /// `a b c`
    Concat(Vec<RowPattern>),
    /// `a | b`
    Either(Vec<RowPattern>),
    /// `PERMUTE(a, b, …)`
    Permute(Vec<RowPattern>),
    /// `{- a -}`
    Exclude(Box<RowPattern>),
    /// A pattern with a quantifier.
    Repeat(Box<RowPattern>, Quantifier),
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
}

/// Forms of expressions.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// `NULL`
    Null,
    /// `TRUE`, `FALSE`
    Bool(bool),
    /// `42`: fits 64 bits (without sign: `-9223372036854775808` is a negated [`ExprKind::BigInt`]).
    Int(i64),
    /// A whole number that does not fit 64 signed bits, as written without underscores.
    BigInt(String),
    /// `1.5`, `2e9`: as a float, and as written (for decimals).
    Float(f64, String),
    /// `'text'`
    String(String),
    /// `TIMESTAMP '…'`: the text between the quotes.
    Timestamp(Spanned<String>),
    /// `10 minutes`, `1h 30m`, `INTERVAL '10' MINUTE`: nanoseconds.
    Duration(i64),
    /// `$name`
    Parameter(String),
    /// `a`, `a.b`, `a.b.c`: the checker knows which part is a variable, a column, a field.
    Path(Vec<Name>),
    /// `v.*` as an argument.
    AllOf(Name),
    /// `*` as an argument (`COUNT(*)`).
    Star,
    /// `f(args)`
    Call(Call),
    /// `-a`, `+a`, `NOT a`
    Unary(UnaryOp, Box<Expr>),
    /// `a AND b AND …`: at least two, and as many as are written, so that long chains do not nest.
    And(Vec<Expr>),
    /// `a OR b OR …`: at least two.
    Or(Vec<Expr>),
    /// `a || b || …`: at least two.
    Concat(Vec<Expr>),
    /// `a op b`; chains are left-deep, and each link counts toward the depth limit.
    Binary(BinaryOp, Spanned<()>, Box<Expr>, Box<Expr>),
    /// `a IS [NOT] NULL`
    IsNull {
        /// What is tested.
        expr: Box<Expr>,
        /// `NOT`
        negated: bool,
    },
    /// `a IS [NOT] DISTINCT FROM b`
    IsDistinct {
        /// The left side.
        expr: Box<Expr>,
        /// The right side.
        from: Box<Expr>,
        /// `NOT`
        negated: bool,
    },
    /// `a IS [NOT] TRUE`, `a IS [NOT] FALSE`
    IsBool {
        /// What is tested.
        expr: Box<Expr>,
        /// TRUE or FALSE.
        value: bool,
        /// `NOT`
        negated: bool,
    },
    /// `a [NOT] IN (…)`
    In {
        /// What is looked for.
        expr: Box<Expr>,
        /// Among which.
        list: Vec<Expr>,
        /// `NOT`
        negated: bool,
    },
    /// `a [NOT] BETWEEN low AND high`
    Between {
        /// What is tested.
        expr: Box<Expr>,
        /// Inclusive.
        low: Box<Expr>,
        /// Inclusive.
        high: Box<Expr>,
        /// `NOT`
        negated: bool,
    },
    /// `a [NOT] LIKE pattern [ESCAPE c]`, `ILIKE`
    Like {
        /// What is tested.
        expr: Box<Expr>,
        /// The pattern.
        pattern: Box<Expr>,
        /// `ESCAPE`
        escape: Option<Box<Expr>>,
        /// `ILIKE`
        case_insensitive: bool,
        /// `NOT`
        negated: bool,
    },
    /// `CASE [operand] WHEN a THEN b … [ELSE c] END`
    Case {
        /// What is compared, in the simple form.
        operand: Option<Box<Expr>>,
        /// Conditions and results.
        branches: Vec<(Expr, Expr)>,
        /// `ELSE`
        otherwise: Option<Box<Expr>>,
    },
    /// `CAST(a AS T)`, `TRY_CAST(a AS T)`
    Cast {
        /// What is cast.
        expr: Box<Expr>,
        /// To which type.
        to: TypeName,
    },
    /// `EXTRACT(part FROM a)`
    Extract {
        /// Which part, as written.
        part: Name,
        /// Of what.
        expr: Box<Expr>,
    },
    /// `a AT TIME ZONE z`
    AtTimeZone {
        /// The timestamp.
        expr: Box<Expr>,
        /// The zone.
        zone: Box<Expr>,
    },
    /// `a[1]`
    Index {
        /// The list.
        expr: Box<Expr>,
        /// From 1.
        index: Box<Expr>,
    },
    /// `a.field` where a is not a plain path (`list[1].name`).
    Field {
        /// The struct.
        expr: Box<Expr>,
        /// Which field.
        name: Name,
    },
    /// A subquery in an expression (read so that it can be refused): the query, without parentheses around it.
    Subquery(Span),
}

/// A call, of a scalar function, an aggregate or a navigation.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The function's name as written.
    pub name: Name,
    /// Written in quotes (a quoted name is no function).
    pub quoted: bool,
    /// `RUNNING` or `FINAL` before it.
    pub mode: Option<Spanned<RunningOrFinal>>,
    /// `DISTINCT` before the arguments.
    pub distinct: Option<Span>,
    /// The arguments.
    pub args: Vec<Expr>,
    /// `ORDER BY` inside the parentheses (read so that it can be refused).
    pub order_by: Option<Span>,
    /// `FILTER (WHERE cond)`
    pub filter: Option<Box<Expr>>,
    /// `OVER (…)` (read so that it can be refused).
    pub over: Option<Span>,
}

/// Semantics of a navigation or aggregate in MEASURES.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunningOrFinal {
    /// `RUNNING`
    Running,
    /// `FINAL`
    Final,
}

/// Unary operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `-`
    Minus,
    /// `+`
    Plus,
    /// `NOT`
    Not,
}

/// Binary operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `=` (also `==`)
    Eq,
    /// `<>`, `!=`
    NotEq,
    /// `<`
    Less,
    /// `<=`
    LessEq,
    /// `>`
    Greater,
    /// `>=`
    GreaterEq,
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Mod,
}
