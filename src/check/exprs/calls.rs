//! Calls: of the library's functions here, of aggregates and of the file's own functions elsewhere.

use super::convert::{adapt, open_part};
use super::keys::{KEYED, is_key};
use super::references::EXISTS_IN;
use super::{Scope, Variable, adaptable, bad, convert, literal};
use crate::check::constants;
use crate::check::names::{Kind, Meaning};
use crate::diagnostics::{
    Diagnostic, arguments, foreign, formats, functions, names, operand, types,
};
use crate::expr::constant;
use crate::functions::kernel::Call;
use crate::functions::{Argument, ArgumentValue, Bound, FunctionId, Mismatch, Resolved};
use crate::ir::{Expr, ExprKind, Lambda};
use crate::syntax::ast::{self, ExprKind as A, Native};
use crate::text::Span;
use crate::types::{DataType, Scalar, Type};

/// Functions that read the clock in other languages.
const CLOCKS: &[&str] =
    &["now", "today", "current_timestamp", "current_date", "getdate", "sysdate", "localtime"];

impl Scope<'_, '_> {
    pub(super) fn call(
        &mut self,
        name: &ast::Name,
        arguments: &[ast::Argument],
        span: Span,
    ) -> Expr {
        let text = name.text.as_str();
        self.note_call(name);
        if text == EXISTS_IN && !self.is_library && !self.globals.functions.contains_key(text) {
            return self.exists_in(name, arguments, span);
        }
        if text == "try" {
            return self.try_call(arguments, name, span);
        }
        if !self.is_library {
            if self.globals.functions.contains_key(text) {
                return self.user_call(name, arguments, span);
            }
            if !self.globals.mean_library(text, name.span, self.found) {
                return bad(span);
            }
        }
        if self.globals.registry.is_window(text)
            || self.window.is_some() && self.globals.registry.is_aggregate(text)
        {
            return self.window_call(name, arguments, span);
        }
        if self.globals.registry.is_aggregate(text) {
            return self.aggregate_call(name, arguments, span);
        }
        if self.globals.registry.overloads(text).is_empty() {
            return self.unknown_call(name, arguments, span);
        }
        let Some((resolved, given)) = self.resolve(name, arguments, span) else {
            return bad(span);
        };
        self.build_call(name, arguments, resolved, given, span)
    }

    /// Notes what a function is, as far as its name says.
    fn note_call(&mut self, name: &ast::Name) {
        if let Some(function) = self.globals.functions.get(&name.text) {
            let at = function.declaration.name.span;
            self.globals.names().declared(name.span, Kind::Function, at);
        }
    }

    /// A call of nothing. Its arguments are checked all the same: in a group as those of an
    /// aggregate, unless a function of single values seems to be meant, for which they must be keys.
    fn unknown_call(&mut self, name: &ast::Name, arguments: &[ast::Argument], span: Span) -> Expr {
        let registry = self.globals.registry;
        let meant = functions::function_meant(&name.text, registry.names());
        let of_rows = meant.is_none_or(|meant| registry.is_aggregate(meant));
        let group = if of_rows { self.group.take() } else { None };
        let mut types = vec![];
        for argument in arguments {
            // `day` may be the name of a unit here.
            let is_unit = matches!(&argument.value.kind, A::Name(name) if foreign::is_unit(name));
            if !is_unit && !matches!(argument.value.kind, A::Lambda(..)) {
                let ty = self.check(&argument.value, None).ty;
                types.push(if ty.is_unknown() { "…".to_owned() } else { ty.to_string() });
            }
        }
        self.group = group.or_else(|| self.group.take());
        self.no_function(name, arguments, &types, span);
        bad(span)
    }

    fn no_function(
        &mut self,
        name: &ast::Name,
        arguments: &[ast::Argument],
        types: &[String],
        span: Span,
    ) {
        let text = name.text.as_str();
        if CLOCKS.contains(&text) {
            self.found.push(functions::clock(text, name.span, span));
            return;
        }
        if self.globals.later.contains_key(text) {
            return;
        }
        let given: Vec<String> =
            arguments.iter().map(|argument| self.text(argument.value.span)).collect();
        let given: Vec<&str> = given.iter().map(String::as_str).collect();
        if let Some(form) = foreign::call(text, &given) {
            let (before, behind) = self.globals.files.around(span);
            let form = foreign::in_place(form, before, behind);
            self.found.push(functions::function_is_form(text, name.span, span, &form));
            return;
        }
        let mut all: Vec<&str> = self.globals.registry.names().collect();
        all.extend(self.globals.functions.keys().map(String::as_str));
        all.push("try");
        all.sort_unstable();
        self.found.push(functions::no_function(text, name.span, &all, types));
    }

