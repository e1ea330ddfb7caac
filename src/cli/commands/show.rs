//! `batchc show`

use crate::cli::WRONG;
use crate::cli::args::{Form, Global, Show};
use crate::cli::load::{load, refuse, show_found};
use crate::cli::print::put;
use crate::plan::Targets;

/// Prints a form of the program.
pub(in crate::cli) fn run(args: &Show, global: &Global) -> u8 {
    let (path, compiled) = match load(&args.file) {
        Ok(loaded) => loaded,
        Err(message) => return refuse(&message, global),
    };
    let errors = show_found(&compiled, &path, global, true);
    match args.form {
        Form::Ast => {
            let mut found = crate::diagnostics::Diagnostics::new();
            let id = crate::text::FileId(0);
            put!("{:#?}\n", crate::syntax::parse(&compiled.files, id, &mut found));
        }
        Form::Ir => put!("{}", crate::ir::show(compiled.shown())),
        Form::Plan if errors => {}
        Form::Plan => {
            let outputs = (0..compiled.pipeline.outputs.len()).collect();
            let targets = Targets { outputs, ..Targets::default() };
            put!("{}", super::plan::text(&compiled.pipeline, &targets));
        }
    }
    if errors { WRONG } else { 0 }
}
