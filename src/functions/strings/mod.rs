//! Functions on texts: their case, their parts, searching and building.
//!
//! A character is a Unicode scalar value and positions count characters from 1, as in SQL;
//! texts of ASCII alone, which are most, are handled byte by byte. Regular expressions are in
//! [`super::regex`].

mod build;
mod case;
mod search;
mod slice;

use super::kernel::PrepareScalar;

/// The kernel of each function.
pub(super) const KERNELS: &[(&str, PrepareScalar)] = &[
    ("lower", case::lower),
    ("upper", case::upper),
    ("title", case::title),
    ("normalize", case::normalize),
    ("trim", slice::trim),
    ("trim_start", slice::trim_start),
    ("trim_end", slice::trim_end),
    ("length", slice::length),
    ("byte_length", slice::byte_length),
    ("substring", slice::substring),
    ("left", slice::left),
    ("right", slice::right),
    ("split_part", slice::split_part),
    ("starts_with", search::starts_with),
    ("ends_with", search::ends_with),
    ("contains", search::contains),
    ("position", search::position),
    ("replace", build::replace),
    ("pad_start", build::pad_start),
    ("pad_end", build::pad_end),
    ("repeat", build::repeat),
    ("reverse", build::reverse),
    ("concat", build::concat),
    ("split", build::split),
    ("join", build::join),
];
