//! `encode`: values of columns as numbers that a model can be given.

use super::JobChecker;
use crate::check::exprs::{convert, literal};
use crate::diagnostics::{arguments, branches, names, types};
use crate::ir::{Column, Comparison, Expr, ExprKind, Row, StepKind};
use crate::syntax::{ast, is_name};
use crate::text::Span;
use crate::types::{DataType, Scalar};
use std::collections::HashMap;

/// The ways to encode, for messages.
const WAYS: &[&str] =
    &["hash_bucket(100)", "one_hot([\"a\", \"b\"])", "ordinal([\"low\", \"high\"])"];

/// How values are encoded.
enum Way {
    /// The number of a bucket.
    Bucket(Expr),
    /// A column of 0 and 1 for each value.
    OneHot,
    /// The place among the values.
    Ordinal,
}

/// A value, how it is spelled, and where.
type Value = (Expr, String, Span);

impl JobChecker<'_, '_> {
    pub(super) fn encode(&mut self, columns: &[ast::Name], with: &ast::Expr, span: Span) {
        self.named_twice(columns);
        let Some((way, values)) = self.way(with) else { return self.give_up() };
        for column in columns {
            let Some(at) = self.find(column) else { continue };
            if self.row.columns[at].ty.is_unknown() {
                continue;
            }
            match &way {
                Way::Bucket(count) => self.bucket(at, count.clone(), column, span),
                Way::OneHot | Way::Ordinal => {
                    let Some(values) = self.values_of(at, values, column) else {
                        self.give_up();
                        continue;
                    };
                    match way {
                        Way::OneHot => self.one_hot(at, values, column, span),
                        _ => self.ordinal(at, values, column, span),
                    }
                }
            }
        }
    }

