//! How the failure of a run is shown, and what it exits with.

use super::args::Global;
use super::load::{print_one, print_outside};
use super::{FAILED, LOCKED, RULE};
use crate::Compiled;
use crate::run::{Kind, Told};

/// Says why a run failed; the exit code: what is broken weighs more than data that breaks a rule.
pub(super) fn explain_failures(all: Vec<Told>, compiled: &Compiled, global: &Global) -> u8 {
    let codes = all.into_iter().map(|failure| explain_failure(failure, compiled, global));
    codes.reduce(|code, next| if code == RULE { next } else { code }).unwrap_or(0)
}

fn explain_failure(failure: Told, compiled: &Compiled, global: &Global) -> u8 {
    let code = match failure.kind {
        Kind::Failed => FAILED,
        Kind::Rule => RULE,
        Kind::Locked => LOCKED,
        Kind::Stopped => return 130,
    };
    match failure.found {
        Some(found) => print_one(found, &compiled.files, global),
        None => print_outside(&failure.message, failure.help.as_deref(), global),
    }
    code
}
