//! What a run says at its end.

use std::io::IsTerminal;
use std::time::Duration;

use betide::Stats;
use betide::engine::OperatorStats;
pub(crate) use betide::text::grouped;

/// How long something took: a run, or a wait. No result depends on it.
#[derive(Debug)]
pub(crate) struct Elapsed(std::time::Instant);

impl Elapsed {
    /// Starts counting.
    #[allow(clippy::disallowed_methods, reason = "how long something took is told, or decides how to wait; no row depends on it")]
    pub(crate) fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// The same in seconds.
    pub(crate) fn seconds(&self) -> f64 {
        self.get().as_secs_f64()
    }

    /// How long ago it was started.
    pub(crate) fn get(&self) -> Duration {
        self.0.elapsed()
    }

    /// The same as a length of event time.
    pub(crate) fn as_pause(&self) -> betide::Duration {
        betide::Duration(i64::try_from(self.get().as_nanos()).unwrap_or(i64::MAX))
    }
}

/// Tells the summary, where somebody looks or all counters are asked for.
///
/// `waited_for` says what held rows back until the input ended; in a run over files that is no loss, so it is told only here.
/// `reason` finds out why no row came, where that is asked and can be found out.
pub(crate) fn tell(stats: &Stats, waited_for: Option<&str>, elapsed: &Elapsed, all: bool, reason: &dyn Fn() -> Option<String>) {
    if all || std::io::stderr().is_terminal() {
        super::tell(&line(stats, elapsed.get()));
        waited_for.into_iter().for_each(super::tell);
    }
    for hint in hints(stats, reason) {
        super::tell(&hint);
    }
    if all {
        match serde_json::to_string_pretty(stats) {
            Ok(text) => super::tell(&text),
            Err(error) => super::tell(&format!("betide: the counters cannot be written: {error}")),
        }
    }
}

/// `read 37,814 · late 0 · bad 0 · unrouted 12 · rows 6 · 0.21 s`
fn line(stats: &Stats, elapsed: Duration) -> String {
    format!(
        "read {} · late {} · bad {} · unrouted {} · rows {} · {:.2} s",
        grouped(stats.events),
        grouped(stats.late),
        grouped(stats.bad),
        grouped(stats.unrouted),
        grouped(stats.rows),
        elapsed.as_secs_f64()
    )
}

/// What a person should know even where the summary is not shown: something was lost, or nothing was found for a plain reason.
fn hints(stats: &Stats, reason: &dyn Fn() -> Option<String>) -> Vec<String> {
    let mut hints = Vec::new();
    if let Some((first, second)) = &stats.several_types {
        let stream = stats.sources.first().map_or("", |s| s.name.as_str());
        hints.push(format!(
            "betide: `{stream}`, the only stream, took events of all types (`{first}`, `{second}`, …); `WITH (type = '…')` on it takes one type"
        ));
    }
    if stats.late > 0 {
        let by_stream: Vec<String> =
            stats.sources.iter().filter(|s| s.late > 0).map(|s| format!("{} {}", s.name, grouped(s.late))).collect();
        hints.push(format!(
            "betide: {} event{} came later than the DELAY of the stream allows and {} left out ({})",
            grouped(stats.late),
            if stats.late == 1 { "" } else { "s" },
            if stats.late == 1 { "was" } else { "were" },
            by_stream.join(", ")
        ));
    }
    if stats.forced > 0 {
        hints.push(format!(
            "betide: {} events went on before the watermark had passed them, because too many waited{}",
            grouped(stats.forced),
            stats.held_back_by.as_ref().map_or(String::new(), |s| format!("; `{s}` held it back"))
        ));
    }
    if stats.bad_not_kept > 0 {
        hints.push(format!("betide: {} bad events were only counted", grouped(stats.bad_not_kept)));
    }
    for operator in stats.operators.iter().filter(|o| o.dropped > 0) {
        hints.push(format!(
            "betide: {} gave up {} runs or keys at its bound: results may be missing",
            operator.name,
            grouped(operator.dropped)
        ));
    }
    if stats.rows == 0 {
        hints.push(why_nothing(stats, reason));
    }
    hints
}

