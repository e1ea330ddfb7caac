//! Values of `json` as texts: the one spelling that a value has, and how its parts are found.
//!
//! A value is held as a text without white space, the members of an object by their names, numbers
//! and texts spelled in one way, so that two values are equal when their texts are. Nothing is lost:
//! a number has all its digits, however many.

mod canonical;
mod parts;

pub use canonical::{canonical, write_text};
pub use parts::{Kind, items, kind, length, member, members, text_of};
