//! What came of tests: how it is shown, as text, JSON lines and JUnit, and how the program is brought in
//! line with it.

pub(super) mod json;
pub(super) mod junit;
pub(super) mod text;
pub(super) mod update;

use crate::Compiled;
use crate::ir::{Test, Want, WantOf};
use crate::testing::Verdict;
use std::path::PathBuf;

/// A program with its tests.
pub(super) struct Program {
    /// Its file.
    pub(super) path: PathBuf,
    /// What is known of it.
    pub(super) compiled: Compiled,
}

/// A test that was run.
pub(super) struct Ran<'p> {
    /// Its program.
    pub(super) program: &'p Program,
    /// The test.
    pub(super) test: &'p Test,
    /// What came of all that it wants; or why it could not be run.
    pub(super) verdicts: Result<Vec<Verdict>, String>,
    /// How long it took.
    pub(super) seconds: f64,
}

impl Program {
    /// Its file as it is shown.
    pub(super) fn name(&self) -> String {
        self.compiled.files.get(crate::text::FileId(0)).path.clone()
    }

    /// The line of a test in it, from 1.
    pub(super) fn line(&self, test: &Test) -> usize {
        self.compiled.files.position(test.span).line
    }

    /// Of what something is wanted: `clean`, `quarantine.bad`.
    fn wanted(&self, want: &Want) -> String {
        let pipeline = &self.compiled.pipeline;
        match want.of {
            WantOf::Job(job) => pipeline.jobs[job.0 as usize].name.clone(),
            WantOf::Quarantine(id) => {
                format!("quarantine.{}", pipeline.quarantines[id.0 as usize].name)
            }
        }
    }
}

impl Ran<'_> {
    /// Is all as it is wanted?
    pub(super) fn is_passed(&self) -> bool {
        matches!(&self.verdicts, Ok(verdicts) if verdicts.iter().all(Verdict::holds))
    }

    /// What is not as it is wanted, with what is wanted.
    fn failures(&self) -> impl Iterator<Item = (&Want, &Verdict)> {
        let verdicts = self.verdicts.iter().flatten();
        self.test.wants.iter().zip(verdicts).filter(|(_, verdict)| !verdict.holds())
    }
}
