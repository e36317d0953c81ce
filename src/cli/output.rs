//! Rows as they leave the command: lines of JSON, comma-separated values, or a table to look at.
//!
//! Lines of JSON can hold rows of any streams; comma-separated values are one table, and so one stream. A table is for eyes: a block a
//! stream, as wide as the rows that had come when it was begun; long values are cut, and signs that would move the cursor are shown as
//! what they are.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;

use betide::{DataType, Engine, OutputRow};

use super::Failure;
use super::flags::OutputFormat;
use super::terminal::{self, width};
use super::writer::Writer;

/// Rows of a table that are waited for to know its widths.
const ROWS_AHEAD: usize = 1000;
/// The widest cell, in columns of the terminal.
const CELL_MAX: usize = 60;
/// Where a terminal is too narrow, columns of text are cut down to this width, and not further.
const NARROWEST: usize = 8;

/// Where rows go, and how.
pub(crate) struct Output {
    to: To,
    /// What messages call it.
    name: String,
    form: Form,
    is_terminal: bool,
    has_written: bool,
}

/// Where rows are to go.
pub(crate) enum Target<'p> {
    /// Standard output.
    Stdout,
    /// A file that is made, or emptied.
    File(&'p Path),
    /// They are gathered, and taken by [`Output::take_gathered`]; some may have been written before.
    Gathered {
        /// Whether some have.
        has_begun: bool,
    },
}

enum To {
    Writer(BufWriter<Box<dyn Write + Send>>),
    /// Lines of JSON, made and written on a thread of their own.
    Apart(Writer),
    Gathered(Vec<u8>),
}

impl Write for To {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Writer(writer) => writer.write(bytes),
            Self::Apart(_) => Err(io::Error::new(io::ErrorKind::Unsupported, "only rows are written on a thread of their own")),
            Self::Gathered(gathered) => gathered.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Writer(writer) => writer.flush(),
            Self::Apart(writer) => writer.flush(),
            Self::Gathered(_) => Ok(()),
        }
    }
}

enum Form {
    Lines,
    Csv {
        header: Option<String>,
    },
    Table(Table),
    #[cfg(feature = "arrow-files")]
    Arrow(super::arrow_output::ArrowOutput),
}

impl Output {
    /// The form that was asked for; without one, a table where somebody looks.
    pub(crate) fn new(target: Target<'_>, format: Option<OutputFormat>, engine: &Engine) -> Result<Self, Failure> {
        let is_terminal = matches!(target, Target::Stdout) && io::stdout().is_terminal();
        let has_begun = matches!(target, Target::Gathered { has_begun: true });
        let form = match (format, is_terminal) {
            (Some(OutputFormat::Jsonl), _) | (None, false) => Form::Lines,
            (Some(OutputFormat::Table), _) | (None, true) => Form::Table(Table::new(Look::of(is_terminal), engine)),
            #[cfg(feature = "arrow-files")]
            (Some(OutputFormat::Arrow), _) => {
                header(engine, "arrow")?;
                Form::Arrow(super::arrow_output::ArrowOutput::new(engine, is_terminal)?)
            }
            #[cfg(not(feature = "arrow-files"))]
            (Some(OutputFormat::Arrow), _) => {
                let how = "cargo install --path . --features arrow-files makes one that does";
                return Err(Failure::usage(format!("this build does not write Arrow: {how}")));
            }
            (Some(OutputFormat::Csv), _) => Form::Csv { header: Some(header(engine, "csv")?).filter(|_| !has_begun) },
        };
        let name = if let Target::File(path) = target { path.display().to_string() } else { "the output".to_owned() };
        // Where somebody looks, rows and messages take turns.
        let is_apart = matches!(form, Form::Lines) && !is_terminal && engine.stats().threads > 1;
        let writer = |to: Box<dyn Write + Send>| {
            // More than it holds is written as it comes: rows of a chunk are text already.
            let to = BufWriter::with_capacity(1 << 14, to);
            if !is_apart {
                return Ok(To::Writer(to));
            }
            Writer::start(to).map(To::Apart).map_err(|error| Failure::outside(format!("cannot start a thread: {error}")))
        };
        let to = match target {
            Target::Stdout => writer(Box::new(io::stdout()))?,
            Target::Gathered { .. } => To::Gathered(Vec::new()),
            Target::File(path) => {
                let made = std::fs::File::create(path);
                let made = made.map_err(|error| Failure::outside(format!("cannot create {}: {error}", path.display())))?;
                writer(Box::new(made))?
            }
        };
        Ok(Self { to, name, form, is_terminal, has_written: false })
    }

