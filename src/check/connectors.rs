//! Sources and outputs: their connectors, arguments and columns, and where outputs go.

use super::about::about;
use super::constants;
use super::exprs::{Scope, domain};
use super::folders;
use super::globals::Globals;
use super::incremental;
use super::later;
use super::modes::output_mode;
use super::names::Meaning;
use super::types::resolve_type;
use crate::connect::{self, ColumnRule, Connector, Side};
use crate::data::parse;
use crate::diagnostics::{Diagnostics, arguments, formats, graph, names, syntax, types};
use crate::expr::constant;
use crate::ir::{self, Column, Expr, Key, Row, SourceColumn};
use crate::store::STATE;
use crate::syntax::ast::{self, ColumnAttribute, DeclarationKind, SettingKind};
use crate::text::{FileId, Span};
use crate::types::{DataType, Scalar, Type};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

/// All sources.
pub(super) fn sources(
    file: &ast::File,
    globals: &mut Globals,
    found: &mut Diagnostics,
) -> Vec<ir::Source> {
    let mut sources = vec![];
    for declaration in &file.declarations {
        if let DeclarationKind::Source(source) = &declaration.kind {
            let source = check_source(source, globals, found);
            globals.source_rows.push(source.row.clone());
            sources.push(source);
        }
    }
    sources
}

fn check_source(
    source: &ast::Source,
    globals: &mut Globals,
    found: &mut Diagnostics,
) -> ir::Source {
    for setting in &source.settings {
        match &setting.kind {
            SettingKind::Later(later) => found.push(syntax::not_available_yet(later)),
            SettingKind::Bad
            | SettingKind::Incremental { .. }
            | SettingKind::Owner(_)
            | SettingKind::Tags(_)
            | SettingKind::Meta(_) => {}
            _ => found.push(graph::bad_setting(
                setting.span,
                "this is not a setting of a source",
                "it belongs into a job or an output",
            )),
        }
    }
    let (connector, arguments) = connector(&source.connector, Side::Source, globals, found);
    let name = source.name.text.clone();
    let span = source.name.span;
    let (mut columns, mut row) = match connector.map(|connector| connector.columns) {
        Some(ColumnRule::Fixed(fixed)) => {
            if let Some(first) = source.columns.first() {
                let connector = &source.connector.name.text;
                found.push(graph::source_columns(connector, first.span, false));
            }
            fixed_columns(fixed, source.name.span)
        }
        Some(ColumnRule::Declared) if source.columns.is_empty() => {
            let connector = &source.connector;
            found.push(graph::source_columns(&connector.name.text, connector.span, true));
            (vec![], Row { broken: true, ..Row::default() })
        }
        None if source.columns.is_empty() => (vec![], Row { broken: true, ..Row::default() }),
        _ => declared_columns(source, globals, found),
    };
    add_filename(&arguments, &mut columns, &mut row, found);
    if let Some(connector) = connector {
        check_options(connector, Side::Source, &arguments, &connect_columns(&row), globals, found);
        check_formats(source, connector, &row, &arguments, globals, found);
    }
    let may_skip = connector.is_some_and(|connector| connector.may_skip)
        // What is not read is not checked.
        && columns.iter().all(|column| column.check.is_none());
    let connector = connector.map_or("", |connector| connector.name);
    let incremental = incremental::setting(source, &row, globals, found);
    ir::Source {
        name,
        connector,
        may_skip,
        arguments,
        columns,
        row: Arc::new(row),
        held_by: None,
        aside: None,
        incremental,
        about: about(&source.settings, globals, found),
        span,
    }
}

fn fixed_columns(fixed: &[(&'static str, &'static str)], origin: Span) -> (Vec<SourceColumn>, Row) {
    let columns = fixed
        .iter()
        .map(|(name, _)| SourceColumn {
            external: (*name).into(),
            format: None,
            sensitive: None,
            check: None,
        })
        .collect();
    let of = |(name, _): &(&str, &str)| Column {
        name: (*name).into(),
        ty: DataType::String.required(),
        origin,
        domain: None,
    };
    (columns, Row { columns: fixed.iter().map(of).collect(), ..Row::default() })
}

