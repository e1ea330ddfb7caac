//! Sensitive columns: none reaches an output undisguised, unless the output says that it may, nor a
//! text that is told where a row fails.
//!
//! What a value is made of is followed by the lineage of columns. A value that only depends on whether
//! something is so, as a `bool` or the choice of a `case`, does not show it.

use crate::diagnostics::{Diagnostics, sensitive};
use crate::ir::lineage::{Lineage, Origin, Role};
use crate::ir::{Column, Input, Pipeline, Source, SourceId};
use crate::syntax::ast::{self, DeclarationKind, SettingKind};
use crate::text::Span;
use crate::types::DataType;

/// Looks at all outputs of a pipeline, if it has no errors so far.
pub(super) fn check(file: &ast::File, pipeline: &Pipeline, found: &mut Diagnostics) {
    let allowed = file.declarations.iter().filter_map(|declaration| match &declaration.kind {
        DeclarationKind::Output(output) => Some((output, allowed(output))),
        _ => None,
    });
    let allowed: Vec<_> = allowed.collect();
    let is_asked = allowed.iter().any(|(_, names)| !names.is_empty())
        || pipeline.sources.iter().any(Source::has_sensitive);
    if found.has_errors() || !is_asked {
        return;
    }
    let lineage = Lineage::of(pipeline);
    for &job in &pipeline.order {
        for (span, origins) in lineage.tells(job) {
            if let Some((source, of)) = of_source(origins.keys(), pipeline) {
                let column = &pipeline.sources[source].row.columns[of];
                let declared = pipeline.sources[source].columns[of].sensitive;
                let declared = declared.unwrap_or(column.origin);
                found.push(sensitive::told(&column.name, declared, span));
            }
        }
    }
    for (output, (written, allowed)) in pipeline.outputs.iter().zip(&allowed) {
        let row = pipeline.row_of(output.from);
        let columns = row.columns.iter().zip(lineage.columns(output.from));
        let mut needed = vec![false; allowed.len()];
        for (column, origins) in columns {
            let Some((source, of)) = shown(column, origins.keys(), pipeline) else { continue };
            match allowed.iter().position(|name| name.text == *column.name) {
                Some(at) => needed[at] = true,
                None => {
                    let declared = pipeline.sources[source].columns[of].sensitive;
                    let place = declared.unwrap_or(column.origin);
                    let of_source = &pipeline.sources[source].row.columns[of];
                    let (name, origin) = (&of_source.name, of_source.origin);
                    let shown_at = if origin == column.origin { place } else { column.origin };
                    found.push(sensitive::escapes(
                        (name, place),
                        (&column.name, shown_at, column.ty.data.opened() == DataType::String),
                        (&output.name, written.name.span),
                    ));
                }
            }
        }
        for (name, _) in allowed.iter().zip(needed).filter(|(_, needed)| !needed) {
            let is_there = row.find(&name.text).is_some();
            found.push(sensitive::allowed_in_vain(&name.text, name.span, is_there));
        }
    }
}

/// The columns that an output may write as they are.
fn allowed(output: &ast::Output) -> Vec<&ast::Name> {
    let settings = output.settings.iter().filter_map(|setting| match &setting.kind {
        SettingKind::AllowSensitive(names) => Some(names),
        _ => None,
    });
    settings.flatten().collect()
}

/// A sensitive column of a source that shows in a column, if one does.
fn shown<'o>(
    column: &Column,
    origins: impl Iterator<Item = &'o (Origin, Role)>,
    pipeline: &Pipeline,
) -> Option<(usize, usize)> {
    if column.ty.data.opened() == DataType::Bool {
        return None;
    }
    of_source(origins, pipeline)
}

/// A sensitive column of a source among what shows, if one does.
fn of_source<'o>(
    mut origins: impl Iterator<Item = &'o (Origin, Role)>,
    pipeline: &Pipeline,
) -> Option<(usize, usize)> {
    origins.find_map(|(origin, role)| match *origin {
        Origin::Column(Input::Source(SourceId(source)), of) if role.shows() => {
            let declared: Option<Span> = pipeline.sources[source as usize].columns[of].sensitive;
            declared.map(|_| (source as usize, of))
        }
        _ => None,
    })
}