    fn try_call(&mut self, arguments: &[ast::Argument], name: &ast::Name, span: Span) -> Expr {
        let [argument] = arguments else {
            let signature = ["try(value: T) -> T?".to_owned()];
            self.found.push(arguments::argument_count(
                "try",
                name.span,
                arguments.len(),
                &signature,
            ));
            return bad(span);
        };
        let value = self.check(&argument.value, None);
        if value.ty.is_unknown() {
            return bad(span);
        }
        let ty = value.ty.with_nullable(true);
        Expr { kind: ExprKind::Try(Box::new(value)), ty, span }
    }

    /// A call of the library with a value and a text, as if it were written so.
    pub(in crate::check) fn call_with(
        &mut self,
        function: &str,
        value: Expr,
        text: &str,
        place: Span,
    ) -> Expr {
        if value.ty.is_unknown() {
            return value;
        }
        let text = literal(Scalar::String(text.into()), DataType::String, place);
        let span = value.span;
        let name = ast::Name { text: function.to_owned(), span: place };
        self.call_of(&name, vec![value, text], span)
    }

    /// A call of the library with these values.
    pub(super) fn call_of(&mut self, name: &ast::Name, values: Vec<Expr>, span: Span) -> Expr {
        if values.iter().any(|value| value.ty.is_unknown()) {
            return bad(span);
        }
        let asked: Vec<Argument> = values
            .iter()
            .map(|given| Argument {
                name: None,
                value: ArgumentValue::Value {
                    ty: given.ty.clone(),
                    literal: constant(given, &[]).ok(),
                    adaptable: adaptable(given),
                },
            })
            .collect();
        let mut given: Vec<Option<Expr>> = values.into_iter().map(Some).collect();
        let resolved = self.globals.registry.resolve(&name.text, &asked);
        let resolved = self.or_opened(&name.text, resolved, asked, &mut given);
        match resolved {
            Ok(resolved) => self.build_call(name, &[], resolved, given, span),
            Err(mismatch) => {
                self.report(name, &[], &given, mismatch, span);
                bad(span)
            }
        }
    }

    /// The overload that fits, and the values given (None for lambdas).
    pub(super) fn resolve(
        &mut self,
        name: &ast::Name,
        arguments: &[ast::Argument],
        span: Span,
    ) -> Option<(Resolved, Vec<Option<Expr>>)> {
        let wanted = self.enum_among(arguments.iter().map(|argument| &argument.value));
        let mut given = Vec::with_capacity(arguments.len());
        let mut asked = Vec::with_capacity(arguments.len());
        for (position, argument) in arguments.iter().enumerate() {
            let label = argument.name.as_ref().map(|name| name.text.as_str());
            if let A::Lambda(parameters, _) = &argument.value.kind {
                let value = ArgumentValue::Lambda { parameters: parameters.len() };
                asked.push(Argument { name: label, value });
                given.push(None);
                continue;
            }
            let value = match name.text == KEYED && is_key(label, position) {
                true => self.key(&argument.value),
                false => self.check(&argument.value, wanted.as_ref()),
            };
            let scalar = constant(&value, &[]).ok();
            asked.push(Argument {
                name: label,
                value: ArgumentValue::Value {
                    ty: value.ty.clone(),
                    literal: scalar,
                    adaptable: adaptable(&value),
                },
            });
            given.push(Some(value));
        }
        if given.iter().flatten().any(|value| value.ty.is_unknown()) {
            return None;
        }
        let resolved = self.globals.registry.resolve(&name.text, &asked);
        match self.or_opened(name.text.as_str(), resolved, asked, &mut given) {
            Ok(resolved) => {
                let meaning = Meaning::Function(name.text.as_str().into(), Some(resolved.function));
                self.globals.names().note(name.span, meaning, None);
                Some((resolved, given))
            }
            Err(mismatch) => {
                self.report(name, arguments, &given, mismatch, span);
                None
            }
        }
    }

    /// The overload that fits when values of a part of a type are taken as of that type, and literals
    /// as of the type that a declaration names beside which they stand.
    fn or_opened(
        &self,
        name: &str,
        resolved: Result<Resolved, Mismatch>,
        mut asked: Vec<Argument>,
        given: &mut [Option<Expr>],
    ) -> Result<Resolved, Mismatch> {
        let named = given.iter().flatten().find(|one| match &one.ty.data {
            DataType::Named(_) => true,
            DataType::Map(entry) => entry.data.has_named(&|_| true),
            _ => false,
        });
        let (Err(mismatch), Some(named)) = (&resolved, named) else { return resolved };
        let named = match &named.ty.data {
            DataType::Map(entry) => {
                entry.entry().map_or(DataType::Unknown, |(key, _)| key.data.clone())
            }
            _ => open_part(named.clone()).ty.data,
        };
        let mut opened = given.to_vec();
        for (asked, value) in asked.iter_mut().zip(&mut opened) {
            let (Some(given), ArgumentValue::Value { ty, adaptable: is_open, .. }) =
                (value.take(), &mut asked.value)
            else {
                continue;
            };
            let given = adapt(open_part(given), &named);
            *ty = given.ty.clone();
            *is_open = adaptable(&given);
            *value = Some(given);
        }
        match self.globals.registry.resolve(name, &asked) {
            Ok(resolved) => {
                given.clone_from_slice(&opened);
                Ok(resolved)
            }
            Err(_) => Err(mismatch.clone()),
        }
    }

