//! A program that is open in an editor: its text, what the compiler makes of it, and its places in
//! the editor's units.

use crate::syntax::ast::{Declaration, DeclarationKind, Use};
use crate::text::{File, FileId, Span, Unit};
use crate::{Compiled, compile_reading, modules};
use gen_lsp_types as lsp;
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;

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
    text: String,
    texts: Texts,
    /// What the compiler makes of the text, once somebody asks.
    compiled: OnceCell<Compiled>,
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
        let (place, compiled) = (modules::place(&name), OnceCell::new());
        texts.borrow_mut().insert(place.clone(), text.clone());
        Document { uri, version, unit, name, place, text, texts, compiled }
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
            match change {
                Change::TextDocumentContentChangeWholeDocument(whole) => self.text = whole.text,
                Change::TextDocumentContentChangePartial(part) => {
                    let file = File::new(String::new(), std::mem::take(&mut self.text));
                    let range = bytes(&file, part.range, self.unit);
                    self.text = file.text;
                    self.text.replace_range(range, &part.text);
                }
            }
        }
        self.texts.borrow_mut().insert(self.place.clone(), self.text.clone());
    }

    /// Has it compiled anew when somebody asks next: a file that it uses has changed.
    pub(super) fn forget(&mut self) {
        // What a long program comes to takes a while to be given back, which nobody has to wait for.
        if let Some(old) = self.compiled.take() {
            rayon::spawn(move || drop(old));
        }
    }

    /// Does it use the file at a place, or one that uses it? Nobody knows of one that is not compiled.
    pub(super) fn uses(&self, place: &Path) -> bool {
        self.compiled.get().is_some_and(|compiled| {
            compiled.files.all().skip(1).any(|(_, file)| modules::place(&file.path) == place)
        })
    }

    /// Does it use any files of the project, read or not?
    pub(super) fn uses_files(&self) -> bool {
        let is_file = |one: &Declaration| matches!(one.kind, DeclarationKind::Use(Use::File(_)));
        self.compiled.get().is_some_and(|known| known.tree.declarations.iter().any(is_file))
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// What the compiler makes of it.
    pub(super) fn compiled(&self) -> &Compiled {
        self.compiled.get_or_init(|| {
            let instead = |place: &Path| self.texts.borrow().get(place).cloned();
            compile_reading(&self.name, self.text.clone(), &[], &instead)
        })
    }

    fn file(&self) -> &File {
        self.compiled().files.get(ONLY)
    }

    /// The byte at a place.
    pub(super) fn byte(&self, place: lsp::Position) -> usize {
        byte(self.file(), place, self.unit)
    }

    /// The bytes of a range.
    pub(super) fn bytes(&self, range: lsp::Range) -> Range<usize> {
        bytes(self.file(), range, self.unit)
    }

    /// The place of a byte.
    pub(super) fn position(&self, byte: usize) -> lsp::Position {
        let (line, column) = self.file().place(byte, self.unit);
        lsp::Position { line: line as u32, character: column as u32 }
    }

    /// The range of some bytes.
    pub(super) fn range(&self, bytes: Range<usize>) -> lsp::Range {
        lsp::Range { start: self.position(bytes.start), end: self.position(bytes.end) }
    }

    /// The range of a place in the program.
    pub(super) fn range_of(&self, span: Span) -> lsp::Range {
        let file = self.compiled().files.get(span.file);
        let position = |byte: u32| {
            let (line, column) = file.place(byte as usize, self.unit);
            lsp::Position { line: line as u32, character: column as u32 }
        };
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

fn bytes(file: &File, range: lsp::Range, unit: Unit) -> Range<usize> {
    let start = byte(file, range.start, unit);
    start..byte(file, range.end, unit).max(start)
}