    /// The rows that have been gathered since the last call.
    pub(crate) fn take_gathered(&mut self) -> Vec<u8> {
        match &mut self.to {
            To::Gathered(gathered) => std::mem::take(gathered),
            To::Writer(_) | To::Apart(_) => Vec::new(),
        }
    }

    /// Writes the rows that have become certain.
    pub(crate) fn write(&mut self, engine: &mut Engine) -> io::Result<()> {
        if let To::Apart(writer) = &mut self.to {
            return writer.write(engine.take_lines());
        }
        match &mut self.form {
            Form::Lines => {
                self.has_written |= engine.write_rows(&mut self.to)? > 0;
                Ok(())
            }
            Form::Csv { header } => {
                if let Some(header) = header.take() {
                    self.to.write_all(header.as_bytes())?;
                }
                for row in engine.take_rows() {
                    self.has_written = true;
                    self.to.write_all(record(row.texts()).as_bytes())?;
                }
                Ok(())
            }
            #[cfg(feature = "arrow-files")]
            Form::Arrow(arrow) => {
                self.has_written |= arrow.write(engine, &mut self.to)?;
                Ok(())
            }
            Form::Table(table) => {
                for row in engine.take_rows() {
                    self.has_written = true;
                    table.push(&row, &mut self.to)?;
                }
                Ok(())
            }
        }
    }

    /// That writing to it failed.
    pub(crate) fn failure(&self, error: &io::Error) -> Failure {
        Failure::outside(format!("cannot write {}: {error}", self.name))
    }

    /// Whether somebody sees rows on the terminal, between which nothing else should stand.
    pub(crate) fn is_seen(&self) -> bool {
        self.is_terminal && self.has_written
    }

    /// Has everything reach whoever reads it.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        if let Form::Table(table) = &mut self.form {
            table.write_waiting(&mut self.to)?;
        }
        self.to.flush()
    }
}

/// How a table looks.
#[derive(Debug, Clone, Copy)]
struct Look {
    has_colour: bool,
    /// It should be no wider than this.
    columns: Option<usize>,
}

impl Look {
    fn of(is_terminal: bool) -> Self {
        Self {
            has_colour: is_terminal && terminal::has_colour(&io::stdout()),
            columns: if is_terminal { terminal::columns() } else { None },
        }
    }
}

/// The names of the columns of the only output.
fn header(engine: &Engine, format: &str) -> Result<String, Failure> {
    let outputs: Vec<_> = engine.output_schemas().collect();
    let [(_, schema)] = outputs.as_slice() else {
        let names: Vec<&str> = outputs.iter().map(|(name, _)| name.unwrap_or("an unnamed query")).collect();
        let text =
            format!("{format} is one table, and the program has {} outputs ({}): --output chooses one", names.len(), names.join(", "));
        return Err(Failure::usage(text));
    };
    Ok(record(schema.fields().iter().map(|field| Some(field.name.to_string()))))
}

/// One record: NULL is nothing, an empty text is `""`.
fn record(texts: impl Iterator<Item = Option<String>>) -> String {
    let cells: Vec<String> = texts.map(|text| text.map_or(String::new(), |text| csv_cell(&text))).collect();
    // A line with nothing in it would be no record.
    if cells.len() == 1 && cells[0].is_empty() { "\"\"\n".to_owned() } else { cells.join(",") + "\n" }
}

