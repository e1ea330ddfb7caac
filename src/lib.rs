//! batchc: a typed language for batch pipelines, its compiler and its engine.

pub mod diagnostics;
pub mod syntax;
pub mod text;
pub mod types;
