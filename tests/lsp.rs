//! `betide lsp` from outside: an editor's session over pipes.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value as Json, json};

const URI: &str = "file:///q.tide";
const PROGRAM: &str = "CREATE STREAM Payment (card STRING, amount FLOAT, at TIMESTAMP) TIMESTAMP BY at;
SELECT p.card FROM PATTERN (Payment p -> Payment q)
PARTITION BY card WITHIN 5m;
";

struct Editor {
    server: Child,
    output: BufReader<ChildStdout>,
    asked: u64,
}

impl Editor {
    fn open() -> Self {
        let mut server =
            Command::new(env!("CARGO_BIN_EXE_betide")).arg("lsp").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(server.stdout.take().unwrap());
        let mut editor = Self { server, output, asked: 0 };
        let answer = editor.ask("initialize", json!({"capabilities": {}}));
        assert_eq!(answer["result"]["capabilities"]["hoverProvider"], true);
        editor.tell("initialized", json!({}));
        editor
    }

    fn send(&mut self, message: &Json) {
        let body = message.to_string();
        write!(self.server.stdin.as_mut().unwrap(), "Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    }

    fn tell(&mut self, method: &str, params: Json) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    fn ask(&mut self, method: &str, params: Json) -> Json {
        self.asked += 1;
        self.send(&json!({"jsonrpc": "2.0", "id": self.asked, "method": method, "params": params}));
        let answer = self.read();
        assert_eq!(answer["id"], self.asked);
        answer
    }

    fn read(&mut self) -> Json {
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.output.read_line(&mut line).unwrap();
            match line.trim_end().split_once(": ") {
                Some(("Content-Length", bytes)) => length = bytes.parse().unwrap(),
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.output.read_exact(&mut body).unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    fn ask_at(&mut self, method: &str, line: u32, character: u32) -> Json {
        let params = json!({"textDocument": {"uri": URI}, "position": {"line": line, "character": character}});
        self.ask(method, params)["result"].take()
    }

    /// Opens the text; gives what is wrong with it.
    fn show(&mut self, text: &str) -> Json {
        self.tell("textDocument/didOpen", json!({"textDocument": {"uri": URI, "languageId": "tide", "version": 1, "text": text}}));
        self.read()["params"]["diagnostics"].take()
    }

    fn change(&mut self, text: &str) -> Json {
        let params = json!({"textDocument": {"uri": URI, "version": 2}, "contentChanges": [{"text": text}]});
        self.tell("textDocument/didChange", params);
        self.read()["params"]["diagnostics"].take()
    }

    fn close(mut self) {
        assert_eq!(self.ask("shutdown", Json::Null)["result"], Json::Null);
        self.tell("exit", Json::Null);
        assert!(self.server.wait().unwrap().success());
    }
}

#[test]
fn an_editor_gets_diagnostics_as_it_types_and_answers_to_what_it_asks() {
    let mut editor = Editor::open();
    assert_eq!(editor.show(PROGRAM), json!([]));

    let found = editor.change(&PROGRAM.replace("p.card", "p.crad"));
    assert_eq!(found[0]["range"], json!({"start": {"line": 1, "character": 9}, "end": {"line": 1, "character": 13}}));
    assert!(found[0]["message"].as_str().unwrap().contains("did you mean `card`?"), "{found}");
    assert_eq!(editor.change(PROGRAM), json!([]));

    let hover = editor.ask_at("textDocument/hover", 1, 10);
    assert!(hover["contents"]["value"].as_str().unwrap().contains("card STRING"), "{hover}");
    assert_eq!(editor.ask_at("textDocument/hover", 1, 1), Json::Null);
    let definition = editor.ask_at("textDocument/definition", 1, 10);
    assert_eq!(definition["range"]["start"], json!({"line": 0, "character": 23}));

    editor.change(&PROGRAM.replace("p.card", "p."));
    let offered = editor.ask_at("textDocument/completion", 1, 9);
    let labels: Vec<&str> = offered.as_array().unwrap().iter().map(|item| item["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["card", "amount", "at"]);

    let symbols = editor.ask("textDocument/documentSymbol", json!({"textDocument": {"uri": URI}}));
    assert_eq!(symbols["result"][0]["name"], "Payment");
    editor.close();
}

/// The text after what the editor is told to change in it.
fn edited(text: &str, edits: &Json) -> String {
    let Some(edit) = edits.as_array().unwrap().first() else { return text.to_owned() };
    let at = |place: &Json| {
        let line = usize::try_from(place["line"].as_u64().unwrap()).unwrap();
        let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
        start + usize::try_from(place["character"].as_u64().unwrap()).unwrap()
    };
    let range = at(&edit["range"]["start"])..at(&edit["range"]["end"]);
    [&text[..range.start], edit["newText"].as_str().unwrap(), &text[range.end..]].concat()
}

#[test]
fn programs_and_selections_are_laid_out() {
    let text = "create stream A (x int) ; -- first\n\nselect   x from A\nwhere x>1;\nselect x  from A;\n";
    let mut editor = Editor::open();
    editor.show(text);
    let document = json!({"uri": URI});
    let options = json!({"tabSize": 4, "insertSpaces": true});
    let whole = editor.ask("textDocument/formatting", json!({"textDocument": document, "options": options}))["result"].take();
    let laid_out = edited(text, &whole);
    assert!(laid_out.starts_with("CREATE STREAM A (x INT); -- first\n\nSELECT x\nFROM A\nWHERE x > 1;\n"), "{laid_out}");

    let select = json!({"start": {"line": 2, "character": 3}, "end": {"line": 3, "character": 0}});
    let asked = json!({"textDocument": document, "range": select, "options": options});
    let one = edited(text, &editor.ask("textDocument/rangeFormatting", asked.clone())["result"].take());
    assert!(one.starts_with("create stream A (x int) ; -- first\n\nSELECT x\nFROM A\nWHERE x > 1;\n"), "{one}");
    assert!(one.ends_with(";\nselect x  from A;\n"), "{one}");

    editor.change(&laid_out);
    let again = editor.ask("textDocument/formatting", json!({"textDocument": document, "options": options}))["result"].take();
    assert_eq!(again, json!([]), "what is laid out stays");
    editor.change("select x fro A;");
    let wrong = editor.ask("textDocument/formatting", json!({"textDocument": document, "options": options}))["result"].take();
    assert_eq!(wrong, Json::Null, "what cannot be parsed has no layout");
    editor.close();
}

#[test]
fn what_it_cannot_answer_is_an_error_and_ends_nothing() {
    let mut editor = Editor::open();
    assert_eq!(editor.ask("textDocument/noSuchThing", json!({}))["error"]["code"], -32601);
    assert_eq!(editor.ask("textDocument/hover", json!({"wrong": true}))["error"]["code"], -32602);
    assert_eq!(editor.ask_at("textDocument/hover", 0, 0), Json::Null, "a text that nobody opened");
    editor.tell("$/setTrace", json!({"value": "off"}));
    assert_eq!(editor.show("SELECT 1 FROM Nowhere;")[0]["severity"], 1);
    editor.close();
}
