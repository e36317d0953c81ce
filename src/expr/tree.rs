//! Typed expressions: what the checker builds and everything that runs evaluates.
//!
//! A node is a kind, its operands and its type; which operands a kind has is said at the kind. Nodes are made by the smart constructors of
//! `build.rs` alone, which check types and insert casts, so evaluation never meets a value of a type that it does not expect. Structure can
//! be compared and hashed, so that equal terms can be shared.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::functions::{Function, Kernel, Prepared, ScalarFunction};
use super::keyset::KeySet;
use crate::data::{DataType, Key, Value};

/// A value that the row provides: a column of a batch, or what the evaluator of a pattern says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotId(pub u32);

/// A typed expression.
#[derive(Clone)]
pub struct Expr {
    pub(super) kind: ExprKind,
    pub(super) args: Vec<Expr>,
    pub(super) data_type: DataType,
}

/// What a node does with its operands.
#[derive(Debug, Clone)]
pub enum ExprKind {
    /// A constant; no operands.
    Literal(Value<'static>),
    /// A value of the row; no operands.
    Slot(SlotId),
    /// A function or operator of the table on its arguments.
    Call(Call),
    /// A function that the user of the library brought.
    Custom(Arc<dyn ScalarFunction>),
    /// Two operands.
    Compare(CompareOp),
    /// Two operands or more; from left to right, up to the first FALSE.
    And,
    /// Two operands or more; from left to right, up to the first TRUE.
    Or,
    /// One operand.
    Not,
    /// One operand.
    IsNull,
    /// Whether two operands differ, where NULL is a value like others.
    IsDistinct,
    /// `IS TRUE`, `IS FALSE`; one operand.
    IsBool(bool),
    /// The value, then the items of the list. With a set, all items are constants in it.
    In(Option<Arc<KeySet>>),
    /// The value, the low end, the high end; both are inside.
    Between,
    /// Condition and result in turn, and the result of ELSE last.
    Case,
    /// The first that is not NULL; later operands are not evaluated.
    Coalesce,
    /// One operand, cast to the node's type.
    Cast,
    /// One operand, a struct, of which this is the field's position.
    Field(usize),
}

/// A call of a function of the table, its types resolved.
#[derive(Debug, Clone)]
pub struct Call {
    pub(super) function: &'static Function,
    pub(super) kernel: Kernel,
    pub(super) prepared: Prepared,
}

impl Call {
    /// The function that is called.
    pub fn function(&self) -> &'static Function {
        self.function
    }
}

/// Comparisons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CompareOp {
    /// `=`
    Eq,
    /// `<>`
    NotEq,
    /// `<`
    Less,
    /// `<=`
    LessEq,
    /// `>`
    Greater,
    /// `>=`
    GreaterEq,
}

impl CompareOp {
    /// Whether an order of the operands makes the comparison true.
    pub fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Eq => order.is_eq(),
            Self::NotEq => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessEq => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterEq => order.is_ge(),
        }
    }

    /// The comparison that means the same with its operands exchanged.
    #[must_use]
    pub fn flipped(self) -> Self {
        match self {
            Self::Eq => Self::Eq,
            Self::NotEq => Self::NotEq,
            Self::Less => Self::Greater,
            Self::LessEq => Self::GreaterEq,
            Self::Greater => Self::Less,
            Self::GreaterEq => Self::LessEq,
        }
    }

    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Eq => "=",
            Self::NotEq => "<>",
            Self::Less => "<",
            Self::LessEq => "<=",
            Self::Greater => ">",
            Self::GreaterEq => ">=",
        }
    }
}

impl Expr {
    /// What the node does.
    pub fn kind(&self) -> &ExprKind {
        &self.kind
    }

    /// Its operands, in the order that the kind says.
    pub fn args(&self) -> &[Expr] {
        &self.args
    }

    /// The type of its values.
    pub fn data_type(&self) -> &DataType {
        &self.data_type
    }

