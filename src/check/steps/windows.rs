//! `window` and `sessionize`: columns that are computed over the neighbours of each row.

use super::JobChecker;
use super::columns::NewColumn;
use super::groups::given_names;
use crate::check::constants;
use crate::check::exprs::values::of_window;
use crate::check::exprs::{FrameKnown, WindowScope};
use crate::diagnostics::{names, windows};
use crate::ir::{
    Column, Distance, Expr, ExprKind, Frame, Key, Row, SortKey, StepKind, Window, WindowCall,
    WindowValue,
};
use crate::syntax::ast::{self, FrameUnit};
use crate::text::Span;
use crate::types::{DECIMAL_DIGITS_MAX, DataType, MICROS_PER_DAY, Scalar};
use std::collections::HashMap;
use std::sync::Arc;

impl JobChecker<'_, '_> {
    pub(super) fn window(&mut self, window: &ast::Window, statement: &ast::Statement) {
        let span = statement.span;
        let keys = self.keys(&window.keys, "a key");
        let sort = self.sort_keys(&window.sort);
        let mut broken = keys.len() < window.keys.len() || sort.len() < window.sort.len();
        let keys_text: Vec<String> = window.keys.iter().map(|key| self.text(key.span)).collect();
        let keys_text = keys_text.join(", ");
        let (frame, known) = self.frame(window, &sort, &keys_text);
        let mut scope = self.scope();
        scope.window = Some(WindowScope {
            calls: vec![],
            width: scope.row.map_or(0, |row| row.columns.len()),
            frame: known,
            sort: window.sort_span,
            sorted_by: match &sort[..] {
                [key] => Some(key.value.ty.data.clone()),
                _ => None,
            },
            keys_text,
            names: given_names(&window.values),
        });
        let mut first: HashMap<String, Span> = HashMap::new();
        let mut values: Vec<NewColumn> = vec![];
        for assignment in &window.values {
            let Some((name, at)) = scope.named(assignment) else {
                broken = true;
                continue;
            };
            let value = scope.check(&assignment.value, None);
            if let Some(name) = &assignment.name {
                scope.globals.names().new_column(name.span, &value.ty);
            }
            if let Some(column) = scope.row.and_then(|row| row.columns.get(row.find(&name)?)) {
                scope.found.push(windows::column_exists("window", &name, at, column.origin));
                continue;
            }
            if let Some(first) = first.insert(name.clone(), at) {
                scope.found.push(names::column_twice(&name, at, first));
                continue;
            }
            broken |= value.ty.is_unknown();
            values.push((name.as_str().into(), value, at));
        }
        let calls = scope.window.take().expect("it was put in above").calls;
        let keys = keys.into_iter().map(|(_, key, _)| key).collect();
        self.push_window(Window { keys, sort, frame, calls }, values, broken, span);
    }

    /// The calls, then, where a value is more than one call, a projection over them.
    fn push_window(
        &mut self,
        mut window: Window,
        values: Vec<NewColumn>,
        broken: bool,
        span: Span,
    ) {
        let width = self.row.columns.len();
        let is_call = |(at, value): (usize, &NewColumn)| matches!(value.1.kind, ExprKind::Column(column) if column == width + at);
        let plain = values.len() == window.calls.len() && values.iter().enumerate().all(is_call);
        let mut row = Row { broken, ..(*self.row).clone() };
        for (at, call) in window.calls.iter_mut().enumerate() {
            match values.get(at).filter(|_| plain) {
                Some((name, ..)) => call.name = name.clone(),
                // A name that no column has.
                None => call.name = format!("{}()", call.name).into(),
            }
            let origin = values.get(at).filter(|_| plain).map_or(call.span, |value| value.2);
            let (name, ty) = (call.name.clone(), call.ty.clone());
            let domain = match call.value {
                WindowValue::Call(function) => of_window(function, call.span),
                WindowValue::Session { .. } => None,
            };
            row.columns.push(Column { name, ty, origin, domain });
        }
        row.keys.extend(key_of_numbers(&window, width));
        self.push(StepKind::Window(Box::new(window)), row, span);
        if !plain {
            let mut columns = self.unchanged();
            columns.truncate(width);
            for (name, value, at) in values {
                let value = self.concrete(value);
                columns.push((name, value, at));
            }
            self.project(columns, span);
        }
    }

