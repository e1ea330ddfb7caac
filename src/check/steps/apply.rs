//! `apply`: the steps of a `transform` in the place where it is applied.
//!
//! A transform is checked once by itself, over the columns that it declares. Where it is applied its
//! steps are checked again over the whole row, in which all other columns have names that nobody can
//! write: so its steps keep them and cannot mean them.

use super::JobChecker;
use crate::check::exprs::Scope;
use crate::check::globals::{Globals, TransformState};
use crate::check::graph::tables_of;
use crate::check::names::Kind;
use crate::check::types::resolve_type;
use crate::data::arrow_type;
use crate::diagnostics::{
    Code, Diagnostics, Severity, arguments, functions, graph, names, transforms,
};
use crate::ir::{Column, Expr, ExprKind, Row};
use crate::syntax::ast::{self, DeclarationKind, TypeExprKind};
use crate::text::Span;
use crate::types::{Type, widens};
use std::collections::HashMap;
use std::sync::Arc;

/// Checks the transforms that nothing applies.
pub(in crate::check) fn check_unapplied(
    file: &ast::File,
    globals: &mut Globals,
    found: &mut Diagnostics,
) {
    for declaration in &file.declarations {
        if let DeclarationKind::Transform(transform) = &declaration.kind {
            check(&transform.name.text, globals, found);
        }
    }
}

/// Checks a transform by itself, if that has not been done.
fn check(name: &str, globals: &mut Globals, found: &mut Diagnostics) -> TransformState {
    let Some(transform) = globals.transforms.get_mut(name) else { return TransformState::Broken };
    if transform.state != TransformState::Unchecked {
        return transform.state;
    }
    transform.state = TransformState::Checking;
    let declaration = transform.declaration;
    let before = found.count(Severity::Error);
    declared(declaration, globals, found);
    let state = match found.count(Severity::Error) > before {
        true => TransformState::Broken,
        false => TransformState::Checked,
    };
    if let Some(transform) = globals.transforms.get_mut(name) {
        transform.state = state;
    }
    state
}

fn declared(transform: &ast::Transform, globals: &mut Globals, found: &mut Diagnostics) {
    for setting in &transform.settings {
        let help = "put it into the job that applies the transform";
        found.push(graph::bad_setting(setting.span, "this is not a setting of a transform", help));
    }
    let Some((fields, _)) = table_of(transform) else {
        found.push(transforms::no_table(&transform.name.text, transform.name.span));
        return;
    };
    let columns = fields.iter().map(|(name, ty)| Column {
        name: name.text.as_str().into(),
        ty: resolve_type(ty, globals, found),
        origin: name.span,
        domain: None,
    });
    // Where it is applied the rows may have an order.
    let row = Row { columns: columns.collect(), order: vec![Row::HIDDEN], ..Row::default() };
    let mut values = vec![];
    for parameter in transform.parameters.iter().skip(1) {
        let ty = resolve_type(&parameter.ty, globals, found);
        if let Some(default) = &parameter.default {
            Scope::constant(globals, found).check_as(default, &ty, "the default");
        }
        let (kind, span) = (ExprKind::Slot(globals.new_slot()), parameter.name.span);
        values.push((parameter.name.text.clone(), Expr { kind, ty, span }));
    }
    let mut quarantines = vec![];
    let mut checker = JobChecker {
        globals,
        found,
        quarantines: &mut quarantines,
        name: &transform.name,
        null_on_error: None,
        may_lose_rows: false,
        row: Arc::new(row),
        dropped: HashMap::new(),
        steps: vec![],
        values: Some(values),
    };
    checker.body(transform);
}

/// The columns that the table of a transform has to have, and whether it may have others.
fn table_of(transform: &ast::Transform) -> Option<(&[(ast::Name, ast::TypeExpr)], bool)> {
    match &transform.parameters.first()?.ty.kind {
        TypeExprKind::Record(fields, is_open) => Some((fields, *is_open)),
        _ => None,
    }
}

