//! Calls: of the library's functions, of aggregates, of the file's own functions.

use super::convert::adapt;
use super::{Scope, adaptable, bad, convert, literal};
use crate::check::constants;
use crate::check::globals::{CheckedFunction, CheckedParameter, FunctionState, unique};
use crate::check::types::resolve_type;
use crate::diagnostics::{names, rows, types};
use crate::expr::constant;
use crate::functions::kernel::Call;
use crate::functions::{Argument, ArgumentValue, Bound, FunctionId, Mismatch, Resolved};
use crate::ir::{AggregateCall, Expr, ExprKind, Lambda, Slot};
use crate::syntax::ast::{self, ExprKind as A};
use crate::text::Span;
use crate::types::{DataType, Scalar, Type};
use std::collections::HashMap;
use std::sync::Arc;

/// Aggregates whose value depends on the order of the rows.
const ORDERED: &[&str] = &["first", "last"];

/// Functions that read the clock in other languages.
const CLOCKS: &[&str] =
    &["now", "today", "current_timestamp", "current_date", "getdate", "sysdate", "localtime"];

/// Functions of the language whose time comes later.
const LATER: &[&str] = &[
    "row_number",
    "rank",
    "dense_rank",
    "percent_rank",
    "ntile",
    "lag",
    "lead",
    "first_value",
    "last_value",
    "nth_value",
    "fill_forward",
    "approx_count_distinct",
    "approx_quantile",
    "unique",
    "exists_in",
    "parse_json",
    "to_json",
    "json_get",
    "json_keys",
    "json_type",
    "json_length",
    "cast_json",
    "has",
    "keys",
    "uuid_v5",
    "tokenize",
    "url_parse",
    "url_host",
    "url_path",
    "url_param",
    "url_encode",
    "url_decode",
    "domain_suffix",
    "ip_parse",
    "ip_in_network",
    "ip_version",
    "ip_anonymize",
    "user_agent",
    "parse_common_log",
    "parse_combined_log",
    "parse_syslog",
    "parse_logfmt",
    "parse_key_value",
    "parse_csv_line",
    "parse_cef",
    "parse_grok",
    "typeof",
];

