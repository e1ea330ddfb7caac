//! What a name means in an expression: a variable, a column, a parameter, a member of an enum, a
//! field; and what is said of one that means nothing.

use super::{Place, Root, Scope, bad, literal};
use crate::check::names::{Kind, Meaning};
use crate::diagnostics::{functions, names};
use crate::ir::{Expr, ExprKind, RunValue};
use crate::syntax::ast::{self, ExprKind as A};
use crate::text::Span;
use crate::types::{DataType, Scalar, Type};

impl Scope<'_, '_> {
    pub(super) fn name(&mut self, name: &str, span: Span, expected: Option<&DataType>) -> Expr {
        if let Some(variable) = self.slots.iter().rev().find(|variable| variable.name == name) {
            let kind = ExprKind::Slot(variable.slot);
            let value = self.as_known(Expr { kind, ty: variable.ty.clone(), span });
            self.globals.names().value(Kind::Variable, variable.at, &value);
            return value;
        }
        if let Some((_, value)) = self.values.iter().find(|(parameter, _)| parameter == name) {
            return self.as_known(Expr { span, ..value.clone() });
        }
        if self.group.is_some()
            && let Some(value) = self.group_name(name, span)
        {
            return value;
        }
        if self.group.is_none()
            && let Some(at) = self.row.and_then(|row| row.find(name))
        {
            self.warn_hidden(name, span);
            let value = self.column(at, span);
            let origin = self.row.map_or(span, |row| row.columns[at].origin);
            self.globals.names().value(Kind::Column, origin, &value);
            return value;
        }
        if let Some(at) = self.parameter(name, span) {
            let param = &self.globals.params[at];
            let kind = ExprKind::Param(crate::ir::ParamId(at as u32));
            let value = self.as_known(Expr { kind, ty: param.ty.clone(), span });
            self.globals.names().value(Kind::Param, param.span, &value);
            return value;
        }
        if let Some(value) = self.member(name, span, expected) {
            return value;
        }
        self.unknown_name(name, span, expected);
        bad(span)
    }

    /// A parameter of the pipeline, which a module does not see.
    fn parameter(&self, name: &str, span: Span) -> Option<usize> {
        let is_it = |param: &crate::ir::Param| param.name == name && param.span.file == span.file;
        self.globals.params.iter().position(is_it)
    }

    /// A column of the row, as it is known to be here.
    pub(in crate::check) fn column(&self, at: usize, span: Span) -> Expr {
        let row = self.row.expect("a column is found in a row");
        let ty = row.columns[at].ty.clone();
        self.as_known(Expr { kind: ExprKind::Column(at), ty, span })
    }

    /// The value, not null where that has been asked before.
    fn as_known(&self, mut value: Expr) -> Expr {
        if value.ty.nullable && !self.narrowed.is_empty() {
            let place = Place::of(&value);
            value.ty.nullable = !place.is_some_and(|place| self.narrowed.contains(&place));
        }
        value
    }

    /// How a place is written, its type, and where its column or variable comes from.
    pub(super) fn described(&self, place: &Place) -> Option<(String, Type, Span)> {
        let (name, ty, since) = match place.root {
            // In a group it is a key, or an aggregate, which has no name.
            Root::Column(at) => match &self.group {
                Some(group) => group.keys.get(at).map(|(name, ty, since)| (&**name, ty, *since))?,
                None => {
                    let column = self.row?.columns.get(at)?;
                    (&*column.name, &column.ty, column.origin)
                }
            },
            Root::Param(crate::ir::ParamId(at)) => {
                let param = &self.globals.params[at as usize];
                (param.name.as_str(), &param.ty, param.span)
            }
            Root::Variable(slot) => {
                let variable = self.slots.iter().find(|variable| variable.slot == slot)?;
                (variable.name.as_str(), &variable.ty, variable.at)
            }
        };
        let (mut name, mut ty) = (name.to_owned(), ty.clone());
        for &at in &place.fields {
            let DataType::Record(fields) = ty.data else { return None };
            let field = &fields[at];
            name = format!("{name}.{}", field.name);
            ty = field.ty.with_nullable(field.ty.nullable || ty.nullable);
        }
        Some((name, ty, since))
    }

