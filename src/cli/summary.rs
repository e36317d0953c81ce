//! What a run says at its end.

use std::io::IsTerminal;
use std::time::Duration;

use betide::Stats;

/// How long a run took. Only the summary shows it; no result depends on it.
#[derive(Debug)]
pub(crate) struct Elapsed(std::time::Instant);

impl Elapsed {
    /// Starts counting.
    #[allow(clippy::disallowed_methods, reason = "the summary tells how long the run took; no row depends on it")]
    pub(crate) fn start() -> Self {
        Self(std::time::Instant::now())
    }

    fn get(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Tells the summary, where somebody looks or all counters are asked for.
pub(crate) fn tell(stats: &Stats, elapsed: &Elapsed, all: bool) {
    if all || std::io::stderr().is_terminal() {
        super::tell(&line(stats, elapsed.get()));
    }
    for hint in hints(stats) {
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
fn hints(stats: &Stats) -> Vec<String> {
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
        hints.push(format!("betide: {} gave up {} runs at its bound: results may be missing", operator.name, grouped(operator.dropped)));
    }
    if stats.rows == 0 && stats.events > 0 {
        hints.extend(why_nothing(stats));
    }
    hints
}

/// The likeliest reason why a run that read events gave no row.
fn why_nothing(stats: &Stats) -> Option<String> {
    if stats.bad == stats.events {
        return Some("betide: no rows: every event was bad".to_owned());
    }
    if stats.unrouted + stats.bad == stats.events {
        let streams: Vec<&str> = stats.sources.iter().map(|s| s.name.as_str()).collect();
        return Some(format!("betide: no rows: no event was of a stream of the program ({})", streams.join(", ")));
    }
    let empty: Vec<&str> = stats.sources.iter().filter(|s| s.events == 0).map(|s| s.name.as_str()).collect();
    (!empty.is_empty()).then(|| format!("betide: no rows: the input has no event of {}", empty.join(", ")))
}

/// `37814` as `37,814`
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!([0, 999, 1000, 37_814, 1_234_567].map(grouped), ["0", "999", "1,000", "37,814", "1,234,567"]);
    }
}
