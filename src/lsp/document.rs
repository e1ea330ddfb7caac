//! A program that is open in an editor: its text, what the compiler makes of it, and its places in
//! the editor's units.

use super::slack::Slack;
use crate::syntax::ast::{Declaration, DeclarationKind, Use};
use crate::text::{File, FileId, Span, Unit};
use crate::{Compiled, compile_reading, modules};
use gen_lsp_types as lsp;
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// The texts of all open programs by the places of their files: what one of them uses is read as it
/// is shown, saved or not.
pub(super) type Texts = Rc<RefCell<BTreeMap<PathBuf, String>>>;

/// An open program.
pub(super) struct Document {
    pub(super) uri: lsp::Uri,
    pub(super) version: i32,
    unit: Unit,
    /// The path of its file, from which its modules are found.
    name: String,
    /// Where that file is.
    pub(super) place: PathBuf,
    /// The text that the editor shows.
    shown: File,
    texts: Texts,
    /// What is known of the text, once somebody asks.
    known: OnceCell<Known>,
    /// What was known of an earlier one.
    before: RefCell<Option<Known>>,
}

/// A text that has been compiled.
struct Known {
    /// As the editor shows it.
    shown: String,
    /// The blanks that the compiler saw in it besides.
    slack: Slack,
    compiled: Compiled,
}

impl Document {
    pub(super) fn new(
        uri: lsp::Uri,
        version: i32,
        unit: Unit,
        text: String,
        texts: Texts,
    ) -> Document {
        let name = path_of(&uri.0);
        let place = modules::place(&name);
        texts.borrow_mut().insert(place.clone(), text.clone());
        let (known, before) = (OnceCell::new(), RefCell::default());
        let shown = File::new(String::new(), text);
        Document { uri, version, unit, name, place, shown, texts, known, before }
    }

    /// Puts changes into the text, each after the ones before it.
    pub(super) fn change(
        &mut self,
        version: i32,
        changes: Vec<lsp::TextDocumentContentChangeEvent>,
    ) {
        use lsp::TextDocumentContentChangeEvent as Change;
        self.forget();
        self.version = version;
        for change in changes {
            let text = match change {
                Change::TextDocumentContentChangeWholeDocument(whole) => whole.text,
                Change::TextDocumentContentChangePartial(part) => {
                    let range = bytes(&self.shown, part.range, self.unit);
                    let mut text = std::mem::take(&mut self.shown.text);
                    text.replace_range(range, &part.text);
                    text
                }
            };
            self.shown = File::new(String::new(), text);
        }
        self.texts.borrow_mut().insert(self.place.clone(), self.shown.text.clone());
    }

    /// Has it compiled anew when somebody asks next: a file that it uses has changed.
    pub(super) fn forget(&mut self) {
        if let Some(known) = self.known.take() {
            self.before.replace(Some(known));
        }
    }

    /// Does it use the file at a place, or one that uses it? Nobody knows of one that is not compiled.
    pub(super) fn uses(&self, place: &Path) -> bool {
        self.known.get().is_some_and(|known| {
            let files = known.compiled.files.all();
            files.skip(1).any(|(_, file)| modules::place(&file.path) == place)
        })
    }

    /// Does it use any files of the project, read or not?
    pub(super) fn uses_files(&self) -> bool {
        let is_file =
            |one: &Arc<Declaration>| matches!(one.kind, DeclarationKind::Use(Use::File(_)));
        let known = self.known.get();
        known.is_some_and(|known| known.compiled.tree.declarations.iter().any(is_file))
    }

    /// The text that the editor shows.
    pub(super) fn shown(&self) -> &str {
        &self.shown.text
    }

    /// The text as it is compiled, which all places are of but those of the editor.
    pub(super) fn text(&self) -> &str {
        &self.compiled().files.get(ONLY).text
    }

    /// What the compiler makes of it.
    pub(super) fn compiled(&self) -> &Compiled {
        &self.known().compiled
    }

    fn known(&self) -> &Known {
        self.known.get_or_init(|| {
            let (before, shown) = (self.before.take(), self.shown.text.clone());
            let (slack, laid_out) =
                Slack::lay(before.as_ref().map(|known| (&known.slack, &*known.shown)), &shown);
            let instead = |place: &Path| self.texts.borrow().get(place).cloned();
            let compiled_before = before.as_ref().map(|known| &known.compiled);
            let compiled = compile_reading(&self.name, laid_out, &[], &instead, compiled_before);
            // What a long program comes to takes a while to be given back, which nobody has to
            // wait for.
            rayon::spawn(move || drop(before));
            Known { shown, slack, compiled }
        })
    }