/// What is told once when the input pauses while events wait.
pub(crate) fn pause(stats: &Stats) -> Option<String> {
    let waiting = waiting(stats);
    let holder = stats.held_back_by.as_deref().filter(|_| waiting > 0)?;
    let source = stats.sources.iter().find(|source| source.name == holder)?;
    let others_go_on = "IDLE AFTER 30 seconds on it lets the others go on";
    let since = stats.held_back_since.as_deref().map_or(String::new(), |since| format!(" since {since}"));
    Some(if source.events == 0 {
        format!("betide: {} for the first event of `{holder}`{since}; {others_go_on}", waits(waiting))
    } else if waiting > source.waiting {
        format!("betide: {} for a later event of `{holder}`{since}; {others_go_on}", waits(waiting))
    } else {
        format!("betide: {} for a later event of `{holder}`, as its DELAY says, or for the end of input", waits(waiting))
    })
}

/// What is told of a run in which events waited until the end of input for a stream that had none.
pub(crate) fn waited_for(stats: &Stats) -> Option<String> {
    let waiting = waiting(stats);
    let holder = stats.held_back_by.as_deref().filter(|_| waiting > 0)?;
    stats.sources.iter().find(|source| source.name == holder && source.events == 0)?;
    Some(format!(
        "betide: {} waited until the end of input for `{holder}`, which had none; IDLE AFTER 30 seconds on it lets the others go on",
        if waiting == 1 { "1 event".to_owned() } else { format!("{} events", grouped(waiting)) }
    ))
}

fn waits(events: u64) -> String {
    if events == 1 { "1 event waits".to_owned() } else { format!("{} events wait", grouped(events)) }
}

fn waiting(stats: &Stats) -> u64 {
    stats.sources.iter().map(|source| source.waiting).sum()
}

/// The likeliest reason why a run gave no row: the first thing on the way of the events that let none of them through.
fn why_nothing(stats: &Stats, reason: &dyn Fn() -> Option<String>) -> String {
    let streams: Vec<&str> = stats.sources.iter().map(|s| s.name.as_str()).collect();
    if stats.events == 0 {
        return "betide: no rows: there was no event in the input".to_owned();
    }
    if stats.bad == stats.events {
        return "betide: no rows: every event was bad".to_owned();
    }
    if stats.unrouted + stats.bad == stats.events {
        return format!(
            "betide: no rows: no event was of a stream of the program ({}); betide infer tells which types there are",
            streams.join(", ")
        );
    }
    if stats.late + stats.unrouted + stats.bad == stats.events {
        return "betide: no rows: every event came too late; a longer DELAY waits for it".to_owned();
    }
    let empty: Vec<&str> = stats.sources.iter().filter(|s| s.events == 0).map(|s| s.name.as_str()).collect();
    if !empty.is_empty() {
        return format!("betide: no rows: the input has no event of {}", empty.join(", "));
    }
    if let Some(reason) = reason() {
        return format!("betide: no rows: {reason} (`betide why` tells more)");
    }
    let first = stats.operators.iter().find(|operator| operator.rows_out == 0 && operator.rows_in > 0);
    first.or_else(|| stats.operators.iter().find(|operator| operator.rows_out == 0)).map_or_else(
        || "betide: no rows: nothing that the program writes has had a row".to_owned(),
        |operator| format!("betide: no rows: {}", why_none_of(operator)),
    )
}

/// Why an operator let nothing through.
fn why_none_of(operator: &OperatorStats) -> String {
    let rows = match operator.rows_in {
        1 => "1 row".to_owned(),
        rows => format!("{} rows", grouped(rows)),
    };
    let what = operator.name.split_once(' ').map_or(operator.name.as_str(), |(_, kind)| kind);
    let reason = match what {
        _ if operator.rows_in == 0 => "nothing came to it: what is in front of it wanted no event".to_owned(),
        "filter" => format!("a condition (WHERE or HAVING) was true for none of {rows}"),
        "pattern" => {
            format!("no match was finished over {rows}: a term of WHERE, PARTITION BY, the order or WITHIN stood against it")
        }
        "join" => format!("no pair was found among {rows}: ON, or the bound in time, stood against it"),
        "lookup" => format!("the table has no partner for {rows}"),
        "window" => format!("no window that {rows} were in gave a row"),
        _ => format!("it gave nothing for {rows}"),
    };
    format!("{reason} ({} of `betide explain`; `betide why` tells what came closest)", operator.name)
}