    fn report(
        &mut self,
        name: &ast::Name,
        arguments: &[ast::Argument],
        given: &[Option<Expr>],
        mismatch: Mismatch,
        span: Span,
    ) {
        let function = name.text.as_str();
        let found = match mismatch {
            Mismatch::NoFunction => return self.no_function(name, arguments, &[], span),
            Mismatch::Count { signatures } => {
                if function == "date"
                    && let [Some(value)] = given
                    && value.ty.data == DataType::Timestamp
                {
                    let zone = self.globals.timezone.as_deref().unwrap_or("UTC");
                    arguments::date_needs_zone(value.span, &self.text(value.span), zone, span)
                } else {
                    arguments::argument_count(function, span, arguments.len(), &signatures)
                }
            }
            Mismatch::Name { argument, names } => {
                let label = arguments[argument].name.as_ref();
                let (text, at) = label.map_or(("", span), |label| (&label.text, label.span));
                arguments::no_parameter(function, text, at, &names)
            }
            Mismatch::Type { argument, wanted } => match &given[argument] {
                Some(value) if function == "date" && value.ty.data == DataType::Timestamp => {
                    let zone = self.globals.timezone.as_deref().unwrap_or("UTC");
                    arguments::date_needs_zone(value.span, &self.text(value.span), zone, span)
                }
                Some(value)
                    if matches!(function, "greatest" | "least" | "coalesce")
                        && let Some(first) = given.first().and_then(Option::as_ref)
                        && argument > 0 =>
                {
                    let (text, other) = (self.text(first.span), self.text(value.span));
                    let first = (text.as_str(), first.span, &first.ty);
                    types::arguments_differ(function, first, (&other, value.span, &value.ty))
                }
                Some(value) => {
                    let swapped = self.swapped(name, given);
                    self.with_given(function, span, value, |given| match &swapped {
                        Some(written) => arguments::arguments_swapped(given, &wanted, written),
                        None => arguments::argument(given, &wanted),
                    })
                }
                None => arguments::stray_lambda(arguments[argument].value.span),
            },
            Mismatch::Literal { argument, .. }
                if let [Some(value), Some(digits)] = given
                    && argument == 1
                    && matches!(value.ty.data, DataType::Decimal { .. }) =>
            {
                let value = operand(&self.text(value.span));
                let written = format!("{function}({value} as float, {})", self.text(digits.span));
                arguments::digits_of_rows(function, digits.span, "scale", &written)
            }
            Mismatch::Literal { argument, reason } => {
                arguments::bad_literal(function, arguments[argument].value.span, &reason)
            }
        };
        self.found.push(found);
    }

    /// A finding about an argument of a call.
    fn with_given(
        &self,
        function: &str,
        call: Span,
        value: &Expr,
        say: impl FnOnce(&arguments::Given) -> Diagnostic,
    ) -> Diagnostic {
        let origin = match value.kind {
            ExprKind::Column(at) => {
                self.row.and_then(|row| row.columns.get(at)).map(|column| column.origin)
            }
            _ => None,
        };
        let (written, argument) = (self.text(call), self.text(value.span));
        say(&arguments::Given {
            function,
            call: (&written, call),
            argument: (&argument, value.span),
            ty: &value.ty,
            origin,
            takes_zone: self.globals.registry.has_parameter(function, "zone"),
        })
    }

    /// The call with its two arguments in the other order, if they would fit so.
    fn swapped(&self, name: &ast::Name, given: &[Option<Expr>]) -> Option<String> {
        let [Some(first), Some(second)] = given else { return None };
        // Of two numbers one is not of the type that is needed, and that is all.
        if first.ty.data.is_number() && second.ty.data.is_number() {
            return None;
        }
        let asked = [second, first].map(|value| Argument {
            name: None,
            value: ArgumentValue::Value {
                ty: value.ty.clone(),
                literal: constant(value, &[]).ok(),
                adaptable: adaptable(value),
            },
        });
        self.globals.registry.resolve(&name.text, &asked).ok()?;
        let (first, second) = (self.text(first.span), self.text(second.span));
        Some(format!("{}({second}, {first})", name.text))
    }