    fn group_name(&mut self, name: &str, span: Span) -> Option<Expr> {
        let group = self.group.as_ref().expect("asked only within a group");
        if let Some(at) = group.keys.iter().position(|(key, ..)| &**key == name) {
            let (_, ty, origin) = &group.keys[at];
            let value = self.as_known(Expr { kind: ExprKind::Column(at), ty: ty.clone(), span });
            self.globals.names().value(Kind::Column, *origin, &value);
            return Some(value);
        }
        self.row?.find(name)?;
        self.found.push(match group.is_rule {
            true => functions::not_of_all_rows(name, span, group.span),
            false => functions::not_aggregated(name, span, group.span, &group.keys_text),
        });
        Some(bad(span))
    }

    /// A column is meant before a parameter of the same name: said once, since it can surprise.
    fn warn_hidden(&mut self, name: &str, span: Span) {
        let Some(at) = self.parameter(name, span) else {
            return;
        };
        self.globals.seen.borrow_mut().is_more = true;
        if self.globals.hidden.insert(at) {
            self.found.push(names::hidden_parameter(name, span, self.globals.params[at].span));
        }
    }

    fn unknown_name(&mut self, name: &str, span: Span, expected: Option<&DataType>) {
        if self.globals.later.contains_key(name) {
            return;
        }
        // It may be a member of an enum that did not parse.
        if expected.is_some_and(DataType::is_unknown) && !self.globals.later.is_empty() {
            return;
        }
        if self.globals.secrets.contains_key(name) {
            self.found.push(names::secret_value(name, span));
            return;
        }
        if let Some(DataType::Enum(declared)) = expected
            && self.is_member_meant(name, declared)
        {
            let members: Vec<&str> = declared.members.iter().map(|member| &*member.name).collect();
            self.found.push(names::no_member(&declared.name, name, span, &members));
            return;
        }
        let Some(row) = self.row else {
            let own: Vec<&str> = self.slots.iter().map(|one| one.name.as_str()).collect();
            let params = self.globals.params.iter().map(|param| param.name.as_str());
            let near: Vec<&str> = own.iter().copied().chain(params).collect();
            self.found.push(names::no_name(name, span, &own, &near));
            return;
        };
        if row.broken {
            return;
        }
        if let Some(right) = &self.right
            && right.row.find(name).is_some()
        {
            self.found.push(names::of_the_right_side(name, span, self.table.0, right.name));
            return;
        }
        if let Some(found) = names::foreign_value(name, span) {
            self.found.push(found);
            return;
        }
        if let Some(dropped) = self.dropped.and_then(|dropped| dropped.get(name)) {
            self.found.push(names::dropped_column(name, span, *dropped));
            return;
        }
        let of_block = self.group.as_ref().map(|group| ("group", &group.names));
        let of_block = of_block.or(self.window.as_ref().map(|window| ("window", &window.names)));
        if let Some((step, _)) = of_block.filter(|(_, names)| names.iter().any(|one| one == name)) {
            self.found.push(names::value_of_block(name, span, step));
            return;
        }
        let columns: Vec<&str> = row.columns.iter().map(|column| &*column.name).collect();
        let members = self.globals.enums.values().flat_map(|(declared, _)| &declared.members);
        let others: Vec<&str> = self
            .globals
            .params
            .iter()
            .map(|param| param.name.as_str())
            .chain(members.map(|member| &*member.name))
            .chain(self.slots.iter().map(|variable| variable.name.as_str()))
            .collect();
        let column_near = crate::diagnostics::nearest(name, columns.iter().copied());
        let other_near = crate::diagnostics::nearest(name, others.iter().copied());
        if column_near.is_none() && other_near.is_some() {
            self.found.push(names::no_name(name, span, &[], &others));
        } else {
            self.found.push(names::no_column(name, span, self.table, &columns));
        }
    }

    pub(super) fn field(&mut self, base: &ast::Expr, name: &ast::Name, span: Span) -> Expr {
        if let A::Name(text) = &base.kind
            && let Some(value) = self.qualified((text, base.span), name, span)
        {
            return value;
        }
        let value = super::convert::open_part(self.check(base, None));
        match &value.ty.data {
            DataType::Record(fields) => {
                match fields.iter().position(|field| *field.name == *name.text) {
                    Some(at) => {
                        let ty = Some(&fields[at].ty);
                        self.globals.names().note(name.span, Meaning::Field, ty);
                        let nullable = value.ty.nullable || fields[at].ty.nullable;
                        let ty = fields[at].ty.with_nullable(nullable);
                        self.as_known(Expr { kind: ExprKind::Field(Box::new(value), at), ty, span })
                    }
                    None => {
                        let all: Vec<&str> = fields.iter().map(|field| &*field.name).collect();
                        let ty = value.ty.to_string();
                        self.found.push(names::no_field(&name.text, name.span, &ty, &all));
                        bad(span)
                    }
                }
            }
            DataType::Unknown => bad(span),
            _ => {
                let ty = value.ty.to_string();
                let found = names::no_field(&name.text, name.span, &ty, &[]);
                // `day.year` of other languages
                let registry = self.globals.registry;
                let is_function = !registry.overloads(&name.text).is_empty()
                    && !registry.is_aggregate(&name.text);
                self.found.push(match is_function {
                    _ if matches!(value.ty.data, DataType::Json | DataType::Map(..)) => {
                        let written = format!("{}[\"{}\"]", self.text(base.span), name.text);
                        found.perhaps(span, written)
                    }
                    true => {
                        let written = format!("{}({})", name.text, self.text(base.span));
                        found.perhaps(span, written)
                    }
                    false => found,
                });
                bad(span)
            }
        }
    }

