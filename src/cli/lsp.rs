//! `betide lsp`: answers editors over standard input and output, by the Language Server Protocol. What the answers are, `betide::assist` knows.

use std::collections::BTreeMap;
use std::error::Error;

use betide::assist::{Analysis, Kind};
use betide::syntax::{cuts, format};
use betide::text::{Diagnostic, Severity, Source, Span};
use lsp_server::{Connection, ErrorCode, Message, Notification, Request, Response};
use lsp_types::notification::{DidChangeTextDocument, DidCloseTextDocument, DidOpenTextDocument, Notification as _, PublishDiagnostics};
use lsp_types::request::{Completion, DocumentSymbolRequest, Formatting, GotoDefinition, HoverRequest, RangeFormatting, Request as _};
use lsp_types::{
    CompletionItem, CompletionItemKind, CompletionOptions, CompletionParams, CompletionResponse, DiagnosticRelatedInformation,
    DiagnosticSeverity, DidChangeTextDocumentParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams, DocumentFormattingParams,
    DocumentRangeFormattingParams, DocumentSymbol, DocumentSymbolParams, DocumentSymbolResponse, GotoDefinitionParams,
    GotoDefinitionResponse, Hover, HoverContents, HoverParams, HoverProviderCapability, Location, MarkupContent, MarkupKind,
    NumberOrString, OneOf, Position, PublishDiagnosticsParams, Range, ServerCapabilities, SymbolKind, TextDocumentPositionParams,
    TextDocumentSyncCapability, TextDocumentSyncKind, TextEdit, Uri,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Failure;

type Answer = Result<serde_json::Value, Box<dyn Error>>;

/// Serves until the editor says that it is enough.
pub(crate) fn lsp() -> Result<u8, Failure> {
    let (connection, threads) = Connection::stdio();
    serve(&connection).map_err(|error| Failure::outside(format!("the editor's connection broke: {error}")))?;
    drop(connection);
    threads.join().map_err(|error| Failure::outside(format!("the editor's connection broke: {error}")))?;
    Ok(0)
}

fn serve(connection: &Connection) -> Result<(), Box<dyn Error>> {
    connection.initialize(serde_json::to_value(capabilities())?)?;
    let mut texts = Texts::default();
    for message in &connection.receiver {
        match message {
            Message::Request(request) if connection.handle_shutdown(&request)? => break,
            Message::Request(request) => connection.sender.send(Message::Response(texts.answer(request)))?,
            Message::Notification(notification) => {
                if let Some(told) = texts.notice(notification)? {
                    connection.sender.send(Message::Notification(told))?;
                }
            }
            Message::Response(_) => {}
        }
    }
    Ok(())
}

fn capabilities() -> ServerCapabilities {
    ServerCapabilities {
        text_document_sync: Some(TextDocumentSyncCapability::Kind(TextDocumentSyncKind::FULL)),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        definition_provider: Some(OneOf::Left(true)),
        document_symbol_provider: Some(OneOf::Left(true)),
        document_formatting_provider: Some(OneOf::Left(true)),
        document_range_formatting_provider: Some(OneOf::Left(true)),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some(vec![".".to_owned(), "$".to_owned()]),
            ..CompletionOptions::default()
        }),
        ..ServerCapabilities::default()
    }
}

/// The open texts, each looked at since its last change.
#[derive(Debug, Default)]
struct Texts {
    by_uri: BTreeMap<String, Analysis>,
}

impl Texts {
    /// Takes a notification; a text that has changed gives its diagnostics.
    fn notice(&mut self, notification: Notification) -> Result<Option<Notification>, Box<dyn Error>> {
        let (uri, text) = match notification.method.as_str() {
            DidOpenTextDocument::METHOD => {
                let params: DidOpenTextDocumentParams = serde_json::from_value(notification.params)?;
                (params.text_document.uri, params.text_document.text)
            }
            DidChangeTextDocument::METHOD => {
                let mut params: DidChangeTextDocumentParams = serde_json::from_value(notification.params)?;
                let Some(last) = params.content_changes.pop() else { return Ok(None) };
                (params.text_document.uri, last.text)
            }
            DidCloseTextDocument::METHOD => {
                let params: DidCloseTextDocumentParams = serde_json::from_value(notification.params)?;
                self.by_uri.remove(params.text_document.uri.as_str());
                return Ok(Some(diagnostics(params.text_document.uri, Vec::new())?));
            }
            _ => return Ok(None),
        };
        let analysis = Analysis::new(&text);
        let found = analysis.diagnostics().iter().map(|diagnostic| shown(diagnostic, &uri, &text)).collect();
        self.by_uri.insert(uri.as_str().to_owned(), analysis);
        Ok(Some(diagnostics(uri, found)?))
    }

