//! Aggregates that the user of the library brings: what they implement, with a state of a type of their own, and the same without that type,
//! as calls and accumulators hold it.
//!
//! A state is known by its aggregate and the types of the call. It is written as the bytes that it gives, behind the name of its call
//! ([`CustomAggregate`]'s text), and read into a fresh state of the call of that name: so who reads state says before which calls there are
//! ([`StateReader::bring`]).

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::data::{DataType, Saved, StateError, StateReader, StateWriter, Value};
use crate::expr::eval::fits;
use crate::expr::{Expr, TypeError};

/// An aggregate of your own: a name, a rule for its types, and a state that takes rows in. See `Options::register_aggregate`.
///
/// ```
/// use betide::{AggregateFunction, AggregateState, DataType, Engine, Options, StateError, TypeError, Value};
///
/// /// `PRODUCT(x)`: all values multiplied; 1 over none.
/// #[derive(Debug)]
/// struct Product;
///
/// #[derive(Debug, Clone, PartialEq)]
/// struct SoFar(f64);
///
/// impl AggregateFunction for Product {
///     type State = SoFar;
///
///     fn name(&self) -> &str {
///         "PRODUCT"
///     }
///
///     fn resolve(&self, found: &[DataType]) -> Result<(Vec<DataType>, DataType), TypeError> {
///         match found {
///             [_] => Ok((vec![DataType::Float], DataType::Float)),
///             _ => Err(TypeError::new("PRODUCT", found.to_vec(), "1 argument")),
///         }
///     }
///
///     fn start(&self, _: &[DataType]) -> SoFar {
///         SoFar(1.0)
///     }
/// }
///
/// impl AggregateState for SoFar {
///     fn update(&mut self, args: &[Value<'_>]) {
///         if let [Value::Float(x)] = args {
///             self.0 *= x;
///         }
///     }
///
///     fn merge(&mut self, later: &Self) {
///         self.0 *= later.0;
///     }
///
///     fn finish(&self) -> Value<'static> {
///         Value::Float(self.0)
///     }
///
///     fn save(&self) -> Vec<u8> {
///         self.0.to_le_bytes().to_vec()
///     }
///
///     fn load(&mut self, saved: &[u8]) -> Result<(), StateError> {
///         let bytes = saved.try_into().map_err(|_| StateError::new("a product has 8 bytes"))?;
///         self.0 = f64::from_le_bytes(bytes);
///         Ok(())
///     }
/// }
///
/// let mut options = Options::default();
/// options.register_aggregate(Product)?;
/// let program = "CREATE STREAM Rate (x FLOAT); SELECT PRODUCT(x) AS growth FROM Rate WINDOW ROWS 3;";
/// let mut engine = Engine::with_options(program, &options)?;
/// engine.push_json(b"{\"x\":1.5}\n{\"x\":2}\n{\"x\":4}\n")?;
/// engine.finish()?;
/// assert_eq!(engine.take_rows()[0].to_json(), r#"{"growth":12.0}"#);
/// # Ok::<(), betide::Error>(())
/// ```
pub trait AggregateFunction: fmt::Debug + Send + Sync + 'static {
    /// What it keeps of the rows that it has seen.
    type State: AggregateState;

    /// The name by which programs call it, in upper case.
    fn name(&self) -> &str;

    /// What arguments of these types are cast to, and the type of the result. Called while a program is compiled.
    ///
    /// # Errors
    /// Arguments that it does not take: their number, or one of them ([`TypeError::at`]). The error is told where the call is written.
    fn resolve(&self, found: &[DataType]) -> Result<(Vec<DataType>, DataType), TypeError>;

    /// The state of no rows, of a call whose arguments are cast to these types.
    fn start(&self, args: &[DataType]) -> Self::State;

    /// Whether a row in which an argument is NULL is passed over. Default: true.
    fn is_strict(&self) -> bool {
        true
    }

    /// Whether the state becomes larger with each row, as that of MEDIAN does. Windows keep no totals of such states, and without a window
    /// its state has no bound, which is told (see [`Options::endless`](crate::Options::endless)). Default: false.
    fn grows(&self) -> bool {
        false
    }
}

