//! The functions of the language: declared once in `stdlib/*.batch`, computed by kernels found
//! here by name.
//!
//! Kernels know values and types only: no places in the text, no diagnostics. A kernel that
//! cannot compute a row says so through [`KernelContext::fail`]; whoever called it knows where in
//! the program that is and what becomes of the row. Operators (`+`, `==`, `and`) are not
//! functions; they live in `exec`.

pub mod kernel;

mod registry;

mod bindings;
mod declaration;
mod resolve;

mod columns;
mod order;

mod addresses;
mod conditionals;
mod convert;
mod hashing;
mod json;
mod lists;
pub mod logs;
mod maps;
mod math;
mod quality;
mod records;
pub mod regex;
mod straight;
mod strings;
pub mod template;
mod times;

mod aggregates;
mod windows;

pub use declaration::{
    Constraint, DataPattern, Declaration, Digits, Parameter, TypePattern, Variable,
};
pub use registry::{Example, MODULES, Registry};

use crate::types::{DataType, Scalar, Type};
use kernel::{LiteralError, PrepareAggregate, PrepareScalar, PrepareWindow};

/// The kernels of all functions from row to row, by name.
fn scalar_kernels() -> impl Iterator<Item = (&'static str, PrepareScalar)> {
    [
        strings::KERNELS,
        math::KERNELS,
        times::KERNELS,
        regex::KERNELS,
        conditionals::KERNELS,
        convert::KERNELS,
        hashing::KERNELS,
        lists::KERNELS,
        maps::KERNELS,
        addresses::KERNELS,
        json::KERNELS,
        logs::KERNELS,
        quality::KERNELS,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// What the fields of a result `{..}` are, by the values of the arguments that are literals.
pub type Shape = fn(&[Option<Scalar>]) -> Result<DataType, LiteralError>;

/// The shapes of all functions that have one, by name.
fn shapes() -> impl Iterator<Item = (&'static str, Shape)> {
    logs::SHAPES.iter().copied()
}

/// One overload of a function, by its position in the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FunctionId(pub u32);

/// How a function is computed.
pub enum Kernel {
    /// Row by row.
    Scalar(PrepareScalar),
    /// Many rows to one value.
    Aggregate(PrepareAggregate),
    /// Over the neighbours of a row.
    Window(PrepareWindow),
    /// None: it is compiled as an operator is.
    Operator,
    /// None: the checker puts its expression in its place.
    Written,
}

/// What a call gives for one argument.
pub struct Argument<'a> {
    /// The parameter's name, when it is named in the call.
    pub name: Option<&'a str>,
    /// What is given.
    pub value: ArgumentValue,
}

/// A given argument.
#[derive(Clone, Debug)]
pub enum ArgumentValue {
    /// A value.
    Value {
        /// Its type.
        ty: Type,
        /// Its value, when it is a literal or folds to one.
        literal: Option<Scalar>,
        /// Is it made of number literals alone, which become whatever number is wanted?
        adaptable: bool,
    },
    /// `x -> ...` with this many parameters; typed after the other arguments.
    Lambda {
        /// How many.
        parameters: usize,
    },
}

/// A call that fits a declaration.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The overload.
    pub function: FunctionId,
    /// For each parameter, in order (a variadic one as often as it is given), what it gets.
    pub arguments: Vec<Bound>,
    /// The type of the result; with a lambda whose result decides it, ask
    /// [`Registry::result_with_lambda`] instead.
    pub result: Type,
    /// May a row fail?
    pub fallible: bool,
}

/// What a parameter gets.
#[derive(Clone, Debug)]
pub enum Bound {
    /// The given argument at this position, widened to this type.
    Given(usize, Type),
    /// The default of the declaration.
    Default(Scalar, Type),
    /// The given lambda at this position, with the types of its parameters.
    Lambda(usize, Vec<Type>),
}

/// Why a call fits no declaration.
#[derive(Clone, Debug, PartialEq)]
pub enum Mismatch {
    /// No function has this name.
    NoFunction,
    /// So many arguments do not fit; the signatures that exist, as text.
    Count {
        /// `round(x: float, scale: int = 0)`
        signatures: Vec<String>,
    },
    /// A named argument that no parameter has; the names there are.
    Name {
        /// Position of the given argument.
        argument: usize,
        /// The names that exist.
        names: Vec<String>,
    },
    /// An argument has another type than is wanted.
    Type {
        /// Position of the given argument.
        argument: usize,
        /// What the overloads want there, as text: `string`, `int or float`.
        wanted: String,
    },
    /// An argument must be a literal (a pattern, a zone, a unit) and is not, or is not a good one.
    Literal {
        /// Position of the given argument.
        argument: usize,
        /// What is wrong with it: `this is not a regular expression: unclosed group`.
        reason: String,
    },
}

#[cfg(test)]
mod tests;
