//! The row that a join gives: whose columns, which of them may be null, what is known of its keys and
//! its order.

use super::JobChecker;
use super::joins::{Conditions, JoinNames, column_of};
use crate::check::exprs::{Place, domain, narrow};
use crate::diagnostics::names;
use crate::ir::{Column, Domain, Expr, Found, Input, JoinKind, Key, Row, SharedKey};
use crate::text::Span;
use crate::types::unify;
use std::sync::Arc;

/// Which rows match one row of the other side at most.
#[derive(Clone, Copy)]
pub(super) struct Unique {
    /// Each right row one left row: no two left rows have the same key.
    pub left: bool,
    /// Each left row one right row.
    pub right: bool,
}

impl JobChecker<'_, '_> {
    /// The row of a join, the columns that stand for keys of both sides, and the right columns in it.
    pub(super) fn joined(
        &mut self,
        (kind, is_found): (JoinKind, bool),
        conditions: &Conditions,
        (right, right_row): (Input, &Row),
        unique: Unique,
        JoinNames { verb, table, called: name, read }: JoinNames,
    ) -> Option<(Row, Vec<SharedKey>, Vec<usize>)> {
        let all_match = is_found || matches!(kind, JoinKind::Inner | JoinKind::Semi);
        let (left_known, right_known) = match all_match {
            true => known(conditions),
            false => (vec![], vec![]),
        };
        let mut row = self.narrowed(&left_known);
        if all_match {
            for (left, column) in columns_looked_up(conditions, &self.row, right_row) {
                note_found(&mut row, left, Found { table: right, column });
            }
        }
        if !kind.gives_pairs() {
            return Some((row, vec![], vec![]));
        }
        let mut shared = vec![];
        // Where each right column is in the result.
        let mut places = vec![];
        let mut right_columns = vec![];
        let mut clashes: Vec<(&str, Span, Span)> = vec![];
        for (at, column) in right_row.columns.iter().enumerate() {
            let is_shared = |key: &usize| {
                let left = column_of(&conditions.left_keys[*key]);
                let left = left.and_then(|left| self.row.columns.get(left));
                column_of(&conditions.right_keys[*key]) == Some(at)
                    && left.is_some_and(|left| left.name == column.name)
            };
            if let Some(key) = (0..conditions.left_keys.len()).find(is_shared) {
                let place = column_of(&conditions.left_keys[key]).expect("it is a column");
                shared.push(SharedKey { column: place, key });
                places.push(place);
                self.globals.names().tie(&self.row.columns[place], column);
                continue;
            }
            // What an asof join looks for is near to what it has under the same name.
            let same = self.row.find(&column.name);
            let is_near = conditions.nearest.as_ref().is_some_and(|nearest| {
                column_of(&nearest.right) == Some(at) && column_of(&nearest.left) == same
            });
            if let (Some(place), true) = (same, is_near) {
                places.push(place);
                continue;
            }
            if let Some(left) = self.row.find(&column.name) {
                let left = self.row.columns[left].origin;
                clashes.push((&column.name, left, column.origin));
                continue;
            }
            let is_missing = kind.keeps_left() && !is_found;
            let here = right_known.iter().filter(|place| place.column() == Some(at));
            let ty = here.fold(column.ty.clone(), |ty, place| ty.never_null_at(&place.fields));
            let ty = ty.with_nullable(is_missing || ty.nullable);
            places.push(row.columns.len());
            self.globals.names().join(table, column);
            row.columns.push(Column { ty, origin: table, ..column.clone() });
            right_columns.push(at);
        }
        if !clashes.is_empty() {
            self.found.push(names::join_clash(&clashes, verb, name, read));
            return None;
        }
        match kind.keeps_right() {
            false if !unique.right => row.keys.clear(),
            false => {}
            true => {
                self.widen_left(&mut row, kind, conditions, right_row, &shared);
                row.keys = outer_keys(&row, kind, conditions, right_row, unique, &shared, &places);
                row.order.clear();
            }
        }
        row.broken |= right_row.broken;
        let shared = if kind.keeps_right() { shared } else { vec![] };
        Some((row, shared, right_columns))
    }

