//! Values in the names of folders: `day=2026-01-01/part-00000.parquet`, as Hive, Spark and DuckDB lay
//! out tables. A declared column that every file of a source has in its path is read from there, and so
//! is the path itself where a column is wanted for it.

use super::input::Inputs;
use super::options::FILENAME;
use super::{
    BadValue, Beginning, Column, ColumnRule, ConnectError, Connector, Extent, Morsel, Rows, Source,
    SourceSpec, Volume, Within,
};
use crate::data::{array_of, parse};
use crate::types::{Scalar, Type};
use arrow_array::{ArrayRef, UInt32Array};
use arrow_select::take::take;
use std::sync::Arc;

/// What stands for null.
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// The name of a folder for the rows that have this value in a column; none for null.
pub fn folder_name(column: &str, value: Option<&str>) -> String {
    let value = match value {
        None => NULL.to_owned(),
        // A text that spells what stands for null is none.
        Some(NULL) => NULL.replacen('_', "%5F", 1),
        Some(value) => escaped(value),
    };
    format!("{}={value}", escaped(column))
}

/// Hive escapes these, and control characters.
const ESCAPED: &[char] =
    &['"', '#', '%', '\'', '*', '/', ':', '=', '?', '\\', '{', '[', ']', '^', '\u{7f}'];

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for sign in text.chars() {
        if sign.is_ascii_control() || ESCAPED.contains(&sign) {
            out.push_str(&format!("%{:02X}", sign as u32));
        } else {
            out.push(sign);
        }
    }
    out
}

