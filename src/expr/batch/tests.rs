//! Random expressions over random batches: the batch gives what its rows give, and counts as many NULLs.

use std::sync::Arc;

use super::*;
use crate::data::{DataType, Duration, Field, Place, Schema, Timestamp};
use crate::expr::BatchRow;
use crate::expr::functions::lookup;
use crate::expr::{CompareOp, SlotId};

/// A small generator (xorshift), so that a failure can be seen again by its seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }
}

fn types() -> Vec<DataType> {
    let list = DataType::List(Arc::new(DataType::Int));
    let pair = DataType::Struct(vec![Field::new("a", DataType::Int), Field::new("b", DataType::String)].into());
    vec![
        DataType::Bool,
        DataType::Int,
        DataType::Float,
        DataType::Decimal { precision: 10, scale: 2 },
        DataType::String,
        DataType::Timestamp,
        DataType::Duration,
        list,
        pair,
        DataType::Json,
        DataType::String,
    ]
}

fn value(random: &mut Random, data_type: &DataType) -> Value<'static> {
    if random.below(5) == 0 {
        return Value::Null;
    }
    let ints = [0, 1, -1, 2, 7, 1000, i64::MAX, i64::MIN, (1 << 53) + 1];
    match data_type {
        DataType::Null => Value::Null,
        DataType::Bool => Value::Bool(random.below(2) == 0),
        DataType::Int => Value::Int(random.pick(&ints)),
        DataType::Float => Value::Float(random.pick(&[0.0, -0.0, 1.0, 2.5, -7.0, 1e300, f64::NAN, f64::INFINITY, 9_007_199_254_740_992.0])),
        DataType::Decimal { .. } => Value::Decimal(random.pick(&["0.00", "1.25", "-3.50", "99999999.99"]).parse().unwrap()),
        DataType::String => Value::string(random.pick(&["", "a", "ab", "b%", "12", "2026-03-01", "1h", "äö"])),
        DataType::Timestamp => Value::Timestamp(Timestamp(random.pick(&ints))),
        DataType::Duration => Value::Duration(Duration(random.pick(&ints))),
        DataType::List(item) => Value::List((0..random.below(3)).map(|_| value(random, item)).collect()),
        DataType::Struct(fields) => Value::Struct(fields.iter().map(|f| value(random, &f.data_type)).collect()),
        DataType::Json => Value::Json(random.pick(&["{\"a\":1}", "[1]", "3", "\"x\"", "null"]).into()),
    }
}

fn batch(random: &mut Random) -> EventBatch {
    let len = random.pick(&[0, 1, 3, 64, 70]);
    let fields: Vec<Field> = types().into_iter().enumerate().map(|(i, t)| Field::new(format!("c{i}"), t)).collect();
    // Texts are plain, or codes of one dictionary or of one each.
    let kind = random.below(3);
    let mut shared = ColumnBuilder::interning(&DataType::String);
    let mut column = |f: &Field| {
        let mut own = ColumnBuilder::interning(&DataType::String);
        let builder = match kind {
            1 => &mut own,
            2 => &mut shared,
            _ => return Column::from_values(&f.data_type, (0..len).map(|_| value(random, &f.data_type))),
        };
        if f.data_type != DataType::String {
            return Column::from_values(&f.data_type, (0..len).map(|_| value(random, &f.data_type)));
        }
        (0..len).for_each(|_| builder.push(value(random, &f.data_type)));
        builder.finish()
    };
    let columns = fields.iter().map(&mut column).collect();
    let places: Vec<Place> = (0..len).map(|i| Place::event(Timestamp(0), i as u64 + 1)).collect();
    EventBatch::new(Arc::new(Schema::new(fields)), columns, places.into())
}

const FUNCTIONS: &str = "+ - * / % || ABS SIGN ROUND FLOOR SQRT LN POWER LENGTH LOWER SUBSTRING LEFT REPLACE POSITION CONTAINS CONCAT REGEXP_LIKE \
    LIKE NULLIF GREATEST LEAST IF COALESCE DATE_TRUNC EXTRACT TO_TIMESTAMP EPOCH_MS SECONDS HOUR [] CARDINALITY ARRAY_CONTAINS JSON_VALUE HASH MD5";

