//! What can be written behind `betide`: one definition a flag.

use std::path::PathBuf;

use betide::codec::Format;
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::bounds::BoundFlags;

/// Finds patterns in streams of events: sequences, windows and joins, exact and in event-time order.
#[derive(Debug, Parser)]
#[command(name = "betide", version, arg_required_else_help = true, after_help = EXAMPLES)]
pub(crate) struct Flags {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  betide run queries/card_testing.tide payments.jsonl
      matches of a query file in a file of JSON lines
  tail -f events.jsonl | betide run alerts.tide
      rows as they become certain
  betide run -q 'SELECT card, amount FROM Payment WHERE amount > 500' payments.jsonl
      a query without a file: the first events tell the columns
  betide infer payments.jsonl > alerts.tide
      the declarations to begin a program with
  betide test
      the tests beside the programs of this folder
  betide why alerts.tide payments.jsonl --key card=4929
      where the runs of a pattern stopped, and which term was false
  betide explain alerts.tide --analyze payments.jsonl
      what each operator and each term of the program did, held and cost
  betide doc WITHIN
      what a clause, a function or the code of a message means
  betide check alerts.tide
      all mistakes of a program, without reading an event";

/// Subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs a program over events and writes its rows as JSON lines.
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunFlags),
    /// Prints declarations of the streams in a file: columns and types, event time, disorder, types of events.
    #[command(after_help = INFER_EXAMPLES)]
    Infer(InferFlags),
    /// Runs the tests that stand beside programs.
    #[command(after_help = TEST_EXAMPLES)]
    Test(TestFlags),
    /// Checks a program, tells all its mistakes, and how the state of each statement grows.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(CheckFlags),
    /// Lays programs out: keywords large, a clause a line, comments where they are.
    #[command(after_help = FMT_EXAMPLES)]
    Fmt(FmtFlags),
    /// Looks up a clause, a function, an aggregate or the code of a message.
    #[command(after_help = DOC_EXAMPLES)]
    Doc(DocFlags),
    /// Runs a program anew whenever it, or one of its inputs, has been saved.
    #[command(after_help = WATCH_EXAMPLES)]
    Watch(WatchFlags),
    /// Prints the completions for a shell.
    #[command(after_help = COMPLETION_EXAMPLES)]
    Completions(CompletionFlags),
    /// Tells how a program will run: what feeds what, and how much it can come to hold; and how it has run over some events.
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(ExplainFlags),
    /// Tells why a program gave what it gave: the runs of its patterns that came to nothing, the closest miss first.
    #[command(after_help = WHY_EXAMPLES)]
    Why(WhyFlags),
    /// Looks at a dead-letter file, or feeds its events to a program again.
    #[command(subcommand, after_help = LETTER_EXAMPLES)]
    DeadLetters(LetterCommand),
    /// Serves an editor over standard input and output, by the Language Server Protocol
    Lsp,
}

const RUN_EXAMPLES: &str = "\
Examples:
  betide run alerts.tide payments.jsonl.gz orders.csv
      several inputs, one after the other
  tail -f auth.jsonl | betide run -q 'SELECT user, COUNT(*) AS fails FROM Failed
      WINDOW TUMBLING 1m GROUP BY user HAVING COUNT(*) > 5'
      one line, no file
  betide run --set limit=800 --output Alert --format csv alerts.tide payments.jsonl
      another value for $limit, one stream, as a table for other programs

Rows go to standard output, everything else to standard error.

Exit codes: 0 done, 2 the program does not compile, 65 bad data with --strict
or a bound was reached, 70 a defect ended a statement (the others went on),
74 a file or the output failed, 130 interrupted. Ctrl-C finishes what has been
read; a second one ends at once.";

const CHECK_EXAMPLES: &str = "\
Examples:
  betide check alerts.tide
      mistakes, and how the state of each statement grows
  betide check alerts.tide --rate 20000 --keys 500000
      about how much is held at 20,000 events a second of half a million keys
  betide check alerts.tide --rate Login=500 --rate Payment=20 --keys 80000
      each stream at its own rate

An estimate is of a full window: events come evenly, keys are evenly spread,
every condition holds, nothing is late. Bytes are those that --stats shows.";

