//! Outputs that keep what they hold: whether a run may add rows, and whether they are in it already.
//! What cannot be made again is never made anew in silence.

use super::made::{ENGINE, Made};
use crate::diagnostics::reasons::{self, Reason};
use crate::ir::Source;
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
    /// A source of which it has rows, and nobody knows how far they go.
    pub unknown: Option<&'f Source>,
    /// Is everything to be made anew?
    pub is_fresh: bool,
}

impl Found<'_> {
    /// Why rows are added to the output; none if those of this key are in it.
    pub(super) fn why_added(
        &self,
        output: &str,
        key: &str,
        made: &Made,
        notes: &mut Vec<String>,
    ) -> Result<Option<Reason>, StateError> {
        let Found { path, there, last, unknown, is_fresh } = *self;
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
        let is_in = known.key == key || before.engine != ENGINE && before.sources == made.sources;
        if *there != known.target {
            notes.push(reasons::held_touched(path, !is_in));
        }
        if let (false, Some(source)) = (is_in, unknown) {
            let message = format!(
                "{path} has rows of `{}`, and how far they go is not known by the column by which \
                 it is read now",
                source.name
            );
            let help = format!("to make it anew of all rows that are there, remove {path} first");
            return Err(StateError::new(message).help(help));
        }
        Ok((!is_in).then(|| reasons::rows_needed(output)))
    }

    /// Why rows are merged into the output; none if those of this key were. To merge them again changes
    /// nothing.
    pub(super) fn why_merged(
        &self,
        output: &str,
        key: &str,
        notes: &mut Vec<String>,
    ) -> Option<Reason> {
        let Some((known, before)) = self.last else { return Some(reasons::first_run()) };
        let why = match self.there {
            _ if self.is_fresh => Some(reasons::fresh()),
            None => Some(reasons::output_missing(self.path)),
            _ if before.engine != ENGINE => Some(reasons::other_engine(&before.engine)),
            _ => (known.key != key).then(|| reasons::rows_needed(output)),
        };
        if self.there.is_some_and(|there| *there != known.target) {
            notes.push(reasons::held_touched(self.path, why.is_some()));
        }
        why
    }
}