/// A name with what stands for `%41` and the like; as it is where that is no text.
fn unescaped(text: &str) -> String {
    let (mut out, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((&first, others)) = rest.split_first() {
        let digits = others.get(..2).filter(|_| first == b'%');
        let digits = digits.and_then(|digits| str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = &others[2..];
            }
            None => {
                out.push(first);
                rest = others;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

/// The value that the path of a file has for a column, if it has one; null is none.
fn value_in(path: &str, column: &str) -> Option<Option<String>> {
    let (folders, _) = path.rsplit_once('/')?;
    let value_of = |folder: &str| {
        let (name, value) = folder.split_once('=')?;
        (unescaped(name) == column).then(|| (value != NULL).then(|| unescaped(value)))
    };
    folders.rsplit('/').find_map(value_of)
}

/// Opens a source; columns that are in the paths of all its files are read from these.
pub fn open_source(
    connector: &Connector,
    spec: &SourceSpec,
) -> Result<Box<dyn Source>, ConnectError> {
    let open = connector.source.expect("it can be read");
    let is_in_folders = |path: &str| {
        let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders);
        folders.contains(['=', '*', '?', '['])
    };
    let paths = spec.arguments.texts("path").unwrap_or_default();
    let filename = spec.arguments.text(FILENAME.name);
    let may_be_in_folders =
        connector.columns == ColumnRule::Declared && paths.into_iter().any(is_in_folders);
    // Also where only some of the files are read.
    let names = match may_be_in_folders {
        true => Inputs::named(&spec.base, &spec.arguments)?.names,
        false => vec![],
    };
    let is_filename = |column: &Column| filename == Some(&*column.name);
    let is_in_paths = |column: &Column| {
        let has = |name: &Arc<str>| value_in(name, &column.external).is_some();
        let is_in_folders = may_be_in_folders && column.format.is_none() && names.iter().all(has);
        is_in_folders || is_filename(column)
    };
    let from_paths: Vec<bool> = spec.columns.iter().map(is_in_paths).collect();
    if from_paths.iter().all(|is| !is) {
        return open(spec);
    }
    let inner = open(&of_files(spec, &from_paths))?;
    let (mut of_file, mut columns) = (0, vec![]);
    for &at in &spec.projection {
        columns.push(match from_paths[at] {
            true => {
                let column = &spec.columns[at];
                let value = |name: &Arc<str>| match is_filename(column) {
                    true => Ok(Scalar::String(name.clone())),
                    false => value_of(name, column),
                };
                Place::Path(column.ty.clone(), inner.files().iter().map(value).collect())
            }
            false => {
                of_file += 1;
                Place::File(of_file - 1)
            }
        });
    }
    Ok(Box::new(FolderSource { inner, columns: columns.into() }))
}

/// What is read of the files alone.
fn of_files(spec: &SourceSpec, from_paths: &[bool]) -> SourceSpec {
    let place = |at: usize| from_paths[..at].iter().filter(|is| !**is).count();
    let in_files = |at: &usize| !from_paths[*at];
    let within = |within: &Within| {
        in_files(&within.column)
            .then(|| Within { column: place(within.column), range: within.range.clone() })
    };
    let wanted: Vec<Vec<Within>> =
        spec.wanted.iter().map(|all| all.iter().filter_map(within).collect()).collect();
    // Who says something of folders alone may keep any row of a file.
    let any = wanted.iter().any(|all: &Vec<Within>| all.is_empty());
    let columns = spec.columns.iter().zip(from_paths).filter(|(_, is)| !**is);
    SourceSpec {
        columns: columns.map(|(column, _)| column.clone()).collect(),
        projection: spec.projection.iter().filter(|at| in_files(at)).map(|at| place(*at)).collect(),
        wanted: if any { vec![] } else { wanted },
        ..spec.clone()
    }
}

/// A value from a path, or the text that is none and what is wrong with it.
type Value = Result<Scalar, (String, String)>;

fn value_of(name: &str, column: &Column) -> Value {
    match value_in(name, &column.external).flatten() {
        None if column.ty.nullable => Ok(Scalar::Null),
        None => Err((String::new(), "null, and the column has no `?`".to_owned())),
        Some(text) => {
            let refused = |sentence: String| {
                let reason = sentence.strip_prefix(&format!("\"{text}\"")).unwrap_or(&sentence);
                let reason = reason.trim_start();
                (text.clone(), reason.strip_prefix("is ").unwrap_or(reason).to_owned())
            };
            parse::scalar(&text, &column.ty).map_err(refused)
        }
    }
}

/// Where a column comes from.
enum Place {
    /// From the file, where it is in this place.
    File(usize),
    /// From the path: of each file.
    Path(Type, Vec<Value>),
}

struct FolderSource {
    inner: Box<dyn Source>,
    columns: Arc<[Place]>,
}

impl Source for FolderSource {
    fn next(&self) -> Result<Option<Box<dyn Morsel>>, ConnectError> {
        let with_columns = |inner| {
            Box::new(FolderMorsel { inner, columns: self.columns.clone() }) as Box<dyn Morsel>
        };
        Ok(self.inner.next()?.map(with_columns))
    }

    fn files(&self) -> &[Arc<str>] {
        self.inner.files()
    }

    fn after(&self) -> Beginning {
        self.inner.after()
    }

    fn position(&self) -> Option<(usize, u64)> {
        self.inner.position()
    }

    fn volume(&self) -> Volume {
        self.inner.volume()
    }
}

struct FolderMorsel {
    inner: Box<dyn Morsel>,
    columns: Arc<[Place]>,
}

impl Morsel for FolderMorsel {
    fn read(self: Box<Self>, emit: &mut dyn FnMut(Rows) -> bool) -> Result<Extent, ConnectError> {
        let columns = self.columns;
        self.inner.read(&mut |rows| emit(with_columns(rows, &columns)))
    }
}

/// The rows with the columns that their file has in its path.
fn with_columns(mut rows: Rows, columns: &[Place]) -> Rows {
    let (count, file) = (rows.batch.rows, rows.file);
    let place_of = |of_file: usize| {
        columns.iter().position(|place| matches!(place, Place::File(at) if *at == of_file))
    };
    for bad in &mut rows.bad {
        bad.column = bad.column.and_then(|at| place_of(at as usize)).map(|at| at as u32);
    }
    let mut all = Vec::with_capacity(columns.len());
    for (at, place) in columns.iter().enumerate() {
        let (ty, value) = match place {
            Place::File(of_file) => {
                all.push(rows.batch.columns[*of_file].clone());
                continue;
            }
            Place::Path(ty, values) => (ty, &values[file]),
        };
        let value = value.as_ref().unwrap_or_else(|(text, reason)| {
            let bad = |row| BadValue {
                row: row as u32,
                column: Some(at as u32),
                path: String::new(),
                text: text.clone(),
                record: None,
                is_literal: false,
                reason: reason.clone(),
            };
            rows.bad.extend((0..count).map(bad));
            &Scalar::Null
        });
        all.push(repeated(ty, value, count));
    }
    rows.bad.sort_by_key(|bad| bad.row);
    rows.batch.columns = all;
    rows
}

fn repeated(ty: &Type, value: &Scalar, rows: usize) -> ArrayRef {
    let one = array_of(&ty.data, std::slice::from_ref(value));
    let first = UInt32Array::from(vec![0; rows]);
    take(&one, &first, None).expect("there is a first value")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_from_the_names_that_they_give() {
        for value in ["", "plain", "a/b=c", "50%", "é ü", "{x}", ".", "..", "a\nb", "%41", NULL] {
            let folder = folder_name("key", Some(value));
            assert_eq!(folder.matches(['/', '\n']).count(), 0, "{folder}");
            let found = value_in(&format!("out/{folder}/part-0.csv"), "key");
            assert_eq!(found, Some(Some(value.to_owned())));
        }
        assert_eq!(folder_name("a:b", None), "a%3Ab=__HIVE_DEFAULT_PARTITION__");
        assert_eq!(value_in("a%3Ab=1/a%3Ab=2/x", "a:b"), Some(Some("2".into())));
        assert_eq!(value_in("out/key=1", "key"), None, "that is a file");
        assert_eq!(value_in("k=%zz%f/x", "k"), Some(Some("%zz%f".into())));
    }
}
