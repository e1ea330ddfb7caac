//! The row groups that a file holds already, copied as they are in front of those that are added.

use super::pause::Pages;
use crate::connect::ConnectError;
use parquet::bloom_filter::Sbbf;
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMetaData, PageIndexPolicy, ParquetMetaDataOptions, ParquetMetaDataReader,
};
use parquet::file::statistics::Statistics;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// Copies the row groups of a file, which has to have the columns of the new one; what is known of their
/// pages.
pub fn copy_in_front<W: Write + Send>(
    path: &Path,
    new: &mut SerializedFileWriter<W>,
) -> Result<Pages, ConnectError> {
    let old = File::open(path).map_err(|error| ConnectError::io("open", path.display(), &error))?;
    let failed = |error: ParquetError| {
        ConnectError::new(format!("cannot add rows to {}: {error}", path.display()))
    };
    let all = ParquetMetaDataOptions::new().with_encoding_stats_as_mask(false);
    let mut reader = ParquetMetaDataReader::new()
        .with_page_index_policy(PageIndexPolicy::Optional)
        .with_metadata_options(Some(all));
    reader.try_parse(&old).map_err(failed)?;
    let known = reader.finish().map_err(failed)?;
    let (held, added) = (known.file_metadata().schema_descr(), new.schema_descr());
    if held.root_schema().get_fields() != added.root_schema().get_fields() {
        let message = format!(
            "cannot add rows to {}: it has the columns {}, and the rows have {}",
            path.display(),
            columns(held.root_schema()),
            columns(added.root_schema())
        );
        let help = "give the job the columns of the file, in their order, or move the file away";
        return Err(ConnectError::new(message).help(help));
    }
    let pages = known.page_index();
    let mut copied = Pages::default();
    for (at, group) in known.row_groups().iter().enumerate() {
        let mut copy = new.next_row_group().map_err(failed)?;
        let mut pages_of_group = vec![];
        for (number, column) in group.columns().iter().enumerate() {
            let column_index = pages.and_then(|pages| pages.column_index(at, number)).cloned();
            let offset_index = pages.and_then(|pages| pages.offset_index(at, number)).cloned();
            pages_of_group.push((column_index.clone(), offset_index.clone()));
            let whole = ColumnCloseResult {
                bytes_written: column.compressed_size() as u64,
                rows_written: group.num_rows() as u64,
                metadata: as_written(column).map_err(failed)?,
                bloom_filter: Sbbf::read_from_column_chunk(column, &old).map_err(failed)?,
                column_index,
                offset_index,
            };
            copy.append_column(&old, whole).map_err(failed)?;
        }
        let written = copy.close().map_err(failed)?;
        copied.push(pages_of_group, &written);
    }
    Ok(copied)
}

/// A column chunk with the least and the greatest value said in both ways, as they are when it is
/// written: who reads it knows of one only.
fn as_written(column: &ColumnChunkMetaData) -> Result<ColumnChunkMetaData, ParquetError> {
    let is_signed = column.column_descr().sort_order().is_signed();
    let both = |statistics: &Statistics| match statistics.clone() {
        Statistics::Boolean(of) => of.with_backwards_compatible_min_max(is_signed).into(),
        Statistics::Int32(of) => of.with_backwards_compatible_min_max(is_signed).into(),
        Statistics::Int64(of) => of.with_backwards_compatible_min_max(is_signed).into(),
        Statistics::Float(of) => of.with_backwards_compatible_min_max(is_signed).into(),
        Statistics::Double(of) => of.with_backwards_compatible_min_max(is_signed).into(),
        Statistics::ByteArray(of) => of.with_backwards_compatible_min_max(is_signed).into(),
        Statistics::FixedLenByteArray(of) => of.with_backwards_compatible_min_max(is_signed).into(),
        old @ Statistics::Int96(_) => old,
    };
    match column.statistics() {
        Some(statistics) => column.clone().into_builder().set_statistics(both(statistics)).build(),
        None => Ok(column.clone()),
    }
}

/// `id: INT64, name: BYTE_ARRAY (String)?`
fn columns(schema: &Type) -> String {
    let one = |field: &std::sync::Arc<Type>| {
        let info = field.get_basic_info();
        let kind = match (info.logical_type_ref(), field.is_primitive()) {
            (Some(logical), _) => format!(" {logical:?}"),
            (None, true) => format!(" {}", field.get_physical_type()),
            (None, false) => String::new(),
        };
        let optional = if field.is_optional() { "?" } else { "" };
        format!("`{}{kind}{optional}`", field.name())
    };
    schema.get_fields().iter().map(one).collect::<Vec<_>>().join(", ")
}