/// Where the program comes from.
#[derive(Debug, Args)]
pub(crate) struct ProgramFlags {
    /// The query file (`.tide`); not given with -q
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<String>,
    #[command(flatten)]
    pub(crate) text: TextFlags,
}

/// The program's text and its parameters.
#[derive(Debug, Clone, Args)]
pub(crate) struct TextFlags {
    /// The program itself instead of a file
    #[arg(short, long, value_name = "TEXT")]
    pub(crate) query: Option<String>,
    /// Declares a source stream for the program: `Payment(card STRING, at TIMESTAMP) TIMESTAMP BY at`
    #[arg(long, value_name = "DECLARATION")]
    pub(crate) stream: Vec<String>,
    /// Gives the parameter `$name` a value (also: the environment variable BETIDE_SET_name)
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// The field that says which stream an event is of
    #[arg(long, value_name = "FIELD", default_value = "type")]
    pub(crate) type_field: String,
    /// Writes this stream only (may be repeated)
    #[arg(long, value_name = "STREAM")]
    pub(crate) output: Vec<String>,
}

/// `betide explain`
#[derive(Debug, Args)]
pub(crate) struct ExplainFlags {
    #[command(flatten)]
    pub(crate) program: ProgramFlags,
    /// Text, JSON, or a picture of the operators and of the steps of each pattern
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = ExplainFormat::Text)]
    pub(crate) format: ExplainFormat,
    /// As so many threads run it (0 or auto: one a core): says which operators are cut by their keys
    #[arg(long, value_name = "THREADS", default_value = "1", value_parser = threads, conflicts_with = "analyze")]
    pub(crate) threads: usize,
    /// Runs the program over these inputs (as `run` reads them; none, or `-`: standard input) and tells of each operator the rows in and
    /// out, what it held and what it cost, and of each term how often it was asked and true. Stands behind the query file
    #[arg(long, value_name = "INPUT", num_args = 0..)]
    pub(crate) analyze: Option<Vec<String>>,
    /// With --analyze: leaves out times and bytes, which differ from run to run and from machine to machine
    #[arg(long, requires = "analyze")]
    pub(crate) no_times: bool,
    /// With --analyze: what the inputs are, where their names do not say
    #[arg(long, value_name = "FORMAT", requires = "analyze")]
    pub(crate) input_format: Option<InputFormat>,
    #[command(flatten)]
    pub(crate) sample: SampleFlags,
    /// With --analyze: the longest line that is read, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20)]
    pub(crate) max_line: usize,
    /// With --analyze: how many events are handled in one go; what is held is looked at behind each
    #[arg(long, value_name = "EVENTS", default_value_t = 4096)]
    pub(crate) batch_size: usize,
}

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  betide explain alerts.tide
      what feeds what, when matches come out, what can grow
  betide explain alerts.tide --analyze payments.jsonl
      the same with the rows, terms, state and time of a run over these events
  betide explain alerts.tide --format svg > alerts.svg
      a picture; with --analyze, with the figures in it

Rows of the run are counted and not written. Beside the program runs a second one
whose terms count, so it takes a few times as long as `run`; times are of the first.";

/// How `betide explain` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExplainFormat {
    /// Lines of text
    Text,
    /// One JSON object, for other programs
    Json,
    /// For Graphviz
    Dot,
    /// For Mermaid
    Mermaid,
    /// A picture for browsers
    Svg,
}

/// `betide why`
#[derive(Debug, Args)]
pub(crate) struct WhyFlags {
    /// The query file (`.tide`), then the inputs: files of JSON lines or CSV, also packed by gzip or zstd, `-` for standard input (the default). With -q, inputs
    /// only
    #[arg(value_name = "FILE [INPUT]…")]
    pub(crate) paths: Vec<String>,
    #[command(flatten)]
    pub(crate) text: TextFlags,
    /// Only runs of this key, or with an event that has this value: `card=4929` (may be repeated; then all must hold)
    #[arg(long, value_name = "COLUMN=VALUE")]
    pub(crate) key: Vec<String>,
    /// Only runs that were under way at this time: `2026-03-01T10:04:11Z`
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// Only the statement that makes this stream (an unnamed one is called `statement 2`)
    #[arg(long, value_name = "NAME")]
    pub(crate) statement: Option<String>,
    /// How many runs are told of, for each statement
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) limit: usize,
    /// How many keys of each pattern, join and window are followed; rows of further ones are left out and counted, but for those of --key
    #[arg(long, value_name = "KEYS", default_value_t = 100_000)]
    pub(crate) max_keys: usize,
    /// Text for people, or a JSON object a run
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = WhyFormat::Text)]
    pub(crate) format: WhyFormat,
    /// What the inputs are, where their names do not say
    #[arg(long, value_name = "FORMAT")]
    pub(crate) input_format: Option<InputFormat>,
    /// The longest line that is read, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20)]
    pub(crate) max_line: usize,
}

