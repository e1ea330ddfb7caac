//! What makes a plan cheaper and changes nothing that a run says or writes: each is an entry of one
//! list, runs once, in the order of the list, and can be switched off (`--without`).

mod early;
mod first;
mod fuse;
mod late;
mod share;
mod skip;

use super::{Plan, verify};
use crate::ir::Pipeline;
use std::collections::BTreeSet;

/// An optimisation.
pub struct Pass {
    /// What `--without` calls it.
    pub name: &'static str,
    /// What it does, as a sentence.
    pub does: &'static str,
    apply: fn(&mut Plan, &Pipeline),
}

/// All optimisations of plans, in their order.
pub const PASSES: &[Pass] = &[
    Pass {
        name: "shared-steps",
        does: "steps with which several jobs begin are computed once",
        apply: share::share,
    },
    Pass {
        name: "early-filters",
        does: "filters go in front of joins, sorts and windows, where they leave these the same",
        apply: early::bring_forward,
    },
    Pass {
        name: "fused-steps",
        does: "steps that go row by row and follow each other are one operator, which computes \
               equal parts once",
        apply: fuse::fuse,
    },
    Pass {
        name: "late-columns",
        does: "columns that a filter does not need are computed behind it, for the rows that are left",
        apply: late::defer,
    },
    Pass {
        name: "first-rows",
        does: "a sort of which a `take` reads the first rows keeps no others",
        apply: first::keep_first,
    },
    Pass {
        name: "skipped-groups",
        does: "row groups of Parquet files are not read where the first filters of all jobs that \
               read them, or the keys on the right side of the join behind these, keep none of \
               their rows",
        apply: skip::skip,
    },
    Pass {
        name: "unread-columns",
        does: "columns that nobody reads are not computed, where no row can fail on them",
        apply: |plan, _| plan.computes_unread = false,
    },
];

/// The passes that are switched off.
#[derive(Clone, Debug, Default)]
pub struct Without(BTreeSet<&'static str>);

impl Without {
    /// Those of these names; the first that is none as an error.
    pub fn of<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<Without, &'n str> {
        let find = |name| PASSES.iter().find(|pass| pass.name == name).ok_or(name);
        let names = names.into_iter().map(|name| find(name).map(|pass| pass.name));
        Ok(Without(names.collect::<Result<_, _>>()?))
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.iter().copied()
    }
}

/// Runs all passes but these.
pub(super) fn run(plan: &mut Plan, pipeline: &Pipeline, without: &Without) {
    verify(plan, pipeline, "the building");
    for pass in PASSES.iter().filter(|pass| !without.0.contains(pass.name)) {
        (pass.apply)(plan, pipeline);
        verify(plan, pipeline, pass.name);
    }
}