    /// The values that the parameters get, in order, without lambdas.
    pub(super) fn bind(
        &self,
        resolved: &Resolved,
        given: &mut [Option<Expr>],
        span: Span,
    ) -> Vec<Expr> {
        resolved
            .arguments
            .iter()
            .filter_map(|bound| match bound {
                Bound::Given(at, ty) => {
                    let value = given[*at].take().expect("each argument is bound once");
                    Some(convert(adapt(value, &ty.data), &ty.data))
                }
                Bound::Default(value, ty) => Some(literal(value.clone(), ty.data.clone(), span)),
                Bound::Lambda(..) => None,
            })
            .collect()
    }

    fn build_call(
        &mut self,
        name: &ast::Name,
        arguments: &[ast::Argument],
        resolved: Resolved,
        mut given: Vec<Option<Expr>>,
        span: Span,
    ) -> Expr {
        let values = self.bind(&resolved, &mut given, span);
        if self.globals.registry.written(resolved.function).is_some() {
            return self.written_call(&resolved, values, span);
        }
        let lambda = resolved.arguments.iter().find_map(|bound| match bound {
            Bound::Lambda(at, parameters) => Some((*at, parameters.clone())),
            _ => None,
        });
        let mut ty = resolved.result.clone();
        let lambda = match lambda {
            None => None,
            Some((at, parameters)) => {
                let A::Lambda(variables, body) = &arguments[at].value.kind else {
                    return bad(span);
                };
                let Some(lambda) = self.lambda(variables, body, &parameters) else {
                    return bad(span);
                };
                match self.globals.registry.result_with_lambda(&resolved, &lambda.body.ty) {
                    Ok(result) => ty = result,
                    Err(Mismatch::Type { wanted, .. }) => {
                        let found = self.with_given(&name.text, span, &lambda.body, |given| {
                            arguments::argument(given, &wanted)
                        });
                        self.found.push(found);
                        return bad(span);
                    }
                    Err(_) => return bad(span),
                }
                Some(Box::new(lambda))
            }
        };
        if self.globals.registry.is_operator(resolved.function) {
            return Expr { kind: ExprKind::Coalesce(values), ty, span };
        }
        if !self.literals_fit(resolved.function, name, &values, lambda.as_deref(), &ty) {
            return bad(span);
        }
        self.pattern_habits(name, &values, span);
        let kind = ExprKind::Call { function: resolved.function, arguments: values, lambda };
        Expr { kind, ty, span }
    }

    /// Prepares the kernel once, so that a bad pattern, zone or format is found now; or, where it
    /// depends on a parameter without a value, when the run starts.
    pub(super) fn literals_fit(
        &mut self,
        function: FunctionId,
        name: &ast::Name,
        values: &[Expr],
        lambda: Option<&Lambda>,
        result: &Type,
    ) -> bool {
        let mut types_: Vec<Type> = values.iter().map(|value| value.ty.opened()).collect();
        if values.iter().any(|value| constants::is_known_later(value, &self.globals.known)) {
            return true;
        }
        let known = &self.globals.known;
        let mut literals: Vec<Option<Scalar>> =
            values.iter().map(|value| constant(value, known).ok()).collect();
        if let Some(lambda) = lambda {
            types_.push(DataType::List(Box::new(lambda.body.ty.opened())).required());
            literals.push(None);
        }
        let result = result.opened();
        let call = Call { arguments: &types_, literals: &literals, result: &result };
        let registry = self.globals.registry;
        let error = match registry.declaration(function).kind {
            Native::Aggregate => registry.aggregate(function, &call).err(),
            Native::Window => registry.window(function, &call).err(),
            Native::Scalar => registry.scalar(function, &call).err(),
        };
        if let Some(error) = &error {
            let span = values.get(error.argument).map_or(name.span, |value| value.span);
            let written = formats::time_format(&self.text(span))
                .filter(|_| registry.has_parameter(&name.text, "format"));
            self.found.push(arguments::bad_format(
                &name.text,
                span,
                &error.reason,
                written.as_deref(),
            ));
        }
        error.is_none()
    }

    fn lambda(
        &mut self,
        variables: &[ast::Name],
        body: &ast::Expr,
        parameters: &[Type],
    ) -> Option<Lambda> {
        let (variable, ty) = (variables.first()?, parameters.first()?.clone());
        let slot = self.globals.new_slot();
        let at = variable.span;
        if let Some(hidden) = self.row.and_then(|row| Some(&row.columns[row.find(&variable.text)?]))
        {
            self.found.push(names::hidden_column(&variable.text, at, hidden.origin));
        }
        let meaning = Meaning::Declared(Kind::Variable, at);
        self.globals.names().note(at, meaning, Some(&ty));
        self.slots.push(Variable { name: variable.text.clone(), slot, ty: ty.clone(), at });
        let body = self.check(body, None);
        self.slots.pop();
        (!body.ty.is_unknown()).then_some(Lambda { slot, slot_type: ty, over: 0, body })
    }
}