/// How `betide why` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum WhyFormat {
    /// Lines of text
    Text,
    /// A JSON object a line: one for each statement, and one for each run
    Jsonl,
}

const WHY_EXAMPLES: &str = "\
Examples:
  betide why alerts.tide payments.jsonl
      the five runs that got furthest, and the term that was false
  betide why alerts.tide payments.jsonl --key card=4929 --limit 1
      what became of one card
  betide why alerts.tide payments.jsonl --at 2026-03-01T10:04:00Z --format jsonl
      the runs that were under way then, for other programs

It runs the program slowly and follows every run. Text is coloured on a terminal only.";

/// `betide check`
#[derive(Debug, Args)]
pub(crate) struct CheckFlags {
    #[command(flatten)]
    pub(crate) program: ProgramFlags,
    /// For input that never ends: state that grows for ever is an error, not a warning
    #[arg(long)]
    pub(crate) endless: bool,
    /// Estimates what is held: events a second, of all sources together (`1000`) or of one (`Payment=250`; may be repeated)
    #[arg(long, value_name = "N|STREAM=N")]
    pub(crate) rate: Vec<String>,
    /// With --rate: how many keys the events have; without it each event has a key of its own
    #[arg(long, value_name = "N", requires = "rate")]
    pub(crate) keys: Option<u64>,
}

/// `betide run`
#[derive(Debug, Args)]
pub(crate) struct RunFlags {
    /// The query file (`.tide`), then the inputs: files of JSON lines or CSV, also packed by gzip or zstd, `-` for standard input (the default). With -q, inputs
    /// only
    #[arg(value_name = "FILE [INPUT]…")]
    pub(crate) paths: Vec<String>,
    #[command(flatten)]
    pub(crate) text: TextFlags,
    #[command(flatten)]
    pub(crate) sample: SampleFlags,
    /// How rows are written. Default: a table on a terminal, and else lines of JSON
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<OutputFormat>,
    /// What the inputs are, where their names (`.csv`, `.tsv`, also before `.gz` and `.zst`) do not say
    #[arg(long, value_name = "FORMAT")]
    pub(crate) input_format: Option<InputFormat>,
    /// Writes bad events to this file, as JSON lines with line number, cause and the line itself
    #[arg(long, value_name = "PATH")]
    pub(crate) dead_letters: Option<PathBuf>,
    /// Keeps the state of the run in this folder: after a crash, or when the inputs have grown, the same command goes on from there.
    /// See docs/reliability.md
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// With --state: how often it is written, in events (`100000`) or in time (`500ms`, `10s`, `5m`)
    #[arg(long, value_name = "N|DURATION", default_value = "5s")]
    pub(crate) checkpoint_every: CheckpointEvery,
    /// Writes rows to this file instead of standard output; with --state, nothing is lost in it and nothing stands in it twice
    #[arg(long, value_name = "PATH")]
    pub(crate) output_file: Option<PathBuf>,
    /// Begins each row with an id (`$id`) that is the same in every run: for whoever has to tell rows that come again after a crash
    #[arg(long)]
    pub(crate) ids: bool,
    /// Ends at the first bad event (exit code 65)
    #[arg(long)]
    pub(crate) strict: bool,
    /// The longest line that is read, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20)]
    pub(crate) max_line: usize,
    /// How many events are handled in one go; no result depends on it
    #[arg(long, value_name = "EVENTS", default_value_t = 4096)]
    pub(crate) batch_size: usize,
    /// How many threads decode lines of JSON and run operators that have keys, 0 or auto for one a core; no result depends on it
    #[arg(long, value_name = "THREADS", default_value = "1", value_parser = threads)]
    pub(crate) threads: usize,
    #[command(flatten)]
    pub(crate) bounds: BoundFlags,
    /// Prints all counters at the end
    #[arg(long)]
    pub(crate) stats: bool,
}

