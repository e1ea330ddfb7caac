//! Where rows come from and go to: one file a connector, listed once in [`ALL`].
//!
//! A connector sees columns with types and gives batches, or takes batches and makes files. It
//! knows nothing of programs, plans, places in the text or diagnostics: what goes wrong in the
//! world is a [`ConnectError`], what is wrong with one value is a [`BadValue`].

mod append;
mod avro;
mod chunk;
mod compression;
mod convert;
mod csv;
mod error;
mod excel;
mod folder_sink;
mod folders;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod given;
mod guard;
mod input;
mod json;
mod meter;
mod options;
mod output;
mod parquet;
mod places;
mod plain;
mod readings;
mod shown;
mod stage;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod text;
mod value;
mod views;

pub use chunk::CHUNK_BYTES;
pub use folder_sink::{Folders, open_sink};
pub use folders::open_source;
pub use given::Given;
pub use input::matcher;
pub use meter::Volume;
pub use options::{BadOption, FILENAME};
pub use output::{Outputs, Written};
pub use places::{Reads, place};
pub use plain::{is_of_encoding, shell_word, to_utf8};
pub use readings::{
    Begun, InputFile, Reading, Readings, bytes_of, content_of, ends_whole, input_files, is_digest,
    is_racy, look_into, written,
};
pub use stage::{complete_move, discard, hold, sweep};

use crate::data::Batch;
use crate::data::spell;
pub use crate::files::digest::Digest;
use crate::types::{Scalar, Type};
use std::ops::Bound;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Every connector, in the order of the reference.
pub static ALL: &[&Connector] = &[
    &csv::CONNECTOR,
    &json::CONNECTOR,
    &text::CONNECTOR,
    &parquet::CONNECTOR,
    &avro::CONNECTOR,
    &excel::CONNECTOR,
];

/// The connector called `name`.
pub fn find(name: &str) -> Option<&'static Connector> {
    ALL.iter().copied().find(|connector| connector.name == name)
}

/// What a connector is: the arguments it takes and what it can do.
pub struct Connector {
    /// `csv`
    pub name: &'static str,
    /// What its files are called behind a point.
    pub extension: &'static str,
    /// One line for the reference.
    pub summary: &'static str,
    /// The arguments in order; those without a default must be given.
    pub options: &'static [ConnectorOption],
    /// Says what is wrong with options that are right by themselves; see [`Connector::check`].
    pub together: fn(&Arguments, Side, &[Column]) -> Result<(), BadOption>,
    /// How columns are declared.
    pub columns: ColumnRule,
    /// Are dates and times texts, which a `format` can spell?
    pub has_formats: bool,
    /// Does it make use of [`SourceSpec::wanted`]?
    pub may_skip: bool,
    /// Of one that can read a file from the middle on, behind a line end: the sign, if there is one,
    /// behind which a field may go on past that.
    pub reads_on: Option<fn(&Arguments) -> Option<u8>>,
    /// Opens a source; None when it only writes.
    pub source: Option<fn(&SourceSpec) -> Result<Box<dyn Source>, ConnectError>>,
    /// Opens a sink; None when it only reads.
    pub sink: Option<fn(&SinkSpec) -> Result<Box<dyn Sink>, ConnectError>>,
    /// Makes what its sinks write of rows.
    pub encoder: fn(&SinkSpec) -> Box<dyn Encode>,
}

/// An argument of a connector.
pub struct ConnectorOption {
    /// Its name.
    pub name: &'static str,
    /// Its type as a user writes it: `string`, `bool`, `int`, `list<string>`.
    pub ty: &'static str,
    /// Is it used for sources, sinks or both?
    pub side: Side,
    /// Must it be given?
    pub required: bool,
    /// Says what is wrong with a value of the type.
    pub check: options::Check,
    /// One line for the reference.
    pub doc: &'static str,
}

/// Which side of a connector an option belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Reading.
    Source,
    /// Writing.
    Sink,
    /// Both.
    Both,
}

/// How the columns of a source are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnRule {
    /// The program declares them.
    Declared,
    /// They are always these: name and type as a user writes it (`text`: `line: string`).
    Fixed(&'static [(&'static str, &'static str)]),
}

