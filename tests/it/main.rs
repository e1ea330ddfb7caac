//! Tests over whole programs: files to drop in, the pages of the diagnostics, examples.

mod cases;
mod duckdb;
mod examples;
mod pages;
mod readme;