/// An expression that type-checks: of what was drawn, the first that does.
fn expr(random: &mut Random, depth: usize) -> Expr {
    let leaf = |random: &mut Random| {
        let at = random.below(types().len());
        let data_type = types()[at].clone();
        match random.below(3) {
            0 => Expr::typed_literal(value(random, &data_type), data_type),
            _ => Expr::slot(SlotId(u32::try_from(at).unwrap()), data_type),
        }
    };
    for _ in 0..8 {
        if depth == 0 {
            break;
        }
        let args: Vec<Expr> = (0..4).map(|_| expr(random, depth - 1)).collect();
        let [a, b, c, d] = <[Expr; 4]>::try_from(args).unwrap();
        let op =
            random.pick(&[CompareOp::Eq, CompareOp::NotEq, CompareOp::Less, CompareOp::LessEq, CompareOp::Greater, CompareOp::GreaterEq]);
        let names: Vec<&str> = FUNCTIONS.split_whitespace().collect();
        let built = match random.below(14) {
            0 | 1 => Expr::compare(op, a, b),
            2 => Expr::and(vec![a, b, c]),
            3 => Expr::or(vec![a, b, c]),
            4 => Expr::not(a),
            5 => Ok(Expr::is_null(a)),
            6 => Expr::is_bool(a, random.below(2) == 0),
            7 => Expr::in_list(a, vec![b, c, d]),
            8 => Expr::between(a, b, c),
            9 => Expr::case(None, vec![(a, b)], Some(c)),
            10 => Expr::cast(a, &random.pick(&types())),
            11 => Expr::field(a, "b"),
            _ => {
                let function = lookup(random.pick(&names)).unwrap();
                let count = function.arity().0.max(1) + random.below(2);
                Expr::call(function, [a, b, c, d].into_iter().take(count).collect())
            }
        };
        if let Ok(built) = built {
            return built;
        }
    }
    leaf(random)
}

fn same(a: &Value<'_>, b: &Value<'_>) -> bool {
    Expr::typed_literal(a.clone().into_owned(), DataType::Null) == Expr::typed_literal(b.clone().into_owned(), DataType::Null)
}

fn check(expr: &Expr, batch: &EventBatch, seed: u64) {
    let (by_batch, by_row) = (EvalContext::new(), EvalContext::new());
    let column = expr.eval_batch(batch, &by_batch);
    assert_eq!(column.len(), batch.len());
    assert_eq!(column.data_type(), *expr.data_type(), "seed {seed}: {expr:?}");
    let mut selected = Vec::new();
    for row in 0..batch.len() {
        let at = BatchRow { batch, row };
        let expected = expr.eval(&at, &by_row);
        assert!(same(&column.value(row), &expected), "seed {seed}, row {row}: {expr} is {expected:?}, not {:?}", column.value(row));
        if expected.is_true() {
            selected.push(u32::try_from(row).unwrap());
        }
    }
    assert_eq!(by_batch.nulls(), by_row.nulls(), "seed {seed}: NULLs made up by {expr}");
    assert_eq!(expr.select(batch, &EvalContext::new()), selected, "seed {seed}: {expr}");
}

#[test]
fn a_batch_gives_what_its_rows_give() {
    let mut calls = 0;
    for seed in 1..=700 {
        let mut random = Random(seed * 0x9e37_79b9);
        let batch = batch(&mut random);
        let expr = expr(&mut random, 3);
        calls += usize::from(!expr.args().is_empty());
        check(&expr, &batch, seed);
        check(&expr.fold(), &batch, seed);
        assert_eq!(expr, expr.map_slots(&|slot| slot));
    }
    assert!(calls > 400, "most are more than a column: {calls}");
}

#[test]
fn folding_changes_no_value() {
    for seed in 1..=200 {
        let mut random = Random(seed * 0x517c_c1b7);
        let batch = batch(&mut random);
        let expr = expr(&mut random, 3);
        let folded = expr.fold();
        for row in 0..batch.len() {
            let (a, b) = (EvalContext::new(), EvalContext::new());
            let row = BatchRow { batch: &batch, row };
            assert!(same(&expr.eval(&row, &a), &folded.eval(&row, &b)), "seed {seed}: {expr} as {folded}");
            assert_eq!(a.nulls(), b.nulls(), "seed {seed}: {expr} as {folded}");
        }
    }
}

