//! Calls of the library's functions that are said in the language itself: the expression is checked
//! for the types of this call and stands in its place, so that it costs what writing it would.

use super::own_functions::lift_nulls;
use super::{Scope, bad};
use crate::diagnostics::{Diagnostics, Severity};
use crate::functions::Resolved;
use crate::ir::{Expr, ExprKind};
use crate::text::Span;
use crate::types::{Scalar, Type};

impl Scope<'_, '_> {
    /// The expression of a written function with these values for its parameters.
    pub(super) fn written_call(
        &mut self,
        resolved: &Resolved,
        values: Vec<Expr>,
        span: Span,
    ) -> Expr {
        let registry = self.globals.registry;
        let declaration = registry.declaration(resolved.function);
        let Some(body) = registry.written(resolved.function) else { return bad(span) };
        let (mut bound, mut lifted) = (vec![], vec![]);
        for (parameter, mut value) in declaration.parameters.iter().zip(values) {
            if value.ty.nullable && !parameter.ty.nullable {
                if matches!(value.kind, ExprKind::Literal(Scalar::Null)) {
                    return super::literal(Scalar::Null, resolved.result.data.clone(), span);
                }
                lifted.push(value.clone());
                value.ty = value.ty.with_nullable(false);
            }
            bound.push((parameter.name.clone(), value));
        }
        // What could be said of the expression is about the library, not about the program; only
        // that these types do not go through it matters.
        let mut found = Diagnostics::new();
        let mut inner =
            Scope { values: &bound, is_library: true, ..Scope::constant(self.globals, &mut found) };
        let wanted =
            Type { data: resolved.result.data.clone(), nullable: declaration.result.nullable };
        let before = inner.globals.names().set_quiet(true);
        let value = inner.check_as(&body.placed(span), &wanted, &declaration.name);
        self.globals.names().set_quiet(before);
        for found in found.iter().filter(|found| found.severity == Severity::Error) {
            self.found.push(found.clone());
        }
        if value.ty.is_unknown() {
            return bad(span);
        }
        lift_nulls(value, lifted, span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::globals::Globals;
    use crate::data::{Batch, array_of, scalar_at};
    use crate::expr::{Program, Registers};
    use crate::functions::{Argument, ArgumentValue, DataPattern, Declaration, Digits, Registry};
    use crate::ir::RunContext;
    use crate::text::{FileId, Files};
    use crate::types::{DAYS, DataType};
    use arrow_array::Array;

    /// A type that fits a parameter.
    fn type_of(pattern: &DataPattern) -> DataType {
        match pattern {
            DataPattern::Exact(ty) => ty.clone(),
            DataPattern::Variable(..) => DataType::Int,
            DataPattern::Decimal(Digits::Number(precision), Digits::Number(scale)) => {
                DataType::Decimal { precision: *precision as u8, scale: *scale as u8 }
            }
            DataPattern::List(item) => DataType::List(Box::new(
                type_of(&item.data).required().with_nullable(item.nullable),
            )),
            other => panic!("a written function takes no {other:?}"),
        }
    }

    /// Values at the ends of a type, around zero and in between.
    fn values_of(ty: &DataType) -> Vec<Scalar> {
        let texts = ["", " ", "a", "-1.5", "Ann Lee", "é e\u{301}", "a@b.example", "+44 20", "\0"];
        match ty {
            DataType::Bool => vec![Scalar::Bool(true), Scalar::Bool(false)],
            DataType::Int => [i64::MIN, -7, -1, 0, 1, 3, 12, 100, i64::MAX].map(Scalar::Int).into(),
            DataType::Float => [f64::MIN, -1.0, -0.0, 0.0, 1e-300, 0.5, 1.0, 3.0, f64::INFINITY]
                .map(Scalar::Float)
                .into(),
            DataType::Decimal { precision, .. } => {
                let most = 10i128.pow(u32::from(*precision)) - 1;
                [-most, -1_000_000, -10_000, -1, 0, 1, 5_000, most].map(Scalar::Decimal).into()
            }
            DataType::String => texts.map(|text| Scalar::String(text.into())).into(),
            DataType::Date => {
                let (first, last) = (*DAYS.start(), *DAYS.end());
                [first, first + 5, -1, 0, 19_782, 19_783, last].map(Scalar::Date).into()
            }
            DataType::List(item) => {
                let items = values_of(&item.data);
                vec![
                    Scalar::List(vec![]),
                    Scalar::List(vec![items[1].clone()]),
                    Scalar::List(items),
                ]
            }
            other => panic!("no written function takes a {other}"),
        }
    }

    /// A row with every combination of values that fails or is null where it may not.
    fn fails_or_is_null(body: &Expr, types: &[Type], declaration: &Declaration) -> Option<String> {
        let values: Vec<Vec<Scalar>> = types.iter().map(|ty| values_of(&ty.data)).collect();
        let rows: usize = values.iter().map(Vec::len).product();
        let mut repeat = 1;
        let columns: Vec<_> = types
            .iter()
            .zip(&values)
            .map(|(ty, values)| {
                let of_row = |row: usize| values[row / repeat % values.len()].clone();
                let column: Vec<Scalar> = (0..rows).map(of_row).collect();
                repeat *= values.len();
                array_of(&ty.data, &column)
            })
            .collect();
        let run =
            RunContext { params: vec![], secrets: vec![], time: 0, date: 0, id: String::new() };
        let mut failures = vec![];
        let batch = Batch::new(columns.clone(), rows, 0);
        let program = Program::compile(&[body], &run);
        let found = program.eval(&batch, &mut Registers::default(), &mut failures);
        let shown = |row: usize| -> Vec<Scalar> {
            let pairs = columns.iter().zip(types);
            pairs.map(|(column, ty)| scalar_at(column, &ty.data, row)).collect()
        };
        if declaration.fallible {
            return failures.is_empty().then(|| format!("{} never fails", declaration.signature));
        }
        if let Some(failure) = failures.first() {
            let row = shown(failure.row as usize);
            return Some(format!("{} of {row:?} fails: {}", declaration.signature, failure.reason));
        }
        let is_null = |row: &usize| found[0].array.is_null(found[0].index(*row));
        let row = (0..rows).find(is_null).filter(|_| !declaration.result.nullable)?;
        Some(format!("{} of {:?} is null", declaration.signature, shown(row)))
    }

    #[test]
    fn written_functions_fail_when_they_say_so() {
        let registry = Registry::standard();
        let mut files = Files::default();
        let id = files.add("empty.batch", "");
        let mut found = Diagnostics::new();
        let file = crate::syntax::parse(&files, id, &mut found);
        let mut wrong = vec![];
        for (id, declaration) in registry.functions() {
            if registry.written(id).is_none() {
                continue;
            }
            let mut globals = Globals::collect(&file, &files, &[], &mut found);
            let mut scope = Scope::constant(&mut globals, &mut found);
            let given: Vec<Argument> = declaration
                .parameters
                .iter()
                .filter(|parameter| parameter.default.is_none())
                .map(|parameter| Argument {
                    name: Some(&parameter.name),
                    value: ArgumentValue::Value {
                        ty: type_of(&parameter.ty.data).required(),
                        literal: None,
                        adaptable: false,
                    },
                })
                .collect();
            let resolved = registry
                .resolve(&declaration.name, &given)
                .unwrap_or_else(|reason| panic!("{}: {reason:?}", declaration.signature));
            let span = Span::new(FileId(0), 0, 0);
            let column = |at: usize, ty: &Type| {
                Some(Expr { kind: ExprKind::Column(at), ty: ty.clone(), span })
            };
            let mut values: Vec<Option<Expr>> = given
                .iter()
                .enumerate()
                .map(|(at, one)| match &one.value {
                    ArgumentValue::Value { ty, .. } => column(at, ty),
                    ArgumentValue::Lambda { .. } => None,
                })
                .collect();
            let values = scope.bind(&resolved, &mut values, span);
            let body = scope.written_call(&resolved, values, span);
            if let Some(error) = found.iter().next() {
                panic!("{}: {}", declaration.signature, error.message);
            }
            if declaration.fallible && !body.may_fail() {
                wrong.push(format!("{} cannot fail", declaration.signature));
            }
            let types: Vec<Type> = given
                .iter()
                .filter_map(|one| match &one.value {
                    ArgumentValue::Value { ty, .. } => Some(ty.clone()),
                    ArgumentValue::Lambda { .. } => None,
                })
                .collect();
            wrong.extend(fails_or_is_null(&body, &types, declaration));
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
