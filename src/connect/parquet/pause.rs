//! What is kept of a file that is not complete, so that a later run goes on with it: an end for the row
//! groups that are in it, which makes it a file that can be read, and the rows behind them.
//!
//! A writer cannot be opened in the middle of a file. Whoever goes on copies the row groups into a new
//! one, as they are, and all that follows is the same to the last byte.

use crate::connect::Behind;
use crate::connect::ConnectError;
use crate::files::NewFile;
use parquet::arrow::arrow_writer::ArrowColumnChunk;
use parquet::errors::ParquetError;
use parquet::file::metadata::page_index::PageIndexProvider;
use parquet::file::metadata::{
    FileMetaData, ParquetMetaDataBuilder, ParquetMetaDataWriter, RowGroupMetaData,
};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::page_index::offset_index::OffsetIndexMetaData;
use parquet::file::writer::{SerializedFileWriter, TrackedWrite};
use std::any::Any;
use std::io::{self, Write};
use std::sync::Arc;

/// What is known of the pages of a column chunk.
pub type PagesOf = (Option<ColumnIndexMetaData>, Option<OffsetIndexMetaData>);

/// The pages of row groups, by the numbers of their leaves.
#[derive(Clone, Debug, Default)]
pub struct Pages(pub Vec<Vec<PagesOf>>);

impl Pages {
    /// Notes the pages of a row group that was written, as they were known before.
    pub fn push(&mut self, mut pages: Vec<PagesOf>, written: &RowGroupMetaData) {
        for ((_, offsets), column) in pages.iter_mut().zip(written.columns()) {
            let Some(offsets) = offsets else { continue };
            // They lie one behind the other, whatever lay between them while they were made.
            let mut at = column.data_page_offset();
            for page in &mut offsets.page_locations {
                page.offset = at;
                at += i64::from(page.compressed_page_size);
            }
        }
        self.0.push(pages);
    }
}

/// What is known of the pages of chunks that are yet to be written.
pub fn pages_of(chunks: &[ArrowColumnChunk]) -> Vec<PagesOf> {
    let of = |chunk: &ArrowColumnChunk| {
        (chunk.close().column_index.clone(), chunk.close().offset_index.clone())
    };
    chunks.iter().map(of).collect()
}

impl PageIndexProvider for Pages {
    fn has_offset_indexes(&self) -> bool {
        self.0.iter().flatten().any(|(_, offsets)| offsets.is_some())
    }

    fn has_column_indexes(&self) -> bool {
        self.0.iter().flatten().any(|(columns, _)| columns.is_some())
    }

    fn column_index(&self, group: usize, column: usize) -> Option<&ColumnIndexMetaData> {
        self.0.get(group)?.get(column)?.0.as_ref()
    }

    fn offset_index(&self, group: usize, column: usize) -> Option<&OffsetIndexMetaData> {
        self.0.get(group)?.get(column)?.1.as_ref()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// What a file could end with behind the row groups that are in it.
pub fn end_of<W: Write + Send>(
    writer: &SerializedFileWriter<W>,
    pages: &Pages,
) -> Result<Vec<u8>, ParquetError> {
    let groups = writer.flushed_row_groups().to_vec();
    let rows = groups.iter().map(RowGroupMetaData::num_rows).sum();
    let schema = Arc::new(writer.schema_descr().clone());
    let about = FileMetaData::new(1, rows, None, None, schema, None);
    let metadata = ParquetMetaDataBuilder::new(about)
        .set_row_groups(groups)
        .set_page_index(Some(Arc::new(pages.clone())))
        .build();
    let mut end = vec![];
    // Places in a file are counted from its beginning, so that has to go by.
    let mut out = TrackedWrite::new(Behindmost { left: writer.bytes_written(), end: &mut end });
    let zeros = vec![0; 1 << 20];
    let mut left = writer.bytes_written();
    while left > 0 {
        let some = left.min(zeros.len());
        out.write_all(&zeros[..some])?;
        left -= some;
    }
    ParquetMetaDataWriter::new_with_tracked(out, &metadata).finish()?;
    Ok(end)
}

/// Forgets so many bytes, and keeps what is written behind them.
struct Behindmost<'e> {
    left: usize,
    end: &'e mut Vec<u8>,
}

impl Write for Behindmost<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let forgotten = self.left.min(bytes.len());
        self.left -= forgotten;
        self.end.extend_from_slice(&bytes[forgotten..]);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Which columns have no dictionary, once that is known, and the end of the file, as bytes.
pub fn pack(without: Option<&[bool]>, end: &[u8]) -> Vec<u8> {
    let without = without.unwrap_or_default();
    let mut packed = (without.len() as u32).to_le_bytes().to_vec();
    packed.extend(without.iter().map(|without| u8::from(*without)));
    packed.extend_from_slice(end);
    packed
}

/// The same of bytes; the end is written to the file that it is of.
pub fn unpack(behind: &Behind) -> Result<Option<Vec<bool>>, ConnectError> {
    let path = &behind.staged;
    let failed = |error| ConnectError::io("write", path.display(), &error);
    let torn = || failed(io::ErrorKind::UnexpectedEof.into());
    let (count, rest) = behind.pending.split_first_chunk().ok_or_else(torn)?;
    let count = u32::from_le_bytes(*count) as usize;
    let (without, end) = rest.split_at_checked(count).ok_or_else(torn)?;
    let mut file = NewFile::go_on(path, &behind.seen).map_err(failed)?;
    file.write_all(end).map_err(failed)?;
    Ok((count > 0).then(|| without.iter().map(|byte| *byte == 1).collect()))
}