impl Scope<'_, '_> {
    pub(super) fn call(
        &mut self,
        name: &ast::Name,
        arguments: &[ast::Argument],
        span: Span,
    ) -> Expr {
        let text = name.text.as_str();
        if text == "try" {
            return self.try_call(arguments, name, span);
        }
        if self.globals.functions.contains_key(text) {
            return self.user_call(name, arguments, span);
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

    /// A call of nothing. Its arguments are checked all the same: in a group as those of an
    /// aggregate, unless a function of single values seems to be meant, for which they must be keys.
    fn unknown_call(&mut self, name: &ast::Name, arguments: &[ast::Argument], span: Span) -> Expr {
        self.no_function(name, span);
        let registry = self.globals.registry;
        let meant = names::function_meant(&name.text, registry.names());
        let of_rows = meant.is_none_or(|meant| registry.is_aggregate(meant));
        let group = if of_rows { self.group.take() } else { None };
        for argument in arguments {
            if !matches!(argument.value.kind, A::Lambda(..)) {
                self.check(&argument.value, None);
            }
        }
        self.group = group.or_else(|| self.group.take());
        bad(span)
    }

    fn no_function(&mut self, name: &ast::Name, span: Span) {
        let text = name.text.as_str();
        if CLOCKS.contains(&text) {
            self.found.push(names::clock(text, name.span, span));
            return;
        }
        if self.globals.later.contains_key(text) {
            return;
        }
        if LATER.contains(&text) {
            self.found.push(super::not_yet(&format!("{text}()"), name.span));
            return;
        }
        let call = self.text(span);
        let given = call[text.len()..].trim().trim_start_matches('(').trim_end_matches(')');
        let form = match text.to_lowercase().as_str() {
            "cast" | "try_cast" if given.contains(" as ") => Some(given.to_owned()),
            "isnull" | "isna" if !given.contains(',') => Some(format!("{given} is null")),
            "notnull" | "notna" => Some(format!("{given} is not null")),
            _ => None,
        };
        if let Some(form) = form {
            self.found.push(names::function_is_form(text, name.span, span, &form));
            return;
        }
        let mut all: Vec<&str> = self.globals.registry.names().collect();
        all.extend(self.globals.functions.keys().map(String::as_str));
        all.push("try");
        all.sort_unstable();
        self.found.push(names::no_function(text, name.span, &all));
    }

    fn try_call(&mut self, arguments: &[ast::Argument], name: &ast::Name, span: Span) -> Expr {
        let [argument] = arguments else {
            let signature = ["try(value: T) -> T?".to_owned()];
            self.found.push(types::argument_count("try", name.span, arguments.len(), &signature));
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
        let asked = [&value, &text].map(|given| Argument {
            name: None,
            value: ArgumentValue::Value {
                ty: given.ty.clone(),
                literal: constant(given, &[]).ok(),
                adaptable: false,
            },
        });
        let span = value.span;
        let name = ast::Name { text: function.to_owned(), span: place };
        match self.globals.registry.resolve(function, &asked) {
            Ok(resolved) => {
                let given = vec![Some(value), Some(text)];
                self.build_call(&name, &[], resolved, given, span)
            }
            Err(mismatch) => {
                self.report(&name, &[], &[Some(value), Some(text)], mismatch, span);
                bad(span)
            }
        }
    }

    /// The overload that fits, and the values given (None for lambdas).
    fn resolve(
        &mut self,
        name: &ast::Name,
        arguments: &[ast::Argument],
        span: Span,
    ) -> Option<(Resolved, Vec<Option<Expr>>)> {
        let wanted = self.enum_among(arguments.iter().map(|argument| &argument.value));
        let mut given = Vec::with_capacity(arguments.len());
        let mut asked = Vec::with_capacity(arguments.len());
        for argument in arguments {
            let label = argument.name.as_ref().map(|name| name.text.as_str());
            if let A::Lambda(parameters, _) = &argument.value.kind {
                let value = ArgumentValue::Lambda { parameters: parameters.len() };
                asked.push(Argument { name: label, value });
                given.push(None);
                continue;
            }
            let value = self.check(&argument.value, wanted.as_ref());
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
        match self.globals.registry.resolve(&name.text, &asked) {
            Ok(resolved) => Some((resolved, given)),
            Err(mismatch) => {
                self.report(name, arguments, &given, mismatch, span);
                None
            }
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
            Mismatch::NoFunction => return self.no_function(name, span),
            Mismatch::Count { signatures } => {
                if function == "date"
                    && let [Some(value)] = given
                    && value.ty.data == DataType::Timestamp
                {
                    let zone = self.globals.timezone.as_deref().unwrap_or("UTC");
                    types::date_needs_zone(value.span, &self.text(value.span), zone)
                } else {
                    types::argument_count(function, span, arguments.len(), &signatures)
                }
            }
            Mismatch::Name { argument, names } => {
                let label = arguments[argument].name.as_ref();
                let (text, at) = label.map_or(("", span), |label| (&label.text, label.span));
                types::no_parameter(function, text, at, &names)
            }
            Mismatch::Type { argument, wanted } => match &given[argument] {
                Some(value) if function == "date" && value.ty.data == DataType::Timestamp => {
                    let zone = self.globals.timezone.as_deref().unwrap_or("UTC");
                    types::date_needs_zone(value.span, &self.text(value.span), zone)
                }
                Some(value) => {
                    let text = self.text(value.span);
                    let origin = match value.kind {
                        ExprKind::Column(at) => {
                            self.row.and_then(|row| row.columns.get(at)).map(|column| column.origin)
                        }
                        _ => None,
                    };
                    types::argument(function, &wanted, &text, value.span, &value.ty, origin)
                }
                None => types::stray_lambda(arguments[argument].value.span),
            },
            Mismatch::Literal { argument, reason } => {
                types::bad_literal(function, arguments[argument].value.span, &reason)
            }
        };
        self.found.push(found);
    }

    /// The values that the parameters get, in order, without lambdas.
    fn bind(&self, resolved: &Resolved, given: &mut [Option<Expr>], span: Span) -> Vec<Expr> {
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
                        let text = self.text(body.span);
                        let body = &lambda.body;
                        self.found.push(types::argument(
                            &name.text, &wanted, &text, body.span, &body.ty, None,
                        ));
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
        let kind = ExprKind::Call { function: resolved.function, arguments: values, lambda };
        Expr { kind, ty, span }
    }

    /// Prepares the kernel once, so that a bad pattern, zone or format is found now; or, where it
    /// depends on a parameter without a value, when the run starts.
    fn literals_fit(
        &mut self,
        function: FunctionId,
        name: &ast::Name,
        values: &[Expr],
        lambda: Option<&Lambda>,
        result: &Type,
    ) -> bool {
        let mut types_: Vec<Type> = values.iter().map(|value| value.ty.clone()).collect();
        if values.iter().any(|value| constants::is_known_later(value, &self.globals.known)) {
            return true;
        }
        let known = &self.globals.known;
        let mut literals: Vec<Option<Scalar>> =
            values.iter().map(|value| constant(value, known).ok()).collect();
        if let Some(lambda) = lambda {
            types_.push(DataType::List(Box::new(lambda.body.ty.clone())).required());
            literals.push(None);
        }
        let call = Call { arguments: &types_, literals: &literals, result };
        let registry = self.globals.registry;
        let error = if registry.declaration(function).is_aggregate() {
            registry.aggregate(function, &call).err()
        } else {
            registry.scalar(function, &call).err()
        };
        if let Some(error) = &error {
            let span = values.get(error.argument).map_or(name.span, |value| value.span);
            self.found.push(types::bad_literal(&name.text, span, &error.reason));
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
        self.slots.push((variable.text.clone(), slot, ty.clone()));
        let body = self.check(body, None);
        self.slots.pop();
        (!body.ty.is_unknown()).then_some(Lambda { slot, slot_type: ty, over: 0, body })
    }

    fn aggregate_call(
        &mut self,
        name: &ast::Name,
        arguments: &[ast::Argument],
        span: Span,
    ) -> Expr {
        let Some(group) = self.group.take() else {
            return self.misplaced_aggregate(name, arguments, span);
        };
        if ORDERED.contains(&name.text.as_str())
            && self.row.is_some_and(|row| row.order.is_empty() && !row.broken)
        {
            self.found.push(rows::aggregate_unsorted(&name.text, name.span));
        }
        let resolved = self.resolve(name, arguments, span);
        let mut group = group;
        let Some((resolved, mut given)) = resolved else {
            self.group = Some(group);
            return bad(span);
        };
        let values = self.bind(&resolved, &mut given, span);
        if let ("count", [value]) = (name.text.as_str(), &values[..])
            && value.ty.data == DataType::Bool
            && !matches!(value.kind, ExprKind::Column(_))
        {
            let text = self.text(value.span);
            self.found.push(rows::count_of_condition(span, value.span, &text));
        }
        let required = !group.keys.is_empty()
            && !values.is_empty()
            && !values.iter().any(|value| self.can_be_null(value))
            && self.globals.registry.declaration(resolved.function).is_null_only_without_values();
        let ty = resolved.result.with_nullable(resolved.result.nullable && !required);
        let fits = self.literals_fit(resolved.function, name, &values, None, &ty);
        let at = group.keys.len() + group.aggregates.len();
        if fits {
            group.aggregates.push(AggregateCall {
                name: format!("{}_{at}", name.text).into(),
                function: resolved.function,
                arguments: values,
                ty: ty.clone(),
                span,
            });
        }
        self.group = Some(group);
        if fits { Expr { kind: ExprKind::Column(at), ty, span } } else { bad(span) }
    }

    fn misplaced_aggregate(
        &mut self,
        name: &ast::Name,
        arguments: &[ast::Argument],
        span: Span,
    ) -> Expr {
        let of_two = match name.text.as_str() {
            "max" => Some("greatest"),
            "min" => Some("least"),
            _ => None,
        };
        let values: Vec<Expr> =
            arguments.iter().map(|argument| self.check(&argument.value, None)).collect();
        if values.iter().any(|value| value.ty.is_unknown()) {
            return bad(span);
        }
        let found = match of_two {
            Some(ours) if arguments.len() >= 2 => {
                let inside: Vec<String> =
                    arguments.iter().map(|argument| self.text(argument.value.span)).collect();
                names::aggregate_of_two(&name.text, ours, name.span, &inside.join(", "))
            }
            _ => names::aggregate_outside(&name.text, name.span, &self.text(span)),
        };
        self.found.push(found);
        bad(span)
    }

    fn user_call(&mut self, name: &ast::Name, arguments: &[ast::Argument], span: Span) -> Expr {
        let Some(function) = self.user_function(name) else { return bad(span) };
        let count = function.parameters.len();
        let mut values: Vec<Option<Expr>> = (0..count).map(|_| None).collect();
        for (position, argument) in arguments.iter().enumerate() {
            let at = match &argument.name {
                None => Some(position).filter(|at| *at < count),
                Some(label) => {
                    function.parameters.iter().position(|parameter| parameter.name == label.text)
                }
            };
            let Some(at) = at else {
                self.report_user_argument(&function, name, argument, arguments.len(), span);
                return bad(span);
            };
            values[at] = Some(self.check_user_argument(&function.parameters[at], argument));
        }
        let mut bound = HashMap::new();
        let mut lifted = vec![];
        for (parameter, value) in function.parameters.iter().zip(values) {
            let Some(value) = value.or_else(|| parameter.default.clone()) else {
                let signatures = [signature(&name.text, &function)];
                let found = types::argument_count(&name.text, span, arguments.len(), &signatures);
                self.found.push(found);
                return bad(span);
            };
            if value.ty.is_unknown() {
                return bad(span);
            }
            if value.ty.nullable && !parameter.ty.nullable {
                lifted.push(value.clone());
            }
            bound.insert(parameter.slot, value);
        }
        if function.body.ty.is_unknown() {
            return bad(span);
        }
        let mut body = function.body.clone();
        substitute(&mut body, &bound);
        lift_nulls(body, lifted, span)
    }

    fn report_user_argument(
        &mut self,
        function: &CheckedFunction,
        name: &ast::Name,
        argument: &ast::Argument,
        given: usize,
        span: Span,
    ) {
        let found = match &argument.name {
            Some(label) => {
                let all: Vec<String> =
                    function.parameters.iter().map(|parameter| parameter.name.clone()).collect();
                types::no_parameter(&name.text, &label.text, label.span, &all)
            }
            None => {
                let signatures = [signature(&name.text, function)];
                types::argument_count(&name.text, span, given, &signatures)
            }
        };
        self.found.push(found);
    }

    fn check_user_argument(
        &mut self,
        parameter: &CheckedParameter,
        argument: &ast::Argument,
    ) -> Expr {
        let wanted = parameter.ty.with_nullable(true);
        self.check_as(&argument.value, &wanted, &format!("`{}`", parameter.name))
    }

    /// The function of the file, checked if it was not yet.
    fn user_function(&mut self, name: &ast::Name) -> Option<Arc<CheckedFunction>> {
        let function = self.globals.functions.get_mut(&name.text)?;
        let declaration = function.declaration;
        match function.state.clone() {
            FunctionState::Checked(checked) => Some(checked),
            FunctionState::Checking => {
                let declared = declaration.name.span;
                self.found.push(names::recursive(&name.text, name.span, declared));
                None
            }
            FunctionState::Unchecked => {
                function.state = FunctionState::Checking;
                let checked = Arc::new(self.check_function(declaration));
                let function = self.globals.functions.get_mut(&name.text)?;
                function.state = FunctionState::Checked(checked.clone());
                Some(checked)
            }
        }
    }

    fn check_function(&mut self, declaration: &ast::Function) -> CheckedFunction {
        let mut scope = Scope::constant(self.globals, self.found);
        let mut parameters = vec![];
        let mut first = HashMap::new();
        for parameter in &declaration.parameters {
            unique("parameter", &parameter.name, &mut first, scope.found);
            let ty = resolve_type(&parameter.ty, scope.globals, scope.found);
            let default =
                parameter.default.as_ref().map(|value| scope.check_as(value, &ty, "the default"));
            let slot = scope.globals.new_slot();
            scope.slots.push((parameter.name.text.clone(), slot, ty.clone()));
            parameters.push(CheckedParameter {
                name: parameter.name.text.clone(),
                slot,
                ty,
                default,
            });
        }
        let result = resolve_type(&declaration.result, scope.globals, scope.found);
        let body = match &declaration.body {
            Some(body) => scope.check_as(body, &result, "the result"),
            None => bad(declaration.name.span),
        };
        CheckedFunction { parameters, body }
    }

    /// Checks the functions that nothing calls.
    pub(in crate::check) fn check_uncalled(&mut self, file: &ast::File) {
        for declaration in &file.declarations {
            if let ast::DeclarationKind::Function(function) = &declaration.kind {
                self.user_function(&function.name);
            }
        }
    }
}

fn signature(name: &str, function: &CheckedFunction) -> String {
    let parameters: Vec<String> = function
        .parameters
        .iter()
        .map(|parameter| format!("{}: {}", parameter.name, parameter.ty))
        .collect();
    format!("{name}({})", parameters.join(", "))
}

/// Puts the arguments in place of the parameters.
fn substitute(body: &mut Expr, bound: &HashMap<Slot, Expr>) {
    if let ExprKind::Slot(slot) = body.kind
        && let Some(value) = bound.get(&slot)
    {
        // The body was checked for the declared nullability; a null argument never gets here.
        let ty = body.ty.clone();
        *body = convert(value.clone(), &ty.data);
        body.ty = ty;
        return;
    }
    for child in body.children_mut() {
        substitute(child, bound);
    }
}

/// Null where an argument is null that the function does not take: as the library's functions do.
fn lift_nulls(body: Expr, lifted: Vec<Expr>, span: Span) -> Expr {
    let arms: Vec<(Expr, Expr)> = lifted
        .into_iter()
        .map(|value| {
            let ty = DataType::Bool.required();
            let test = Expr { kind: ExprKind::IsNull(Box::new(value)), ty, span };
            (test, literal(Scalar::Null, body.ty.data.clone(), span))
        })
        .collect();
    if arms.is_empty() {
        return body;
    }
    let ty = body.ty.with_nullable(true);
    Expr { kind: ExprKind::Case { arms, otherwise: Some(Box::new(body)) }, ty, span }
}
