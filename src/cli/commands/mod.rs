//! One file a command.

pub(super) mod check;
pub(super) mod clean;
mod diff;
pub(super) mod doc;
pub(super) mod explain;
pub(super) mod fix;
pub(super) mod fmt;
pub(super) mod graph;
pub(super) mod lineage;
pub(super) mod lsp;
pub(super) mod new;
pub(super) mod plan;
pub(super) mod preview;
pub(super) mod rejects;
pub(super) mod report;
pub(super) mod resume;
pub(super) mod run;
pub(super) mod runs;
pub(super) mod show;
pub(super) mod test;