fn csv_cell(text: &str) -> String {
    let is_plain = !text.is_empty() && !text.contains([',', '"', '\n', '\r']);
    if is_plain { text.to_owned() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

/// A table under way.
struct Table {
    look: Look,
    /// The names of streams are told where there are several outputs.
    has_names: bool,
    waiting: Vec<Vec<String>>,
    /// What the block at hand, and the rows that wait, are of.
    block: Option<Block>,
    has_begun: bool,
}

struct Block {
    stream: Option<String>,
    columns: Vec<String>,
    /// Numbers stand at the right.
    yields: Vec<Yields>,
    widths: Option<Vec<usize>>,
}

impl Table {
    fn new(look: Look, engine: &Engine) -> Self {
        let has_names = engine.outputs().count() > 1;
        Self { look, has_names, waiting: Vec::new(), block: None, has_begun: false }
    }

    fn push(&mut self, row: &OutputRow, to: &mut impl Write) -> io::Result<()> {
        let fields = row.schema().fields();
        let is_same = self.block.as_ref().is_some_and(|block| {
            block.stream.as_deref() == row.stream() && block.columns.iter().map(String::as_str).eq(fields.iter().map(|field| &*field.name))
        });
        if !is_same {
            self.write_waiting(to)?;
            self.block = Some(Block {
                stream: row.stream().map(str::to_owned),
                columns: fields.iter().map(|field| field.name.to_string()).collect(),
                yields: fields.iter().map(|field| Yields::of(&field.data_type)).collect(),
                widths: None,
            });
        }
        self.waiting.push(row.texts().map(|text| text.map_or_else(String::new, |text| shown(&text))).collect());
        if self.waiting.len() >= ROWS_AHEAD { self.write_waiting(to) } else { Ok(()) }
    }

    fn write_waiting(&mut self, to: &mut impl Write) -> io::Result<()> {
        let Some(block) = &mut self.block else { return Ok(()) };
        if self.waiting.is_empty() {
            return Ok(());
        }
        let (bold, dim, plain) = if self.look.has_colour { ("\x1b[1m", "\x1b[2m", "\x1b[0m") } else { ("", "", "") };
        if block.widths.is_none() {
            let cells = |column: usize| self.waiting.iter().map(move |row| width(&row[column]));
            let names = block.columns.iter().enumerate();
            let widths: Vec<usize> = names.map(|(index, name)| cells(index).chain([width(name)]).max().unwrap_or(0)).collect();
            let widths = if let Some(columns) = self.look.columns { fitted(widths, &block.yields, columns) } else { widths };
            if self.has_begun {
                writeln!(to)?;
            }
            if let Some(name) = block.stream.as_ref().filter(|_| self.has_names) {
                writeln!(to, "{bold}{name}{plain}")?;
            }
            let columns: Vec<String> = block.columns.iter().map(|name| shown(name)).collect();
            writeln!(to, "{bold}{}{plain}", line(&columns, &widths, &block.yields))?;
            let rules: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
            writeln!(to, "{dim}{}{plain}", rules.join("  "))?;
            block.widths = Some(widths);
        }
        self.has_begun = true;
        let widths = block.widths.as_deref().unwrap_or_default();
        for row in self.waiting.drain(..) {
            writeln!(to, "{}", line(&row, widths, &block.yields))?;
        }
        Ok(())
    }
}

/// The cells of a row, each as wide as its column.
fn line(cells: &[String], widths: &[usize], yields: &[Yields]) -> String {
    let mut text = String::new();
    for ((cell, &wide), yields) in cells.iter().zip(widths).zip(yields) {
        let is_number = *yields == Yields::Never;
        // A row that came after the widths were known may be wider.
        let cell = if is_number { cell.clone() } else { terminal::cut(cell, wide.max(NARROWEST)) };
        let blanks = " ".repeat(wide.saturating_sub(width(&cell)));
        text += &if is_number { format!("{blanks}{cell}  ") } else { format!("{cell}{blanks}  ") };
    }
    text.truncate(text.trim_end().len());
    text
}

/// How a column gives way where the terminal is too narrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Yields {
    /// Text.
    First,
    /// Times, which say little when they are cut.
    Later,
    /// Numbers, which say something else.
    Never,
}

impl Yields {
    fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Int | DataType::Float | DataType::Decimal { .. } => Self::Never,
            DataType::Timestamp | DataType::Duration | DataType::Bool => Self::Later,
            _ => Self::First,
        }
    }
}

