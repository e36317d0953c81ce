//! Events in memory: types, values, columns, batches, and the order that every operator sees them in.
//!
//! This is the floor of the run leg and of the wire leg. It knows nothing of queries and nothing of bytes.

mod arrivals;
mod batch;
mod bounds;
mod builder;
mod code_map;
mod coded;
mod column;
mod dictionary;
mod duration_text;
mod entries;
mod key;
mod lists;
mod place;
mod places;
mod schema;
mod text_builder;
mod text_table;
mod text_word;
mod time;
mod types;
mod validity;
mod value;

mod saved;
mod saved_rows;
mod state;

pub use arrivals::Arrivals;
pub use batch::{Entry, EventBatch, Inbox, WatermarkStep};
pub use bounds::{Allowance, Over};
pub use builder::ColumnBuilder;
pub use code_map::CodeMap;
pub use coded::CodedText;
pub use column::Column;
pub use dictionary::{Dictionary, Interner, MAX_BYTES as MAX_DICTIONARY_BYTES, MAX_ENTRIES as MAX_DICTIONARY_ENTRIES, Written};
pub use entries::{Entries, RowAt};
pub use key::{Key, KeyBuffer, KeyRef, KeyTable};
pub use lists::ListColumn;
pub use place::{Phase, Place};
pub use places::{Places, PlacesBuilder};
pub use saved::Saved;
pub use schema::{Field, Schema};
pub use state::{Ids, Kept, KeyRange, Ranks, Slot, StateError, StateReader, StateWriter};
pub use text_word::TextWord;
pub use time::{Duration, MinuteText, TimeUnit, Timestamp};
pub use types::DataType;
pub use value::Value;
