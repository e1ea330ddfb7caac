//! Kernels at the edges of their domain, and calls that fit declarations or do not.
//!
//! The examples of the standard library show the plain cases and are run elsewhere.

mod aggregates;
mod extremes;
mod scalars;

use super::kernel::{Call, Failure, KernelContext, LiteralError, Operand};
use crate::data::{array_of, scalar_at};
use crate::types::{DataType, Scalar, Type};

/// An argument of a kernel under test.
#[derive(Clone)]
struct Given {
    ty: DataType,
    values: Vec<Scalar>,
    constant: bool,
}

fn column(ty: DataType, values: Vec<Scalar>) -> Given {
    Given { ty, values, constant: false }
}

fn constant(ty: DataType, value: Scalar) -> Given {
    Given { ty, values: vec![value], constant: true }
}

/// A column of texts; `~` stands for null.
fn texts(values: &[&str]) -> Given {
    column(DataType::String, values.iter().map(|text| text_or_null(text)).collect())
}

fn text_or_null(text: &str) -> Scalar {
    if text == "~" { Scalar::Null } else { Scalar::String(text.into()) }
}

fn text(value: &str) -> Given {
    constant(DataType::String, Scalar::String(value.into()))
}

fn ints(values: &[i64]) -> Given {
    column(DataType::Int, values.iter().map(|value| Scalar::Int(*value)).collect())
}

fn int(value: i64) -> Given {
    constant(DataType::Int, Scalar::Int(value))
}

fn floats(values: &[f64]) -> Given {
    column(DataType::Float, values.iter().map(|value| Scalar::Float(*value)).collect())
}

fn decimals(precision: u8, scale: u8, values: &[i128]) -> Given {
    let values = values.iter().map(|value| Scalar::Decimal(*value)).collect();
    column(DataType::Decimal { precision, scale }, values)
}

fn list_type(item: DataType) -> DataType {
    DataType::List(Box::new(item.optional()))
}

fn prepared<T>(
    given: &[Given],
    result: &DataType,
    prepare: impl FnOnce(&Call) -> Result<T, LiteralError>,
) -> Result<T, LiteralError> {
    let arguments: Vec<Type> = given.iter().map(|given| given.ty.clone().optional()).collect();
    let literals: Vec<Option<Scalar>> =
        given.iter().map(|given| given.constant.then(|| given.values[0].clone())).collect();
    let result = result.clone().optional();
    prepare(&Call { arguments: &arguments, literals: &literals, result: &result })
}

fn operand(given: &Given) -> Operand {
    let array = array_of(&given.ty, &given.values);
    if given.constant { Operand::constant(array) } else { Operand::column(array) }
}

fn rows_of(given: &[Given]) -> usize {
    given.iter().find(|given| !given.constant).map_or(1, |given| given.values.len())
}

/// The values of a function of this name, and the rows that failed.
fn run(name: &str, result: &DataType, given: &[Given]) -> (Vec<Scalar>, Vec<Failure>) {
    let kernel = try_prepare(name, result, given).expect("the literals are right");
    let mut failures = Vec::new();
    let rows = rows_of(given);
    let mut context = KernelContext { rows, active: None, site: 0, failures: &mut failures };
    let operands: Vec<Operand> = given.iter().map(operand).collect();
    let array = kernel.eval(&mut context, &operands);
    assert_eq!(array.len(), rows);
    assert_eq!(*array.data_type(), crate::data::arrow_type(result), "{name}");
    ((0..rows).map(|row| scalar_at(&array, result, row)).collect(), failures)
}

fn try_prepare(
    name: &str,
    result: &DataType,
    given: &[Given],
) -> Result<Box<dyn super::kernel::ScalarKernel>, LiteralError> {
    let kernels: std::collections::HashMap<_, _> = super::scalar_kernels().collect();
    prepared(given, result, |call| kernels[name](call))
}

/// The values of a call no row of which fails.
fn values(name: &str, result: &DataType, given: &[Given]) -> Vec<Scalar> {
    let (values, failures) = run(name, result, given);
    assert_eq!(failures, [], "{name}");
    values
}

/// What a function gives where its result is a text; `~` stands for null.
fn texts_of(name: &str, given: &[Given]) -> Vec<String> {
    let text = |value: Scalar| match value {
        Scalar::String(text) => text.to_string(),
        Scalar::Null => "~".to_owned(),
        other => panic!("{other:?} is not a text"),
    };
    values(name, &DataType::String, given).into_iter().map(text).collect()
}

/// What a function gives where its result is an int; None is null.
fn ints_of(name: &str, given: &[Given]) -> Vec<Option<i64>> {
    let int = |value: Scalar| if let Scalar::Int(value) = value { Some(value) } else { None };
    values(name, &DataType::Int, given).into_iter().map(int).collect()
}

#[test]
fn no_two_kernels_have_one_name() {
    let mut names: Vec<&str> = super::scalar_kernels().map(|(name, _)| name).collect();
    names.extend(super::aggregates::KERNELS.iter().map(|(name, _)| *name));
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}
