//! The files of a program: the one that is compiled, and what it brings in with `use`.
//!
//! A module declares functions, enums, types and transforms; it is read once, however many use it. Only files
//! below the root of the project are read: the nearest folder above the program with a `.git`, or else
//! the program's own. What a name means is not decided here.

use crate::diagnostics::{Diagnostics, modules};
use crate::functions::MODULES;
use crate::syntax::ast::{self, DeclarationKind, Module, Use, Used};
use crate::syntax::{Before, Layout, lay_out, parse_again};
use crate::text::{FileId, Files, Span};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// What is read in place of the file at a place, if anything is: an editor has texts that are not
/// saved yet.
pub type Instead<'i> = &'i dyn Fn(&Path) -> Option<String>;

/// Parses a program with all its modules, whose declarations stand before its own. `before` is the
/// program as it was before a change.
pub fn load(
    files: &mut Files,
    (main, layout): (FileId, &Layout),
    instead: Instead<'_>,
    before: Option<Before<'_>>,
    found: &mut Diagnostics,
) -> ast::File {
    let path = PathBuf::from(&files.get(main).path);
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let mut file = parse_again(files, main, layout, before, found);
    if !file.declarations.iter().any(|declaration| used(&declaration.kind).is_some()) {
        return file;
    }
    let place = real(&path);
    let root = real(&folder).map(root_of);
    let (known, ways, modules) = (vec![], vec![], vec![]);
    let mut loader = Loader { files, instead, before, found, root, known, ways, modules };
    loader.ways.push(place.unwrap_or(path));
    let mut uses = loader.uses_of(&file, &folder);
    let mut declarations = vec![];
    for module in loader.modules {
        declarations.extend(module.declarations);
        uses.extend(module.uses);
    }
    file.declarations.splice(0..0, declarations);
    file.uses = uses;
    file
}

/// What a declaration uses, if it does.
fn used(kind: &DeclarationKind) -> Option<&Use> {
    match kind {
        DeclarationKind::Use(used) => Some(used),
        _ => None,
    }
}

/// Where the file of a path is: the same for all paths that lead to it, as long as it is there.
pub fn place(path: &str) -> PathBuf {
    let path = Path::new(path);
    real(path).unwrap_or_else(|| in_words(path))
}

/// A path without `..` and links, in a folder that is there.
fn real(path: &Path) -> Option<PathBuf> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    fs::canonicalize(path).ok()
}

/// The folder that no module may be outside of.
fn root_of(folder: PathBuf) -> PathBuf {
    let with_git = folder.ancestors().find(|above| above.join(".git").exists());
    with_git.map_or(folder.clone(), Path::to_owned)
}

struct Loader<'l> {
    files: &'l mut Files,
    instead: Instead<'l>,
    before: Option<Before<'l>>,
    found: &'l mut Diagnostics,
    root: Option<PathBuf>,
    known: Vec<(PathBuf, FileId)>,
    /// From the program to the file that is being read.
    ways: Vec<PathBuf>,
    /// In an order in which each stands behind those that it uses.
    modules: Vec<ast::File>,
}