/// The most threads that can be asked for.
const THREADS_MAX: usize = 1024;

/// A number of threads; 0 stands for as many as there are cores.
fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        _ if text == "auto" => Ok(0),
        Ok(threads) if threads <= THREADS_MAX => Ok(threads),
        _ => Err(format!("a number from 1 to {THREADS_MAX}, or auto for one a core")),
    }
}

/// How often a state is kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum CheckpointEvery {
    /// After so many events.
    Events(u64),
    /// After so much time.
    Time(std::time::Duration),
}

impl std::str::FromStr for CheckpointEvery {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is neither a number of events (100000) nor a time (500ms, 10s, 5m)");
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let milliseconds = match unit {
            "" => return Ok(Self::Events(number.max(1))),
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return Err(wrong()),
        };
        Ok(Self::Time(std::time::Duration::from_millis(number.saturating_mul(milliseconds))))
    }
}

/// How streams without a declaration are looked at.
#[derive(Debug, Args)]
pub(crate) struct SampleFlags {
    /// The column of the event time, for streams that -q reads and nothing declares
    #[arg(long, value_name = "COLUMN")]
    pub(crate) time: Option<String>,
    /// How many lines of each input tell the columns of such streams
    #[arg(long, value_name = "LINES", default_value_t = 4096)]
    pub(crate) sample: usize,
}

/// `betide infer`
#[derive(Debug, Args)]
pub(crate) struct InferFlags {
    /// Files of JSON lines or CSV, also packed by gzip or zstd; `-` for standard input (the default)
    #[arg(value_name = "INPUT")]
    pub(crate) inputs: Vec<String>,
    /// The field that says which stream an event is of. Default: `type`, or the field that best tells which keys an event has
    #[arg(long, value_name = "FIELD")]
    pub(crate) type_field: Option<String>,
    /// The column of the event time
    #[arg(long, value_name = "COLUMN")]
    pub(crate) time: Option<String>,
    /// What the inputs are, where their names do not say
    #[arg(long, value_name = "FORMAT")]
    pub(crate) input_format: Option<InputFormat>,
}

const INFER_EXAMPLES: &str = "\
Examples:
  betide infer auth.jsonl > auth.tide
      the beginning of a program
  zcat windows.jsonl.gz | betide infer --type-field EventID
      streams told apart by another field";

/// How rows are written.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum OutputFormat {
    /// A JSON object a line
    Jsonl,
    /// Comma-separated values, for a program with one output
    Csv,
    /// Columns to look at
    Table,
    /// An Arrow IPC stream, for a program with one output (feature `arrow-files`)
    Arrow,
}

/// What an input is.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum InputFormat {
    /// A JSON object a line
    Jsonl,
    /// Values behind a header line, parted by commas, semicolons, bars or tabs
    Csv,
}

impl From<InputFormat> for Format {
    fn from(format: InputFormat) -> Self {
        match format {
            InputFormat::Jsonl => Self::JsonLines,
            InputFormat::Csv => Self::Csv,
        }
    }
}

/// `betide test`
#[derive(Debug, Args)]
pub(crate) struct TestFlags {
    /// Test files, programs, or folders of them. Default: all below the working directory
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Runs the tests whose names have this in them
    #[arg(long, value_name = "TEXT")]
    pub(crate) name: Option<String>,
    /// Writes what comes out into `expect` blocks and golden files that differ; read it before you keep it
    #[arg(long)]
    pub(crate) update: bool,
    /// A step of a pattern that no test reaches is a failure
    #[arg(long)]
    pub(crate) all_steps: bool,
    /// Writes the outcome as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
}

const TEST_EXAMPLES: &str = "\
NAME.test beside NAME.tide has the tests of that program:

  test three small payments and a large one
  given
      Payment card=4929-1 amount=0.99 @ 10:00:05
      Payment card=4929-1 amount=1.20 @ +30s
      Payment card=4929-1 amount=1.00 @ +30s
      Payment card=4929-1 amount=912.50 @ +2m
  expect
      CardTesting card=4929-1 probes=3

Exit codes: 0 all tests hold, 1 one does not, 2 a program or a test file is wrong.";

