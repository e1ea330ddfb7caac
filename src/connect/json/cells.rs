//! Where the values of the declared columns stand, those within lists and records too: found in
//! one pass over a record, whatever the depth.

use super::columns::unescape;
use super::scan::{ABSENT, Cell, Expected, Fault, Scanner};
use crate::connect::plain::KEY_NOT_UTF8;
use crate::types::{DataType, Type};
use std::ops::Range;

/// The values of a column, of the items of a list, or of a field of a record.
pub struct Cells {
    /// One a row.
    pub at: Vec<Cell>,
    /// What is in them.
    pub within: Within,
}

/// What is in values.
pub enum Within {
    /// Nothing that is wanted by itself.
    Nothing,
    /// The items of lists.
    Items {
        /// Where the items of each row end.
        ends: Vec<u32>,
        /// Those of all rows.
        items: Box<Cells>,
    },
    /// The fields of records.
    Fields(Fields),
}

/// The values of some keys of objects, all of as many rows.
pub struct Fields {
    keys: Keys,
    /// One for each key.
    pub cells: Vec<Cells>,
}

impl Cells {
    /// No row yet.
    pub fn new(ty: &Type) -> Cells {
        let within = match &ty.data {
            DataType::List(item) => {
                Within::Items { ends: Vec::new(), items: Box::new(Cells::new(item)) }
            }
            DataType::Record(fields) => {
                Within::Fields(Fields::new(fields.iter().map(|field| (&*field.name, &field.ty))))
            }
            _ => Within::Nothing,
        };
        Cells { at: Vec::new(), within }
    }

    /// Appends the next value; after a fault, [`Self::truncate`] is due.
    pub fn read(&mut self, scanner: &mut Scanner<'_>, depth: u32) -> Result<(), Fault> {
        let open = scanner.peek();
        let start = scanner.at as u32;
        let cell = match &mut self.within {
            Within::Items { ends, items } if open == b'[' => {
                scanner.array(depth, |scanner| items.read(scanner, depth + 1))?;
                ends.push(items.at.len() as u32);
                (start, scanner.at as u32)
            }
            Within::Fields(fields) if open == b'{' => {
                fields.read(scanner, depth, self.at.len())?;
                (start, scanner.at as u32)
            }
            within => {
                let cell = scanner.value(depth)?;
                within.push_absent();
                cell
            }
        };
        self.at.push(cell);
        Ok(())
    }

    /// Appends `bytes[value]` if it is one JSON value and nothing else; `bytes` goes on for 16
    /// bytes more.
    pub fn read_whole(&mut self, bytes: &[u8], value: Range<usize>) -> bool {
        let mut scanner = Scanner::new(bytes, value.start, value.end);
        let rows = self.at.len();
        let read = self.read(&mut scanner, 1).is_ok();
        let is_whole = read && scanner.peek() == 0 && scanner.at >= value.end;
        if !is_whole {
            self.truncate(rows);
        }
        is_whole
    }

    /// Appends a value that is missing.
    pub fn push_absent(&mut self) {
        self.at.push(ABSENT);
        self.within.push_absent();
    }

    /// Leaves only the first `rows`.
    pub fn truncate(&mut self, rows: usize) {
        self.at.truncate(rows);
        match &mut self.within {
            Within::Nothing => {}
            Within::Items { ends, items } => {
                ends.truncate(rows);
                items.truncate(ends.last().map_or(0, |&end| end as usize));
            }
            Within::Fields(fields) => fields.truncate(rows),
        }
    }
}

impl Within {
    #[inline]
    fn push_absent(&mut self) {
        match self {
            Within::Nothing => {}
            Within::Items { ends, items } => ends.push(items.at.len() as u32),
            Within::Fields(fields) => fields.cells.iter_mut().for_each(Cells::push_absent),
        }
    }
}

impl Fields {
    /// The keys that are wanted, and what their values should be.
    pub fn new<'a>(wanted: impl Iterator<Item = (&'a str, &'a Type)>) -> Fields {
        let (keys, cells) = wanted.map(|(key, ty)| (key, Cells::new(ty))).unzip();
        Fields { keys: Keys::new(keys), cells }
    }

    /// Appends the values of an object as row `row`; after a fault, [`Self::truncate`] is due.
    #[inline]
    pub fn read(&mut self, scanner: &mut Scanner<'_>, depth: u32, row: usize) -> Result<(), Fault> {
        let Fields { keys, cells } = self;
        keys.next = 0;
        scanner.object(depth, |scanner| {
            let Some(field) = keys.take(scanner)? else {
                scanner.value(depth + 1)?;
                return Ok(());
            };
            // Of a key that stands twice the last value counts.
            if cells[field].at.len() > row {
                cells[field].truncate(row);
            }
            cells[field].read(scanner, depth + 1)
        })?;
        for cells in cells.iter_mut().filter(|cells| cells.at.len() == row) {
            cells.push_absent();
        }
        Ok(())
    }

    /// Appends a row without values.
    pub fn push_absent(&mut self) {
        self.cells.iter_mut().for_each(Cells::push_absent);
    }

    /// Leaves only the first `rows`.
    pub fn truncate(&mut self, rows: usize) {
        self.cells.iter_mut().for_each(|cells| cells.truncate(rows));
    }
}

/// Finds the wanted keys of objects; most objects have the same keys in the same order.
struct Keys {
    wanted: hashbrown::HashMap<Vec<u8>, usize>,
    /// The keys of the last object as they were spelled.
    seen: Vec<(Expected, Option<usize>)>,
    next: usize,
}

/// More keys of an object than this are not remembered.
const SEEN_MAX: usize = 1000;

impl Keys {
    /// The keys that are wanted, by position.
    fn new(wanted: Vec<&str>) -> Keys {
        let wanted = wanted.into_iter().enumerate();
        let wanted = wanted.map(|(at, key)| (key.as_bytes().to_vec(), at)).collect();
        Keys { wanted, seen: Vec::new(), next: 0 }
    }

    /// Takes the next key and its colon; the position of the key, if it is wanted.
    #[inline]
    fn take(&mut self, scanner: &mut Scanner<'_>) -> Result<Option<usize>, Fault> {
        let at = self.next;
        // The one that stood here before, or the one after it if that is missing this time.
        for (ahead, (expected, found)) in (1..).zip(self.seen.iter().skip(at).take(2)) {
            if scanner.take_key(expected)? {
                self.next += ahead;
                return Ok(*found);
            }
        }
        self.next += 1;
        let start = scanner.at;
        let key = scanner.key()?;
        self.look_up(at, key).ok_or(Fault { at: start, what: KEY_NOT_UTF8, is_end: false })
    }

    /// Whether the key is wanted; none of one that is no text, of which nobody knows that.
    #[cold]
    fn look_up(&mut self, at: usize, key: &[u8]) -> Option<Option<usize>> {
        simdutf8::basic::from_utf8(key).ok()?;
        let plain = unescape(&key[1..key.len() - 1]).ok();
        let found = plain.and_then(|key| self.wanted.get(&*key).copied());
        match self.seen.get_mut(at) {
            Some(seen) => *seen = (Expected::new(key), found),
            None if at < SEEN_MAX => self.seen.push((Expected::new(key), found)),
            None => {}
        }
        Some(found)
    }
}
