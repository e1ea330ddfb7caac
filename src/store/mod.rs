//! What a run keeps on disk for itself, apart from its inputs and outputs.
//!
//! Nothing here knows operators or plans: it takes columns and gives them back.

pub mod spool;
