//! Tests over whole programs: files to drop in, the pages of the diagnostics, examples, and the
//! real command over data, in trouble and out of it.

mod by_file;
mod cases;
mod cli;
mod connectors;
mod determinism;
mod duckdb;
mod examples;
mod faults;
mod fixes;
mod folders;
mod formats;
mod functions;
mod kills;
mod lineage;
mod memory;
mod mutants;
mod openlineage;
mod pages;
mod places;
mod power;
mod profile;
mod project;
mod readme;
mod reference;
mod rejects;
mod report;
mod resume;
mod reuse;
mod row_types;
mod run_cases;
mod runs;
mod schema;
mod signals;
mod skipped;
mod syntax;
