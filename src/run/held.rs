//! Outputs that keep what they hold: whether a run may add rows, and whether they are in it already.
//! What cannot be made again is never made anew in silence.

use super::made::{ENGINE, Made};
use crate::diagnostics::reasons::{self, Reason};
use crate::store::StateError;
use crate::store::ledger::Entry;
use std::collections::BTreeMap;

/// What tells whether somebody else writes to outputs that keep what they hold, by their positions;
/// none of one that is not there yet.
pub(super) type Held = BTreeMap<usize, Option<String>>;

/// What is found of an output.
pub(super) struct Found<'f> {
    /// Where it is.
    pub path: &'f str,
    /// What is there.
    pub there: Option<&'f String>,
    /// What the last run that wrote it has noted.
    pub last: Option<(&'f Entry, &'f Made)>,
}

impl Found<'_> {
    /// Why rows are added to the output; none if those of the same inputs are in it, by any of these
    /// keys.
    pub(super) fn why_added(
        &self,
        output: &str,
        keys: &[String],
        made: &Made,
        is_fresh: bool,
        notes: &mut Vec<String>,
    ) -> Result<Option<Reason>, StateError> {
        let Found { path, there, last } = *self;
        let Some(there) = there else {
            return Ok(Some(match last {
                _ if is_fresh => reasons::fresh(),
                None => reasons::first_run(),
                Some(_) => reasons::output_missing(path),
            }));
        };
        if is_fresh {
            let message = format!("`--fresh` would add the rows of {path} a second time");
            let help = format!("to make it of these inputs alone, remove {path} first");
            return Err(StateError::new(message).help(help));
        }
        let Some((known, before)) = last else {
            let message = format!(
                "{path} is there, and no run is known that wrote it: rows may be in it already"
            );
            let help = format!("move {path} away, or write `{output}` to another path");
            return Err(StateError::new(message).help(help));
        };
        // Another version may spell the same in another way.
        let is_in =
            keys.contains(&known.key) || before.engine != ENGINE && before.sources == made.sources;
        if *there != known.target {
            notes.push(reasons::held_touched(path, !is_in));
        }
        Ok((!is_in).then(|| reasons::rows_needed(output)))
    }
}