impl JobChecker<'_, '_> {
    pub(super) fn apply(
        &mut self,
        path: &[ast::Name],
        arguments: &[ast::Argument],
        statement: &ast::Statement,
    ) {
        let (name, span) = (&path[path.len() - 1], statement.span);
        let Some(transform) = self.globals.transforms.get(&name.text) else {
            if !self.globals.later.contains_key(&name.text) {
                let mut all: Vec<&str> =
                    self.globals.transforms.keys().map(String::as_str).collect();
                all.sort_unstable();
                self.found.push(transforms::none_called(&name.text, name.span, &all));
            }
            return self.give_up();
        };
        let transform = transform.declaration;
        self.globals.mean(&name.text, name.span, transform.name.span, self.found);
        self.globals.names().declared(name.span, Kind::Transform, transform.name.span);
        match check(&name.text, self.globals, self.found) {
            TransformState::Checked => {}
            TransformState::Checking => {
                self.found.push(functions::recursive(&name.text, name.span, transform.name.span));
                return self.give_up();
            }
            TransformState::Unchecked | TransformState::Broken => return self.give_up(),
        }
        let values = self.arguments(transform, arguments, name);
        let row = self.given(transform, name);
        match (values, row) {
            (Some(values), Some(row)) if !self.row.broken => {
                self.steps_of(transform, values, row, (name, span));
            }
            _ => self.give_up(),
        }
    }

    /// The values of the parameters behind the table.
    fn arguments(
        &mut self,
        transform: &ast::Transform,
        arguments: &[ast::Argument],
        name: &ast::Name,
    ) -> Option<Vec<(String, Expr)>> {
        let parameters = &transform.parameters[1..];
        let mut given: Vec<Option<Expr>> = parameters.iter().map(|_| None).collect();
        let mut is_right = true;
        for (position, argument) in arguments.iter().enumerate() {
            let at = match &argument.name {
                None => Some(position).filter(|at| *at < parameters.len()),
                Some(label) => {
                    parameters.iter().position(|parameter| parameter.name.text == label.text)
                }
            };
            let Some(at) = at else {
                is_right = false;
                if let Some(label) = &argument.name {
                    let all: Vec<String> =
                        parameters.iter().map(|parameter| parameter.name.text.clone()).collect();
                    let found = arguments::no_parameter(&name.text, &label.text, label.span, &all);
                    self.found.push(found);
                } else {
                    self.found.push(transforms::too_many(
                        &name.text,
                        argument.value.span,
                        parameters.len(),
                    ));
                }
                continue;
            };
            let ty = resolve_type(&parameters[at].ty, self.globals, self.found);
            let what = format!("`{}`", parameters[at].name.text);
            let mut scope = self.scope();
            // It is the same for all rows.
            scope.row = None;
            given[at] = Some(scope.check_as(&argument.value, &ty, &what));
        }
        let mut values = vec![];
        for (parameter, value) in parameters.iter().zip(given) {
            let value = match (value, &parameter.default) {
                (Some(value), _) => value,
                (None, Some(default)) => {
                    let ty = resolve_type(&parameter.ty, self.globals, self.found);
                    Scope::constant(self.globals, self.found).check_as(default, &ty, "the default")
                }
                (None, None) => {
                    if is_right {
                        let missing = &parameter.name.text;
                        self.found.push(transforms::missing_value(&name.text, missing, name.span));
                    }
                    return None;
                }
            };
            is_right &= !value.ty.is_unknown();
            values.push((parameter.name.text.clone(), value));
        }
        is_right.then_some(values)
    }

    /// The row as the steps of the transform see it, if it has what they need.
    fn given(&mut self, transform: &ast::Transform, name: &ast::Name) -> Option<Row> {
        let (fields, is_open) = table_of(transform)?;
        let mut declared: HashMap<&str, Type> = HashMap::new();
        let mut is_right = true;
        for (field, ty) in fields {
            let wanted = resolve_type(ty, self.globals, self.found);
            declared.insert(&field.text, wanted.clone());
            let Some(at) = self.row.find(&field.text) else {
                if !self.row.broken {
                    let all: Vec<&str> =
                        self.row.columns.iter().map(|column| &*column.name).collect();
                    self.found.push(transforms::lacks_column(
                        (&name.text, name.span),
                        (&field.text, &wanted, field.span),
                        &all,
                    ));
                }
                is_right = false;
                continue;
            };
            let column = &self.row.columns[at];
            // It is taken as it is, not converted: what is never null is where it may be.
            let fits = widens(&column.ty, &wanted)
                && arrow_type(&column.ty.data) == arrow_type(&wanted.data);
            if !fits && !column.ty.is_unknown() && !wanted.is_unknown() {
                self.found.push(transforms::other_type(
                    (&name.text, name.span),
                    (&field.text, &wanted, field.span),
                    &column.ty,
                ));
            }
            is_right &= fits;
        }
        let other = self.row.columns.iter().find(|column| !declared.contains_key(&*column.name));
        if let Some(other) = other.filter(|_| !is_open && !self.row.broken) {
            let fields: Vec<&str> = fields.iter().map(|(field, _)| field.text.as_str()).collect();
            self.found.push(transforms::further_column(
                &name.text,
                name.span,
                &other.name,
                &fields,
            ));
            return None;
        }
        let seen = |column: &Column| match declared.get(&*column.name) {
            Some(ty) => Column { ty: ty.clone(), domain: None, ..column.clone() },
            None => Column {
                name: format!("{}{}", Column::HIDDEN, column.name).into(),
                ..column.clone()
            },
        };
        let columns = self.row.columns.iter().map(seen).collect();
        is_right.then(|| Row { columns, ..(*self.row).clone() })
    }

