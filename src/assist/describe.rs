//! What a word means, in a few lines of Markdown.

use super::Analysis;
use super::mentions::Meaning;
use crate::data::Schema;
use crate::expr::{aggregates, functions};
use crate::text::Span;

/// What a word means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The word.
    pub span: Span,
    /// What it means: a declaration in a code block, then sentences.
    pub markdown: String,
}

pub(super) fn describe(analysis: &Analysis, at: usize) -> Option<Description> {
    let mention = analysis.mention(at)?;
    let markdown = match &mention.meaning {
        Meaning::Stream(name) => of_stream(analysis, name),
        Meaning::Variable { name, stream: Some(stream) } => code(&format!("{stream} {name}")) + &columns_of(analysis, stream),
        Meaning::Variable { name, stream: None } => code(name),
        Meaning::Column { name, stream } => of_column(analysis, name, stream.as_deref()),
        Meaning::Parameter(name) => code(&format!("${name}")) + "A parameter: `SET` gives its default, `--set` its value for a run.",
        Meaning::Function(name) => of_function(name)?,
    };
    Some(Description { span: mention.span, markdown })
}

fn code(text: &str) -> String {
    format!("```sql\n{text}\n```\n")
}

fn of_stream(analysis: &Analysis, name: &str) -> String {
    let Some(stream) = analysis.stream(name) else { return code(name) };
    let what = match (&stream.source, &stream.table) {
        (Some(_), _) => "A source stream.",
        (None, Some(table)) if table.file.is_some() => "A table, read from a file.",
        (None, Some(_)) => "A view, kept up to date.",
        (None, None) => "A derived stream.",
    };
    code(&declaration(name, &stream.schema)) + what
}

fn columns_of(analysis: &Analysis, stream: &str) -> String {
    analysis.schema(stream).map_or_else(String::new, |schema| code(&declaration(stream, schema)))
}

fn declaration(name: &str, schema: &Schema) -> String {
    let columns: Vec<String> = schema.fields().iter().map(|field| format!("{} {}", field.name, field.data_type)).collect();
    format!("{name} ({})", columns.join(", "))
}

fn of_column(analysis: &Analysis, name: &str, stream: Option<&str>) -> String {
    let field =
        stream.and_then(|stream| analysis.schema(stream)).and_then(|schema| schema.fields().iter().find(|field| *field.name == *name));
    let shown = field.map_or_else(|| name.to_owned(), |field| format!("{name} {}", field.data_type));
    let of = stream.map_or_else(|| "A column of a query.".to_owned(), |stream| format!("A column of `{stream}`."));
    code(&shown) + &of
}

/// What the table of functions or of aggregates says of a name.
pub(super) fn of_function(name: &str) -> Option<String> {
    let function = functions::lookup(name).map(|function| (function.signature, function.doc, function.examples));
    let aggregate = || aggregates::lookup(name).map(|aggregate| (aggregate.signature, aggregate.doc, &[][..]));
    let (signature, doc, examples) = function.or_else(aggregate)?;
    let mut text = code(signature) + doc;
    for (expression, result) in examples.iter().take(3) {
        text += &format!("\n\n`{expression}` gives `{result}`");
    }
    Some(text)
}
