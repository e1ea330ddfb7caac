//! Expressions as programs over columns.
//!
//! [`Program::compile`] turns the expressions of a step into one list of operations, each a loop
//! over whole columns; [`Program::eval`] runs it over a batch. A row that fails does not stop the
//! others: its value is null and a `Failure` says where and why. What becomes of such rows is the
//! business of the caller, as are files, threads and policies. The meaning of each operator is in
//! the kernel of its name; functions of the standard library come from [`crate::functions`].

mod arithmetic;
mod chain;
mod choose;
mod compare;
mod compile;
mod constant;
mod convert;
mod frame;
mod lambda;
mod lanes;
mod logic;
mod membership;
mod mixed;
mod nested;
mod operators;
mod program;
mod texts;

pub use chain::{Chain, ChainCode};
pub use constant::{NotConstant, constant, value_in};
pub use program::{Program, Registers};

#[cfg(test)]
mod tests;
