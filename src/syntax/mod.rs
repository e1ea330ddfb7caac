//! From text to [`ast`]: the parser, and the second look at what did not parse.

pub mod ast;
