//! Why jobs are run or not.

use super::print::say;
use crate::diagnostics::reasons::first_run;
use crate::run::{Decision, Verdict};

/// Says what is run and what is not; nothing when there was no run before.
pub(super) fn say_decision(decision: &Decision) {
    if !decision.reasons.iter().all(|verdict| verdict.reason == first_run()) {
        decision.reasons.iter().for_each(|verdict| say!("  {}", line(verdict)));
    }
    decision.notes.iter().for_each(|note| say!("  {note}"));
}

/// `totals runs: `orders` changed at pipeline.batch:3`
pub(super) fn line(Verdict { name, runs, reason }: &Verdict) -> String {
    let verb = if *runs { "runs" } else { "reused" };
    format!("{name} {verb}: {}", reason.text)
}
