//! A panic where an operator is called ends that operator's statement, not the process: it is caught here, once for each batch and operator.
//!
//! What a panic says of its place is known only to the hook of the process. A library has no business with that unless it is asked:
//! [`record_panics`] puts a hook in front of the one that is there, which keeps the place of what is caught here, and is silent of it.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Whether what this thread does is guarded.
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
    /// Where the last panic that was guarded happened.
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// A panic that was caught.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panic {
    /// What it says.
    pub message: String,
    /// File, line and column of the panic, and the way to it where `RUST_BACKTRACE` asks for it; known after [`record_panics`].
    pub location: Option<String>,
}

crate::saved!(Panic { message, location });

/// Has the places of panics that betide catches be known, and nothing else be told of them. Other panics go to the hook that was there.
pub fn record_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            if IS_GUARDED.get() {
                LAST.set(Some(place_of(info)));
            } else {
                before(info);
            }
        }));
    });
}

fn place_of(info: &PanicHookInfo<'_>) -> String {
    let place = info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let trace = Backtrace::capture();
    if trace.status() == BacktraceStatus::Captured { format!("{place}\n{trace}") } else { place }
}

/// Does something that may panic. What it was doing is in no sound state then, and to be thrown away.
pub fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Box<dyn Any + Send>> {
    let before = IS_GUARDED.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    IS_GUARDED.set(before);
    done
}

impl Panic {
    /// What was caught on this thread; what another thread has caught and handed on is that.
    pub fn of(payload: &(dyn Any + Send)) -> Self {
        if let Some(panic) = payload.downcast_ref::<Self>() {
            return panic.clone();
        }
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let message = text.or_else(|| payload.downcast_ref::<String>().cloned());
        Self { message: message.unwrap_or_else(|| "a panic without words".to_owned()), location: LAST.take() }
    }
}

impl std::fmt::Display for Panic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        self.location.iter().try_for_each(|place| write!(f, " ({place})"))
    }
}
