//! Expressions compiled to column programs.
