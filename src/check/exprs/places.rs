//! Values that are the same wherever they are named, of which a condition can tell something.

use crate::ir::{Expr, ExprKind, ParamId, Slot};

/// A column, a parameter, a variable of a lambda or function, or a field within one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::check) struct Place {
    pub(in crate::check) root: Root,
    /// The positions of the fields that lead there.
    pub(in crate::check) fields: Vec<usize>,
}

/// Where a place begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::check) enum Root {
    Column(usize),
    Param(ParamId),
    Variable(Slot),
}

impl Place {
    /// The place that an expression names, if it is no more than that.
    pub(super) fn of(value: &Expr) -> Option<Place> {
        let root = |root| Place { root, fields: vec![] };
        match &value.kind {
            ExprKind::Column(at) => Some(root(Root::Column(*at))),
            ExprKind::Param(param) => Some(root(Root::Param(*param))),
            ExprKind::Slot(slot) => Some(root(Root::Variable(*slot))),
            ExprKind::Field(record, at) => {
                let mut place = Place::of(record)?;
                place.fields.push(*at);
                Some(place)
            }
            _ => None,
        }
    }

    /// The column, of a place that is one or lies within one.
    pub(in crate::check) fn column(&self) -> Option<usize> {
        match self.root {
            Root::Column(at) => Some(at),
            Root::Param(_) | Root::Variable(_) => None,
        }
    }
}

impl From<usize> for Place {
    fn from(column: usize) -> Place {
        Place { root: Root::Column(column), fields: vec![] }
    }
}
