//! CPU time as Linux tells it: user and system together, all threads. Shared by the examples that measure.

use std::error::Error;

/// What this process has used so far, in seconds (to the hundredth).
#[allow(dead_code, reason = "each example measures one or the other")]
pub(crate) fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    ticks(11)
}

/// What all children that have ended have used, in seconds (to the hundredth).
#[allow(dead_code, reason = "each example measures one or the other")]
pub(crate) fn cpu_seconds_of_children() -> Result<f64, Box<dyn Error>> {
    ticks(13)
}

/// Two fields of `/proc/self/stat` behind the name of the process, in hundredths of a second.
fn ticks(first: usize) -> Result<f64, Box<dyn Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let behind_name = stat.rsplit_once(") ").ok_or("no name in /proc/self/stat")?.1;
    let ticks: Vec<f64> = behind_name.split(' ').skip(first).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / 100.0)
}