fn declared_columns(
    source: &ast::Source,
    globals: &Globals,
    found: &mut Diagnostics,
) -> (Vec<SourceColumn>, Row) {
    let mut first: HashMap<&str, Span> = HashMap::new();
    let (mut columns, mut row, mut key) = (vec![], Row::default(), vec![]);
    let mut declared = None;
    for column in &source.columns {
        let name = column.name.text.as_str();
        if let Some(first) = first.insert(name, column.name.span) {
            found.push(names::column_twice(name, column.name.span, first));
            continue;
        }
        let ty = resolve_type(&column.ty, globals, found);
        globals.names().new_column(column.name.span, &ty);
        let mut external: Arc<str> = name.into();
        let (mut format, mut sensitive) = (None, None);
        for attribute in &column.attributes {
            match attribute {
                ColumnAttribute::Key(span) => {
                    key.push(row.columns.len());
                    declared = declared.or(Some(*span));
                }
                ColumnAttribute::Named(text) => external = text.value.as_str().into(),
                ColumnAttribute::Format(text) => format = Some(text.value.as_str().into()),
                ColumnAttribute::Sensitive(span) => sensitive = Some(*span),
            }
        }
        let at = row.columns.len();
        let check = globals.check_of(&ty, at, column.ty.span);
        // What the type says of its values is known of the column.
        let known = check.as_ref().map(|check| domain::when_true(&check.condition));
        let domain = known.into_iter().flatten().find(|(of, _)| *of == at);
        let domain = domain.map(|(_, domain)| Arc::new(domain));
        columns.push(SourceColumn { external, format, sensitive, check });
        row.columns.push(Column { name: name.into(), ty, origin: column.name.span, domain });
    }
    if !key.is_empty() {
        row.keys.push(Key { columns: key, declared });
    }
    // A line that could not be read may have declared any column.
    row.broken = source.settings.iter().any(|setting| matches!(setting.kind, SettingKind::Bad));
    (columns, row)
}

/// The column of the files that rows come from, behind the others.
fn add_filename(
    given: &[(String, Expr)],
    columns: &mut Vec<SourceColumn>,
    row: &mut Row,
    found: &mut Diagnostics,
) {
    let option = connect::FILENAME;
    let Some((_, value)) = given.iter().find(|(name, _)| name == option.name) else { return };
    let ir::ExprKind::Literal(Scalar::String(name)) = &value.kind else {
        // What the columns are is known before anything is given.
        if !value.ty.is_unknown() {
            let reason =
                "the name of a column must be a literal; write it here: `filename: \"file\"`";
            found.push(arguments::bad_literal(option.name, value.span, reason));
            row.broken = true;
        }
        return;
    };
    if let Some(first) = row.columns.iter().find(|column| column.name == *name) {
        found.push(names::column_twice(name, value.span, first.origin));
        return;
    }
    let ty = DataType::String.required();
    let external = name.clone();
    columns.push(SourceColumn { external, format: None, sensitive: None, check: None });
    row.columns.push(Column { name: name.clone(), ty, origin: value.span, domain: None });
}

