//! For tools that show tests: a report of JUnit with a case for each program, which errors fail.

use super::{Format, Program, counts, render, xml};
use std::fmt::Write;

/// The report.
pub(super) fn report(programs: &[Program], failures: &[String]) -> String {
    let failed = programs.iter().filter(|program| program.found.has_errors()).count();
    let (tests, errors) = (programs.len() + failures.len(), failures.len());
    let counted = format!("tests=\"{tests}\" failures=\"{failed}\" errors=\"{errors}\"");
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"batchc check\" {counted}>\n  <testsuite name=\"batchc check\" {counted}>\n"
    );
    for program in programs {
        let name = xml::attribute(program.name);
        let _ = write!(out, "    <testcase name=\"{name}\" classname=\"check\" file=\"{name}\"");
        if program.found.is_empty() {
            out.push_str("/>\n");
            continue;
        }
        let shown = xml::text(&render(program.found, program.files, Format::Human, false));
        let inside = match program.found.has_errors() {
            true => {
                format!("<failure message=\"{}\">{shown}</failure>", counts(program.found))
            }
            false => format!("<system-out>{shown}</system-out>"),
        };
        let _ = writeln!(out, ">\n      {inside}\n    </testcase>");
    }
    for failure in failures {
        let message = xml::attribute(failure);
        let _ = writeln!(
            out,
            "    <testcase name=\"{message}\" classname=\"check\">\n      <error message=\"{message}\"/>\n    </testcase>"
        );
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}