/// What an [`AggregateFunction`] keeps of the rows of one group.
///
/// The result must depend on the rows and their order alone: states are copied, merged, saved and read back as windows and patterns ask for it.
/// A panic ends the statement that the call is of, and no other.
pub trait AggregateState: Clone + PartialEq + fmt::Debug + Send + Sync + 'static {
    /// Takes a row in: the values of the arguments. Rows come in their order.
    fn update(&mut self, args: &[Value<'_>]);

    /// Takes in the state of rows that all stand behind those of this one. Merging parts must give what one pass gives.
    fn merge(&mut self, later: &Self);

    /// The value over the rows so far; there may be none, and more may come. One that is not of the resolved type becomes NULL and is counted.
    fn finish(&self) -> Value<'static>;

    /// The whole state as bytes, for a snapshot.
    fn save(&self) -> Vec<u8>;

    /// Takes up what [`AggregateState::save`] has written; called on a state of no rows.
    ///
    /// # Errors
    /// Bytes that are no state: the snapshot is refused with what the error says.
    fn load(&mut self, saved: &[u8]) -> Result<(), StateError>;

    /// How many bytes it holds outside of itself, about: for the bound of memory and the statistics. It is asked between statements, so a
    /// panic here is one of the whole engine. Default: 0.
    fn bytes(&self) -> usize {
        0
    }
}

/// An aggregate of the user's own, as [`Options`](crate::Options) hold it.
#[derive(Clone)]
pub struct RegisteredAggregate(Arc<dyn Function>);

/// A call of an aggregate of the user's own: the aggregate, and the types of the call.
#[derive(Clone)]
pub struct CustomAggregate {
    function: Arc<dyn Function>,
    args: Vec<DataType>,
    result: DataType,
}

/// The state of such a call over some rows.
#[derive(Debug)]
pub struct CustomState {
    of: Arc<CustomAggregate>,
    state: Box<dyn State>,
}

/// An [`AggregateFunction`] without the type of its state.
trait Function: fmt::Debug + Send + Sync {
    fn name(&self) -> &str;
    fn resolve(&self, found: &[DataType]) -> Result<(Vec<DataType>, DataType), TypeError>;
    fn start(&self, args: &[DataType]) -> Box<dyn State>;
    fn is_strict(&self) -> bool;
    fn grows(&self) -> bool;
}

/// An [`AggregateState`] without its type; two that meet are of one call, and so of one type.
trait State: fmt::Debug + Send + Sync {
    fn update(&mut self, args: &[Value<'_>]);
    fn merge(&mut self, later: &dyn State);
    fn finish(&self) -> Value<'static>;
    fn save(&self) -> Vec<u8>;
    fn load(&mut self, saved: &[u8]) -> Result<(), StateError>;
    fn bytes(&self) -> usize;
    fn copy(&self) -> Box<dyn State>;
    fn equals(&self, other: &dyn State) -> bool;
    fn as_any(&self) -> &dyn Any;
}

/// Keeps the names of the traits apart for who implements the public ones.
#[derive(Debug)]
struct Typed<T>(T);

impl<F: AggregateFunction> Function for Typed<F> {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn resolve(&self, found: &[DataType]) -> Result<(Vec<DataType>, DataType), TypeError> {
        self.0.resolve(found)
    }

    fn start(&self, args: &[DataType]) -> Box<dyn State> {
        Box::new(Typed(self.0.start(args)))
    }

    fn is_strict(&self) -> bool {
        self.0.is_strict()
    }

    fn grows(&self) -> bool {
        self.0.grows()
    }
}

impl<S: AggregateState> State for Typed<S> {
    fn update(&mut self, args: &[Value<'_>]) {
        self.0.update(args);
    }

    fn merge(&mut self, later: &dyn State) {
        let later = later.as_any().downcast_ref::<S>().expect("states of one call are of one type");
        self.0.merge(later);
    }

    fn finish(&self) -> Value<'static> {
        self.0.finish()
    }

    fn save(&self) -> Vec<u8> {
        self.0.save()
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), StateError> {
        self.0.load(saved)
    }

    fn bytes(&self) -> usize {
        size_of::<S>() + self.0.bytes()
    }

    fn copy(&self) -> Box<dyn State> {
        Box::new(Typed(self.0.clone()))
    }

    fn equals(&self, other: &dyn State) -> bool {
        other.as_any().downcast_ref::<S>().is_some_and(|other| self.0 == *other)
    }

    fn as_any(&self) -> &dyn Any {
        &self.0
    }
}

impl fmt::Debug for RegisteredAggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl RegisteredAggregate {
    /// One whose states are of some type.
    pub fn new(function: impl AggregateFunction) -> Self {
        Self(Arc::new(Typed(function)))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// A call of it on these arguments, and the arguments cast to what it takes.
    pub(crate) fn call(&self, args: Vec<Expr>, distinct: bool) -> Result<(CustomAggregate, Vec<Expr>), TypeError> {
        let found: Vec<DataType> = args.iter().map(|arg| arg.data_type().clone()).collect();
        let (wanted, result) = self.0.resolve(&found)?;
        if distinct && found.len() != 1 {
            return Err(TypeError::new(self.name(), found, if args.is_empty() { "a value behind DISTINCT" } else { "no DISTINCT" }));
        }
        let args = Expr::cast_to(self.name(), args, &wanted)?;
        Ok((CustomAggregate { function: self.0.clone(), args: wanted, result }, args))
    }
}

/// Tells calls apart within a program and from program to program: the name and the types.
impl fmt::Debug for CustomAggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let args: Vec<String> = self.args.iter().map(DataType::to_string).collect();
        write!(f, "{}({}) {}", self.name(), args.join(", "), self.result)
    }
}

impl PartialEq for CustomAggregate {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::addr_eq(Arc::as_ptr(&self.function), Arc::as_ptr(&other.function))
            && self.args == other.args
            && self.result == other.result
    }
}

impl CustomAggregate {
    /// The name of the aggregate.
    pub fn name(&self) -> &str {
        self.function.name()
    }

    /// The type of the result.
    pub fn result(&self) -> &DataType {
        &self.result
    }

    /// Whether states become larger with each row.
    pub fn grows(&self) -> bool {
        self.function.grows()
    }
}

impl CustomState {
    /// The state of no rows.
    pub(super) fn new(of: &Arc<CustomAggregate>) -> Self {
        Self { of: of.clone(), state: of.function.start(&of.args) }
    }

    pub(super) fn update(&mut self, args: &[Value<'_>]) {
        if !self.of.function.is_strict() || !args.iter().any(Value::is_null) {
            self.state.update(args);
        }
    }

    pub(super) fn merge(&mut self, later: &Self) {
        self.state.merge(&*later.state);
    }

    /// Nothing where the value is not of the type that was resolved.
    pub(super) fn value(&self) -> Option<Value<'static>> {
        Some(self.state.finish()).filter(|value| fits(value, &self.of.result))
    }

    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.state.bytes()
    }
}

