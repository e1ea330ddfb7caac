//! Settings of outputs: what becomes of the rows that an output holds already.

use super::globals::Globals;
use crate::diagnostics::{Diagnostics, graph, names, syntax, types};
use crate::ir::{self, Key, Merge, MergeKeep, Row, Scd2, VERSION};
use crate::syntax::ast::{self, Keep, Mode, Name, SettingKind};
use crate::text::Span;
use crate::types::DataType;

/// What the settings of an output say; no mode if what is said is wrong. And where they say it, or else
/// its name.
pub(super) fn output_mode(
    output: &ast::Output,
    from: ir::Input,
    globals: &Globals,
    found: &mut Diagnostics,
) -> (Option<ir::Mode>, Span) {
    let mut said: Option<(&Mode, Span)> = None;
    for setting in &output.settings {
        match &setting.kind {
            SettingKind::Mode(mode) => match said {
                Some((_, first)) => found.push(graph::said_twice("mode", setting.span, first)),
                None => said = Some((mode, setting.span)),
            },
            SettingKind::Later(later) => found.push(syntax::not_available_yet(later)),
            SettingKind::Bad
            | SettingKind::Partition { .. }
            | SettingKind::AllowSensitive(_)
            | SettingKind::Owner(_)
            | SettingKind::Tags(_)
            | SettingKind::Meta(_) => {}
            _ => found.push(graph::bad_setting(
                setting.span,
                "this is not a setting of an output",
                "it belongs into a job or the pipeline",
            )),
        }
    }
    let table = (output.from[0].text.as_str(), output.from[0].span, globals);
    let row = globals.row_of(from).filter(|row| !row.broken);
    let at = said.map_or(output.name.span, |(_, span)| span);
    let mode = match said {
        None | Some((Mode::Overwrite, _)) => Some(ir::Mode::Overwrite),
        Some((Mode::Append, _)) => Some(ir::Mode::Append),
        Some((Mode::Merge { keys, keep, by }, span)) => {
            row.and_then(|row| merge((table, &row), keys, (*keep, by.as_ref()), span, found))
        }
        Some((Mode::Scd2 { keys, track }, span)) => {
            row.and_then(|row| scd2((table, &row), keys, track, span, found))
        }
    };
    (mode, at)
}

fn scd2(
    (table, row): (Table, &Row),
    keys: &[Name],
    track: &[Name],
    span: Span,
    found: &mut Diagnostics,
) -> Option<ir::Mode> {
    let columns = key_columns((table, row), keys, found)?;
    for name in VERSION {
        if let Some(at) = row.find(name) {
            found.push(graph::version_column(name, span, row.columns[at].origin));
            return None;
        }
    }
    let track: Vec<(usize, Span)> = match track {
        [] => {
            let others = (0..row.columns.len()).filter(|at| !columns.contains(at));
            others.map(|at| (at, span)).collect()
        }
        track => {
            let of = |name: &Name| {
                Some((column((table, row), &name.text, name.span, found)?, name.span))
            };
            track.iter().map(of).collect::<Option<_>>()?
        }
    };
    for (at, span) in &track {
        let ty = &row.columns[*at].ty;
        if !ty.is_unknown() && !ty.data.is_ordered() {
            found.push(types::not_ordered("a column that is tracked", *span, ty));
            return None;
        }
    }
    let key = key_of(row, &columns, keys, span, found)?;
    let track = track.into_iter().map(|(at, _)| at).collect();
    Some(ir::Mode::Scd2(Scd2 { keys: columns, track, declared: key.declared }))
}

/// The key that these columns are.
fn key_of<'r>(
    row: &'r Row,
    columns: &[usize],
    keys: &[Name],
    span: Span,
    found: &mut Diagnostics,
) -> Option<&'r Key> {
    let key = row.key_within(columns);
    if key.is_none() {
        let names: Vec<&str> = keys.iter().map(|key| key.text.as_str()).collect();
        found.push(graph::merge_on_no_key(&names.join(", "), span));
    }
    key
}

/// What an output writes, where that is said, and what is known of the program.
type Table<'t> = (&'t str, Span, &'t Globals<'t>);

fn merge(
    (table, row): (Table, &Row),
    keys: &[Name],
    (keep, by): (Option<(Keep, Span)>, Option<&ast::Expr>),
    span: Span,
    found: &mut Diagnostics,
) -> Option<ir::Mode> {
    let columns = key_columns((table, row), keys, found)?;
    let by = match by {
        None => None,
        Some(by) => Some(compared((table, row), by, found)?),
    };
    let keep = match (keep, by) {
        (None, None) | (Some((Keep::Last, _)), None) => MergeKeep::New,
        (Some((Keep::First, _)), None) => MergeKeep::Old,
        (None | Some((Keep::Newest | Keep::Last, _)), Some(by)) => MergeKeep::Largest(by),
        (Some((Keep::Oldest | Keep::First, _)), Some(by)) => MergeKeep::Smallest(by),
        (Some((Keep::Newest | Keep::Oldest, at)), None) => {
            found.push(graph::bad_setting(at, "by which column?", "`keep newest by updated_at`"));
            return None;
        }
    };
    let key = key_of(row, &columns, keys, span, found)?;
    Some(ir::Mode::Merge(Merge { keys: columns, keep, declared: key.declared }))
}

/// The columns that tell rows apart; none of them may be null.
fn key_columns(
    (table, row): (Table, &Row),
    keys: &[Name],
    found: &mut Diagnostics,
) -> Option<Vec<usize>> {
    let mut columns = vec![];
    for key in keys {
        let at = column((table, row), &key.text, key.span, found)?;
        let ty = &row.columns[at].ty;
        if ty.is_unknown() {
            return None;
        }
        if ty.nullable {
            found.push(graph::merge_key_null(&key.text, key.span, row.columns[at].origin));
            return None;
        }
        if !ty.data.is_ordered() {
            found.push(types::not_ordered("a key", key.span, ty));
            return None;
        }
        columns.push(at);
    }
    Some(columns)
}

/// The column by which one of two rows is kept.
fn compared((table, row): (Table, &Row), by: &ast::Expr, found: &mut Diagnostics) -> Option<usize> {
    let ast::ExprKind::Name(name) = &by.kind else {
        let help = "`derive` it in the job, and name it here";
        found.push(graph::bad_setting(by.span, "rows are kept by a column", help));
        return None;
    };
    let at = column((table, row), name, by.span, found)?;
    let ty = &row.columns[at].ty;
    if ty.is_unknown() {
        return None;
    }
    if ty.nullable || ty.data.opened() == DataType::Float {
        let message =
            format!("rows are kept by a column that always has an order, and `{name}` is `{ty}`");
        let help = format!("give it another value where there is none: `fill {name} with …`");
        found.push(graph::bad_setting(by.span, message, &help));
        return None;
    }
    if !ty.data.is_ordered() {
        found.push(types::not_ordered("`keep`", by.span, ty));
        return None;
    }
    Some(at)
}

fn column(
    (table, row): (Table, &Row),
    name: &str,
    span: Span,
    found: &mut Diagnostics,
) -> Option<usize> {
    let at = row.find(name);
    at.inspect(|at| table.2.names().column(span, &row.columns[*at]));
    if at.is_none() {
        let all: Vec<&str> = row.columns.iter().map(|column| &*column.name).collect();
        found.push(names::no_column(name, span, (table.0, table.1), &all));
    }
    at
}