    /// Is it known that each left row has a right one? Its key, which is not null, is among those of the
    /// right table, all rows of which are there.
    pub(super) fn is_found(&self, conditions: &Conditions, right: Input, right_row: &Row) -> bool {
        let is_all = conditions.left_keys.len() == 1
            && conditions.residual.is_empty()
            && conditions.nearest.is_none();
        if !is_all || (self.may_lose_rows && matches!(right, Input::Source(_))) {
            return false;
        }
        columns_looked_up(conditions, &self.row, right_row).iter().any(|&(left, column)| {
            let left = &self.row.columns[left];
            let found = Found { table: right, column };
            !left.ty.nullable
                && left.domain.as_ref().is_some_and(|domain| domain.found.contains(&found))
        })
    }

    /// Where right rows have no left one, its columns are null, but for keys of both sides.
    fn widen_left(
        &self,
        row: &mut Row,
        kind: JoinKind,
        conditions: &Conditions,
        right_row: &Row,
        shared: &[SharedKey],
    ) {
        for at in 0..self.row.columns.len() {
            let left = row.columns[at].clone();
            let shared = shared.iter().find(|shared| shared.column == at);
            let right = shared.and_then(|shared| column_of(&conditions.right_keys[shared.key]));
            let column = match right.map(|right| &right_row.columns[right]) {
                None => Column { ty: left.ty.with_nullable(true), ..left },
                Some(right) => {
                    let ty = unify(&left.ty, &right.ty).expect("what is compared goes together");
                    // What matches is not null, so that of a right join is what the right row has.
                    let nullable = right.ty.nullable || kind.keeps_left() && left.ty.nullable;
                    let domain = domain::of_both(&left, right, &ty.data);
                    Column { ty: ty.with_nullable(nullable), domain, ..left }
                }
            };
            row.columns.replace(at, column);
        }
    }
}

/// The places of each side that are not null where all rows match, since nothing that was compared is
/// null then.
fn known(conditions: &Conditions) -> (Vec<Place>, Vec<Place>) {
    let compared = |keys: &[Expr]| keys.iter().flat_map(narrow::strict_places).collect();
    let mut left: Vec<Place> = compared(&conditions.left_keys);
    let mut right: Vec<Place> = compared(&conditions.right_keys);
    if let Some(nearest) = &conditions.nearest {
        left.extend(narrow::strict_places(&nearest.left));
        right.extend(narrow::strict_places(&nearest.right));
    }
    (left, right)
}

/// The left columns that are looked up as they are, each with the right column among whose values it is
/// looked for.
fn columns_looked_up(conditions: &Conditions, left: &Row, right: &Row) -> Vec<(usize, usize)> {
    let keys = conditions.left_keys.iter().zip(&conditions.right_keys);
    let columns = keys.filter_map(|(left, right)| column_of(left).zip(column_of(right)));
    let is_same =
        |(at, of): &(usize, usize)| left.columns[*at].ty.data == right.columns[*of].ty.data;
    columns.filter(is_same).collect()
}

/// Notes that the values of a column are among those of a column of another table.
pub(in crate::check) fn note_found(row: &mut Row, at: usize, found: Found) {
    let column = row.columns[at].clone();
    let mut domain = column.domain.map_or_else(Domain::default, Arc::unwrap_or_clone);
    if !domain.found.contains(&found) {
        domain.found.push(found);
    }
    row.columns.replace(at, Column { domain: Some(Arc::new(domain)), ..column });
}

/// The keys of a row among which are right rows that match nothing.
fn outer_keys(
    row: &Row,
    kind: JoinKind,
    conditions: &Conditions,
    right_row: &Row,
    unique: Unique,
    shared: &[SharedKey],
    places: &[usize],
) -> Vec<Key> {
    if kind == JoinKind::Right && unique.left {
        // Every right row comes once.
        let moved = |key: &Key| {
            let columns = key.columns.iter().map(|&column| places[column]).collect();
            Key { columns, declared: key.declared }
        };
        return right_row.keys.iter().map(moved).collect();
    }
    let is_known = shared.iter().all(|shared| !row.columns[shared.column].ty.nullable);
    let are_all = shared.len() == conditions.left_keys.len() && conditions.residual.is_empty();
    match kind == JoinKind::Full && unique.left && unique.right && is_known && are_all {
        // Every value comes once: from both sides, or from the one that has it.
        true => {
            let columns = shared.iter().map(|shared| shared.column).collect();
            vec![Key { columns, declared: None }]
        }
        false => vec![],
    }
}