    /// What is asked for, and the values that are written.
    fn way<'w>(&mut self, with: &'w ast::Expr) -> Option<(Way, Option<&'w [ast::Expr]>)> {
        let ast::ExprKind::Call(name, given) = &with.kind else {
            self.found.push(branches::encode_how(with.span, WAYS));
            return None;
        };
        let label = match name.text.as_str() {
            "hash_bucket" => "buckets",
            "one_hot" | "ordinal" => "values",
            _ => {
                self.found.push(branches::encode_how(name.span, WAYS));
                return None;
            }
        };
        let is_wrong =
            |argument: &&ast::Argument| argument.name.as_ref().is_some_and(|own| own.text != label);
        if let Some(name_of) =
            given.iter().find(is_wrong).and_then(|argument| argument.name.as_ref())
        {
            let all = [label.to_owned()];
            self.found.push(arguments::no_parameter(&name.text, &name_of.text, name_of.span, &all));
            return None;
        }
        match (name.text.as_str(), given.as_slice()) {
            ("hash_bucket", [count]) => {
                let mut scope = self.scope();
                scope.row = None;
                let count = scope.check_as(&count.value, &DataType::Int.required(), "`buckets`");
                let is_count =
                    !matches!(count.kind, ExprKind::Literal(Scalar::Int(count)) if count < 1);
                if !is_count {
                    self.found.push(branches::encode_how(with.span, WAYS));
                }
                (is_count && !count.ty.is_unknown()).then_some((Way::Bucket(count), None))
            }
            ("one_hot", []) => Some((Way::OneHot, None)),
            ("ordinal", []) => Some((Way::Ordinal, None)),
            ("one_hot" | "ordinal", [values]) => {
                let ast::ExprKind::List(items) = &values.value.kind else {
                    self.found.push(branches::encode_how(values.value.span, WAYS));
                    return None;
                };
                let way = if name.text == "one_hot" { Way::OneHot } else { Way::Ordinal };
                Some((way, Some(items)))
            }
            _ => {
                self.found.push(branches::encode_how(with.span, WAYS));
                None
            }
        }
    }

    /// The values of a column: those that are written, or the members of its enum.
    fn values_of(
        &mut self,
        at: usize,
        written: Option<&[ast::Expr]>,
        column: &ast::Name,
    ) -> Option<Vec<Value>> {
        let of = self.row.columns[at].clone();
        let Some(written) = written else {
            let DataType::Enum(declared) = &of.ty.data else {
                self.found.push(branches::values_of_what(
                    column.span,
                    &column.text,
                    &of.ty,
                    "encode",
                ));
                return None;
            };
            let members = declared.members.iter().enumerate();
            let value =
                |at: usize| literal(Scalar::Enum(at as i32), of.ty.data.clone(), column.span);
            let all = members.map(|(at, member)| (value(at), member.name.to_string(), column.span));
            return Some(all.collect());
        };
        let ty = of.ty.with_nullable(false);
        let mut values = vec![];
        for item in written {
            let mut scope = self.scope();
            scope.row = None;
            let value = scope.check_as(item, &ty, "a value of `encode`");
            let text = self.text(item.span).trim_matches('"').to_owned();
            values.push((value, text, item.span));
        }
        values.iter().all(|(value, ..)| !value.ty.is_unknown()).then_some(values)
    }

    fn bucket(&mut self, at: usize, count: Expr, column: &ast::Name, span: Span) {
        let value = self.scope().column(at, column.span);
        if !value.ty.data.is_ordered() {
            self.found.push(types::not_ordered("what is hashed", column.span, &value.ty));
            return;
        }
        let text = super::sample::text_of(value, column.span);
        let function = self.globals.registry.overloads("hash_bucket")[0];
        let ty = DataType::Int.required().with_nullable(text.ty.nullable);
        let kind = ExprKind::Call { function, arguments: vec![text, count], lambda: None };
        self.replace(at, Expr { kind, ty, span: column.span }, column.span, span);
    }

    /// From 0, in the order of the values; null for any other.
    fn ordinal(&mut self, at: usize, values: Vec<Value>, column: &ast::Name, span: Span) {
        let of = self.scope().column(at, column.span);
        let is_enum = matches!(of.ty.data, DataType::Enum(_));
        let nullable = of.ty.nullable || !is_enum;
        let int = |number: usize| literal(Scalar::Int(number as i64), DataType::Int, column.span);
        let arms = values.into_iter().enumerate();
        let arms = arms.map(|(number, (value, ..))| (equal(&of, value), int(number))).collect();
        let ty = DataType::Int.required().with_nullable(nullable);
        let mut kind = ExprKind::Case { arms, otherwise: None };
        if !nullable && let ExprKind::Case { arms, otherwise } = &mut kind {
            // An enum has no other value.
            *otherwise = arms.pop().map(|(_, last)| Box::new(last));
        }
        self.replace(at, Expr { kind, ty, span: column.span }, column.span, span);
    }

    /// A column for each value, in place of the column itself.
    fn one_hot(&mut self, at: usize, values: Vec<Value>, column: &ast::Name, span: Span) {
        let of = self.scope().column(at, column.span);
        let row = self.row.clone();
        let mut seen: HashMap<String, Span> = HashMap::new();
        let (mut columns, mut all) = (vec![], vec![]);
        for (place, other) in row.columns.iter().enumerate() {
            if place != at {
                let kind = ExprKind::Column(place);
                all.push(Expr { kind, ty: other.ty.clone(), span: other.origin });
                columns.push(other.clone());
                seen.insert(other.name.to_string(), other.origin);
                continue;
            }
            for (value, text, origin) in &values {
                let name = format!("{}_{text}", column.text);
                if !is_name(&name) {
                    self.found.push(branches::no_name_for(&name, *origin));
                    return self.give_up();
                }
                if let Some(first) = seen.insert(name.clone(), *origin) {
                    self.found.push(names::column_twice(&name, *origin, first));
                    return self.give_up();
                }
                let int = |number| literal(Scalar::Int(number), DataType::Int, column.span);
                let arms = vec![(equal(&of, value.clone()), int(1))];
                let kind = ExprKind::Case { arms, otherwise: Some(Box::new(int(0))) };
                let ty = DataType::Int.required();
                columns.push(Column {
                    name: name.into(),
                    ty: ty.clone(),
                    origin: *origin,
                    domain: None,
                });
                all.push(Expr { kind, ty, span: column.span });
            }
        }
        self.dropped.insert(column.text.clone(), span);
        let (keys, order) = super::shape::carried(&row, &all);
        let row = Row { columns: columns.into_iter().collect(), keys, order, broken: false };
        self.push(StepKind::Project(all), row, span);
    }
}

fn equal(left: &Expr, right: Expr) -> Expr {
    let span = right.span;
    let right = Box::new(convert(right, &left.ty.data));
    let kind = ExprKind::Compare(Comparison::Equal, Box::new(left.clone()), right);
    Expr { kind, ty: DataType::Bool.required(), span }
}