    /// Adds the steps of the transform.
    fn steps_of(
        &mut self,
        transform: &ast::Transform,
        values: Vec<(String, Expr)>,
        row: Row,
        (name, span): (&ast::Name, Span),
    ) {
        let first = self.steps.len();
        let outside = std::mem::take(self.found);
        let dropped = std::mem::take(&mut self.dropped);
        let values = self.values.replace(values);
        self.row = Arc::new(row);
        self.body(transform);
        self.values = values;
        self.dropped = dropped;
        let mut inside = std::mem::replace(self.found, outside);
        for step in &mut self.steps[first..] {
            step.row = Arc::new(with_names(&step.row));
        }
        let row = with_names(&self.row);
        let mistake = inside.iter().find(|found| found.severity == Severity::Error);
        if let Some(mistake) = mistake {
            let message = mistake.message.replace(Column::HIDDEN, "");
            self.found.push(transforms::fails_here(
                &name.text,
                name.span,
                &message,
                mistake.span(),
            ));
            return self.give_up();
        }
        // What is only doubtful was said of the transform itself, which knows of no order of the rows.
        inside.retain(|found| found.code == Code::W0404);
        self.found.extend(inside);
        let mut seen: HashMap<&str, Span> = HashMap::new();
        for column in row.columns.iter() {
            if let Some(first) = seen.insert(&column.name, column.origin) {
                self.found.push(names::column_twice(&column.name, span, first));
                return self.give_up();
            }
        }
        self.row = Arc::new(row);
    }

    /// The steps of a transform over the row as it is now.
    fn body(&mut self, transform: &ast::Transform) {
        let table = &transform.parameters[0].name;
        let mut steps = transform.steps.iter();
        match steps.next().map(|first| (&first.step, first.verb)) {
            Some((ast::Step::From(path), _)) if path.len() == 1 && path[0].text == table.text => {}
            Some((ast::Step::From(path), _)) => {
                self.found.push(transforms::from_what(path[0].span, &table.text));
            }
            Some((ast::Step::Bad, _)) => {}
            Some((_, verb)) => self.found.push(transforms::from_what(verb, &table.text)),
            None => self.found.push(transforms::from_what(transform.name.span, &table.text)),
        }
        for statement in steps {
            self.step(statement);
        }
    }

    /// Says so where a step of a transform reads another table, or ends in several.
    pub(super) fn leaves_the_table(&mut self, statement: &ast::Statement) -> bool {
        if matches!(statement.step, ast::Step::From(_)) {
            return false;
        }
        if let Some(table) = tables_of(statement).first() {
            self.found.push(transforms::other_table(table[0].span, &table[0].text));
            return true;
        }
        let ends = !statement.step.branches().is_empty();
        if ends {
            let word = self.text(statement.verb);
            self.found.push(transforms::ends_in_branches(statement.verb, &word));
        }
        ends
    }
}

/// The row with the names that its columns had before.
fn with_names(row: &Row) -> Row {
    let mut row = row.clone();
    for at in 0..row.columns.len() {
        let column = &row.columns[at];
        if let Some(name) = column.name.strip_prefix(Column::HIDDEN) {
            let column = Column { name: name.into(), ..column.clone() };
            row.columns.replace(at, column);
        }
    }
    row
}
