//! Rows that a program gives itself, as a source: no file is opened.

use super::{ConnectError, Extent, Morsel, RowLines, Rows, Source, Volume};
use crate::data::Batch;
use arrow_array::ArrayRef;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// The most rows of a batch.
const BATCH_ROWS_MAX: usize = 1 << 16;

/// Rows, and where they are written.
#[derive(Clone)]
pub struct Given {
    /// The file, as it is shown.
    pub file: Arc<str>,
    /// The columns.
    pub columns: Arc<[ArrayRef]>,
    /// The line of each row in the file, from 0.
    pub lines: Arc<[u32]>,
}

impl Given {
    /// Opens a source of some of the columns.
    pub fn open(&self, projection: &[usize]) -> Box<dyn Source> {
        let columns = projection.iter().map(|at| self.columns[*at].clone()).collect();
        Box::new(GivenSource {
            files: [self.file.clone()],
            columns,
            lines: self.lines.clone(),
            is_read: AtomicBool::new(false),
        })
    }
}

struct GivenSource {
    files: [Arc<str>; 1],
    columns: Vec<ArrayRef>,
    lines: Arc<[u32]>,
    is_read: AtomicBool,
}

impl Source for GivenSource {
    fn next(&self) -> Result<Option<Box<dyn Morsel>>, ConnectError> {
        if self.is_read.swap(true, Relaxed) {
            return Ok(None);
        }
        let (columns, lines) = (self.columns.clone(), self.lines.clone());
        Ok(Some(Box::new(GivenMorsel { columns, lines })))
    }

    fn files(&self) -> &[Arc<str>] {
        &self.files
    }

    fn volume(&self) -> Volume {
        Volume::default()
    }
}

struct GivenMorsel {
    columns: Vec<ArrayRef>,
    lines: Arc<[u32]>,
}

impl Morsel for GivenMorsel {
    fn read(self: Box<Self>, emit: &mut dyn FnMut(Rows) -> bool) -> Result<Extent, ConnectError> {
        let all = Batch::new(self.columns, self.lines.len(), 0);
        for first in (0..all.rows).step_by(BATCH_ROWS_MAX) {
            let batch = all.slice(first, BATCH_ROWS_MAX.min(all.rows - first));
            let lines = RowLines::At(self.lines.clone());
            if !emit(Rows { batch, bad: vec![], file: 0, lines }) {
                break;
            }
        }
        let lines = self.lines.last().map_or(0, |last| u64::from(*last) + 1);
        Ok(Extent { file: 0, records: all.rows as u64, lines })
    }
}
