//! Rows that are wanted against rows that came.

use crate::ir::{WantedColumn, WantedRows};
use crate::types::Scalar;

/// Floats are the same when they differ by no more than this part of the greater one: who writes a table
/// by hand does not write all 17 digits.
const FLOATS_DIFFER: f64 = 1e-9;

/// More comparisons than this are not made to find which rows are the same in their order.
const COMPARED_MAX: usize = 4_000_000;

/// How rows that came differ from those that are wanted.
pub struct Difference {
    /// The columns that are compared.
    pub columns: Vec<WantedColumn>,
    /// Is their order compared too?
    pub in_order: bool,
    /// All rows, in the order in which they are shown.
    pub rows: Vec<DiffRow>,
}

/// A row that is wanted, or that came.
#[derive(Clone, Debug, PartialEq)]
pub enum DiffRow {
    /// Wanted, and it came: which of the wanted ones, and what came.
    Same(usize, Vec<Scalar>),
    /// Wanted, and another one came that is like it: which cells of it are other ones.
    Changed(usize, Vec<Scalar>, Vec<bool>),
    /// Wanted, and it did not come.
    Missing(usize),
    /// It came, and is not wanted.
    Extra(Vec<Scalar>),
}

/// How what came differs; None if it does not.
pub fn compare(wanted: &WantedRows, came: Vec<Vec<Scalar>>) -> Option<Difference> {
    let rows = match wanted.in_order {
        true => in_order(wanted, came),
        false => in_any_order(wanted, came),
    };
    let is_same = rows.iter().all(|row| matches!(row, DiffRow::Same(..)));
    let (columns, in_order) = (wanted.columns.clone(), wanted.in_order);
    (!is_same).then_some(Difference { columns, in_order, rows })
}

/// The longest rows in common stay; between them, rows are paired one by one.
fn in_order(wanted: &WantedRows, came: Vec<Vec<Scalar>>) -> Vec<DiffRow> {
    let pairs = common(wanted, &came);
    let (mut rows, mut next_wanted, mut next_came) = (vec![], 0, 0);
    let ends = std::iter::once((wanted.rows.len(), came.len()));
    for (at, other) in pairs.into_iter().chain(ends) {
        let (left, right) = (next_wanted..at, next_came..other);
        let both = left.len().min(right.len());
        for step in 0..both {
            rows.extend(pair(wanted, left.start + step, &came[right.start + step]));
        }
        rows.extend((left.start + both..left.end).map(DiffRow::Missing));
        rows.extend(came[right.start + both..right.end].iter().cloned().map(DiffRow::Extra));
        if at < wanted.rows.len() && other < came.len() {
            rows.push(DiffRow::Same(at, came[other].clone()));
        }
        (next_wanted, next_came) = (at + 1, other + 1);
    }
    rows
}

/// Two rows in one place: one that has changed, if a cell of it is the same, or else two.
fn pair(wanted: &WantedRows, at: usize, came: &[Scalar]) -> Vec<DiffRow> {
    let changed: Vec<bool> =
        wanted.rows[at].0.iter().zip(came).map(|(a, b)| !is_same(a, b)).collect();
    match changed.iter().all(|changed| *changed) && changed.len() > 1 {
        true => vec![DiffRow::Missing(at), DiffRow::Extra(came.to_vec())],
        false => vec![DiffRow::Changed(at, came.to_vec(), changed)],
    }
}

/// The positions of rows that are the same, as many as there can be in growing order.
fn common(wanted: &WantedRows, came: &[Vec<Scalar>]) -> Vec<(usize, usize)> {
    let (n, m) = (wanted.rows.len(), came.len());
    let same = |a: usize, b: usize| are_same(&wanted.rows[a].0, &came[b]);
    if n.saturating_mul(m) > COMPARED_MAX {
        return (0..n.min(m)).filter(|at| same(*at, *at)).map(|at| (at, at)).collect();
    }
    let mut length = vec![vec![0_u32; m + 1]; n + 1];
    for a in (0..n).rev() {
        for b in (0..m).rev() {
            length[a][b] = match same(a, b) {
                true => length[a + 1][b + 1] + 1,
                false => length[a + 1][b].max(length[a][b + 1]),
            };
        }
    }
    let (mut pairs, mut a, mut b) = (vec![], 0, 0);
    while a < n && b < m {
        if same(a, b) {
            pairs.push((a, b));
            (a, b) = (a + 1, b + 1);
        } else if length[a + 1][b] >= length[a][b + 1] {
            a += 1;
        } else {
            b += 1;
        }
    }
    pairs
}