impl Loader<'_> {
    /// Reads what a file in this folder uses.
    fn uses_of(&mut self, file: &ast::File, folder: &Path) -> Vec<Used> {
        let mut uses: Vec<Used> = vec![];
        for declaration in &file.declarations {
            let Some(used) = used(&declaration.kind) else { continue };
            let module = match used {
                Use::File(text) => self.file(&text.value, text.span, folder),
                Use::Library(path) => self.of_library(path, used.span()),
            };
            let Some(module) = module else { continue };
            match uses.iter().find(|other| other.module == module) {
                Some(first) => self.found.push(modules::used_twice(declaration.span, first.span)),
                None => uses.push(Used { by: file.id, module, span: declaration.span }),
            }
        }
        uses
    }

    /// A file of the project.
    fn file(&mut self, written: &str, span: Span, folder: &Path) -> Option<Module> {
        let path = folder.join(written);
        // What is outside is not even looked for, and a link may lead there.
        if Path::new(written).is_absolute() || !self.is_inside(&in_words(&path)) {
            self.found.push(modules::outside(written, span));
            return None;
        }
        let place = match fs::canonicalize(&path) {
            Ok(place) => place,
            Err(error) => {
                self.found.push(modules::cannot_read(written, span, &reason(&error)));
                return None;
            }
        };
        if !self.is_inside(&place) {
            self.found.push(modules::outside(written, span));
            return None;
        }
        // A device, or a pipe that nobody writes into, would never end.
        if !fs::metadata(&place).is_ok_and(|about| about.is_file()) {
            self.found.push(modules::cannot_read(written, span, "it is no file"));
            return None;
        }
        if let Some(first) = self.ways.iter().position(|way| *way == place) {
            let names = self.ways[first..].iter().map(|way| name_of(way));
            let names: Vec<String> = names.chain([name_of(&place)]).collect();
            self.found.push(modules::cycle(span, &names));
            return None;
        }
        if let Some((_, id)) = self.known.iter().find(|(known, _)| *known == place) {
            return Some(Module::File(*id));
        }
        let read = || fs::read_to_string(&place);
        let text = match (self.instead)(&place).map_or_else(read, Ok) {
            Ok(text) => text,
            Err(error) => {
                self.found.push(modules::cannot_read(written, span, &reason(&error)));
                return None;
            }
        };
        let id = self.files.add(path.display().to_string(), text);
        self.known.push((place.clone(), id));
        self.ways.push(place);
        self.module(id, path.parent().unwrap_or(Path::new("")));
        self.ways.pop();
        Some(Module::File(id))
    }

    fn is_inside(&self, place: &Path) -> bool {
        self.root.as_ref().is_some_and(|root| place.starts_with(root))
    }

    /// A module of the library.
    fn of_library(&mut self, path: &[ast::Name], span: Span) -> Option<Module> {
        let module = match path {
            [std, module] if std.text == "std" => MODULES.iter().find(|one| **one == module.text),
            _ => None,
        };
        if module.is_none() {
            let name: Vec<&str> = path.iter().map(|name| name.text.as_str()).collect();
            let all: Vec<String> = MODULES.iter().map(|module| format!("std.{module}")).collect();
            let name = name.join(".");
            self.found.push(match family(name.strip_prefix("std.").unwrap_or(&name)) {
                Some(family) => modules::always_there(&name, span, family),
                None => modules::no_module(&name, span, &all),
            });
        }
        module.map(|module| Module::Library((*module).to_owned()))
    }

    /// Parses a module and reads what it uses; leaves of it what a module may declare.
    fn module(&mut self, id: FileId, folder: &Path) {
        let layout = lay_out(&self.files.get(id).text);
        let mut file = parse_again(self.files, id, &layout, self.before, self.found);
        file.uses = self.uses_of(&file, folder);
        let found = &mut *self.found;
        file.declarations.retain(|declaration| match &declaration.kind {
            DeclarationKind::Function(_)
            | DeclarationKind::Enum(_)
            | DeclarationKind::Type(_)
            | DeclarationKind::Transform(_)
            | DeclarationKind::Bad(_) => true,
            DeclarationKind::Use(_) => false,
            _ => {
                found.push(modules::not_of_a_module(declaration.span));
                false
            }
        });
        self.modules.push(file);
    }
}

/// The whole path without `.` and `..`, as it is written.
pub fn in_words(path: &Path) -> PathBuf {
    let from = if path.is_absolute() { None } else { std::env::current_dir().ok() };
    let mut whole = from.and_then(|from| fs::canonicalize(from).ok()).unwrap_or_default();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(whole.pop()),
            Component::CurDir => {}
            part => whole.push(part),
        }
    }
    whole
}

fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "it is not there".to_owned(),
        std::io::ErrorKind::PermissionDenied => "it may not be read".to_owned(),
        std::io::ErrorKind::InvalidData => "it is not UTF-8".to_owned(),
        _ => error.to_string(),
    }
}
/// The family of functions that are there without a module, by its name or what others call it.
fn family(name: &str) -> Option<&'static str> {
    Some(match name {
        "text" | "texts" | "string" | "strings" => "strings",
        "date" | "dates" | "datetime" | "time" | "times" => "times",
        "list" | "lists" | "array" | "arrays" => "lists",
        "map" | "maps" => "maps",
        "math" => "math",
        "json" => "json",
        "re" | "regex" => "regex",
        "hash" | "hashing" => "hashing",
        "url" | "addresses" => "addresses",
        "aggregates" => "aggregates",
        "conditionals" => "conditionals",
        "convert" => "convert",
        "logs" => "logs",
        "windows" => "windows",
        _ => return None,
    })
}
