//! What came of tests, as lines of JSON.

use super::{Program, Ran};
use crate::ir::{Want, Wanted};
use crate::testing::{DiffRow, Verdict, cell};
use crate::types::Scalar;
use serde_json::{Value, json};

/// A test.
pub(in crate::cli) fn line(ran: &Ran) -> Value {
    let failures: Vec<Value> =
        ran.failures().map(|(want, verdict)| failure(ran.program, want, verdict)).collect();
    json!({
        "v": 1,
        "ev": "test",
        "file": ran.program.name(),
        "line": ran.program.line(ran.test),
        "test": ran.test.name,
        "status": if ran.is_passed() { "passed" } else { "failed" },
        "seconds": ran.seconds,
        "error": ran.verdicts.as_ref().err(),
        "failures": failures,
    })
}

/// The end.
pub(in crate::cli) fn summary(
    (passed, failed, wrong): (usize, usize, usize),
    seconds: f64,
) -> Value {
    json!({
        "v": 1,
        "ev": "tests",
        "passed": passed,
        "failed": failed,
        "wrong_programs": wrong,
        "seconds": seconds,
    })
}

fn failure(program: &Program, want: &Want, verdict: &Verdict) -> Value {
    let (kind, told) = match verdict {
        Verdict::Holds => ("none", &[][..]),
        Verdict::Differs(_) => ("rows", &[][..]),
        Verdict::Fails(told) => ("failed", &told[..]),
        Verdict::DoesNotFail => ("did not fail", &[][..]),
        Verdict::FailsOtherwise(told) => ("failed otherwise", &told[..]),
    };
    let messages: Vec<&str> = told.iter().map(|told| told.message.as_str()).collect();
    json!({
        "wanted": program.wanted(want),
        "line": program.compiled.files.position(want.span).line,
        "kind": kind,
        "messages": messages,
        "rows": rows(want, verdict),
    })
}

/// The rows that were wanted and those that came, where they differ.
fn rows(want: &Want, verdict: &Verdict) -> Value {
    let (Verdict::Differs(difference), Wanted::Rows(wanted)) = (verdict, &want.wanted) else {
        return Value::Null;
    };
    let row = |values: &[Scalar]| {
        let cells = values.iter().zip(&difference.columns);
        let of = |(value, column): (&Scalar, &crate::ir::WantedColumn)| {
            (column.name.to_string(), Value::from(cell(value, &column.ty.data)))
        };
        Value::Object(cells.map(of).collect())
    };
    let of_wanted = |at: usize| row(&wanted.rows[at].0);
    let differing = difference.rows.iter().filter_map(|one| match one {
        DiffRow::Same(..) => None,
        DiffRow::Missing(at) => Some(json!({"wanted": of_wanted(*at), "came": null})),
        DiffRow::Extra(came) => Some(json!({"wanted": null, "came": row(came)})),
        DiffRow::Changed(at, came, _) => Some(json!({"wanted": of_wanted(*at), "came": row(came)})),
    });
    differing.collect()
}