/// The connector of this name and its arguments.
fn connector(
    written: &ast::Connector,
    side: Side,
    globals: &mut Globals,
    found: &mut Diagnostics,
) -> (Option<&'static Connector>, Vec<(String, Expr)>) {
    let usable = |connector: &Connector| match side {
        Side::Source => connector.source.is_some(),
        _ => connector.sink.is_some(),
    };
    let name = &written.name;
    let Some(connector) = connect::find(&name.text).filter(|connector| usable(connector)) else {
        if later::CONNECTORS.contains(&name.text.as_str()) {
            let what = format!("{} connector", name.text);
            let later = ast::Later { what, name: None, span: name.span };
            found.push(syntax::not_available_yet(&later));
        } else {
            let all: Vec<&str> = connect::ALL
                .iter()
                .filter(|connector| usable(connector))
                .map(|connector| connector.name)
                .collect();
            let purpose = if side == Side::Source { "to read" } else { "to write" };
            found.push(match connect::find(&name.text) {
                Some(known) if known.sink.is_none() => {
                    names::connector_only_reads(&name.text, name.span, &all)
                }
                _ => names::no_connector(&name.text, name.span, purpose, &all),
            });
        }
        return (None, vec![]);
    };
    globals.names().note(name.span, Meaning::Connector(connector.name), None);
    let mut arguments: Vec<(String, Expr)> = vec![];
    let mut positional = 0;
    for argument in &written.arguments {
        let option = match &argument.name {
            Some(label) => connector
                .options
                .iter()
                .find(|option| option.name == label.text && fits_side(option.side, side)),
            None => {
                positional += 1;
                connector.options.get(positional - 1)
            }
        };
        let Some(option) = option else {
            let (text, at) = match &argument.name {
                Some(label) => (label.text.as_str(), label.span),
                None => ("", argument.value.span),
            };
            let all: Vec<&str> = connector
                .options
                .iter()
                .filter(|option| fits_side(option.side, side))
                .map(|option| option.name)
                .collect();
            found.push(names::no_option(connector.name, text, at, &all));
            continue;
        };
        if let Some(label) = &argument.name {
            globals.names().note(label.span, Meaning::Option(connector.name, option.name), None);
        }
        let value = argument_value(argument, option, connector, globals, found);
        arguments.push((option.name.to_owned(), value));
    }
    for option in connector.options {
        let given = arguments.iter().any(|(name, _)| name == option.name);
        if option.required && fits_side(option.side, side) && !given {
            found.push(names::missing_option(connector.name, option.name, written.name.span));
        }
    }
    (Some(connector), arguments)
}

fn fits_side(option: Side, side: Side) -> bool {
    option == Side::Both || option == side
}

fn argument_value(
    argument: &ast::Argument,
    option: &connect::ConnectorOption,
    connector: &Connector,
    globals: &mut Globals,
    found: &mut Diagnostics,
) -> Expr {
    let mut scope = Scope::constant(globals, found);
    let value = scope.check(&argument.value, None);
    if value.ty.is_unknown() {
        return value;
    }
    let what = format!("`{}` of `{}`", option.name, connector.name);
    if !option_takes(option.ty, &value.ty) {
        let wanted = match option.ty {
            "bool" => DataType::Bool,
            "int" => DataType::Int,
            _ => DataType::String,
        };
        found.push(types::does_not_fit(&what, value.span, &wanted.required(), &value.ty));
        return super::exprs::bad(value.span);
    }
    constants::check(&value, &globals.known, &what, found);
    value
}

/// The columns as a connector sees them; what they are called in files does not matter here.
fn connect_columns(row: &Row) -> Vec<connect::Column> {
    let one = |column: &Column| connect::Column {
        name: column.name.clone(),
        external: column.name.clone(),
        ty: column.ty.clone(),
        format: None,
    };
    row.columns.iter().map(one).collect()
}

/// The formats of columns that are spelled in one.
fn check_formats(
    source: &ast::Source,
    connector: &Connector,
    row: &Row,
    arguments: &[(String, Expr)],
    globals: &Globals,
    found: &mut Diagnostics,
) {
    let has_zone = arguments.iter().any(|(name, _)| name == "zone");
    for column in &source.columns {
        let format = column.attributes.iter().find_map(|attribute| match attribute {
            ColumnAttribute::Format(format) => Some(format),
            _ => None,
        });
        let at = row.columns.iter().find(|known| *known.name == column.name.text);
        let (Some(format), Some(known)) = (format, at) else { continue };
        if !connector.has_formats {
            found.push(types::no_format_in(connector.name, format.span));
            continue;
        }
        match spelled(&known.ty.data) {
            Some(DataType::Float) if format.value == "nan" => {}
            Some(DataType::Float) => found.push(arguments::bad_literal(
                "format",
                format.span,
                "the only format of a float is \"nan\", which reads NaN and Infinity too; write `\"nan\"`, or leave the format out",
            )),
            Some(data) => {
                if let Err(reason) = parse::check_format(&format.value, data, has_zone) {
                    let meant = formats::time_format(globals.files.text(format.span));
                    let meant = meant.as_deref();
                    found.push(arguments::bad_format("format", format.span, &reason, meant));
                }
            }
            None if known.ty.is_unknown() => {}
            None => found.push(types::no_format(format.span, &known.ty.data)),
        }
    }
}