    /// Answers a request; one that cannot be answered gets an error and ends nothing.
    fn answer(&self, request: Request) -> Response {
        let id = request.id.clone();
        let answer = match request.method.as_str() {
            HoverRequest::METHOD => self.ask(request, Self::hover),
            GotoDefinition::METHOD => self.ask(request, Self::definition),
            Completion::METHOD => self.ask(request, Self::completion),
            DocumentSymbolRequest::METHOD => self.ask(request, Self::symbols),
            Formatting::METHOD => self.ask(request, Self::formatting),
            RangeFormatting::METHOD => self.ask(request, Self::range_formatting),
            other => return Response::new_err(id, ErrorCode::MethodNotFound as i32, format!("betide does not answer {other}")),
        };
        match answer {
            Ok(value) => Response::new_ok(id, value),
            Err(error) => Response::new_err(id, ErrorCode::InvalidParams as i32, error.to_string()),
        }
    }

    fn ask<P: DeserializeOwned, R: Serialize>(&self, request: Request, how: fn(&Self, P) -> Option<R>) -> Answer {
        let params = serde_json::from_value(request.params)?;
        Ok(serde_json::to_value(how(self, params))?)
    }

    fn at(&self, place: &TextDocumentPositionParams) -> Option<(&Analysis, usize)> {
        let analysis = self.by_uri.get(place.text_document.uri.as_str())?;
        Some((analysis, byte_at(analysis.text(), place.position)))
    }

    fn hover(&self, params: HoverParams) -> Option<Hover> {
        let (analysis, at) = self.at(&params.text_document_position_params)?;
        let found = analysis.describe(at)?;
        let value = found.markdown;
        let contents = HoverContents::Markup(MarkupContent { kind: MarkupKind::Markdown, value });
        Some(Hover { contents, range: Some(range_of(analysis.text(), found.span)) })
    }

    fn definition(&self, params: GotoDefinitionParams) -> Option<GotoDefinitionResponse> {
        let place = params.text_document_position_params;
        let (analysis, at) = self.at(&place)?;
        let range = range_of(analysis.text(), analysis.definition(at)?);
        Some(GotoDefinitionResponse::Scalar(Location { uri: place.text_document.uri, range }))
    }

    fn completion(&self, params: CompletionParams) -> Option<CompletionResponse> {
        let (analysis, at) = self.at(&params.text_document_position)?;
        let item = |suggestion: betide::assist::Suggestion| CompletionItem {
            kind: Some(match suggestion.kind {
                Kind::Stream => CompletionItemKind::CLASS,
                Kind::Column => CompletionItemKind::FIELD,
                Kind::Variable | Kind::Parameter => CompletionItemKind::VARIABLE,
                Kind::Function => CompletionItemKind::FUNCTION,
                Kind::Keyword => CompletionItemKind::KEYWORD,
            }),
            label: suggestion.label,
            detail: Some(suggestion.detail).filter(|detail| !detail.is_empty()),
            ..CompletionItem::default()
        };
        Some(CompletionResponse::Array(analysis.complete(at).into_iter().map(item).collect()))
    }

    /// The whole text laid out; nothing where it cannot be parsed, which its diagnostics say.
    fn formatting(&self, params: DocumentFormattingParams) -> Option<Vec<TextEdit>> {
        let text = self.by_uri.get(params.text_document.uri.as_str())?.text();
        edits(text, 0..text.len())
    }

    /// The statements that the range touches.
    fn range_formatting(&self, params: DocumentRangeFormattingParams) -> Option<Vec<TextEdit>> {
        let text = self.by_uri.get(params.text_document.uri.as_str())?.text();
        let (start, end) = (byte_at(text, params.range.start), byte_at(text, params.range.end));
        let touched: Vec<_> = cuts(text).into_iter().filter(|cut| cut.start <= end && start < cut.end).collect();
        edits(text, touched.first()?.start..touched.last()?.end)
    }

    fn symbols(&self, params: DocumentSymbolParams) -> Option<DocumentSymbolResponse> {
        let analysis = self.by_uri.get(params.text_document.uri.as_str())?;
        let text = analysis.text();
        let symbol = |symbol: betide::assist::Symbol| {
            #[allow(deprecated, reason = "the struct has a field that is deprecated and must be written")]
            DocumentSymbol {
                kind: if symbol.name.starts_with('$') { SymbolKind::VARIABLE } else { SymbolKind::CLASS },
                name: symbol.name,
                detail: None,
                tags: None,
                deprecated: None,
                range: range_of(text, symbol.statement),
                selection_range: range_of(text, symbol.selection),
                children: None,
            }
        };
        Some(DocumentSymbolResponse::Nested(analysis.symbols().into_iter().map(symbol).collect()))
    }
}

