//! batchc: a typed language for batch pipelines, its compiler and its engine.
//!
//! ```text
//!  text ──parse──▶ ast ──check──▶ ir ──plan──▶ plan ──run──▶ outputs
//!   │                │             │                           │
//!   └────────────────┴─────────────┴── diagnostics ──render──▶ terminal │ JSON
//! ```
//!
//! `ast` is what was written, `ir` what it means, `plan` what will be done, and a `Batch` what
//! flows. There is no fifth form, and each can be printed: `batchc show ast|ir|plan FILE`.

pub mod text;

pub mod syntax;

pub mod types;

pub mod ir;

pub mod functions;

pub mod modules;

pub mod check;

pub mod plan;

pub mod data;

pub mod expr;

pub mod exec;

pub mod connect;

pub mod run;

pub mod testing;

pub mod diagnostics;

pub mod cli;

pub mod lsp;

pub mod store;

pub mod memory;

pub mod files;

use diagnostics::Diagnostics;
use std::sync::Arc;
use syntax::LaidOut;
use text::{FileId, Files};

/// A program and all that is known of it.
pub struct Compiled {
    /// The text.
    pub files: Files,
    /// What was written.
    pub tree: syntax::ast::File,
    /// What it means. May be run only when `found` has no errors.
    pub pipeline: ir::Pipeline,
    /// The same with the names of `type` declarations, if there are some; to be shown, not run.
    pub named: Option<ir::Pipeline>,
    /// What each name of the text stands for.
    pub names: check::names::Names,
    /// What is kept of the check for the next one.
    pub kept: check::Kept,
    /// What was found, in the order of the text.
    pub found: Diagnostics,
}

/// Compiles a program. Always gives a pipeline, however broken the text is: an editor needs one.
pub fn compile(path: &str, text: String) -> Compiled {
    compile_with(path, text, &[])
}

/// The same with the values of the parameters, in their order, as far as they are known.
pub fn compile_with(path: &str, text: String, values: &[Option<types::Scalar>]) -> Compiled {
    compile_reading(path, LaidOut::of(text), values, &|_| None, None)
}

/// The same where modules may have another text than their files, and of a program that was compiled
/// before: what has not changed is not parsed and checked a second time.
pub fn compile_reading(
    path: &str,
    LaidOut { text, layout }: LaidOut,
    values: &[Option<types::Scalar>],
    instead: modules::Instead<'_>,
    before: Option<&Compiled>,
) -> Compiled {
    let mut files = Files::default();
    let mut found = Diagnostics::new();
    let id: FileId = files.add(path, text);
    let parsed = before.map(|Compiled { files, tree, .. }| syntax::Before { files, tree });
    let checked = before.map(|all| check::Before { kept: &all.kept, pipeline: all.shown() });
    let tree = modules::load(&mut files, (id, &layout), instead, parsed, &mut found);
    let check::Checked { pipeline, names, kept } =
        check::check_again(&tree, &files, values, checked, &mut found);
    let is_type = |one: &Arc<syntax::ast::Declaration>| {
        matches!(one.kind, syntax::ast::DeclarationKind::Type(_))
    };
    let (pipeline, named) = match tree.declarations.iter().any(is_type) {
        true => (pipeline.opened(), Some(pipeline)),
        false => (pipeline, None),
    };
    found.sort();
    diagnostics::allow(&mut found, &files);
    Compiled { files, tree, pipeline, named, names, kept, found }
}

impl Compiled {
    /// The pipeline as it is shown: with the types that the program names.
    pub fn shown(&self) -> &ir::Pipeline {
        self.named.as_ref().unwrap_or(&self.pipeline)
    }
}