/// The first part of a type that can be spelled in more than one way.
fn spelled(data: &DataType) -> Option<&DataType> {
    match data {
        DataType::Date | DataType::Datetime | DataType::Timestamp | DataType::Float => Some(data),
        DataType::Named(named) => spelled(&named.of),
        DataType::List(item) => spelled(&item.data),
        DataType::Record(fields) => fields.iter().find_map(|field| spelled(&field.ty.data)),
        _ => None,
    }
}

/// Says what is wrong with the options, as far as their values are known.
fn check_options(
    connector: &Connector,
    side: Side,
    arguments: &[(String, Expr)],
    columns: &[connect::Column],
    globals: &Globals,
    found: &mut Diagnostics,
) {
    let known = |(name, value): &(String, Expr)| {
        let value =
            (!value.ty.is_unknown()).then(|| constant(value, &globals.known).ok()).flatten();
        Some((name.clone(), value?))
    };
    let known = connect::Arguments(arguments.iter().filter_map(known).collect());
    for (option, error) in connector.check(&known, side, columns) {
        let given = arguments.iter().find(|(name, _)| name == option);
        let Some(span) = given.map(|(_, value)| value.span) else { continue };
        found.push(graph::bad_option(connector.name, option, span, &error.message, error.help));
    }
}

/// Does an option whose type is written so take a value of this type?
fn option_takes(option: &str, ty: &Type) -> bool {
    // `[]` is a list of anything.
    let list_of_texts = matches!(&ty.data, DataType::List(item)
        if matches!(item.data, DataType::String | DataType::Null));
    !ty.nullable
        && option.split(" | ").any(|one| match one {
            "string" => ty.data == DataType::String,
            "bool" => ty.data == DataType::Bool,
            "int" => ty.data == DataType::Int,
            "list<string>" => list_of_texts,
            _ => false,
        })
}

/// All outputs.
pub(super) fn outputs(
    file: &ast::File,
    globals: &mut Globals,
    pipeline: &ir::Pipeline,
    found: &mut Diagnostics,
) -> Vec<ir::Output> {
    let mut outputs: Vec<ir::Output> = vec![];
    for declaration in &file.declarations {
        let DeclarationKind::Output(output) = &declaration.kind else { continue };
        let (connector, arguments) = connector(&output.connector, Side::Sink, globals, found);
        let from = globals.input(&output.from, found);
        let (Some(connector), Some(from)) = (connector, from) else { continue };
        let (folders, at) = folders::folders(output, from, globals, found);
        if let (Some(at), ir::Input::Job(job)) = (at, from)
            && let Some(split) =
                pipeline.jobs.get(job.0 as usize).and_then(|job| job.partition.as_ref())
        {
            found.push(graph::split_twice(at, split.span));
        }
        if let Some(row) = globals.row_of(from) {
            check_columns(connector, &in_files(&row, &folders), output, found);
            let columns = connect_columns(&row);
            check_options(connector, Side::Sink, &arguments, &columns, globals, found);
        }
        let (mode, at) = output_mode(output, from, globals, found);
        if let Some(mode) = &mode {
            incremental::check_output(
                (&output.name.text, from, mode, !folders.is_empty()),
                at,
                pipeline,
                found,
            );
        }
        outputs.push(ir::Output {
            name: output.name.text.clone(),
            connector: connector.name,
            arguments,
            from,
            mode: mode.unwrap_or_default(),
            folders,
            about: about(&output.settings, globals, found),
            span: output.connector.span,
        });
    }
    check_targets(&outputs, pipeline, globals, found);
    outputs
}

/// The row without columns that are names of folders.
fn in_files<'r>(row: &'r Row, folders: &[ir::Folder]) -> Cow<'r, Row> {
    if folders.is_empty() {
        return Cow::Borrowed(row);
    }
    let is_named = |at: usize| folders.iter().any(|folder| folder.column == Some(at));
    let columns = row.columns.iter().enumerate().filter(|(at, _)| !is_named(*at));
    let columns = columns.map(|(_, column)| column.clone()).collect();
    Cow::Owned(Row { columns, broken: row.broken, ..Row::default() })
}

