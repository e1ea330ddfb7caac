//! Programs over small batches.

use super::{Program, Registers};
use crate::data::{Batch, array_of, scalar_at};
use crate::functions::kernel::Failure;
use crate::ir::{Arithmetic, Comparison, Expr, ExprKind, RunContext};
use crate::text::{FileId, Span};
use crate::types::{DataType, Scalar, Type};

fn run() -> RunContext {
    RunContext { params: vec![], secrets: vec![], time: 0, date: 0, id: "run".into() }
}

fn expr(kind: ExprKind, ty: Type) -> Expr {
    Expr { kind, ty, span: Span::new(FileId(0), 0, 0) }
}

fn int_column(at: usize) -> Expr {
    expr(ExprKind::Column(at), DataType::Int.optional())
}

fn int(value: i64) -> Expr {
    expr(ExprKind::Literal(Scalar::Int(value)), DataType::Int.required())
}

fn ints(values: &[Option<i64>]) -> arrow_array::ArrayRef {
    let scalar = |value: &Option<i64>| value.map_or(Scalar::Null, Scalar::Int);
    array_of(&DataType::Int, &values.iter().map(scalar).collect::<Vec<_>>())
}

fn eval(expr: &Expr, columns: Vec<arrow_array::ArrayRef>) -> (Vec<Scalar>, Vec<Failure>) {
    let rows = columns[0].len();
    let program = Program::compile(&[expr], &run());
    let mut failures = Vec::new();
    let batch = Batch::new(columns, rows, 0);
    let values = program.eval(&batch, &mut Registers::default(), &mut failures);
    let at = |row| scalar_at(&values[0].array, &expr.ty.data, values[0].index(row));
    ((0..rows).map(at).collect(), failures)
}

fn divide(a: Expr, b: Expr) -> Expr {
    let kind = ExprKind::Arithmetic(Arithmetic::IntDivide, Box::new(a), Box::new(b));
    expr(kind, DataType::Int.optional())
}

#[test]
fn a_branch_not_taken_never_fails() {
    let zero = ExprKind::Compare(Comparison::Equal, Box::new(int_column(1)), Box::new(int(0)));
    let safe = ExprKind::Case {
        arms: vec![(expr(zero, DataType::Bool.required()), int(-1))],
        otherwise: Some(Box::new(divide(int_column(0), int_column(1)))),
    };
    let columns = vec![
        ints(&[Some(7), Some(7), None, Some(i64::MIN)]),
        ints(&[Some(2), Some(0), Some(1), Some(-1)]),
    ];
    let (values, failures) = eval(&expr(safe, DataType::Int.optional()), columns);
    assert_eq!(values, [Scalar::Int(3), Scalar::Int(-1), Scalar::Null, Scalar::Null]);
    assert_eq!(failures.len(), 1);
    assert_eq!(
        (failures[0].row, &*failures[0].reason),
        (3, "-9223372036854775808 // -1 is beyond int")
    );
}

#[test]
fn try_is_null_where_anything_inside_failed() {
    let inner = ExprKind::Coalesce(vec![divide(int(1), int_column(0)), int(5)]);
    let tried = ExprKind::Try(Box::new(expr(inner, DataType::Int.required())));
    let column = vec![ints(&[Some(1), Some(0), None])];
    let (values, failures) = eval(&expr(tried, DataType::Int.optional()), column);
    assert_eq!(values, [Scalar::Int(1), Scalar::Null, Scalar::Int(5)]);
    assert_eq!(failures, []);
}

#[test]
fn a_failed_row_is_null_whatever_is_made_of_it() {
    let inner = ExprKind::Coalesce(vec![divide(int(1), int_column(0)), int(5)]);
    let column = vec![ints(&[Some(1), Some(0), None])];
    let (values, failures) = eval(&expr(inner, DataType::Int.optional()), column);
    assert_eq!(values, [Scalar::Int(1), Scalar::Null, Scalar::Int(5)]);
    assert_eq!((failures[0].row, &*failures[0].reason), (1, "division by zero"));
}

#[test]
fn constants_fold_unless_they_fail() {
    let (values, failures) = eval(&divide(int(1), int(0)), vec![ints(&[Some(1), None])]);
    assert_eq!(values, [Scalar::Null, Scalar::Null]);
    assert_eq!(failures.len(), 2);
    let folded = divide(int(7), int(2));
    let program = Program::compile(&[&folded], &run());
    assert!(!program.is_fallible());
    let batch = Batch::new(vec![], 3, 0);
    let values = program.eval(&batch, &mut Registers::default(), &mut vec![]);
    assert!(values[0].constant);
}
