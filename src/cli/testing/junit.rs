//! What came of tests, as a report of JUnit: a suite for each program.

use super::{Ran, text};
use crate::diagnostics::render::xml;
use std::fmt::Write;

/// The report.
pub(in crate::cli) fn report(all: &[Ran], wrong: &[(String, String)]) -> String {
    // A sum of nothing would be a zero with a minus.
    let seconds = all.iter().fold(0.0, |sum, ran| sum + ran.seconds);
    let failed = all.iter().filter(|ran| !ran.is_passed()).count();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<testsuites name=\"batchc\" tests=\"{}\" failures=\"{failed}\" errors=\"{}\" time=\"{seconds:.3}\">",
        all.len() + wrong.len(),
        wrong.len(),
    );
    for suite in all.chunk_by(|a, b| std::ptr::eq(a.program, b.program)) {
        let name = xml::attribute(&suite[0].program.name());
        let seconds: f64 = suite.iter().map(|ran| ran.seconds).sum();
        let failed = suite.iter().filter(|ran| !ran.is_passed()).count();
        let tests = suite.len();
        let _ = writeln!(
            out,
            "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failed}\" errors=\"0\" time=\"{seconds:.3}\">"
        );
        for ran in suite {
            let (test, line) = (xml::attribute(&ran.test.name), ran.program.line(ran.test));
            let _ = write!(
                out,
                "    <testcase name=\"{test}\" classname=\"{name}\" file=\"{name}\" line=\"{line}\" time=\"{:.3}\"",
                ran.seconds
            );
            if ran.is_passed() {
                out.push_str("/>\n");
                continue;
            }
            let why = text::failure(ran, false);
            let message = why.lines().nth(1).unwrap_or_default().trim();
            let (message, why) = (xml::attribute(message), xml::text(&why));
            let _ = writeln!(
                out,
                ">\n      <failure message=\"{message}\">{why}</failure>\n    </testcase>"
            );
        }
        out.push_str("  </testsuite>\n");
    }
    for (name, why) in wrong {
        let (name, why) = (xml::attribute(name), xml::text(why));
        let _ = writeln!(
            out,
            "  <testsuite name=\"{name}\" tests=\"1\" failures=\"0\" errors=\"1\" time=\"0.000\">\n    <testcase name=\"check\" classname=\"{name}\" file=\"{name}\" time=\"0.000\">\n      <error message=\"the program is wrong\">{why}</error>\n    </testcase>\n  </testsuite>"
        );
    }
    out.push_str("</testsuites>\n");
    out
}