/// What each format can hold.
fn check_columns(connector: &Connector, row: &Row, output: &ast::Output, found: &mut Diagnostics) {
    if row.broken {
        return;
    }
    if connector.name == "text" {
        let fits = row.columns.len() == 1 && row.columns[0].ty.data == DataType::String;
        if !fits && let Some(column) = row.columns.get(0) {
            let names = row.columns.iter().take(3).map(|column| format!("{{{}}}", column.name));
            let names = names.collect::<Vec<_>>().join(" ");
            let help = format!("make one text of a row in the job: `select line = \"{names}\"`");
            let ty = if row.columns.len() > 1 {
                format!("one of {} columns", row.columns.len())
            } else {
                format!("`{}`", column.ty)
            };
            let span = output.connector.span;
            found.push(graph::cannot_hold("text", &column.name, &ty, span, &help));
        }
    }
}

/// Two outputs to one place, and outputs over what is read. Paths with parameters are compared by
/// their defaults, and all as they are spelled: where they lead is looked at before a run.
fn check_targets(
    outputs: &[ir::Output],
    pipeline: &ir::Pipeline,
    globals: &Globals,
    found: &mut Diagnostics,
) {
    let text = Path::new(&globals.files.get(FileId(0)).path).file_name();
    let defaults: Vec<Option<Scalar>> =
        pipeline.params.iter().map(|param| param.default.clone()).collect();
    let path_of = |arguments: &[(String, Expr)]| -> Vec<String> {
        let path = arguments.iter().find(|(name, _)| name == "path");
        match path.and_then(|(_, value)| constant(value, &defaults).ok()) {
            Some(Scalar::String(path)) if !path.is_empty() => vec![normal(&path)],
            Some(Scalar::List(paths)) => paths
                .iter()
                .filter_map(|path| match path {
                    Scalar::String(path) => Some(normal(path)),
                    _ => None,
                })
                .collect(),
            _ => vec![],
        }
    };
    let mut written: BTreeMap<String, Span> = BTreeMap::new();
    for output in outputs {
        for path in path_of(&output.arguments) {
            if text == Some(OsStr::new(&path)) {
                found.push(graph::writes_pipeline(&path, output.span));
            }
            if path == STATE || is_inside(&path, STATE) {
                found.push(graph::writes_state(&path, output.span));
            }
            if let Some((first, span)) = met(&written, &path) {
                let (second, first) = ((path.as_str(), output.span), (first, span));
                found.push(match second.0.len().cmp(&first.0.len()) {
                    Ordering::Equal => graph::same_target(second, first),
                    Ordering::Greater => graph::target_inside(second, first),
                    Ordering::Less => graph::target_inside(first, second),
                });
            } else {
                written.insert(path, output.span);
            }
        }
    }
    for source in &pipeline.sources {
        for path in path_of(&source.arguments) {
            let matches = connect::matcher(&path);
            let is_read =
                |(target, _): &(&String, &Span)| matches(target) || is_inside(&path, target);
            let first = written.iter().filter(is_read).min_by_key(|(_, output)| **output);
            if let Some((target, output)) = first {
                found.push(graph::writes_input(target, *output, source.span));
            }
        }
    }
}

/// The first of what is written that is the same as a path, around it or inside.
fn met<'w>(written: &'w BTreeMap<String, Span>, path: &str) -> Option<(&'w str, Span)> {
    let folder = format!("{path}/");
    let around = path.match_indices('/').map(|(end, _)| &path[..end]);
    let known = around.chain([path]).filter_map(|path| written.get_key_value(path));
    let inside = written.range(folder.clone()..).take_while(|(path, _)| path.starts_with(&folder));
    let first = known.chain(inside).min_by_key(|(_, output)| **output);
    first.map(|(path, output)| (path.as_str(), *output))
}

/// Is the path one of something in this folder?
fn is_inside(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// A path without `./` and doubled slashes, so that the same place has one spelling.
fn normal(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = vec![];
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("{}{}", if rooted { "/" } else { "" }, parts.join("/"))
}