/// What is kept of a condition from batch to batch is what it is.
#[test]
fn conditions_over_codes_are_kept_from_batch_to_batch() {
    let text = Expr::slot(SlotId(0), DataType::String);
    let schema = Arc::new(Schema::new(vec![Field::new("t", DataType::String)]));
    let call = |name: &str, args: Vec<Expr>| Expr::call(lookup(name).unwrap(), args).unwrap();
    let literal = |text: &'static str| Expr::literal(Value::string(text));
    let as_number = Expr::cast(text.clone(), &DataType::Int).unwrap();
    let conditions = [
        Expr::compare(CompareOp::Eq, text.clone(), literal("ab")).unwrap(),
        Expr::compare(CompareOp::Less, literal("ab"), text.clone()).unwrap(),
        call("LIKE", vec![text.clone(), literal("%b%")]),
        Expr::in_list(text.clone(), vec![literal("a"), literal("12")]).unwrap(),
        Expr::is_null(text.clone()),
        Expr::compare(CompareOp::Greater, as_number, Expr::literal(Value::Int(3))).unwrap(),
    ];
    let contexts: Vec<(EvalContext, EvalContext)> = conditions.iter().map(|_| Default::default()).collect();
    let mut builder = ColumnBuilder::interning(&DataType::String);
    let mut random = Random(77);
    for round in 0..40 {
        let rows = random.pick(&[3, 20, 100]);
        if round == 20 {
            builder = ColumnBuilder::interning(&DataType::String);
        }
        (0..rows).for_each(|_| builder.push(value(&mut random, &DataType::String)));
        let places: Vec<Place> = (0..rows).map(|i| Place::event(Timestamp(0), i as u64 + 1)).collect();
        let batch = EventBatch::new(schema.clone(), vec![builder.finish()], places.into());
        for (condition, (by_batch, by_row)) in conditions.iter().zip(&contexts) {
            let column = condition.eval_batch(&batch, by_batch);
            for row in 0..rows {
                let at = BatchRow { batch: &batch, row };
                let expected = condition.eval(&at, by_row);
                assert!(same(&column.value(row), &expected), "row {row} of round {round}: {condition}");
            }
            assert_eq!(by_batch.nulls(), by_row.nulls(), "round {round}: {condition}");
        }
    }
}

/// What AND and OR do not evaluate for a row makes up no NULL there.
#[test]
fn only_rows_that_are_evaluated_count() {
    let slot = |at: usize| Expr::slot(SlotId(u32::try_from(at).unwrap()), types()[at].clone());
    let call = |name: &str, args: Vec<Expr>| Expr::call(lookup(name).unwrap(), args).unwrap();
    let int = |v| Expr::literal(Value::Int(v));
    let greater = |a, b| Expr::compare(CompareOp::Greater, a, b).unwrap();
    for seed in 1..=100 {
        let mut random = Random(seed * 0x1234_5677);
        let batch = batch(&mut random);
        let terms = [
            greater(call("/", vec![int(7), slot(1)]), int(1)),
            greater(call("*", vec![slot(1), int(3)]), int(1)),
            greater(call("/", vec![slot(2), call("-", vec![slot(2), slot(2)])]), slot(2)),
            greater(call("+", vec![slot(5), slot(6)]), slot(5)),
            greater(call("LENGTH", vec![slot(4)]), Expr::cast(slot(4), &DataType::Int).unwrap()),
        ];
        let all = |terms: &[Expr]| {
            let mut with = vec![slot(0)];
            with.extend(terms.iter().cloned());
            [Expr::and(with.clone()).unwrap(), Expr::or(with).unwrap()]
        };
        for expr in all(&terms).into_iter().chain(terms.iter().flat_map(|term| all(std::slice::from_ref(term)))) {
            check(&expr, &batch, seed);
            check(&Expr::or(vec![slot(0), Expr::not(expr.clone()).unwrap(), expr]).unwrap(), &batch, seed);
        }
    }
}

#[test]
fn bits_are_those_of_their_values() {
    let mut random = Random(17);
    for len in 0..300 {
        let values: Vec<i64> = (0..len).map(|_| random.below(3) as i64).collect();
        let found = bits_of(&values, |value| value == 1);
        assert_eq!(found, BooleanBuffer::collect_bool(len, |row| values[row] == 1), "{len}");
    }
}
