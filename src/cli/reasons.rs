//! Why jobs are run or not, with the place in the program.

use super::print::say;
use crate::Compiled;
use crate::diagnostics::reasons::{Reason, first_run};
use crate::run::{Decision, Report, Verdict};
use crate::text::{Files, Span};

/// Says what is run and what is not; nothing when there was no run before.
pub(super) fn say_decision(decision: &Decision, compiled: &Compiled) {
    if !decision.reasons.iter().all(|verdict| verdict.reason == first_run()) {
        decision.reasons.iter().for_each(|verdict| say!("  {}", line(verdict, &compiled.files)));
    }
}

/// `totals runs: `orders` changed at pipeline.batch:3`
pub(super) fn line(verdict: &Verdict, files: &Files) -> String {
    let Verdict { name, runs, reason: Reason { text, span } } = verdict;
    let verb = if *runs { "runs" } else { "reused" };
    format!("{name} {verb}: {}", with_place(text, *span, files))
}

/// Puts the places into the reasons of a report.
pub(super) fn locate_reasons(report: &mut Report, files: &Files) {
    for Verdict { reason, .. } in &mut report.reasons {
        reason.text = with_place(&reason.text, reason.span.take(), files);
    }
}

fn with_place(text: &str, span: Option<Span>, files: &Files) -> String {
    let Some(span) = span else { return text.to_owned() };
    let file = files.get(span.file);
    format!("{text} at {}:{}", file.path, file.position(span.start as usize).line)
}
