//! The columns of a row: in their order, and found by name. The row types of a job's steps share
//! what they have in common.

use super::Column;
use super::shared::Shared;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::ops::Index;
use std::sync::Arc;

/// Up to this many columns are found as fast without an index.
const FEW: usize = 16;

/// Columns in order, with unique names; a copy shares what it does not change.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    list: Shared<Column>,
    /// All names, when there are more than a few; and some that columns had before.
    names: Option<Arc<Names>>,
}

impl Columns {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The column at a position.
    pub fn get(&self, at: usize) -> Option<&Column> {
        self.list.get(at)
    }

    /// The columns in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Column> + ExactSizeIterator {
        (0..self.len()).map(|at| &self.list[at])
    }

    /// The position of a column.
    pub fn find(&self, name: &str) -> Option<usize> {
        match &self.names {
            Some(names) => {
                names.candidates(hash(name)).filter(|&at| &*self.list[at].name == name).min()
            }
            None => self.iter().position(|column| &*column.name == name),
        }
    }

    /// Adds a column behind the others.
    pub fn push(&mut self, column: Column) {
        let at = self.len();
        self.list.push(column);
        match &mut self.names {
            Some(names) => Arc::make_mut(names).insert(hash(&self.list[at].name), at, 0),
            None if at == FEW => {
                let mut names = Names::default();
                let all = self.iter().enumerate();
                all.for_each(|(at, column)| names.insert(hash(&column.name), at, 0));
                self.names = Some(Arc::new(names));
            }
            None => {}
        }
    }

    /// Puts a column in the place of another.
    pub fn replace(&mut self, at: usize, column: Column) {
        let old = self.list.get_mut(at).expect("a column that is there");
        let other_name = old.name != column.name;
        *old = column;
        if let Some(names) = self.names.as_mut().filter(|_| other_name) {
            Arc::make_mut(names).insert(hash(&self.list[at].name), at, 0);
        }
    }
}

impl Index<usize> for Columns {
    type Output = Column;

    fn index(&self, at: usize) -> &Column {
        &self.list[at]
    }
}

impl FromIterator<Column> for Columns {
    fn from_iter<I: IntoIterator<Item = Column>>(columns: I) -> Columns {
        let mut all = Columns::default();
        columns.into_iter().for_each(|column| all.push(column));
        all
    }
}

impl PartialEq for Columns {
    fn eq(&self, other: &Columns) -> bool {
        self.iter().eq(other.iter())
    }
}

fn hash(name: &str) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(name)
}

/// Positions by the hash of a name: a tree of which each level takes four bits.
#[derive(Clone, Debug)]
enum Names {
    Few(Vec<(u64, u32)>),
    Many(Box<[Option<Arc<Names>>; 16]>),
}

impl Default for Names {
    fn default() -> Names {
        Names::Few(vec![])
    }
}

impl Names {
    fn insert(&mut self, hash: u64, at: usize, depth: u32) {
        match self {
            Names::Few(all) if all.len() < 8 || depth == u64::BITS / 4 => {
                all.push((hash, at as u32));
            }
            Names::Few(all) => {
                let all = std::mem::take(all);
                *self = Names::Many(Box::default());
                all.into_iter().for_each(|(hash, at)| self.insert(hash, at as usize, depth));
                self.insert(hash, at, depth);
            }
            Names::Many(children) => {
                let child = &mut children[(hash >> (4 * depth)) as usize % 16];
                Arc::make_mut(child.get_or_insert_default()).insert(hash, at, depth + 1);
            }
        }
    }

    /// The positions where a name of this hash is or was.
    fn candidates(&self, hash: u64) -> impl Iterator<Item = usize> + '_ {
        let (mut names, mut depth) = (self, 0);
        let found = loop {
            match names {
                Names::Few(all) => break all.as_slice(),
                Names::Many(children) => match &children[(hash >> (4 * depth)) as usize % 16] {
                    Some(child) => (names, depth) = (child, depth + 1),
                    None => break &[],
                },
            }
        };
        found.iter().filter(move |(of, _)| *of == hash).map(|(_, at)| *at as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{FileId, Span};
    use crate::types::DataType;

    fn column(name: &str) -> Column {
        let ty = DataType::Int.required();
        Column { name: name.into(), ty, origin: Span::new(FileId(0), 0, 0), domain: None }
    }

    #[test]
    fn names_are_found_in_every_copy() {
        let mut rows = vec![Columns::default()];
        for at in 0..2000 {
            let mut next = rows[at].clone();
            next.push(column(&format!("c{at}")));
            rows.push(next);
        }
        for (len, row) in rows.iter().enumerate() {
            assert_eq!(row.find("c0"), (len > 0).then_some(0));
            assert_eq!(row.find("c15"), (len > 15).then_some(15));
            assert_eq!(row.find("c999"), (len > 999).then_some(999));
        }
    }

    #[test]
    fn a_name_given_away_can_be_used_again() {
        let mut row: Columns = (0..40).map(|at| column(&format!("c{at}"))).collect();
        let before = row.clone();
        row.replace(3, column("other"));
        assert_eq!((row.find("c3"), row.find("other")), (None, Some(3)));
        row.push(column("c3"));
        assert_eq!((row.find("c3"), before.find("c3")), (Some(40), Some(3)));
    }
}