/// The arguments given, by name, in the order given; checked against the options.
#[derive(Clone, Debug, Default)]
pub struct Arguments(pub Vec<(String, Scalar)>);

impl Arguments {
    /// The value of an argument, if it was given.
    pub fn get(&self, name: &str) -> Option<&Scalar> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value)
    }

    /// The text of an argument.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Scalar::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The truth of an argument.
    pub fn bool(&self, name: &str) -> Option<bool> {
        match self.get(name) {
            Some(Scalar::Bool(value)) => Some(*value),
            _ => None,
        }
    }

    /// The texts of an argument that is a text or a list of texts.
    pub fn texts(&self, name: &str) -> Option<Vec<&str>> {
        match self.get(name)? {
            Scalar::String(text) => Some(vec![text]),
            Scalar::List(items) => Some(
                items
                    .iter()
                    .filter_map(|item| match item {
                        Scalar::String(text) => Some(&**text),
                        _ => None,
                    })
                    .collect(),
            ),
            _ => None,
        }
    }
}

/// A column as the program declares it.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name in the program.
    pub name: Arc<str>,
    /// Its name in the file.
    pub external: Arc<str>,
    /// Its type.
    pub ty: Type,
    /// How dates and times are spelled (`%Y-%m-%d`), if not as in ISO 8601.
    pub format: Option<Arc<str>>,
}

/// What to read.
#[derive(Clone, Debug)]
pub struct SourceSpec {
    /// The folder that relative paths start from.
    pub base: PathBuf,
    /// The connector's arguments.
    pub arguments: Arguments,
    /// All declared columns.
    pub columns: Vec<Column>,
    /// The columns that are wanted, by position; batches hold them in this order.
    pub projection: Vec<usize>,
    /// Of a file of text, about how many bytes a morsel has, if its records are not longer.
    pub chunk: usize,
    /// Who reads the rows, each with what has to hold of a row that it keeps: if nothing can hold
    /// of those of a morsel, others may stand in for them of which as little does. Empty if somebody
    /// may keep any row.
    pub wanted: Vec<Vec<Within>>,
    /// Where it is noted what was read, if that is wanted.
    pub readings: Option<Arc<Readings>>,
    /// What is read, if not all of all files that the arguments name.
    pub only: Option<Only>,
    /// Are these all columns that a file may have, since it will be replaced by what is read?
    pub is_whole: bool,
}

/// Some of the files of a source.
#[derive(Clone, Debug)]
pub struct Only {
    /// Their names.
    pub names: Vec<Arc<str>>,
    /// Of the first of them, how much of it is not read: records that are whole.
    pub after: Beginning,
}

/// The beginning of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Beginning {
    /// Its bytes, unpacked; of a Parquet file its row groups.
    pub bytes: u64,
    /// Its records, as [`Extent`] counts them.
    pub records: u64,
    /// Its lines.
    pub lines: u64,
}

/// Holds of rows whose value of a column is in a range.
#[derive(Clone, Debug)]
pub struct Within {
    /// The column, by its position among those that are declared.
    pub column: usize,
    /// The range.
    pub range: (Bound<Scalar>, Bound<Scalar>),
}

/// An opened source: a dispenser of numbered morsels.
pub trait Source: Send + Sync {
    /// The next morsel, or None at the end. Called from any thread; morsels are dispensed in the
    /// order of the input (files sorted by name, then offset).
    fn next(&self) -> Result<Option<Box<dyn Morsel>>, ConnectError>;

    /// The files that are read, as they are shown to the user.
    fn files(&self) -> &[Arc<str>];

    /// What of the first file comes before that which is read.
    fn after(&self) -> Beginning {
        Beginning::default()
    }

    /// Where the next morsel begins: the position of its file, and how much of that comes before it,
    /// as [`Beginning::bytes`] counts. None if nothing is left, or if no source can be opened there.
    fn position(&self) -> Option<(usize, u64)> {
        None
    }

    /// How much was read so far.
    fn volume(&self) -> Volume;
}

/// A piece of an input, parsed by the thread that takes it.
pub trait Morsel: Send {
    /// Parses it and hands the rows on, in order, in batches of at most 64 Ki rows that hold the
    /// projected columns. `emit` says false when no more rows are wanted.
    fn read(self: Box<Self>, emit: &mut dyn FnMut(Rows) -> bool) -> Result<Extent, ConnectError>;
}