/// Widths that fit into so many columns, if they can: the widest give way first.
fn fitted(mut widths: Vec<usize>, yields: &[Yields], columns: usize) -> Vec<usize> {
    let between = 2 * widths.len().saturating_sub(1);
    for which in [Yields::First, Yields::Later] {
        while widths.iter().sum::<usize>() + between > columns {
            let giving = widths.iter_mut().zip(yields).filter(|(width, yields)| **yields == which && **width > NARROWEST);
            let Some((widest, _)) = giving.max_by_key(|(width, _)| **width) else { break };
            *widest -= 1;
        }
    }
    widths
}

/// A text for a cell: on one line, without signs that a terminal would obey, and not too long.
fn shown(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars() {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    terminal::cut(&shown, CELL_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_can_be_read_back() {
        let texts = [Some("a,b".to_owned()), None, Some(String::new()), Some("say \"x\"".to_owned()), Some("plain".to_owned())];
        assert_eq!(record(texts.into_iter()), "\"a,b\",,\"\",\"say \"\"x\"\"\",plain\n");
        assert_eq!(record([None].into_iter()), "\"\"\n");
    }

    #[test]
    fn a_table_shows_what_can_be_shown() {
        let program = "CREATE STREAM S (name STRING, n INT); SELECT name, n AS \"how many\" FROM S;";
        let mut engine = Engine::compile(program).unwrap();
        engine.push_json(b"{\"name\":\"a\\u001b[31m\",\"n\":7}\n{\"n\":1000}\n").unwrap();
        engine.finish().unwrap();
        let mut table = Table::new(Look { has_colour: false, columns: None }, &engine);
        let mut out = Vec::new();
        for row in engine.take_rows() {
            table.push(&row, &mut out).unwrap();
        }
        table.write_waiting(&mut out).unwrap();
        let expected = "name         how many\n───────────  ────────\na\\u{1b}[31m         7\n                 1000\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        assert_eq!(shown(&"x".repeat(100)).chars().count(), CELL_MAX);
    }

    #[test]
    fn a_table_fits_into_the_terminal() {
        use Yields::{First, Later, Never};
        assert_eq!(fitted(vec![10, 5, 40], &[First, Never, First], 80), [10, 5, 40]);
        assert_eq!(fitted(vec![10, 5, 40], &[First, Never, First], 40), [10, 5, 21]);
        assert_eq!(fitted(vec![10, 12, 40], &[First, Never, First], 20), [8, 12, 8]);
        assert_eq!(fitted(vec![20, 12, 40], &[Later, Never, First], 50), [20, 12, 14]);
        assert_eq!(fitted(vec![20, 12, 40], &[Later, Never, First], 40), [16, 12, 8]);
        let program = "CREATE STREAM S (name STRING, n INT); SELECT name, n FROM S;";
        let mut engine = Engine::compile(program).unwrap();
        engine.push_json("{\"name\":\"a name that is long\",\"n\":7}\n{\"name\":\"東京\",\"n\":1000}\n".as_bytes()).unwrap();
        engine.finish().unwrap();
        let mut table = Table::new(Look { has_colour: false, columns: Some(18) }, &engine);
        let mut out = Vec::new();
        for row in engine.take_rows() {
            table.push(&row, &mut out).unwrap();
        }
        table.write_waiting(&mut out).unwrap();
        let expected = "name             n\n────────────  ────\na name that…     7\n東京          1000\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