    /// The frame, and what is known of it.
    fn frame(
        &mut self,
        window: &ast::Window,
        sort: &[SortKey],
        keys_text: &str,
    ) -> (Frame, FrameKnown) {
        let Some(written) = &window.frame else {
            let known = match window.sort_span {
                Some(_) => FrameKnown::Missing,
                None => FrameKnown::HoldsRow,
            };
            return (Frame::Whole, known);
        };
        if written.from.is_none() && written.to.is_none() {
            return (Frame::Whole, FrameKnown::HoldsRow);
        }
        let Some(sort_span) = window.sort_span else {
            self.found.push(windows::frame_without_order(written.span, keys_text));
            return (Frame::Whole, FrameKnown::Bad);
        };
        if sort.len() < window.sort.len() {
            return (Frame::Whole, FrameKnown::Bad);
        }
        let mut end = |end: &Option<ast::Expr>| match (end, written.unit) {
            (None, _) => Some(None),
            (Some(end), FrameUnit::Rows) => self.count_of_rows(end, written.span).map(Some),
            (Some(end), FrameUnit::Range) => {
                self.distance(end, sort, written.span, sort_span).map(Some)
            }
        };
        let (Some(from), Some(to)) = (end(&written.from), end(&written.to)) else {
            return (Frame::Whole, FrameKnown::Bad);
        };
        let size = |end: &Option<Distance>| end.as_ref().map(|end| self.size(end));
        let (first, last) = (size(&from), size(&to));
        if let (Some(Some(first)), Some(Some(last))) = (&first, &last)
            && first.0 == last.0
            && first.1 > last.1
        {
            let text = |end: &Option<ast::Expr>| end.as_ref().map(|end| self.text(end.span));
            let unit = if written.unit == FrameUnit::Rows { "rows" } else { "range" };
            let turned = format!(
                "{unit} {}..{}",
                text(&written.to).unwrap_or_default(),
                text(&written.from).unwrap_or_default()
            );
            self.found.push(windows::ends_before_it_begins(written.span, &turned));
            return (Frame::Whole, FrameKnown::Bad);
        }
        // Of what is not known before the run, anything may be the case.
        let begins = first.is_none_or(|first| first.is_some_and(|(_, size)| size <= 0.0));
        let ends = last.is_none_or(|last| last.is_some_and(|(_, size)| size >= 0.0));
        let known = if begins && ends { FrameKnown::HoldsRow } else { FrameKnown::MayBeEmpty };
        (frame_of(written.unit, from, to), known)
    }

    /// The end of a frame of rows.
    fn count_of_rows(&mut self, end: &ast::Expr, frame: Span) -> Option<Distance> {
        let plain = without_sign(end);
        if matches!(plain.kind, ast::ExprKind::Duration(_) | ast::ExprKind::Months(_)) {
            let written = self.text(frame);
            self.found.push(windows::rows_are_counted(end.span, &written));
            return None;
        }
        self.end_as(end, &DataType::Int)
    }

    /// The end of a frame by distance from the sort key.
    fn distance(
        &mut self,
        end: &ast::Expr,
        sort: &[SortKey],
        frame: Span,
        sort_span: Span,
    ) -> Option<Distance> {
        if matches!(without_sign(end).kind, ast::ExprKind::Int(Some(0))) {
            return self.end_as(end, &DataType::Int);
        }
        let [key] = sort else {
            self.found.push(windows::range_of_several_keys(frame, sort_span, sort.len()));
            return None;
        };
        let place = key.value.span;
        let ty = match &key.value.ty.data.opened() {
            DataType::Decimal { scale, .. } => {
                DataType::Decimal { precision: DECIMAL_DIGITS_MAX, scale: *scale }
            }
            number @ (DataType::Int | DataType::Float) => number.clone(),
            DataType::Date | DataType::Datetime | DataType::Timestamp | DataType::Duration => {
                DataType::Duration
            }
            _ => {
                self.found.push(windows::no_distance(frame, place, &key.value.ty));
                return None;
            }
        };
        if ty == DataType::Duration && matches!(without_sign(end).kind, ast::ExprKind::Int(_)) {
            let written = self.text(end.span);
            let found = windows::distance_without_unit(end.span, place, &key.value.ty, &written);
            self.found.push(found);
            return None;
        }
        if let ast::ExprKind::Months(months) = without_sign(end).kind {
            let is_negative = matches!(end.kind, ast::ExprKind::Unary(..));
            match key.value.ty.data.opened() {
                DataType::Date | DataType::Datetime => {
                    return Some(Distance::Months(if is_negative { -months } else { months }));
                }
                DataType::Timestamp => {
                    let zone = self.globals.timezone.as_deref().unwrap_or("UTC");
                    self.found.push(windows::months_of_instants(end.span, place, zone));
                    return None;
                }
                _ => {}
            }
        }
        let distance = self.end_as(end, &ty)?;
        if key.value.ty.data.opened() == DataType::Date
            && let Distance::Value(value) = &distance
            && let Ok(Scalar::Duration(micros)) = crate::expr::constant(value, &self.globals.known)
            && micros % MICROS_PER_DAY != 0
        {
            self.found.push(windows::part_of_a_day(end.span, place));
            return None;
        }
        Some(distance)
    }