/// Rows that a morsel gives.
pub struct Rows {
    /// The columns of the projection. A bad value is null here. Positions are relative to the
    /// morsel (the first row of the morsel is `Positions::Range(0)`).
    pub batch: Batch,
    /// What could not be read as its column's type, in the order of rows.
    pub bad: Vec<BadValue>,
    /// Position of the file in [`Source::files`].
    pub file: usize,
    /// At which lines the records of the morsel begin.
    pub lines: RowLines,
}

/// At which lines of a morsel its records begin. Lines are counted from the start of the morsel,
/// from 0.
#[derive(Clone, Debug)]
pub enum RowLines {
    /// Lines mean nothing in this format.
    None,
    /// Each record is a line, the first one this.
    From(u64),
    /// Record `i` of the morsel begins at line `at[i]`: some are of several lines, or of none.
    At(Arc<[u32]>),
}

impl RowLines {
    /// Of records that begin at these places, in growing order.
    pub fn at(bytes: &[u8], starts: impl Iterator<Item = usize>) -> RowLines {
        let (mut at, mut line) = (0, 0);
        let line_of = |start| {
            line += memchr::memchr_iter(b'\n', &bytes[at..start]).count() as u32;
            at = start;
            line
        };
        RowLines::At(starts.map(line_of).collect())
    }

    /// The line of a row of the morsel.
    pub fn of(&self, row: u64) -> Option<u64> {
        match self {
            RowLines::None => None,
            RowLines::From(first) => Some(first + row),
            RowLines::At(at) => at.get(row as usize).map(|&line| line.into()),
        }
    }
}

/// How much of the input a morsel was. Records and lines are counted from the start of the
/// morsel, since those before it may not be parsed yet; sums over the morsels of a file give
/// absolute numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extent {
    /// Position of the file in [`Source::files`].
    pub file: usize,
    /// Records, the bad ones included, a header not.
    pub records: u64,
    /// Line ends, those inside quotes and of a header included.
    pub lines: u64,
}

impl From<Beginning> for Extent {
    fn from(Beginning { records, lines, .. }: Beginning) -> Extent {
        Extent { file: 0, records, lines }
    }
}

/// A value that is not of its column's type.
#[derive(Clone, Debug)]
pub struct BadValue {
    /// Row of the batch.
    pub row: u32,
    /// Position in the projection; None when the whole record is bad (too few fields, not JSON).
    /// A record without any usable value still has its row, of nulls, in the batch.
    pub column: Option<u32>,
    /// Where in the value, when that is a list or a record: `[2].name`, items from 0.
    pub path: String,
    /// The text found, cut at 200 bytes; empty when there is none.
    pub text: String,
    /// The record that it stands in, as far as 16 KiB; none where records are no text.
    pub record: Option<Arc<str>>,
    /// Is the text a literal of the format, which has quotes of its own?
    pub is_literal: bool,
    /// What is wrong, without the value: `not an int`, `4 fields where 7 are declared`.
    pub reason: String,
}

impl Piece {
    /// About how much memory it takes.
    pub fn bytes(&self) -> usize {
        match self {
            Piece::Bytes { bytes, .. } => bytes.len(),
            Piece::Rows(batch) => {
                batch.columns.iter().map(|column| column.get_buffer_memory_size()).sum()
            }
        }
    }
}

/// What to write.
#[derive(Clone, Debug)]
pub struct SinkSpec {
    /// The folder that relative paths start from.
    pub base: PathBuf,
    /// The connector's arguments.
    pub arguments: Arguments,
    /// The columns in order.
    pub columns: Vec<Column>,
    /// Names the run in the names of staged files.
    pub run: String,
    /// Some(n): the target is a directory of n part files, one for each partition.
    pub parts: Option<u32>,
    /// Do its rows come behind those that the target holds?
    pub adds: bool,
    /// What an earlier run had written, behind which this one goes on.
    pub behind: Option<Behind>,
    /// Of a directory with folders for the values of some columns, what these are.
    pub folders: Option<Folders>,
}

