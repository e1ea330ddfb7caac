//! Every function over every combination of extreme arguments: only those declared with `!` fail
//! a row, nothing panics, and a decimal has no more digits than its type.

use super::*;
use crate::functions::declaration::{Constraint, DataPattern, TypePattern};
use crate::functions::{Argument, ArgumentValue, Bound, Declaration, Registry, Resolved};
use crate::syntax::ast::Native;
use crate::types::{DAYS, MICROS, MICROS_PER_DAY};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

const INTS: &[i64] = &[
    i64::MIN,
    i64::MIN + 1,
    -4_000_000_000,
    -309,
    -39,
    -1,
    0,
    1,
    2,
    38,
    400,
    4_000_000_000,
    i64::MAX - 1,
    i64::MAX,
];

const FLOATS: &[f64] = &[
    f64::NEG_INFINITY,
    f64::MIN,
    -0.5,
    -f64::MIN_POSITIVE,
    -0.0,
    0.0,
    5e-324,
    0.1,
    2.5,
    9.3e18,
    f64::MAX,
    f64::INFINITY,
    f64::NAN,
];

/// Texts; among them those that are good where a literal is wanted.
const TEXTS: &[&str] = &[
    "",
    "a",
    ",",
    "é😀e\u{301}",
    "\r\n\0",
    "~",
    "-12,345.6",
    "9999-12-31",
    "0001-01-01",
    "/w==",
    "\"a=\"x",
    "$1${x}",
    "(?<x>a)",
    "day",
    "week",
    "month",
    "year",
    "hour",
    "microsecond",
    "UTC",
    "Pacific/Kiritimati",
    "America/New_York",
    "later",
    "error",
    "%Y-%m-%d",
    "%FT%T%.f%:z",
    "%A %-d %B %Y",
    "#,##0.00%",
    "0",
    "NFKD",
];

/// What would have to be too large for a test of all combinations; tested alone.
const FAIL_BY_SIZE: [&str; 2] = ["concat", "join"];

/// The values of a type at its ends, around zero and in between, and null.
fn extremes(ty: &DataType) -> Vec<Scalar> {
    let (first, last) = (*MICROS.start(), *MICROS.end());
    // When clocks of New York were set forward.
    let skipped = 19_792 * MICROS_PER_DAY + 9_000_000_000;
    let mut values: Vec<Scalar> = match ty {
        DataType::Bool => vec![Scalar::Bool(false), Scalar::Bool(true)],
        DataType::Int => INTS.iter().map(|value| Scalar::Int(*value)).collect(),
        DataType::Float => FLOATS.iter().map(|value| Scalar::Float(*value)).collect(),
        DataType::Decimal { precision, .. } => {
            let most = 10i128.pow(u32::from(*precision)) - 1;
            let half = (most + 1) / 2;
            [-most, -half, -1, 0, 1, half, most].map(Scalar::Decimal).to_vec()
        }
        DataType::String => {
            let long = Scalar::String("ab".repeat(3_000).into());
            TEXTS.iter().map(|text| Scalar::String((*text).into())).chain([long]).collect()
        }
        // Clocks of a zone may show a day before the first or behind the last.
        DataType::Date => {
            let (first, last) = (*DAYS.start(), *DAYS.end());
            [first - 1, first, -1, 0, 19_782, last, last + 1].map(Scalar::Date).to_vec()
        }
        DataType::Datetime => {
            [first - 1, first, -1, 0, skipped, last, last + 1].map(Scalar::Datetime).to_vec()
        }
        DataType::Timestamp => [first, -1, 0, skipped, last].map(Scalar::Timestamp).to_vec(),
        DataType::Duration => [i64::MIN, -1, 0, 1, i64::MAX].map(Scalar::Duration).to_vec(),
        DataType::Uuid => vec![Scalar::String("6f1c0000-0000-4000-8000-000000000001".into())],
        DataType::Bytes => ["", "\0\u{ff}", "abc"].map(|text| Scalar::String(text.into())).into(),
        DataType::Time => [0, 1, MICROS_PER_DAY - 1].map(Scalar::Duration).to_vec(),
        DataType::Map(entry) => {
            let (key, value) = entry.entry().expect("it has keys and values");
            let value = extremes(&value.data).remove(0);
            let entry = |key: &Scalar| Scalar::Record(vec![key.clone(), value.clone()]);
            let keys: Vec<Scalar> =
                extremes(&key.data).into_iter().filter(|key| !key.is_null()).collect();
            let maps = [0, 1, keys.len()].map(|many| keys[..many].iter().map(entry).collect());
            maps.map(Scalar::List).to_vec()
        }
        DataType::Json => {
            let texts =
                ["null", "1", "-0.5", "\"\"", "\"a\"", "[]", "[1,[null,{}]]", "{\"a\":{\"\":1}}"];
            texts.map(|text| Scalar::String(text.into())).to_vec()
        }
        DataType::List(item) => {
            let mut items = extremes(&item.data);
            items.retain(|value| item.nullable || !value.is_null());
            let most = Scalar::List(vec![items[0].clone(); 200]);
            vec![Scalar::List(vec![]), Scalar::List(items), most]
        }
        other => panic!("no function takes a {other}"),
    };
    values.push(Scalar::Null);
    values
}