    /// The constant, if the node is one.
    pub fn as_literal(&self) -> Option<&Value<'static>> {
        match &self.kind {
            ExprKind::Literal(value) => Some(value),
            _ => None,
        }
    }

    /// The slot, if the node is nothing but one.
    pub fn as_slot(&self) -> Option<SlotId> {
        match self.kind {
            ExprKind::Slot(slot) => Some(slot),
            _ => None,
        }
    }

    /// All slots that are read, each once, in increasing order.
    pub fn slots(&self) -> Vec<SlotId> {
        let mut slots = Vec::new();
        self.visit(&mut |expr| slots.extend(expr.as_slot()));
        slots.sort_unstable();
        slots.dedup();
        slots
    }

    /// Calls `f` for every node, operands after their operator.
    pub fn visit(&self, f: &mut impl FnMut(&Expr)) {
        f(self);
        for arg in &self.args {
            arg.visit(f);
        }
    }

    /// The same expression over other slots.
    #[must_use]
    pub fn map_slots(&self, f: &impl Fn(SlotId) -> SlotId) -> Expr {
        let kind = match &self.kind {
            ExprKind::Slot(slot) => ExprKind::Slot(f(*slot)),
            other => other.clone(),
        };
        let args = self.args.iter().map(|arg| arg.map_slots(f)).collect();
        Expr { kind, args, data_type: self.data_type.clone() }
    }

    /// Whether no slot is read. A function of the library's user may still give another value each time.
    pub fn is_constant(&self) -> bool {
        !matches!(self.kind, ExprKind::Slot(_) | ExprKind::Custom(_)) && self.args.iter().all(Expr::is_constant)
    }
}

/// Equal structure: it then computes the same from the same row.
impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.data_type == other.data_type && same_kind(&self.kind, &other.kind) && self.args == other.args
    }
}

impl Eq for Expr {}

fn same_kind(a: &ExprKind, b: &ExprKind) -> bool {
    use ExprKind as K;
    match (a, b) {
        (K::Literal(a), K::Literal(b)) => same_value(a, b),
        (K::Slot(a), K::Slot(b)) => a == b,
        // The kernel follows from the types of the arguments, what is prepared from their values.
        (K::Call(a), K::Call(b)) => std::ptr::eq(a.function, b.function),
        (K::Custom(a), K::Custom(b)) => Arc::ptr_eq(a, b),
        (K::Compare(a), K::Compare(b)) => a == b,
        (K::IsBool(a), K::IsBool(b)) => a == b,
        (K::Field(a), K::Field(b)) => a == b,
        _ => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}

/// Equal to the bit: unlike `=`, it tells -0.0 from 0.0 and finds NaN equal to itself.
fn same_value(a: &Value<'_>, b: &Value<'_>) -> bool {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        (Value::Decimal(a), Value::Decimal(b)) => a == b && a.scale() == b.scale(),
        (Value::List(a), Value::List(b)) | (Value::Struct(a), Value::Struct(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| same_value(a, b))
        }
        _ => a == b,
    }
}

impl Hash for Expr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(&self.kind).hash(state);
        match &self.kind {
            ExprKind::Literal(value) => Key::encode(std::iter::once(value.borrowed())).hash(state),
            ExprKind::Slot(slot) => slot.hash(state),
            ExprKind::Call(call) => call.function.name.hash(state),
            ExprKind::Custom(function) => function.name().hash(state),
            ExprKind::Compare(op) => op.hash(state),
            ExprKind::IsBool(value) => value.hash(state),
            ExprKind::Field(field) => field.hash(state),
            ExprKind::And
            | ExprKind::Or
            | ExprKind::Not
            | ExprKind::IsNull
            | ExprKind::IsDistinct
            | ExprKind::In(_)
            | ExprKind::Between
            | ExprKind::Case
            | ExprKind::Coalesce
            | ExprKind::Cast => {}
        }
        self.data_type.hash(state);
        self.args.hash(state);
    }
}

impl fmt::Debug for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} :: {}", self.data_type)
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, RandomState};

    use super::*;
    use crate::expr::functions::lookup;

    #[test]
    fn equal_terms_are_equal_and_hash_alike() {
        let sum = |a: u32, b: f64| {
            let args = vec![Expr::slot(SlotId(a), DataType::Float), Expr::literal(Value::Float(b))];
            Expr::call(lookup("+").unwrap(), args).unwrap()
        };
        let hasher = RandomState::new();
        assert_eq!(sum(1, 0.5), sum(1, 0.5));
        assert_eq!(hasher.hash_one(sum(1, 0.5)), hasher.hash_one(sum(1, 0.5)));
        assert_eq!(sum(1, f64::NAN), sum(1, f64::NAN));
        assert_ne!(sum(1, 0.0), sum(1, -0.0));
        assert_ne!(sum(1, 0.5), sum(2, 0.5));
        assert_eq!(sum(1, 0.5).map_slots(&|slot| SlotId(slot.0 + 1)), sum(2, 0.5));
        assert_eq!(sum(1, 0.5).slots(), [SlotId(1)]);
        assert_eq!(sum(3, 0.5).to_text(&|slot| format!("c{}", slot.0)), "c3 + 0.5");
        assert!(!sum(1, 0.5).is_constant() && Expr::literal(Value::Null).is_constant());
    }
}
