//! What steps do to the keys and the order of a row.

use crate::ir::{Expr, ExprKind, Key, Row};

/// The keys and order of a row whose columns are `values` over `before`.
pub(super) fn carried(before: &Row, values: &[&Expr]) -> (Vec<Key>, Vec<usize>) {
    let to = |column: usize| {
        values.iter().position(|value| matches!(value.kind, ExprKind::Column(at) if at == column))
    };
    let keys = before
        .keys
        .iter()
        .filter_map(|key| {
            let columns = key.columns.iter().map(|&column| to(column)).collect::<Option<_>>()?;
            Some(Key { columns, declared: key.declared })
        })
        .collect();
    let order = before.order.iter().map_while(|&column| to(column)).collect();
    (keys, order)
}
