//! Which rows of a job have failed while a morsel goes through it, so that a row counts once
//! however many of its values became null.

use super::rejects::Spot;
use crate::ir::JobId;
use crate::plan::NodeId;
use std::collections::HashMap;

/// What rows belong to: a job, or the right side of its join at a `Build`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flow {
    /// The rows that go through the job.
    Job(JobId),
    /// The rows in which others are looked up.
    Side(NodeId),
}

/// The rows of a morsel with a value that became null.
///
/// Several rows may stand at one position, behind `explode` or a join: of those as many have
/// failed as in the operator where most did.
#[derive(Debug, Default)]
pub struct Nulled {
    at_spot: HashMap<(Spot, u64), u64>,
    most: HashMap<(Flow, u64), u64>,
}

impl Nulled {
    /// Forgets the morsel before.
    pub fn clear(&mut self) {
        self.at_spot.clear();
        self.most.clear();
    }

    /// Takes in that rows fail somewhere, in several flows if these are one so far. How many of them
    /// had not failed before?
    pub fn add(&mut self, flows: &[Flow], spot: Spot, positions: &[u64]) -> u64 {
        let mut new = 0;
        for &position in positions {
            let here = self.at_spot.entry((spot, position)).or_default();
            *here += 1;
            let mut is_new = false;
            for &flow in flows {
                let most = self.most.entry((flow, position)).or_default();
                is_new |= *here > *most;
                *most = (*most).max(*here);
            }
            new += u64::from(is_new);
        }
        new
    }
}