fn decimal(precision: u8, scale: u8) -> DataType {
    DataType::Decimal { precision, scale }
}

/// The types that are tried for a parameter, apart from null; `variable` is what type variables
/// stand for.
fn types_of(pattern: &TypePattern, variable: &DataType) -> Vec<DataType> {
    match &pattern.data {
        DataPattern::Exact(ty) => vec![ty.clone()],
        DataPattern::Variable(..) => vec![variable.clone()],
        DataPattern::Decimal(..) => {
            vec![decimal(38, 0), decimal(38, 38), decimal(38, 10), decimal(1, 0), decimal(5, 2)]
        }
        DataPattern::List(item) => {
            let nullable = item.nullable || matches!(item.data, DataPattern::Variable(..));
            let list = |ty: DataType| DataType::List(Box::new(Type { data: ty, nullable }));
            types_of(item, variable).into_iter().map(list).collect()
        }
        DataPattern::Map(key, value) => {
            let values = types_of(value, variable);
            let map = |(key, value): (DataType, &DataType)| {
                DataType::map(key.required(), value.clone().optional())
            };
            types_of(key, variable).into_iter().zip(values.iter().cycle()).map(map).collect()
        }
        DataPattern::Function(..) => vec![DataType::Unknown],
        DataPattern::Record(_) | DataPattern::Shaped => panic!("no function takes a record"),
    }
}

/// The types that a function's variables are tried with.
fn variables_of(declaration: &Declaration) -> Vec<DataType> {
    let mut types = vec![DataType::Int, DataType::Float, decimal(38, 4)];
    let constraints = || declaration.variables.iter().map(|variable| &variable.constraint);
    if constraints().all(|constraint| !matches!(constraint, Constraint::Number)) {
        types.extend([DataType::Bool, DataType::String, DataType::Date, DataType::Timestamp]);
    }
    if constraints().all(|constraint| matches!(constraint, Constraint::Any)) {
        types.extend([list_type(DataType::Int), DataType::Json]);
    }
    types.truncate(if declaration.variables.is_empty() { 1 } else { types.len() });
    types
}

/// The calls of a function that are tried: the types of their arguments.
fn calls_of(declaration: &Declaration) -> Vec<Vec<DataType>> {
    let mut calls = BTreeMap::new();
    for variable in variables_of(declaration) {
        let mut partial: Vec<Vec<DataType>> = vec![vec![]];
        for parameter in &declaration.parameters {
            let types = types_of(&parameter.ty, &variable);
            partial = partial
                .iter()
                .flat_map(|before| {
                    types.iter().map(|ty| [&before[..], std::slice::from_ref(ty)].concat())
                })
                .collect();
        }
        calls.extend(partial.into_iter().map(|call| (format!("{call:?}"), call)));
    }
    calls.into_values().collect()
}

/// Which arguments are one value for all rows, and which.
type Fixed = Vec<Option<Scalar>>;

struct Trial<'a> {
    declaration: &'a Declaration,
    types: Vec<DataType>,
    failed: bool,
    wrong: Vec<String>,
}

