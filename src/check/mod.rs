//! From what is written to what it means: names, types, nulls, keys, orders, the graph of jobs.
//!
//! Inference is local and forward, step by step, so a message can always say where a type came
//! from. What did not check has the type [`Type::UNKNOWN`] or a broken row, which silence every
//! later finding about them: one mistake, one message. No data is read here.

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
pub mod later;
mod modes;
mod notify;
mod resources;
mod steps;
mod tries;
mod types;

use crate::diagnostics::Diagnostics;
use crate::ir;
use crate::syntax::ast;
use crate::text::Files;
use crate::types::{DataType, Scalar};
use globals::Globals;

/// Checks a program and says what it means. The pipeline is whole however broken the text is; it
/// may be run only if nothing in `found` is an error. `values` are those of the parameters, in
/// their order, as far as they are known; what they decide is checked with them.
pub fn check(
    file: &ast::File,
    files: &Files,
    values: &[Option<Scalar>],
    found: &mut Diagnostics,
) -> ir::Pipeline {
    let mut globals = Globals::collect(file, files, values, found);
    let mut pipeline = ir::Pipeline {
        name: globals.pipeline_name.clone(),
        params: globals.params.clone(),
        ..ir::Pipeline::default()
    };
    notify::check(file, &mut globals, &mut pipeline, found);
    pipeline.sources = connectors::sources(file, &mut globals, found);
    jobs::check_jobs(file, &mut globals, &mut pipeline, found);
    pipeline.outputs = connectors::outputs(file, &mut globals, &pipeline, found);
    fixtures::check_tests(file, &mut globals, &mut pipeline, found);
    graph::settle_afters(&mut pipeline);
    graph::find_dead(file, &globals, &pipeline, found);
    if !found.has_errors() {
        incremental::check(&pipeline, found);
    }
    pipeline
}

/// A value given on the command line for a parameter of this type; an error says what is wrong.
/// No text at all is null, as in a CSV field, unless it is a text itself.
pub fn parse_value(text: &str, ty: &crate::types::Type) -> Result<Scalar, String> {
    if text.is_empty() && ty.nullable && ty.data != DataType::String {
        return Ok(Scalar::Null);
    }
    crate::data::parse::scalar(text, ty)
}
