//! Do two steps mean the same, wherever they are written and whatever their columns are called?

use super::{AggregateCall, Expr, ExprKind, Keep, Slot, StepKind};
use crate::text::{FileId, Span};
use crate::types::Scalar;

impl StepKind {
    /// Does it do the same as another over the same rows?
    pub fn is_same(&self, other: &StepKind) -> bool {
        use StepKind as S;
        match (self, other) {
            (
                S::Filter { condition: a, keep_nulls: keeps_a },
                S::Filter { condition: b, keep_nulls: keeps_b },
            ) => keeps_a == keeps_b && a.is_same(b),
            (S::Project(a), S::Project(b)) => all_same(a, b),
            (S::Set { column: a, value: of_a }, S::Set { column: b, value: of_b }) => {
                a == b && of_a.is_same(of_b)
            }
            (
                S::Aggregate { keys: a, aggregates: of_a },
                S::Aggregate { keys: b, aggregates: of_b },
            ) => all_same(a, b) && pairs(of_a, of_b, |a, b| a.is_same(b)),
            (S::Sort(a), S::Sort(b)) => pairs(a, b, |a, b| {
                a.descending == b.descending
                    && a.nulls_first == b.nulls_first
                    && a.value.is_same(&b.value)
            }),
            (S::Take { count: a, by: by_a }, S::Take { count: b, by: by_b }) => {
                a.is_same(b) && all_same(by_a, by_b)
            }
            (S::Distinct, S::Distinct) => true,
            (S::Dedupe(a), S::Dedupe(b)) => all_same(&a.keys, &b.keys) && a.keep.is_same(&b.keep),
            (S::Join(a), S::Join(b)) => {
                let promises = |check: super::Cardinality| {
                    (check.left_unique.is_some(), check.right_unique.is_some())
                };
                (a.kind, a.right, &a.right_columns) == (b.kind, b.right, &b.right_columns)
                    && all_same(&a.left_keys, &b.left_keys)
                    && all_same(&a.right_keys, &b.right_keys)
                    && all_same(a.residual.as_slice(), b.residual.as_slice())
                    && promises(a.check) == promises(b.check)
            }
            (S::Union { inputs: a, columns: of_a }, S::Union { inputs: b, columns: of_b }) => {
                a == b && pairs(of_a, of_b, |a, b| all_same(a, b))
            }
            (S::Explode { column: a }, S::Explode { column: b }) => a == b,
            (S::Parse(a), S::Parse(b)) => {
                a.column == b.column
                    && a.pattern == b.pattern
                    && pairs(&a.fields, &b.fields, |a, b| {
                        (a.group, &a.ty, &a.format) == (b.group, &b.ty, &b.format)
                    })
            }
            (S::Expect(a), S::Expect(b)) => {
                (&a.name, a.action, a.above) == (&b.name, b.action, b.above)
                    && a.condition.is_same(&b.condition)
            }
            _ => false,
        }
    }
}

impl AggregateCall {
    fn is_same(&self, other: &AggregateCall) -> bool {
        (self.function, &self.ty) == (other.function, &other.ty)
            && all_same(&self.arguments, &other.arguments)
    }
}

impl Keep {
    fn is_same(&self, other: &Keep) -> bool {
        match (self, other) {
            (Keep::First, Keep::First) | (Keep::Last, Keep::Last) => true,
            (Keep::Smallest(a), Keep::Smallest(b)) | (Keep::Largest(a), Keep::Largest(b)) => {
                a.is_same(b)
            }
            _ => false,
        }
    }
}

fn pairs<T>(a: &[T], b: &[T], is_same: impl Fn(&T, &T) -> bool) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
}

fn all_same(a: &[Expr], b: &[Expr]) -> bool {
    pairs(a, b, Expr::is_same)
}

impl Expr {
    /// Does it compute the same as another over the same row?
    pub fn is_same(&self, other: &Expr) -> bool {
        let (mut a, mut b) = (self.clone(), other.clone());
        a.forget_places(&mut vec![]);
        b.forget_places(&mut vec![]);
        a == b
    }

    /// Forgets where it was written, and counts variables from the outermost; literals become
    /// texts, since `0.0` equals `-0.0`.
    fn forget_places(&mut self, slots: &mut Vec<Slot>) {
        self.span = Span::new(FileId(0), 0, 0);
        let around = slots.len();
        match &mut self.kind {
            ExprKind::Literal(value) => *value = Scalar::String(format!("{value:?}").into()),
            ExprKind::Slot(slot) => {
                let found = slots.iter().position(|outer| outer == slot);
                *slot = Slot(found.expect("it is the variable of a lambda around it") as u32);
            }
            ExprKind::Call { lambda: Some(lambda), .. } => {
                slots.push(lambda.slot);
                lambda.slot = Slot(around as u32);
            }
            _ => {}
        }
        for child in self.children_mut() {
            child.forget_places(slots);
        }
        slots.truncate(around);
    }
}
