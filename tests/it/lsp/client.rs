//! An editor as the tests have it: at the other end of a connection to the server in this process.

use lsp_server::{Connection, Message, Notification, Request, RequestId, Response};
use serde_json::{Value, json};
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

/// No answer takes longer but one that never comes.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Editor {
    connection: Connection,
    server: Option<JoinHandle<()>>,
    asked: i32,
    version: i32,
    /// The address of the program that is open.
    pub(super) uri: String,
    /// What the server said of its own accord.
    pub(super) told: Vec<Notification>,
}

/// A program in no folder that is there.
pub(super) const URI: &str = "file:///project/pipeline.batch";

impl Editor {
    /// An editor that counts columns in UTF-16 and takes what every editor takes.
    pub(super) fn new() -> Editor {
        Editor::with(json!({}))
    }

    /// One that can do this.
    pub(super) fn with(capabilities: Value) -> Editor {
        let (ours, theirs) = Connection::memory();
        let server = std::thread::Builder::new().stack_size(batchc::run::STACK_BYTES);
        let server = server.spawn(move || {
            batchc::lsp::serve(&theirs).expect("the tests keep to the protocol");
        });
        let server = Some(server.expect("a thread can be started"));
        let (uri, told) = (URI.to_owned(), vec![]);
        let mut editor = Editor { connection: ours, server, asked: 0, version: 0, uri, told };
        editor.ask("initialize", json!({ "capabilities": capabilities })).expect("it begins");
        editor.tell("initialized", json!({}));
        editor
    }

    /// One of which the server asks something at once.
    pub(super) fn new_asked(capabilities: Value, method: &str) -> Editor {
        let editor = Editor::with(capabilities);
        match editor.connection.receiver.recv_timeout(PATIENCE).expect("the server asks") {
            Message::Request(asked) => {
                assert_eq!(asked.method, method);
                let answer = Response::new_ok(asked.id, Value::Null);
                editor.connection.sender.send(answer.into()).expect("the server listens");
            }
            other => panic!("not asked for: {other:?}"),
        }
        editor
    }

    /// One whose program is in a folder.
    pub(super) fn within(folder: &Path, capabilities: Value) -> Editor {
        let uri = format!("file://{}/pipeline.batch", folder.display());
        let mut editor = Editor::with(capabilities);
        editor.uri = uri;
        editor
    }

    pub(super) fn tell(&self, method: &str, params: Value) {
        let told = Notification::new(method.to_owned(), params);
        self.connection.sender.send(told.into()).expect("the server listens");
    }

    /// The answer to a request; an error is what the user would be told.
    pub(super) fn ask(&mut self, method: &str, params: Value) -> Result<Value, String> {
        self.asked += 1;
        let id = RequestId::from(self.asked);
        let request = Request::new(id.clone(), method.to_owned(), params);
        self.connection.sender.send(request.into()).expect("the server listens");
        loop {
            match self.connection.receiver.recv_timeout(PATIENCE).expect("the server answers") {
                Message::Response(response) if response.id == id => {
                    return response.response_result.map_err(|error| error.message);
                }
                Message::Notification(told) => self.told.push(told),
                other => panic!("not asked for: {other:?}"),
            }
        }
    }

    /// Opens a program, or puts another text into it.
    pub(super) fn show(&mut self, text: &str) {
        self.version += 1;
        if self.version == 1 {
            let document =
                json!({ "uri": self.uri, "languageId": "batch", "version": 1, "text": text });
            return self.tell("textDocument/didOpen", json!({ "textDocument": document }));
        }
        let document = json!({ "uri": self.uri, "version": self.version });
        let changes = json!([{ "text": text }]);
        let params = json!({ "textDocument": document, "contentChanges": changes });
        self.tell("textDocument/didChange", params);
    }

    /// Puts a text in place of a part of the program that is open.
    pub(super) fn edit(&mut self, range: &Value, text: &str) {
        self.version += 1;
        let document = json!({ "uri": self.uri, "version": self.version });
        let changes = json!([{ "range": range, "text": text }]);
        let params = json!({ "textDocument": document, "contentChanges": changes });
        self.tell("textDocument/didChange", params);
    }

    /// The answer to a request about the open program.
    pub(super) fn about(&mut self, method: &str, more: Value) -> Result<Value, String> {
        let mut params = json!({ "textDocument": { "uri": self.uri } });
        let object = params.as_object_mut().expect("it is one");
        object.extend(more.as_object().cloned().unwrap_or_default());
        self.ask(&format!("textDocument/{method}"), params)
    }

    /// What the server says next of its own accord is wrong with a document, from now on.
    pub(super) fn findings_of(&mut self, uri: &str) -> Vec<Value> {
        loop {
            let is_it = |told: &Notification| {
                told.method == "textDocument/publishDiagnostics" && told.params["uri"] == uri
            };
            if let Some(at) = self.told.iter().position(is_it) {
                let told = self.told.remove(at);
                return told.params["diagnostics"].as_array().cloned().expect("a list");
            }
            self.listen();
        }
    }

    /// Waits for something that the server says of its own accord.
    fn listen(&mut self) {
        match self.connection.receiver.recv_timeout(PATIENCE).expect("the server tells") {
            Message::Notification(told) => self.told.push(told),
            other => panic!("not asked for: {other:?}"),
        }
    }

    /// What the server says is wrong with this version of the program.
    pub(super) fn findings(&mut self) -> Vec<Value> {
        loop {
            let version = |told: &Notification| told.params["version"] == self.version;
            let at = self.told.iter().rposition(|told| {
                told.method == "textDocument/publishDiagnostics" && version(told)
            });
            if let Some(at) = at {
                let found = &self.told[at].params["diagnostics"];
                return found.as_array().cloned().expect("a list");
            }
            self.listen();
        }
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        self.ask("shutdown", Value::Null).expect("it ends");
        self.tell("exit", Value::Null);
        let server = self.server.take().expect("it was started");
        server.join().expect("the server ends without a panic");
    }
}