/// What to change so that a part of a text, whole statements with the comments between them, is laid out.
fn edits(text: &str, part: std::ops::Range<usize>) -> Option<Vec<TextEdit>> {
    let before = &text[part.clone()];
    let new = format(&Source::new("", before)).ok()?;
    let new = if part.len() == text.len() { new } else { fitted(before, &new) };
    if new == before {
        return Some(Vec::new());
    }
    let range = Range { start: position_of(text, part.start), end: position_of(text, part.end) };
    Some(vec![TextEdit { range, new_text: new }])
}

/// Blanks around a part of a text stay as they are.
fn fitted(before: &str, new: &str) -> String {
    let head = &before[..before.len() - before.trim_start().len()];
    let tail = &before[before.trim_end().len()..];
    [head, new.trim(), tail].concat()
}

fn diagnostics(uri: Uri, diagnostics: Vec<lsp_types::Diagnostic>) -> Result<Notification, Box<dyn Error>> {
    let params = PublishDiagnosticsParams { uri, diagnostics, version: None };
    Ok(Notification { method: PublishDiagnostics::METHOD.to_owned(), params: serde_json::to_value(params)? })
}

/// A diagnostic as editors show it: the hints stand below the message, other places beside it.
fn shown(diagnostic: &Diagnostic, uri: &Uri, text: &str) -> lsp_types::Diagnostic {
    let mut message = diagnostic.message.clone();
    for hint in &diagnostic.hints {
        message.push('\n');
        message.push_str(hint);
    }
    let related = diagnostic.related.iter().map(|label| DiagnosticRelatedInformation {
        location: Location { uri: uri.clone(), range: range_of(text, label.span) },
        message: label.text.clone(),
    });
    let related: Vec<_> = related.collect();
    lsp_types::Diagnostic {
        range: range_of(text, diagnostic.primary.span),
        severity: Some(match diagnostic.severity {
            Severity::Error => DiagnosticSeverity::ERROR,
            Severity::Warning => DiagnosticSeverity::WARNING,
        }),
        code: Some(NumberOrString::String(diagnostic.code.to_string())),
        source: Some("betide".to_owned()),
        message,
        related_information: Some(related).filter(|related| !related.is_empty()),
        ..lsp_types::Diagnostic::default()
    }
}

fn range_of(text: &str, span: Span) -> Range {
    Range { start: position_of(text, span.start as usize), end: position_of(text, span.end as usize) }
}

/// The protocol counts lines from 0, and in a line units of UTF-16.
fn position_of(text: &str, byte: usize) -> Position {
    let end = (0..=byte.min(text.len())).rev().find(|byte| text.is_char_boundary(*byte)).unwrap_or_default();
    let before = &text[..end];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let units: usize = before[line_start..].chars().map(char::len_utf16).sum();
    let line = before.matches('\n').count();
    Position { line: u32::try_from(line).unwrap_or(u32::MAX), character: u32::try_from(units).unwrap_or(u32::MAX) }
}

/// The byte at a position; one behind its line's end is that end.
fn byte_at(text: &str, position: Position) -> usize {
    let mut line_start = 0;
    for _ in 0..position.line {
        match text[line_start..].find('\n') {
            Some(newline) => line_start += newline + 1,
            None => return text.len(),
        }
    }
    let line = text[line_start..].split('\n').next().unwrap_or_default();
    let mut units = 0;
    for (offset, c) in line.char_indices() {
        if units >= position.character {
            return line_start + offset;
        }
        units += u32::try_from(c.len_utf16()).unwrap_or(1);
    }
    line_start + line.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_units_of_utf_16() {
        let text = "a\n'ä𝄞' x\r\n";
        for (byte, line, character) in [(0, 0, 0), (1, 0, 1), (2, 1, 0), (3, 1, 1), (5, 1, 2), (9, 1, 4), (10, 1, 5), (11, 1, 6)] {
            let position = Position { line, character };
            assert_eq!((position_of(text, byte), byte_at(text, position)), (position, byte));
        }
        assert_eq!(byte_at(text, Position { line: 0, character: 99 }), 1);
        assert_eq!(byte_at(text, Position { line: 9, character: 0 }), text.len());
    }
}