    /// The end of a frame as a value of a type, which is known before any row is read.
    fn end_as(&mut self, end: &ast::Expr, ty: &DataType) -> Option<Distance> {
        let what = "the end of a frame";
        let mut scope = self.scope();
        scope.row = None;
        let value = scope.check_as(end, &ty.clone().required(), what);
        if value.ty.is_unknown() {
            return None;
        }
        constants::check(&value, &self.globals.known, what, self.found);
        Some(Distance::Value(value))
    }

    /// Is it months, and how many or how much; none if that is not known yet.
    fn size(&self, end: &Distance) -> Option<(bool, f64)> {
        match end {
            Distance::Months(months) => Some((true, f64::from(*months))),
            Distance::Value(value) => {
                let value = crate::expr::constant(value, &self.globals.known).ok()?;
                Some((false, as_number(&value)?))
            }
        }
    }

    pub(super) fn sessionize(&mut self, sessions: &ast::Sessionize, span: Span) {
        let keys = self.keys(&sessions.keys, "a key");
        let at = self.find(&sessions.on);
        let (name, place) = match &sessions.as_name {
            Some(name) => (name.text.as_str(), name.span),
            None => ("session_id", span),
        };
        if let Some(column) = self.row.find(name).map(|at| &self.row.columns[at]) {
            self.found.push(windows::column_exists("sessionize", name, place, column.origin));
            return;
        }
        let broken = keys.len() < sessions.keys.len() || at.is_none();
        let time = at.map(|at| self.scope().column(at, sessions.on.span));
        let Some(time) = time else { return self.give_up() };
        let is_time = matches!(
            time.ty.data.opened(),
            DataType::Date | DataType::Datetime | DataType::Timestamp
        );
        if !is_time {
            if !time.ty.is_unknown() {
                let (span, name) = (sessions.on.span, &sessions.on.text);
                self.found.push(windows::sessions_without_time(span, name, &time.ty));
            }
            return self.give_up();
        }
        let ast::ExprKind::Duration(gap) = sessions.gap.kind else {
            if !matches!(sessions.gap.kind, ast::ExprKind::Bad) {
                self.found.push(windows::gap_without_length(sessions.gap.span));
            }
            return self.give_up();
        };
        let ty = DataType::Int.required().with_nullable(time.ty.nullable);
        let name: Arc<str> = name.into();
        let call = WindowCall {
            name: name.clone(),
            value: WindowValue::Session { gap },
            arguments: vec![time.clone()],
            ty: ty.clone(),
            span,
        };
        let mut row = Row { broken, ..(*self.row).clone() };
        row.columns.push(Column { name, ty, origin: place, domain: None });
        let sort = vec![SortKey { value: time, descending: false, nulls_first: false }];
        let keys = keys.into_iter().map(|(_, key, _)| key).collect();
        let window = Window { keys, sort, frame: Frame::Whole, calls: vec![call] };
        self.push(StepKind::Window(Box::new(window)), row, span);
    }
}

/// The row is known by the keys of a window and the number that it has there.
fn key_of_numbers(window: &Window, width: usize) -> Option<Key> {
    let registry = crate::functions::Registry::standard();
    let is_number = |call: &WindowCall| match call.value {
        WindowValue::Call(function) => registry.declaration(function).name == "row_number",
        WindowValue::Session { .. } => false,
    };
    let number = window.calls.iter().position(is_number)?;
    let column = |key: &Expr| match key.kind {
        ExprKind::Column(column) => Some(column),
        _ => None,
    };
    let keys: Option<Vec<usize>> = window.keys.iter().map(column).collect();
    Some(Key::proven(keys?.into_iter().chain([width + number]).collect()))
}

fn frame_of(unit: FrameUnit, from: Option<Distance>, to: Option<Distance>) -> Frame {
    let count = |end: Option<Distance>| match end {
        Some(Distance::Value(value)) => Some(value),
        Some(Distance::Months(_)) => unreachable!("rows are not counted in months"),
        None => None,
    };
    match unit {
        FrameUnit::Rows => Frame::Rows { from: count(from), to: count(to) },
        FrameUnit::Range => Frame::Range { from, to },
    }
}

fn without_sign(end: &ast::Expr) -> &ast::Expr {
    match &end.kind {
        ast::ExprKind::Unary(_, value) => value,
        _ => end,
    }
}

/// A number of the sign and about the size of a value.
fn as_number(value: &Scalar) -> Option<f64> {
    Some(match value {
        Scalar::Int(value) | Scalar::Duration(value) => *value as f64,
        Scalar::Float(value) => *value,
        Scalar::Decimal(value) => *value as f64,
        _ => return None,
    })
}
