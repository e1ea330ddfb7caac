//! From what is written to what it means: names, types, nulls, keys, orders, the graph of jobs.
//!
//! Inference is local and forward, step by step, so a message can always say where a type came
//! from. What did not check has the type [`Type::UNKNOWN`] or a broken row, which silence every
//! later finding about them: one mistake, one message. No data is read here.

mod about;
mod aside;
mod branches;
mod connectors;
mod constants;
mod exprs;
mod fixtures;
mod folders;
mod globals;
mod graph;
mod incremental;
mod jobs;
mod kept;
pub mod later;
mod modes;
mod named;
pub mod names;
mod notify;
mod resources;
mod sensitive;
mod steps;
mod tries;
mod types;
mod unused;

pub use branches::COLUMN as BRANCH_COLUMN;
pub use kept::{Before, Kept};

use crate::diagnostics::{self, Diagnostics};
use crate::ir;
use crate::syntax::ast;
use crate::text::Files;
use crate::types::{DataType, Scalar};
use globals::Globals;
use names::Names;

/// What a program means.
#[derive(Debug)]
pub struct Checked {
    /// What may be run, if nothing was found that is an error.
    pub pipeline: ir::Pipeline,
    /// What its names stand for.
    pub names: Names,
    /// What is kept for the next check.
    pub kept: Kept,
}

/// Checks a program and says what it means. The pipeline is whole however broken the text is; it
/// may be run only if nothing in `found` is an error. `values` are those of the parameters, in
/// their order, as far as they are known; what they decide is checked with them.
pub fn check(
    file: &ast::File,
    files: &Files,
    values: &[Option<Scalar>],
    found: &mut Diagnostics,
) -> Checked {
    check_again(file, files, values, None, found)
}

/// The same of a program that was checked before: what would come to the same is not checked again.
pub fn check_again(
    file: &ast::File,
    files: &Files,
    values: &[Option<Scalar>],
    before: Option<Before>,
    found: &mut Diagnostics,
) -> Checked {
    let mut globals = Globals::collect(file, files, values, found);
    let mut pipeline = ir::Pipeline {
        name: globals.pipeline_name.clone(),
        params: globals.params.clone(),
        ..ir::Pipeline::default()
    };
    pipeline.about = about::of_pipeline(file, &mut globals, found);
    notify::check(file, &mut globals, &mut pipeline, found);
    pipeline.sources = connectors::sources(file, &mut globals, found);
    let kept = jobs::check_jobs(file, &mut globals, &mut pipeline, before, found);
    pipeline.outputs = connectors::outputs(file, &mut globals, &pipeline, found);
    fixtures::check_tests(file, &mut globals, &mut pipeline, found);
    graph::settle_afters(&mut pipeline);
    graph::find_dead(file, &globals, &pipeline, found);
    modules(file, &globals, found);
    aside::mark_sensitive(&mut pipeline);
    sensitive::check(file, &pipeline, found);
    if !found.has_errors() {
        incremental::check(&pipeline, found);
        unused::columns(file, &pipeline, found);
        unused::declarations(file, &globals, &globals.names(), found);
    }
    let mut names = globals.names.into_inner();
    names.finish();
    Checked { pipeline, names, kept }
}

/// The names of the types that there are, for editors.
pub fn type_names() -> impl Iterator<Item = &'static str> {
    types::type_names()
}

/// The names of the forms in which somebody can be told how a run ended, for editors.
pub fn notifier_names() -> impl Iterator<Item = &'static str> {
    notify::notifier_names()
}

/// Says what is used and brings in nothing that is meant. Where something is wrong it might have been.
fn modules(file: &ast::File, globals: &Globals, found: &mut Diagnostics) {
    if found.has_errors() {
        return;
    }
    for used in &file.uses {
        let is_meant = globals.uses.get(&(used.by, used.module.clone()));
        if is_meant.is_some_and(|is_meant| !is_meant.get()) {
            // As it is written there, whatever folder the program is called from.
            let written = globals.files.text(used.span).trim_start_matches("use").trim();
            found.push(diagnostics::modules::unused(used.span, written.trim_matches('"')));
        }
    }
}

/// A value given on the command line for a parameter of this type; an error says what is wrong.
/// No text at all is null, as in a CSV field, unless it is a text itself.
pub fn parse_value(text: &str, ty: &crate::types::Type) -> Result<Scalar, String> {
    let ty = ty.opened();
    if text.is_empty() && ty.nullable && ty.data != DataType::String {
        return Ok(Scalar::Null);
    }
    crate::data::parse::scalar(text, &ty)
}
