//! Calls of the functions that the file declares: each is checked once, and put in place of its
//! calls.

use super::{Scope, Variable, bad, convert, literal};
use crate::check::globals::{CheckedFunction, CheckedParameter, FunctionState, unique};
use crate::check::names::{Kind, Meaning};
use crate::check::types::resolve_type;
use crate::diagnostics::{arguments, functions};
use crate::ir::{Expr, ExprKind, Slot};
use crate::syntax::ast;
use crate::text::Span;
use crate::types::{DataType, Scalar};
use std::collections::HashMap;
use std::sync::Arc;

/// The most parts that an expression may have with the functions in it put in their places. Functions that
/// call others more than once each come to more than any machine can hold within a page.
const SIZE_MAX: usize = 10_000;

impl Scope<'_, '_> {
    pub(super) fn user_call(
        &mut self,
        name: &ast::Name,
        arguments: &[ast::Argument],
        span: Span,
    ) -> Expr {
        if let Some(function) = self.globals.functions.get(&name.text) {
            let declared = function.declaration.name.span;
            self.globals.mean(&name.text, name.span, declared, self.found);
        }
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
            if let (Some(at), Some(label)) = (at, &argument.name) {
                let place = function.parameters[at].at;
                self.globals.names().declared(label.span, Kind::Variable, place);
            }
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
                let found =
                    arguments::argument_count(&name.text, span, arguments.len(), &signatures);
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
        if size_with(&function.body, &bound) > SIZE_MAX {
            self.found.push(functions::too_large(&name.text, name.span, SIZE_MAX));
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
                arguments::no_parameter(&name.text, &label.text, label.span, &all)
            }
            None => {
                let signatures = [signature(&name.text, function)];
                arguments::argument_count(&name.text, span, given, &signatures)
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
        let (declaration, state) = (function.declaration, function.state.clone());
        match state {
            FunctionState::Checked(checked) => Some(checked),
            FunctionState::Checking => {
                let declared = declaration.name.span;
                self.found.push(functions::recursive(&name.text, name.span, declared));
                None
            }
            FunctionState::Unchecked => {
                let function = self.globals.functions.get_mut(&name.text)?;
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
            let (name, at) = (parameter.name.text.clone(), parameter.name.span);
            let meaning = Meaning::Declared(Kind::Variable, at);
            scope.globals.names().note(at, meaning, Some(&ty));
            scope.slots.push(Variable { name: name.clone(), slot, ty: ty.clone(), at });
            parameters.push(CheckedParameter { name, at, slot, ty, default });
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

/// How many parts the body has with the arguments put in place of the parameters.
fn size_with(body: &Expr, bound: &HashMap<Slot, Expr>) -> usize {
    fn size(expr: &Expr, of_slots: &HashMap<Slot, usize>) -> usize {
        let of_slot = match expr.kind {
            ExprKind::Slot(slot) => of_slots.get(&slot),
            _ => None,
        };
        let children = expr.children();
        of_slot.copied().unwrap_or(1)
            + children.iter().map(|child| size(child, of_slots)).sum::<usize>()
    }
    let nothing = HashMap::new();
    let of_slots = bound.iter().map(|(slot, value)| (*slot, size(value, &nothing))).collect();
    size(body, &of_slots)
}

/// Puts the arguments in place of the parameters.
pub(in crate::check) fn substitute(body: &mut Expr, bound: &HashMap<Slot, Expr>) {
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
pub(super) fn lift_nulls(body: Expr, lifted: Vec<Expr>, span: Span) -> Expr {
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