/// How far an output without parts has come, which is durable.
#[derive(Clone, Debug)]
pub struct Behind {
    /// The staged file.
    pub staged: PathBuf,
    /// Where it will be seen.
    pub target: PathBuf,
    /// The digest of its bytes so far; what is behind them was not finished.
    pub seen: Digest,
    /// Rows.
    pub rows: u64,
    /// Bytes that are not yet in the file, since they are packed together with those to come, or what
    /// else the connector has to know.
    pub pending: Vec<u8>,
    /// Rows that are not yet in the file, since they are encoded together with those to come.
    pub rest: Vec<Batch>,
    /// Held, so that nobody takes the file for that of a dead run.
    pub lock: Arc<std::fs::File>,
}

/// Turns rows into what a sink writes, whatever file they come into.
pub trait Encode: Send + Sync {
    /// Turns a batch into what is appended; called in any order from any thread.
    fn encode(&self, batch: &Batch) -> Result<Piece, ConnectError>;
}

/// An opened sink. Nothing is visible under the target's name before [`Staged::publish`].
pub trait Sink: Send + Sync {
    /// Turns a batch into what the writer appends; called in any order from any thread.
    fn encode(&self, batch: &Batch) -> Result<Piece, ConnectError>;

    /// The same in pieces for the parts that it says itself.
    fn encode_parts(
        &self,
        batch: &Batch,
        emit: &mut dyn FnMut(u32, Piece),
    ) -> Result<(), ConnectError> {
        emit(0, self.encode(batch)?);
        Ok(())
    }

    /// Appends to part `part` (0 unless the target has parts). Called in the order of the rows,
    /// never twice at once.
    fn append(&self, part: u32, piece: Piece) -> Result<(), ConnectError>;

    /// Does what appended pieces have left to be done, as far as no other thread does it; called
    /// from any thread.
    fn work(&self) -> Result<(), ConnectError> {
        Ok(())
    }

    /// The files of a sink that only appends bytes to them.
    fn outputs(&self) -> Option<&Outputs> {
        None
    }

    /// Can what was written so far be gone on with by a later run?
    fn can_pause(&self) -> bool {
        self.outputs().is_some_and(Outputs::can_pause)
    }

    /// How far it has come, once that is durable; none if that cannot be gone on with. No piece is on its
    /// way.
    fn pause(&self) -> Result<Option<Behind>, ConnectError> {
        self.outputs().map_or(Ok(None), Outputs::pause)
    }

    /// What is written stays when the sink is dropped: a later run goes on with it.
    fn keep(&self) {
        self.outputs().into_iter().for_each(Outputs::keep);
    }

    /// Of the time that appending and this work took so far, that in which bytes were made of
    /// values.
    fn late_encoding(&self) -> Duration {
        Duration::ZERO
    }

    /// Ends and fsyncs the staged files.
    fn finish(self: Box<Self>) -> Result<Staged, ConnectError>;

    /// The same on this thread alone.
    fn finish_alone(self: Box<Self>) -> Result<Staged, ConnectError> {
        self.finish()
    }
}

/// A piece of an output.
pub enum Piece {
    /// Bytes to append, and how many rows they spell.
    Bytes {
        /// The bytes.
        bytes: Vec<u8>,
        /// The rows.
        rows: u64,
    },
    /// Rows that the writer encodes itself.
    Rows(Batch),
}

/// Outputs that are written and synced beside their target, not yet visible. Dropped without
/// being published, they are removed.
pub struct Staged {
    /// Staged path and target.
    pub moves: Vec<(PathBuf, PathBuf)>,
    /// Rows written.
    pub rows: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Of a single file that was written here, the digest of its bytes.
    pub digest: Option<String>,
    /// Open as long as nobody may take the staged paths for those of a dead run.
    _locks: Vec<Arc<std::fs::File>>,
}

/// What went wrong in the world: what was tried, on what, and what the system said.
#[derive(Debug, Clone)]
pub struct ConnectError {
    /// One sentence, lower case first: `cannot open data/x.csv: no such file or directory`.
    pub message: String,
    /// One thing to do, if there is something.
    pub help: Option<String>,
    /// Can it be over by itself in a while?
    pub may_pass: bool,
}
