//! What steps do to the keys and the order of a row.

use crate::ir::{Expr, ExprKind, Key, Row};

/// The keys and order of a row whose columns are `values` over `before`.
pub(super) fn carried(before: &Row, values: &[Expr]) -> (Vec<Key>, Vec<usize>) {
    carried_to(before, |column| {
        values.iter().position(|value| matches!(value.kind, ExprKind::Column(at) if at == column))
    })
}

/// The keys and order of a row whose columns are those of `before`, at the places that `to` gives.
pub(super) fn carried_to(
    before: &Row,
    to: impl Fn(usize) -> Option<usize>,
) -> (Vec<Key>, Vec<usize>) {
    let keys = before
        .keys
        .iter()
        .filter_map(|key| {
            let columns = key.columns.iter().map(|&column| to(column)).collect::<Option<_>>()?;
            Some(Key { columns, declared: key.declared })
        })
        .collect();
    let mut order: Vec<usize> = before.order.iter().map_while(|&column| to(column)).collect();
    if order.is_empty() && !before.order.is_empty() {
        // The rows stay where they are, though what they were sorted by is gone.
        order.push(Row::HIDDEN);
    }
    (keys, order)
}
