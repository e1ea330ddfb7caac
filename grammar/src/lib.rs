//! The parser derived from `batch.pest`, in a crate of its own so that only a change of the
//! grammar pays for deriving it. Nothing else lives here; trees are built in `batchc::syntax`.
#![allow(missing_docs)]

#[derive(pest_derive::Parser)]
#[grammar = "../batch.pest"]
pub struct BatchParser;
