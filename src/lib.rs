//! batchc: a typed language for batch pipelines, its compiler and its engine.

pub mod check;
pub mod connect;
pub mod data;
pub mod diagnostics;
pub mod exec;
pub mod functions;
pub mod ir;
pub mod syntax;
pub mod text;
pub mod types;
