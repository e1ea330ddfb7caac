//! Tests over whole programs: files to drop in, and the pages of the diagnostics.

mod cases;
mod pages;