    /// The byte at a place.
    pub(super) fn byte(&self, place: lsp::Position) -> usize {
        self.known().slack.compiled(byte(&self.shown, place, self.unit))
    }

    /// The bytes of a range.
    pub(super) fn bytes(&self, range: lsp::Range) -> Range<usize> {
        let shown = bytes(&self.shown, range, self.unit);
        let slack = &self.known().slack;
        slack.compiled(shown.start)..slack.compiled(shown.end)
    }

    /// The place of a byte.
    pub(super) fn position(&self, byte: usize) -> lsp::Position {
        position(&self.shown, self.known().slack.shown(byte), self.unit)
    }

    /// The range of some bytes.
    pub(super) fn range(&self, bytes: Range<usize>) -> lsp::Range {
        lsp::Range { start: self.position(bytes.start), end: self.position(bytes.end) }
    }

    /// The range of bytes of the text that the editor shows.
    pub(super) fn range_shown(&self, bytes: Range<usize>) -> lsp::Range {
        let position = |byte| position(&self.shown, byte, self.unit);
        lsp::Range { start: position(bytes.start), end: position(bytes.end) }
    }

    /// The range of a place in the program.
    pub(super) fn range_of(&self, span: Span) -> lsp::Range {
        if span.file == ONLY {
            return self.range(span.range());
        }
        let file = self.compiled().files.get(span.file);
        let position = |byte: u32| position(file, byte as usize, self.unit);
        lsp::Range { start: position(span.start), end: position(span.end) }
    }

    /// The same with the address of the file that it is in.
    pub(super) fn location(&self, span: Span) -> lsp::Location {
        let uri = match span.file {
            ONLY => self.uri.clone(),
            file => uri_of(&self.path_of(file).to_string_lossy()).into(),
        };
        lsp::Location { uri, range: self.range_of(span) }
    }

    /// The whole path of a module's file, links as they are written.
    fn path_of(&self, module: FileId) -> PathBuf {
        modules::in_words(Path::new(&self.compiled().files.get(module).path))
    }

    /// Where the file of a module is.
    pub(super) fn place_of(&self, module: FileId) -> PathBuf {
        modules::place(&self.compiled().files.get(module).path)
    }

    /// A module as it is called from the folder of the program.
    pub(super) fn name_of(&self, module: FileId) -> String {
        let (own, path) = (modules::in_words(Path::new(&self.name)), self.path_of(module));
        let below = own.parent().and_then(|folder| path.strip_prefix(folder).ok());
        below.unwrap_or(&path).display().to_string()
    }

    /// The text at a place in the program.
    pub(super) fn text_of(&self, span: Span) -> &str {
        self.compiled().files.text(span)
    }

    /// The number of the line of a place, from 1.
    pub(super) fn line_of(&self, span: Span) -> usize {
        self.compiled().files.position(span).line
    }
}

/// The path that an address names; of one that is no file's, its last part.
fn path_of(uri: &str) -> String {
    let Some(encoded) = uri.strip_prefix("file://") else {
        return uri.rsplit(['/', ':']).next().unwrap_or_default().to_owned();
    };
    let (encoded, mut bytes, mut at) = (encoded.as_bytes(), vec![], 0);
    while let Some(&byte) = encoded.get(at) {
        let digits = encoded.get(at + 1..at + 3).filter(|_| byte == b'%');
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let decoded = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(decoded.unwrap_or(byte));
        at += if decoded.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The address of a file.
fn uri_of(path: &str) -> String {
    let mut uri = "file://".to_owned();
    for byte in path.bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                uri.push(char::from(byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

/// The id of the document among the files of the program; the others are its modules.
pub(super) const ONLY: FileId = FileId(0);

fn byte(file: &File, place: lsp::Position, unit: Unit) -> usize {
    file.byte(place.line as usize, place.character as usize, unit)
}

fn position(file: &File, byte: usize, unit: Unit) -> lsp::Position {
    let (line, column) = file.place(byte, unit);
    lsp::Position { line: line as u32, character: column as u32 }
}

fn bytes(file: &File, range: lsp::Range, unit: Unit) -> Range<usize> {
    let start = byte(file, range.start, unit);
    start..byte(file, range.end, unit).max(start)
}
