//! The codes of this stage: what each means, a program that has the mistake, and one that has not.
//!
//! A test checks each: the wrong program gives its code first, the right one none. Patterns have E0250 to E0279.

use crate::text::Code;

/// A stream that nothing defines.
pub(crate) const UNKNOWN_STREAM: Code = Code("E0201");
/// A column that no stream of the query has.
pub(crate) const UNKNOWN_COLUMN: Code = Code("E0202");
/// A column that several streams of the query have.
pub(crate) const AMBIGUOUS_COLUMN: Code = Code("E0203");
/// A name before a dot that is no stream of the query.
pub(crate) const UNKNOWN_QUALIFIER: Code = Code("E0204");
/// A function that does not exist.
pub(crate) const UNKNOWN_FUNCTION: Code = Code("E0205");
/// A function with too few or too many arguments.
pub(crate) const WRONG_ARITY: Code = Code("E0206");
/// An operand or argument of the wrong type.
pub(crate) const WRONG_TYPE: Code = Code("E0207");
/// A condition that is not BOOL.
pub(crate) const NOT_A_CONDITION: Code = Code("E0208");
/// An aggregate where none may stand.
pub(crate) const MISPLACED_AGGREGATE: Code = Code("E0209");
/// A parameter without a value.
pub(crate) const UNKNOWN_PARAMETER: Code = Code("E0210");
/// A value of a parameter that does not fit its type.
pub(crate) const BAD_PARAMETER: Code = Code("E0211");
/// A type that does not exist.
pub(crate) const UNKNOWN_TYPE: Code = Code("E0212");
/// A name that is defined twice.
pub(crate) const DEFINED_TWICE: Code = Code("E0213");
/// Two output columns of one name.
pub(crate) const DUPLICATE_OUTPUT: Code = Code("E0214");
/// Something that must be constant and is not.
pub(crate) const NOT_CONSTANT: Code = Code("E0215");
/// A constant out of its range.
pub(crate) const OUT_OF_RANGE: Code = Code("E0216");
/// A TIMESTAMP BY column that cannot be one.
pub(crate) const BAD_TIME_COLUMN: Code = Code("E0217");
/// An option that does not exist, or has a wrong value.
pub(crate) const BAD_OPTION: Code = Code("E0218");
/// A time zone that does not exist.
pub(crate) const UNKNOWN_ZONE: Code = Code("E0219");
/// Streams that are made of each other.
pub(crate) const CYCLE: Code = Code("E0220");
/// Statements with different columns that feed one stream.
pub(crate) const DIFFERENT_COLUMNS: Code = Code("E0221");
/// A column beside an aggregate that is not grouped by.
pub(crate) const NOT_GROUPED: Code = Code("E0222");
/// A query without FROM.
pub(crate) const NO_FROM: Code = Code("E0223");
/// SELECT DISTINCT.
pub(crate) const SELECT_DISTINCT: Code = Code("E0224");
/// A bare LIMIT on a windowed query.
pub(crate) const BARE_LIMIT: Code = Code("E0225");
/// A clause that has no meaning in its query.
pub(crate) const CLAUSE_WITHOUT_MEANING: Code = Code("E0226");
/// A join of streams without a bound in time.
pub(crate) const UNBOUNDED_JOIN: Code = Code("E0227");
/// A join that is not well formed.
pub(crate) const BAD_JOIN: Code = Code("E0228");
/// A literal that is no value.
pub(crate) const BAD_LITERAL: Code = Code("E0229");
/// START_TIME or END_TIME without a window or match.
pub(crate) const NO_BOUNDS: Code = Code("E0230");
/// A form of a call that does not exist.
pub(crate) const BAD_CALL: Code = Code("E0231");
/// A field that a struct does not have.
pub(crate) const UNKNOWN_FIELD: Code = Code("E0232");
/// A window or a LIMIT without anything that needs it.
pub(crate) const BAD_WINDOW: Code = Code("E0233");
/// Part of the language, but not of this engine yet.
pub(crate) const NOT_SUPPORTED: Code = Code("E0299");
