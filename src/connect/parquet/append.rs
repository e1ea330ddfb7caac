//! The row groups that a file holds already, copied as they are in front of those that are added.

use crate::connect::ConnectError;
use parquet::bloom_filter::Sbbf;
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaDataReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// Copies the row groups of a file, which has to have the columns of the new one.
pub fn copy_in_front<W: Write + Send>(
    path: &Path,
    new: &mut SerializedFileWriter<W>,
) -> Result<(), ConnectError> {
    let old = File::open(path).map_err(|error| ConnectError::io("open", path.display(), &error))?;
    let failed = |error: ParquetError| {
        ConnectError::new(format!("cannot add rows to {}: {error}", path.display()))
    };
    let mut reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional);
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
    for (at, group) in known.row_groups().iter().enumerate() {
        let mut copy = new.next_row_group().map_err(failed)?;
        for (number, column) in group.columns().iter().enumerate() {
            let whole = ColumnCloseResult {
                bytes_written: column.compressed_size() as u64,
                rows_written: group.num_rows() as u64,
                metadata: column.clone(),
                bloom_filter: Sbbf::read_from_column_chunk(column, &old).map_err(failed)?,
                column_index: pages.and_then(|pages| pages.column_index(at, number)).cloned(),
                offset_index: pages.and_then(|pages| pages.offset_index(at, number)).cloned(),
            };
            copy.append_column(&old, whole).map_err(failed)?;
        }
        copy.close().map_err(failed)?;
    }
    Ok(())
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