/// `betide fmt`
#[derive(Debug, Args)]
pub(crate) struct FmtFlags {
    /// Programs (`.tide`) or folders of them; `-` for standard input to standard output
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// Writes nothing, names the programs that are not laid out, and exits with 1 if there are any
    #[arg(long)]
    pub(crate) check: bool,
}

const FMT_EXAMPLES: &str = "\
Examples:
  betide fmt alerts.tide
  betide fmt --check queries/
      for a pipeline: exit code 1 where something is not laid out";

/// `betide doc`
#[derive(Debug, Args)]
pub(crate) struct DocFlags {
    /// A name or a part of one; without it, everything is listed
    #[arg(value_name = "NAME")]
    pub(crate) words: Vec<String>,
}

const DOC_EXAMPLES: &str = "\
Examples:
  betide doc WINDOW TUMBLING
  betide doc regexp_extract
  betide doc E0227";

/// `betide watch`
#[derive(Debug, Args)]
pub(crate) struct WatchFlags {
    /// What stands behind `betide run`; or test files (`.test`), which are then tested
    #[arg(value_name = "FILE [INPUT]… [OPTIONS OF run]", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) args: Vec<String>,
}

const WATCH_EXAMPLES: &str = "\
Examples:
  betide watch alerts.tide payments.jsonl
  betide watch alerts.test";

/// `betide dead-letters`
#[derive(Debug, Subcommand)]
pub(crate) enum LetterCommand {
    /// Shows the bad events by cause: how many, and of each where it stood and what is wrong with it.
    Show(ShowFlags),
    /// Feeds the bad events to a program again: alone, or in their places among the inputs that they are of.
    #[command(after_help = REPLAY_HELP)]
    Replay(Box<ReplayFlags>),
}

const LETTER_EXAMPLES: &str = "\
Examples:
  betide run alerts.tide payments.jsonl --dead-letters bad.jsonl
      a run that keeps its bad events
  betide dead-letters show bad.jsonl
      what is wrong with them
  betide dead-letters show bad.jsonl --cause wrong_type --format jsonl > part.jsonl
      those of one cause, as a dead-letter file
  betide dead-letters replay bad.jsonl mended.tide --dead-letters still_bad.jsonl
      the program has been mended: do they pass?
  betide dead-letters replay mended.jsonl alerts.tide payments.jsonl
      the letters have been mended: the run as it should have been";

/// `betide dead-letters show`
#[derive(Debug, Args)]
pub(crate) struct ShowFlags {
    /// The dead-letter file; `-` for standard input
    #[arg(value_name = "LETTERS")]
    pub(crate) letters: String,
    /// Events of this cause only (may be repeated)
    #[arg(long, value_name = "CODE")]
    pub(crate) cause: Vec<String>,
    /// How many of each cause are shown; all are counted. Default: 10 in a table, all as lines of JSON
    #[arg(long, value_name = "LETTERS")]
    pub(crate) limit: Option<u64>,
    /// A table to read, or the letters themselves
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LetterFormat::Table)]
    pub(crate) format: LetterFormat,
}

/// How letters are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LetterFormat {
    /// By cause, with the place in the line
    Table,
    /// The lines of the file
    Jsonl,
}

/// `betide dead-letters replay`
#[derive(Debug, Args)]
pub(crate) struct ReplayFlags {
    /// The dead-letter file
    #[arg(value_name = "LETTERS")]
    pub(crate) letters: String,
    /// Events of this cause only (may be repeated)
    #[arg(long, value_name = "CODE")]
    pub(crate) cause: Vec<String>,
    #[command(flatten)]
    pub(crate) run: RunFlags,
}

const REPLAY_HELP: &str = "\
Behind the letters stands what stands behind `betide run`: the program, then the
inputs, if the events are to stand in their places among them.

Without inputs the events of the letters are all there is. They are put in order
of event time first, so none is late, whatever DELAY the streams have.

With inputs the run is that of `betide run` over them, each letter's line in the
place of the line that was bad; an event that would have been late there is late.

What is bad again goes to --dead-letters, with the place where it stood at first.";

/// `betide completions`
#[derive(Debug, Args)]
pub(crate) struct CompletionFlags {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

const COMPLETION_EXAMPLES: &str = "\
Examples:
  betide completions bash > ~/.local/share/bash-completion/completions/betide
  betide completions zsh > ~/.zfunc/_betide
  betide completions fish > ~/.config/fish/completions/betide.fish";