/// Rows that are the same are taken from each other; those that are left are paired with the ones that
/// are most like them.
fn in_any_order(wanted: &WantedRows, came: Vec<Vec<Scalar>>) -> Vec<DiffRow> {
    let mut left: Vec<Option<Vec<Scalar>>> = came.into_iter().map(Some).collect();
    let mut first = 0;
    let mut found: Vec<Option<DiffRow>> = wanted.rows.iter().map(|_| None).collect();
    for (at, (values, _)) in wanted.rows.iter().enumerate() {
        while left.get(first).is_some_and(Option::is_none) {
            first += 1;
        }
        let is_it =
            |row: &Option<Vec<Scalar>>| row.as_ref().is_some_and(|row| are_same(values, row));
        let place = left[first..].iter().position(is_it);
        let row = place.and_then(|place| left[first + place].take());
        found[at] = row.map(|row| DiffRow::Same(at, row));
    }
    for (at, (values, _)) in wanted.rows.iter().enumerate() {
        if found[at].is_some() {
            continue;
        }
        let alike = |row: &Vec<Scalar>| -> u32 {
            // The first column is most often what rows are known by.
            let cells = values.iter().zip(row).enumerate();
            cells
                .filter(|(_, (a, b))| is_same(a, b))
                .map(|(at, _)| if at == 0 { 2 } else { 1 })
                .sum()
        };
        let rows = left.iter().enumerate().filter_map(|(place, row)| Some((place, row.as_ref()?)));
        let best = rows.map(|(place, row)| (alike(row), place)).filter(|(alike, _)| *alike > 0);
        let best = best.max_by_key(|(alike, place)| (*alike, std::cmp::Reverse(*place)));
        let row = best.and_then(|(_, place)| left[place].take());
        found[at] = Some(match row {
            None => DiffRow::Missing(at),
            Some(row) => {
                let changed = values.iter().zip(&row).map(|(a, b)| !is_same(a, b)).collect();
                DiffRow::Changed(at, row, changed)
            }
        });
    }
    let extra = left.into_iter().flatten().map(DiffRow::Extra);
    found.into_iter().flatten().chain(extra).collect()
}

fn are_same(a: &[Scalar], b: &[Scalar]) -> bool {
    a.iter().zip(b).all(|(a, b)| is_same(a, b))
}

/// Are two values of one type the same?
fn is_same(a: &Scalar, b: &Scalar) -> bool {
    match (a, b) {
        (Scalar::Float(a), Scalar::Float(b)) => {
            let difference = (a - b).abs();
            let is_near = difference <= FLOATS_DIFFER * a.abs().max(b.abs());
            a == b || a.is_nan() && b.is_nan() || difference.is_finite() && is_near
        }
        (Scalar::List(a), Scalar::List(b)) | (Scalar::Record(a), Scalar::Record(b)) => {
            a.len() == b.len() && are_same(a, b)
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{FileId, Span};
    use crate::types::DataType;

    fn wanted(rows: &[&[i64]], in_order: bool) -> WantedRows {
        let span = Span::new(FileId(0), 0, 0);
        let width = rows.first().map_or(0, |row| row.len());
        let column = |at: usize| WantedColumn {
            name: format!("c{at}").into(),
            ty: DataType::Int.required(),
        };
        WantedRows {
            columns: (0..width).map(column).collect(),
            rows: rows.iter().map(|row| (ints(row), span)).collect(),
            in_order,
            header: span,
        }
    }

    fn ints(row: &[i64]) -> Vec<Scalar> {
        row.iter().copied().map(Scalar::Int).collect()
    }

    /// `= 0`, `~ 0 1,2`, `- 0`, `+ 1,2`
    fn shown(wanted: &WantedRows, came: &[&[i64]]) -> Vec<String> {
        let came = came.iter().map(|row| ints(row)).collect();
        let text = |row: &[Scalar]| {
            let int = |value: &Scalar| match value {
                Scalar::Int(value) => value.to_string(),
                other => format!("{other:?}"),
            };
            row.iter().map(int).collect::<Vec<_>>().join(",")
        };
        let rows = compare(wanted, came).map_or(vec![], |difference| difference.rows);
        let line = |row: &DiffRow| match row {
            DiffRow::Same(at, _) => format!("= {at}"),
            DiffRow::Changed(at, row, _) => format!("~ {at} {}", text(row)),
            DiffRow::Missing(at) => format!("- {at}"),
            DiffRow::Extra(row) => format!("+ {}", text(row)),
        };
        rows.iter().map(line).collect()
    }

    #[test]
    fn rows_in_order_keep_the_longest_part_in_common() {
        let rows = wanted(&[&[1, 1], &[2, 2], &[3, 3]], true);
        assert!(shown(&rows, &[&[1, 1], &[2, 2], &[3, 3]]).is_empty());
        assert_eq!(shown(&rows, &[&[2, 2], &[3, 3]]), ["- 0", "= 1", "= 2"]);
        assert_eq!(shown(&rows, &[&[1, 1], &[2, 9], &[3, 3]]), ["= 0", "~ 1 2,9", "= 2"]);
        assert_eq!(shown(&rows, &[&[2, 2], &[1, 1], &[3, 3]]).len(), 4);
        assert_eq!(shown(&rows, &[]), ["- 0", "- 1", "- 2"]);
    }

    #[test]
    fn rows_in_any_order_are_taken_from_each_other() {
        let rows = wanted(&[&[1, 1], &[2, 2], &[2, 2]], false);
        assert!(shown(&rows, &[&[2, 2], &[1, 1], &[2, 2]]).is_empty());
        assert_eq!(shown(&rows, &[&[2, 2], &[1, 1]]), ["= 0", "= 1", "- 2"]);
        assert_eq!(shown(&rows, &[&[2, 5], &[2, 2], &[1, 1]]), ["= 0", "= 1", "~ 2 2,5"]);
        assert_eq!(shown(&rows, &[&[2, 2], &[1, 1], &[2, 2], &[7, 7]]).last().unwrap(), "+ 7,7");
    }

    #[test]
    fn floats_are_compared_to_nine_digits() {
        let same = |a, b| is_same(&Scalar::Float(a), &Scalar::Float(b));
        assert!(same(0.1 + 0.2, 0.3) && same(f64::NAN, f64::NAN) && same(0.0, -0.0));
        assert!(!same(0.3, 0.300_000_01) && !same(1.0, f64::NAN) && !same(0.0, 1e-12));
        assert!(same(f64::INFINITY, f64::INFINITY) && !same(f64::INFINITY, f64::NEG_INFINITY));
    }
}
