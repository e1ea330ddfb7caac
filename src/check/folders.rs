//! `partition by` of an output: by which values its rows are in folders.

use super::exprs::Scope;
use super::globals::Globals;
use super::steps::columns::column_name;
use crate::diagnostics::{Diagnostics, graph, names, types};
use crate::ir::{ExprKind, Folder, Input, Row};
use crate::syntax::ast::{self, Assignment, PartitionBy, SettingKind};
use crate::text::Span;
use crate::types::{DataType, Type};
use std::sync::Arc;

/// The columns of the folders that an output says, and where it does.
pub(super) fn folders(
    output: &ast::Output,
    from: Input,
    globals: &mut Globals,
    found: &mut Diagnostics,
) -> (Vec<Folder>, Option<Span>) {
    let (mut all, mut said) = (vec![], None);
    let row = globals.row_of(from).filter(|row| !row.broken);
    for setting in &output.settings {
        let SettingKind::Partition { by, into } = &setting.kind else { continue };
        if let Some(first) = said {
            found.push(graph::said_twice("partition", setting.span, first));
            continue;
        }
        said = Some(setting.span);
        let (PartitionBy::Values(values), None) = (by, into) else {
            let message = "an output is partitioned by the values of columns";
            let help = "`partition by day` makes a folder for each day; a job is split into a number of parts";
            found.push(graph::bad_setting(setting.span, message, help));
            continue;
        };
        let Some(row) = &row else { continue };
        let checked = values.iter().map(|value| folder(output, row, value, globals, found));
        let Some(checked) = checked.collect::<Option<Vec<Folder>>>() else { continue };
        for (at, folder) in checked.iter().enumerate() {
            if checked[..at].iter().any(|other| other.name == folder.name) {
                let message = format!("`{}` is said twice", folder.name);
                found.push(graph::bad_setting(setting.span, message, "leave one of them"));
            }
        }
        if (0..row.columns.len()).all(|at| checked.iter().any(|folder| folder.column == Some(at))) {
            let message = "no column is left for the files: all are names of folders";
            let help = "leave out one of them, or `derive` a column to be written";
            found.push(graph::bad_setting(setting.span, message, help));
            continue;
        }
        all = checked;
    }
    (all, said)
}

fn folder(
    output: &ast::Output,
    row: &Arc<Row>,
    written: &Assignment,
    globals: &mut Globals,
    found: &mut Diagnostics,
) -> Option<Folder> {
    let Some((name, span)) = column_name(written) else {
        let text = globals.files.text(written.span).to_owned();
        found.push(names::unnamed(written.span, &text));
        return None;
    };
    let mut scope = Scope::constant(globals, found);
    scope.row = Some(row);
    scope.table = (&output.from[0].text, output.from[0].span);
    let value = scope.check(&written.value, None);
    if value.ty.is_unknown() {
        return None;
    }
    if !can_be_named(&value.ty) {
        found.push(types::not_ordered("a folder", value.span, &value.ty));
        return None;
    }
    let column = row.find(&name);
    if column.is_some() && !matches!(value.kind, ExprKind::Column(at) if Some(at) == column) {
        let message = format!("`{name}` is another column of the rows");
        found.push(graph::bad_setting(span, message, "give the value a name of its own"));
        return None;
    }
    Some(Folder { name: name.as_str().into(), value, column })
}

/// Can its values be names of folders?
fn can_be_named(ty: &Type) -> bool {
    ty.data.is_ordered() && ty.data.opened() != DataType::Float
}