impl Trial<'_> {
    /// All values of the columns against one another; an argument that has to be a literal is
    /// tried with every value.
    fn run(&mut self, fixed: &Fixed) {
        let tried = self.resolve(fixed).and_then(|resolved| self.try_rows(fixed, &resolved));
        if let Err(at) = tried
            && fixed[at].is_none()
        {
            for value in extremes(&self.types[at]) {
                let mut fixed = fixed.clone();
                fixed[at] = Some(value);
                self.run(&fixed);
            }
        }
    }

    /// Err: this argument has to be another literal.
    fn resolve(&self, fixed: &Fixed) -> Result<Resolved, usize> {
        let argument = |(ty, literal): (&DataType, &Option<Scalar>)| Argument {
            name: None,
            value: match ty {
                DataType::Unknown => ArgumentValue::Lambda { parameters: 1 },
                _ => ArgumentValue::Value {
                    ty: ty.clone().optional(),
                    literal: literal.clone(),
                    adaptable: false,
                },
            },
        };
        let arguments: Vec<Argument> = self.types.iter().zip(fixed).map(argument).collect();
        match Registry::standard().resolve(&self.declaration.name, &arguments) {
            Ok(resolved) => Ok(resolved),
            Err(crate::functions::Mismatch::Literal { argument, .. }) => Err(argument),
            Err(other) => panic!("{}: {other:?}", self.declaration.signature),
        }
    }

    /// Err: this argument has to be another literal.
    fn try_rows(&mut self, fixed: &Fixed, resolved: &Resolved) -> Result<(), usize> {
        let registry = Registry::standard();
        let is_lambda = self.types.contains(&DataType::Unknown);
        let result = match is_lambda {
            true => registry.result_with_lambda(resolved, &DataType::Bool.required()),
            false => Ok(resolved.result.clone()),
        };
        let result = result.expect("the lambda gives a bool").data;
        let given = self.given(fixed, resolved);
        let kernel = prepared(&given, &result, |call| registry.scalar(resolved.function, call))
            .map_err(|error| error.argument)?;
        let rows = rows_of(&given);
        let operands: Vec<Operand> = given.iter().map(operand).collect();
        let mut failures = Vec::new();
        let mut context = KernelContext { rows, active: None, site: 0, failures: &mut failures };
        let what = format!("{} with {fixed:?} of {:?}", self.declaration.signature, self.types);
        let ran = catch_unwind(AssertUnwindSafe(|| kernel.eval(&mut context, &operands)));
        let Ok(array) = ran else {
            self.wrong.push(format!("{what} panics"));
            return Ok(());
        };
        assert_eq!(array.len(), rows, "{what}");
        if let (DataType::Decimal { precision, .. }, false) = (&result, rows == 0) {
            let limit = 10i128.pow(u32::from(*precision));
            let long = (0..rows).find(|row| match scalar_at(&array, &result, *row) {
                Scalar::Decimal(value) => value.abs() >= limit,
                _ => false,
            });
            self.wrong.extend(long.map(|row| format!("{what} gives too long a number in {row}")));
        }
        let fallible = registry.declaration(resolved.function).fallible;
        if let (Some(failure), false) = (failures.first(), fallible) {
            self.wrong.push(format!("{what} fails: {}", failure.reason));
        }
        self.failed |= !failures.is_empty();
        Ok(())
    }

    /// The values of the arguments, every row another combination.
    fn given(&self, fixed: &Fixed, resolved: &Resolved) -> Vec<Given> {
        let mut repeat = 1;
        let arguments: Vec<Given> = resolved
            .arguments
            .iter()
            .map(|bound| match bound {
                Bound::Default(value, ty) => constant(ty.data.clone(), value.clone()),
                Bound::Lambda(..) => constant(DataType::Bool, Scalar::Bool(true)),
                Bound::Given(at, ty) => match &fixed[*at] {
                    Some(value) => constant(ty.data.clone(), value.clone()),
                    None => {
                        let values = extremes(&ty.data);
                        let values: Vec<Scalar> = values
                            .iter()
                            .flat_map(|value| std::iter::repeat_n(value.clone(), repeat))
                            .collect();
                        repeat = values.len();
                        column(ty.data.clone(), values)
                    }
                },
            })
            .collect();
        let fill = |mut given: Given| {
            if !given.constant {
                let times = repeat / given.values.len();
                given.values = std::iter::repeat_n(given.values, times).flatten().collect();
            }
            given
        };
        arguments.into_iter().map(fill).collect()
    }
}

#[test]
fn only_functions_that_say_so_fail() {
    let registry = Registry::standard();
    let mut wrong = Vec::new();
    let functions = registry
        .functions()
        .filter(|(_, declaration)| declaration.kind == Native::Scalar)
        .filter(|(id, _)| !registry.is_operator(*id))
        // These are made of the others.
        .filter(|(id, _)| registry.written(*id).is_none());
    for (_, declaration) in functions {
        let mut failed = false;
        for types in calls_of(declaration) {
            let all_columns = vec![None; types.len()];
            let mut trial = Trial { declaration, types, failed, wrong: vec![] };
            trial.run(&all_columns);
            failed = trial.failed;
            wrong.extend(trial.wrong);
        }
        if declaration.fallible && !failed && !FAIL_BY_SIZE.contains(&&*declaration.name) {
            wrong.push(format!("{} never fails", declaration.signature));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
