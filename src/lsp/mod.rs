//! The language server: `batchc lsp`.
//!
//! It answers the requests of an editor about the programs that are open there, and tells it what is
//! wrong with them while they are written. All that it says is what the compiler knows: the findings
//! of `check`, what it noted of names and rows (`check::names`), what the grammar would take
//! (`syntax::wanted`), the layout of `fmt`. Nothing is looked up a second time here. The
//! editor gives the text of a program; of files, only the modules that it uses are read, and in their
//! place what the editor shows of them.
//!
//! Requests are answered in their order, by one thread. A program is compiled anew after a change
//! when something is asked about it or when the editor has said all it has to say; that takes
//! milliseconds, since what has not changed is used again, and keeps answers from being about another
//! text than the one that is shown.

mod actions;
mod completion;
mod diagnostics;
mod document;
mod folding;
mod formatting;
mod hints;
mod hover;
mod names;
mod outline;
mod program;
mod rename;
mod rows;
mod signature;
mod slack;

use crate::text::Unit;
use document::{Document, Texts};
use gen_lsp_types as lsp;
use lsp_server::{
    Connection, ErrorCode, Message, Notification, ProtocolError, Request, RequestId, Response,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Serves an editor over standard input and output until it says that it is done. An error is one of
/// the protocol: the editor went away, or says what makes no sense.
pub fn serve_stdio() -> Result<(), String> {
    let (connection, threads) = Connection::stdio();
    serve(&connection).map_err(|error| error.to_string())?;
    drop(connection);
    threads.join().map_err(|error| error.to_string())
}

/// Serves an editor at the other end of a connection.
pub fn serve(connection: &Connection) -> Result<(), ProtocolError> {
    let (id, params) = connection.initialize_start()?;
    let client = Client::of(&params);
    let answer = serde_json::json!({
        "capabilities": capabilities(&client),
        "serverInfo": { "name": "batchc", "version": env!("CARGO_PKG_VERSION") },
    });
    connection.initialize_finish(id, answer)?;
    let (texts, open, changed) = (Texts::default(), BTreeMap::new(), BTreeSet::new());
    let mut server = Server { connection, client, texts, open, changed };
    if client.watches {
        server.watch();
    }
    for message in &connection.receiver {
        match message {
            Message::Request(request) => {
                if connection.handle_shutdown(&request)? {
                    return Ok(());
                }
                server.answer(request);
            }
            Message::Notification(told) if told.method == "exit" => return Ok(()),
            Message::Notification(told) => server.told(told),
            Message::Response(_) => {}
        }
        if connection.receiver.is_empty() {
            server.publish();
        }
    }
    Ok(())
}

/// What the editor can do.
#[derive(Clone, Copy, Default)]
struct Client {
    /// What it counts columns in.
    unit: Unit,
    /// Does it take texts with places to be filled in?
    snippets: bool,
    /// Does it take places related to a finding?
    related: bool,
    /// Does it tell of files that change, if it is asked to?
    watches: bool,
}

impl Client {
    fn of(params: &Value) -> Client {
        let at = |path: &str| params.pointer(path);
        let is = |path: &str| at(path).and_then(Value::as_bool).unwrap_or(false);
        let units = at("/capabilities/general/positionEncodings").and_then(Value::as_array);
        let offers = |unit: &str| units.is_some_and(|units| units.iter().any(|one| one == unit));
        let unit = if offers("utf-8") { Unit::Bytes } else { Unit::Utf16 };
        Client {
            unit,
            snippets: is("/capabilities/textDocument/completion/completionItem/snippetSupport"),
            related: is("/capabilities/textDocument/publishDiagnostics/relatedInformation"),
            watches: is("/capabilities/workspace/didChangeWatchedFiles/dynamicRegistration"),
        }
    }
}

/// What this server can do.
fn capabilities(client: &Client) -> lsp::ServerCapabilities {
    let characters = |all: &[&str]| Some(all.iter().map(|one| (*one).to_owned()).collect());
    lsp::ServerCapabilities {
        position_encoding: Some(match client.unit {
            Unit::Bytes => lsp::PositionEncodingKind::UTF8,
            _ => lsp::PositionEncodingKind::UTF16,
        }),
        text_document_sync: Some(
            lsp::TextDocumentSyncOptions {
                open_close: Some(true),
                change: Some(lsp::TextDocumentSyncKind::Incremental),
                save: Some(true.into()),
                ..Default::default()
            }
            .into(),
        ),
        completion_provider: Some(lsp::CompletionOptions {
            trigger_characters: characters(&["."]),
            ..Default::default()
        }),
        signature_help_provider: Some(lsp::SignatureHelpOptions {
            trigger_characters: characters(&["(", ","]),
            ..Default::default()
        }),
        hover_provider: Some(true.into()),
        definition_provider: Some(true.into()),
        references_provider: Some(true.into()),
        document_highlight_provider: Some(true.into()),
        document_symbol_provider: Some(true.into()),
        document_formatting_provider: Some(true.into()),
        folding_range_provider: Some(true.into()),
        inlay_hint_provider: Some(true.into()),
        code_action_provider: Some(
            lsp::CodeActionOptions {
                code_action_kinds: Some(vec![
                    lsp::CodeActionKind::QuickFix,
                    lsp::CodeActionKind::SourceFixAll,
                ]),
                ..Default::default()
            }
            .into(),
        ),
        rename_provider: Some(
            lsp::RenameOptions { prepare_provider: Some(true), ..Default::default() }.into(),
        ),
        ..Default::default()
    }
}

struct Server<'c> {
    connection: &'c Connection,
    client: Client,
    texts: Texts,
    /// The open programs by their addresses.
    open: BTreeMap<String, Document>,
    /// Those whose findings the editor has not been told since they changed.
    changed: BTreeSet<String>,
}