    /// The column of what names one of another table: `customers.id`.
    pub(super) fn column_of_table<'e>(&self, expr: &'e ast::Expr) -> Option<&'e str> {
        let A::Field(base, column) = &expr.kind else { return None };
        let A::Name(table) = &base.kind else { return None };
        let is_known = table == "run"
            || self.row.is_none_or(|row| row.broken || row.find(table).is_some())
            || self.right.as_ref().is_some_and(|right| right.name == table)
            || self.slots.iter().any(|variable| variable.name == *table)
            || self.values.iter().any(|(name, _)| name == table)
            || self.globals.params.iter().any(|param| param.name == *table)
            || self.globals.enums.contains_key(table.as_str());
        (!is_known).then_some(&column.text)
    }

    /// `right.column`, `run.time`, `Level.ERROR`: where the first name is no column.
    fn qualified(
        &mut self,
        (base, at): (&str, Span),
        name: &ast::Name,
        span: Span,
    ) -> Option<Expr> {
        if self.row.is_some_and(|row| row.find(base).is_some()) {
            return None;
        }
        if let Some(right) = &self.right
            && right.name == base
        {
            self.globals.names().again(at, right.at);
            let offset = self.row.map_or(0, |row| row.columns.len());
            if let Some(at) = right.row.find(&name.text) {
                self.globals.names().column(name.span, &right.row.columns[at]);
                let ty = right.row.columns[at].ty.clone();
                return Some(Expr { kind: ExprKind::Column(offset + at), ty, span });
            }
            if !right.row.broken {
                let columns: Vec<&str> =
                    right.row.columns.iter().map(|column| &*column.name).collect();
                let table = (base, right.at);
                let found = names::no_column_there(&name.text, name.span, table, &columns);
                self.found.push(found);
            }
            return Some(bad(span));
        }
        if base == "run" {
            return Some(self.run_value(name, span));
        }
        let Some((declared, place)) = self.globals.enums.get(base) else {
            let is_value = self.slots.iter().any(|variable| variable.name == base)
                || self.globals.params.iter().any(|param| param.name == base);
            if is_value || self.row.is_none_or(|row| row.find(&name.text).is_none()) {
                return None;
            }
            self.found.push(names::table_before_column(base, span, &name.text));
            return Some(bad(span));
        };
        let (declared, place) = (declared.clone(), *place);
        self.globals.mean(base, span, place, self.found);
        self.globals.names().declared(at, Kind::Enum, place);
        if let Some(at) = declared.by_name(&name.text) {
            let meaning = Meaning::Member(declared.name.clone(), at);
            self.globals.names().note(name.span, meaning, None);
            let ty = DataType::Enum(declared);
            return Some(literal(Scalar::Enum(at as i32), ty, span));
        }
        let members: Vec<&str> = declared.members.iter().map(|member| &*member.name).collect();
        self.found.push(names::no_member(base, &name.text, name.span, &members));
        Some(bad(span))
    }

    fn run_value(&mut self, name: &ast::Name, span: Span) -> Expr {
        let (value, data) = match name.text.as_str() {
            "time" => (RunValue::Time, DataType::Timestamp),
            "date" => (RunValue::Date, DataType::Date),
            "id" => (RunValue::Id, DataType::String),
            other => {
                self.found.push(names::no_field(other, name.span, "run", &["time", "date", "id"]));
                return bad(span);
            }
        };
        let ty = data.required();
        self.globals.names().note(name.span, Meaning::Field, Some(&ty));
        Expr { kind: ExprKind::Run(value), ty, span }
    }
}