impl Clone for CustomState {
    fn clone(&self) -> Self {
        Self { of: self.of.clone(), state: self.state.copy() }
    }
}

impl PartialEq for CustomState {
    fn eq(&self, other: &Self) -> bool {
        self.of == other.of && self.state.equals(&*other.state)
    }
}

/// The calls that are written in the state of an operator.
type Calls = Vec<Arc<CustomAggregate>>;

/// Has a reader of state know the calls of the operator whose state it is, before the first of their states is read.
pub fn bring_calls(from: &mut StateReader<'_>, calls: impl Iterator<Item = Arc<CustomAggregate>>) {
    let calls: Calls = calls.collect();
    if !calls.is_empty() {
        from.bring(Arc::new(calls));
    }
}

impl Saved for CustomState {
    fn save(&self, to: &mut StateWriter) {
        if !to.known(Arc::as_ptr(&self.of).addr()) {
            to.put(&format!("{:?}", self.of));
        }
        to.blob(&self.state.save());
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        let of = match from.known::<CustomAggregate>()? {
            Ok(of) => of,
            Err(slot) => {
                let named: String = from.take()?;
                let calls = from.brought::<Calls>();
                let found = calls.and_then(|calls| calls.iter().find(|call| format!("{call:?}") == named).cloned());
                let of = found.ok_or_else(|| StateError::new(format!("the state of {named}, and no such aggregate is called")))?;
                from.share(slot, of.clone())?;
                of
            }
        };
        let mut loaded = Self::new(&of);
        let saved = from.blob()?;
        loaded.state.load(saved).map_err(|error| StateError::new(format!("the state of {}: {error}", of.name())))?;
        Ok(loaded)
    }
}