/// What a request comes to: an answer, or why there is none, for the user.
type Answer = Result<Value, Refusal>;

/// Why a request has no answer.
enum Refusal {
    /// It is none that this server offers, or makes no sense.
    Request(ErrorCode, String),
    /// It cannot be done, and the user should know why.
    Because(String),
}

impl Server<'_> {
    /// Takes what the editor says of its documents.
    fn told(&mut self, told: Notification) {
        match told.method.as_str() {
            "textDocument/didOpen" => {
                let given = serde_json::from_value::<lsp::DidOpenTextDocumentParams>(told.params);
                let Ok(given) = given else { return };
                let lsp::TextDocumentItem { uri, version, text, .. } = given.text_document;
                let (unit, texts) = (self.client.unit, self.texts.clone());
                let document = Document::new(uri.clone(), version, unit, text, texts);
                self.open.insert(uri.0.clone(), document);
                self.has_changed(uri.0);
            }
            "textDocument/didChange" => {
                let given = serde_json::from_value::<lsp::DidChangeTextDocumentParams>(told.params);
                let Ok(given) = given else { return };
                let uri = given.text_document.text_document_identifier.uri.0;
                if let Some(document) = self.open.get_mut(&uri) {
                    document.change(given.text_document.version, given.content_changes);
                    self.has_changed(uri);
                }
            }
            "textDocument/didClose" => {
                let Some(uri) = uri_in(&told.params) else { return };
                if let Some(closed) = self.open.remove(uri) {
                    self.texts.borrow_mut().remove(&closed.place);
                    self.forget(|other| other.uses(&closed.place));
                }
                self.changed.remove(uri);
                self.say::<lsp::PublishDiagnosticsNotification>(lsp::PublishDiagnosticsParams {
                    uri: uri.into(),
                    version: None,
                    diagnostics: vec![],
                });
            }
            "textDocument/didSave" | "workspace/didChangeWatchedFiles" => {
                self.forget(Document::uses_files);
            }
            _ => {}
        }
    }

    /// Notes that a document is another one now, and with it those that use it.
    fn has_changed(&mut self, uri: String) {
        let place = self.open.get(&uri).map(|document| document.place.clone());
        self.forget(|other| place.as_ref().is_some_and(|place| other.uses(place)));
        self.changed.insert(uri);
    }

    /// Has documents of which something is true compiled anew.
    fn forget(&mut self, stale: impl Fn(&Document) -> bool) {
        for (uri, document) in &mut self.open {
            if stale(document) {
                document.forget();
                self.changed.insert(uri.clone());
            }
        }
    }

    /// Asks the editor to tell of programs that change on the disk.
    fn watch(&self) {
        let watcher = serde_json::json!({ "globPattern": "**/*.batch" });
        let registration = serde_json::json!({
            "id": "programs",
            "method": "workspace/didChangeWatchedFiles",
            "registerOptions": { "watchers": [watcher] },
        });
        let params = serde_json::json!({ "registrations": [registration] });
        let id = RequestId::from("programs".to_owned());
        let asked = Request::new(id, "client/registerCapability".to_owned(), params);
        let _ = self.connection.sender.send(asked.into());
    }

    /// Tells the editor what is found in programs that have changed.
    fn publish(&mut self) {
        for uri in std::mem::take(&mut self.changed) {
            let Some(document) = self.open.get(&uri) else { continue };
            let (open, related) = (self.open.values(), self.client.related);
            let found =
                guarded(|| Ok(diagnostics::all(document, open, related))).unwrap_or_default();
            self.say::<lsp::PublishDiagnosticsNotification>(lsp::PublishDiagnosticsParams {
                uri: document.uri.clone(),
                version: Some(document.version),
                diagnostics: found,
            });
        }
    }

    fn say<N: lsp::Notification>(&self, told: N::Params) {
        let told = Notification::new(N::METHOD.as_str().to_owned(), told);
        // An editor that is gone will be noticed where it is listened to.
        let _ = self.connection.sender.send(told.into());
    }

    fn answer(&self, request: Request) {
        let Request { id, method, params } = request;
        let response = match guarded(|| self.answer_to(&method, &params)) {
            Ok(result) => Response::new_ok(id, result),
            Err(Refusal::Request(code, message)) => Response::new_err(id, code as i32, message),
            Err(Refusal::Because(message)) => {
                Response::new_err(id, ErrorCode::RequestFailed as i32, message)
            }
        };
        let _ = self.connection.sender.send(response.into());
    }

    /// The answer to a request about an open program.
    fn answer_to(&self, method: &str, params: &Value) -> Answer {
        let Some(uri) = uri_in(params) else {
            return Err(Refusal::Request(
                ErrorCode::MethodNotFound,
                format!("`{method}` is not offered"),
            ));
        };
        // Of one that is not open, nothing is known.
        let Some(document) = self.open.get(uri) else { return Ok(Value::Null) };
        let at = || Ok(document.byte(part::<lsp::Position>(params, "position")?));
        let range = || Ok(document.bytes(part::<lsp::Range>(params, "range")?));
        match method {
            "textDocument/completion" => {
                json(completion::completion(document, at()?, self.client.snippets))
            }
            "textDocument/signatureHelp" => json(signature::help(document, at()?)),
            "textDocument/hover" => json(hover::hover(document, at()?)),
            "textDocument/definition" => json(names::definition(document, at()?)),
            "textDocument/references" => {
                let context = "/context/includeDeclaration";
                let all = params.pointer(context).and_then(Value::as_bool).unwrap_or(true);
                json(names::references(document, at()?, all))
            }
            "textDocument/documentHighlight" => json(names::highlights(document, at()?)),
            "textDocument/prepareRename" => {
                json(rename::prepare(document, at()?).map_err(Refusal::Because)?)
            }
            "textDocument/rename" => {
                let new = part::<String>(params, "newName")?;
                json(rename::rename(document, at()?, &new).map_err(Refusal::Because)?)
            }
            "textDocument/documentSymbol" => json(outline::symbols(document)),
            "textDocument/foldingRange" => json(folding::ranges(document)),
            "textDocument/formatting" => json(formatting::edits(document)),
            "textDocument/inlayHint" => json(hints::hints(document, range()?)),
            "textDocument/codeAction" => {
                let only = params.pointer("/context/only").cloned().unwrap_or_default();
                let only = serde_json::from_value(only).unwrap_or_default();
                json(actions::actions(document, range()?, only))
            }
            _ => Err(Refusal::Request(
                ErrorCode::MethodNotFound,
                format!("`{method}` is not offered"),
            )),
        }
    }
}

/// The address of the document that something is about.
fn uri_in(params: &Value) -> Option<&str> {
    params.pointer("/textDocument/uri").and_then(Value::as_str)
}

/// A part of what is asked.
fn part<T: DeserializeOwned>(params: &Value, name: &str) -> Result<T, Refusal> {
    let refused = |error: serde_json::Error| {
        Refusal::Request(ErrorCode::InvalidParams, format!("`{name}`: {error}"))
    };
    T::deserialize(&params[name]).map_err(refused)
}

fn json<T: Serialize>(answer: T) -> Answer {
    let refused =
        |error: serde_json::Error| Refusal::Request(ErrorCode::InternalError, error.to_string());
    serde_json::to_value(answer).map_err(refused)
}

/// What the work comes to. A bug in it costs this answer, and not the editor its server.
fn guarded<T>(work: impl FnOnce() -> Result<T, Refusal>) -> Result<T, Refusal> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let message = "batchc has a bug: it gave up on this request".to_owned();
        Err(Refusal::Request(ErrorCode::InternalError, message))
    })
}
