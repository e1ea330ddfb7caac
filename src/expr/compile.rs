//! From expressions to a program: operations in order, equal ones once, constants folded.
//!
//! An operation that cannot fail is computed once however often it is written and whatever the
//! branch. One that can fail is shared only within the same branch, since it fails only there.
//! What an operator does, and whether it can fail on these operands, its kernel's module says;
//! the bookkeeping of operations is in `frame`.

use super::choose::{Case, Coalesce};
use super::compare::Compare;
use super::frame::{Emit, Frame, Kind, Name, Scope};
use super::logic::{And, Or};
use super::membership::InSet;
use super::operators::operator;
use super::program::{LambdaCode, MaskRule, Output, Program, Value};
use crate::functions::kernel::{Call, ScalarKernel};
use crate::functions::{FunctionId, Registry};
use crate::ir::{Comparison, Expr, ExprKind, Lambda, RunContext};
use crate::text::Span;
use crate::types::{DataType, Scalar, Type};
use std::collections::BTreeSet;

impl Program {
    /// Compiles expressions over an input row, with the parameters and values of a run put in.
    pub fn compile(exprs: &[&Expr], run: &RunContext) -> Program {
        let mut compiler = Compiler::of_rows(run);
        let values: Vec<Value> =
            exprs.iter().map(|expr| compiler.value(expr, Scope::WHOLE)).collect();
        compiler.finish(&values)
    }
}

/// What makes a program of expressions.
pub(super) struct Compiler<'a> {
    run: &'a RunContext,
    functions: &'a Registry,
    sites: Vec<Span>,
    /// The rows, then the bodies of the lambdas around the expression at hand.
    frames: Vec<Frame>,
}

impl<'a> Compiler<'a> {
    /// For expressions over the rows of an input.
    pub(super) fn of_rows(run: &'a RunContext) -> Compiler<'a> {
        let functions = Registry::standard();
        Compiler { run, functions, sites: Vec::new(), frames: vec![Frame::of_rows()] }
    }

    /// The program that gives these values.
    pub(super) fn finish(mut self, values: &[Value]) -> Program {
        let frame = self.frames.pop().expect("the frame of the rows");
        let outputs = values
            .iter()
            .map(|&value| Output { value, sites: frame.sites_of(value).iter().copied().collect() })
            .collect();
        Program { code: frame.finish(values), outputs, sites: self.sites }
    }

    pub(super) fn frame(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("the frame of the rows is never popped")
    }

    /// Compiles an expression; `scope` is the branch it stands in.
    pub(super) fn value(&mut self, expr: &Expr, scope: Scope) -> Value {
        use ExprKind as K;
        let ty = &expr.ty.data;
        match &expr.kind {
            K::Literal(value) => self.frame().constant(value.clone(), ty),
            K::Param(param) => {
                let value = self.run.params[param.0 as usize].clone();
                self.frame().constant(value, ty)
            }
            K::Secret(at) => {
                let secret = self.run.secrets.get(*at).and_then(Option::as_ref);
                let secret = secret.expect("keys are looked up before they are used");
                self.frame().constant(Scalar::String(secret.reveal().clone()), ty)
            }
            K::Run(value) => {
                let value = value.of(self.run);
                self.frame().constant(value, ty)
            }
            K::Column(column) => self.named(Name::Column(*column)),
            K::Slot(slot) => self.named(Name::Slot(*slot)),
            K::Call { function, arguments, lambda: None } => {
                self.call(expr, *function, arguments, scope)
            }
            K::Call { function, arguments, lambda: Some(lambda) } => {
                self.call_with_lambda(expr, *function, arguments, lambda, scope)
            }
            K::And(a, b) => self.logic(expr, a, b, MaskRule::NotFalse, scope),
            K::Or(a, b) => self.logic(expr, a, b, MaskRule::NotTrue, scope),
            K::Case { arms, otherwise } => self.case(expr, arms, otherwise.as_deref(), scope),
            K::Coalesce(items) => self.coalesce(expr, items, scope),
            K::Try(inner) => self.caught(inner, scope),
            K::In(a, items) => self.is_in(expr, a, items, scope),
            K::Convert(a) | K::Cast(a) if a.ty.data == *ty => self.value(a, scope),
            _ => {
                let operands: Vec<Value> =
                    expr.children().iter().map(|operand| self.value(operand, scope)).collect();
                let divisor = operands.last().and_then(|&last| self.frame().scalar(last)).cloned();
                let (kind, kernel, fallible) = operator(expr, divisor.as_ref());
                self.emit(expr, Emit { kind, kernel, fallible, operands }, scope)
            }
        }
    }

    fn emit(&mut self, expr: &Expr, emit: Emit, scope: Scope) -> Value {
        let Compiler { frames, sites, .. } = self;
        let frame = frames.last_mut().expect("the frame of the rows is never popped");
        frame.emit(emit, &expr.ty.data, scope, || {
            sites.push(expr.span);
            sites.len() as u32 - 1
        })
    }

    /// A column or the variable of a lambda; in the body of another it is captured.
    fn named(&mut self, name: Name) -> Value {
        self.named_in(self.frames.len() - 1, name)
    }

    fn named_in(&mut self, depth: usize, name: Name) -> Value {
        if let Some(value) = self.frames[depth].binding(name) {
            return value;
        }
        assert!(depth > 0, "the checker resolves columns and variables");
        let outer = self.named_in(depth - 1, name);
        self.frames[depth].capture(name, outer)
    }

    /// `and`, `or`: `rule` says in which rows of the left side the right one matters.
    fn logic(&mut self, expr: &Expr, a: &Expr, b: &Expr, rule: MaskRule, scope: Scope) -> Value {
        let left = self.value(a, scope);
        let neutral = rule == MaskRule::NotFalse;
        if let Some(Scalar::Bool(value)) = self.frame().scalar(left) {
            return if *value == neutral { self.value(b, scope) } else { left };
        }
        let branch = self.frame().branch(scope, rule, left);
        let operands = vec![left, self.value(b, branch)];
        let (kind, kernel): (Kind, Box<dyn ScalarKernel>) =
            if neutral { (Kind::And, Box::new(And)) } else { (Kind::Or, Box::new(Or)) };
        self.emit(expr, Emit { kind, kernel, fallible: false, operands }, scope)
    }

    /// `in`: constants as a set, each other item as a comparison.
    fn is_in(&mut self, expr: &Expr, value: &Expr, items: &[Expr], scope: Scope) -> Value {
        let ty = &value.ty.data;
        let value = self.value(value, scope);
        let has_set = InSet::new(ty, &[]).is_some();
        let (mut constants, mut found) = (Vec::new(), Vec::new());
        for item in items {
            let item = self.value(item, scope);
            if let Some(constant) = self.frame().scalar(item).filter(|_| has_set) {
                constants.push(constant.clone());
                continue;
            }
            let kind = Kind::Compare(Comparison::Equal);
            let kernel = Box::new(Compare::new(Comparison::Equal, [ty, ty]));
            let emit = Emit { kind, kernel, fallible: false, operands: vec![value, item] };
            found.push(self.emit(expr, emit, scope));
        }
        if let Some(set) = InSet::new(ty, &constants)
            && !constants.is_empty()
        {
            let kind = Kind::In(format!("{constants:?}"));
            let (kernel, operands) = (Box::new(set), vec![value]);
            found.push(self.emit(expr, Emit { kind, kernel, fallible: false, operands }, scope));
        }
        let Some(first) = found.first().copied() else {
            return self.frame().constant(Scalar::Bool(false), &DataType::Bool);
        };
        found[1..].iter().fold(first, |before, &test| {
            let operands = vec![before, test];
            let emit = Emit { kind: Kind::Or, kernel: Box::new(Or), fallible: false, operands };
            self.emit(expr, emit, scope)
        })
    }

    fn case(
        &mut self,
        expr: &Expr,
        arms: &[(Expr, Expr)],
        otherwise: Option<&Expr>,
        scope: Scope,
    ) -> Value {
        let mut operands = Vec::with_capacity(2 * arms.len() + 1);
        let mut rest = scope;
        let mut last = None;
        for (condition, value) in arms {
            let test = self.value(condition, rest);
            match self.frame().scalar(test) {
                Some(Scalar::Bool(true)) => {
                    last = Some(self.value(value, rest));
                    break;
                }
                Some(_) => {}
                None => {
                    let taken = self.frame().branch(rest, MaskRule::True, test);
                    operands.extend([test, self.value(value, taken)]);
                    rest = self.frame().branch(rest, MaskRule::False, test);
                }
            }
        }
        let last = match (last, otherwise) {
            (Some(last), _) => last,
            (None, Some(otherwise)) => self.value(otherwise, rest),
            (None, None) => self.frame().constant(Scalar::Null, &expr.ty.data),
        };
        if operands.is_empty() {
            return last;
        }
        operands.push(last);
        let kernel = Box::new(Case::new(&expr.ty.data));
        self.emit(expr, Emit { kind: Kind::Case, kernel, fallible: false, operands }, scope)
    }

    fn coalesce(&mut self, expr: &Expr, items: &[Expr], scope: Scope) -> Value {
        let mut operands = Vec::with_capacity(items.len());
        let mut rest = scope;
        for item in items {
            let value = self.value(item, rest);
            match self.frame().scalar(value) {
                Some(Scalar::Null) => continue,
                Some(_) => {
                    operands.push(value);
                    break;
                }
                None => {
                    operands.push(value);
                    rest = self.frame().branch(rest, MaskRule::Null, value);
                }
            }
        }
        match operands[..] {
            [] => self.frame().constant(Scalar::Null, &expr.ty.data),
            [only] => only,
            _ => {
                let kernel = Box::new(Coalesce::new(&expr.ty.data));
                let kind = Kind::Coalesce;
                self.emit(expr, Emit { kind, kernel, fallible: false, operands }, scope)
            }
        }
    }

    /// `try`: what fails inside goes to a catch of its own.
    fn caught(&mut self, inner: &Expr, scope: Scope) -> Value {
        let catch = self.frame().new_catch();
        let value = self.value(inner, Scope { catch: Some(catch), ..scope });
        self.frame().caught(catch, value)
    }

    fn call(
        &mut self,
        expr: &Expr,
        function: FunctionId,
        arguments: &[Expr],
        scope: Scope,
    ) -> Value {
        let operands: Vec<Value> =
            arguments.iter().map(|argument| self.value(argument, scope)).collect();
        let types: Vec<Type> = arguments.iter().map(|argument| argument.ty.clone()).collect();
        let kernel = self.function(function, &operands, &types, &expr.ty);
        let is_literal = |at: usize| {
            arguments.get(at).is_some_and(|one| matches!(one.kind, ExprKind::Literal(_)))
        };
        let fallible = self.functions.declaration(function).may_fail(is_literal);
        let kind = Kind::Function(function);
        self.emit(expr, Emit { kind, kernel, fallible, operands }, scope)
    }

    fn function(
        &mut self,
        function: FunctionId,
        operands: &[Value],
        types: &[Type],
        result: &Type,
    ) -> Box<dyn ScalarKernel> {
        let literals: Vec<Option<Scalar>> =
            operands.iter().map(|&operand| self.frame().scalar(operand).cloned()).collect();
        self.functions
            .scalar(function, &Call { arguments: types, literals: &literals, result })
            .unwrap_or_else(|error| panic!("literals are tried by the checker: {}", error.reason))
    }

    fn call_with_lambda(
        &mut self,
        expr: &Expr,
        function: FunctionId,
        arguments: &[Expr],
        lambda: &Lambda,
        scope: Scope,
    ) -> Value {
        let mut operands: Vec<Value> =
            arguments.iter().map(|argument| self.value(argument, scope)).collect();
        self.frames.push(Frame::of_lambda(lambda.slot));
        let result = self.value(&lambda.body, Scope::WHOLE);
        let body = self.frames.pop().expect("pushed above");
        let sites: BTreeSet<u32> = body.sites_of(result);
        let mut types: Vec<Type> = arguments.iter().map(|argument| argument.ty.clone()).collect();
        types.push(lambda.body.ty.clone());
        let kernel = self.function(function, &operands, &types, &expr.ty);
        let arguments = operands.len();
        operands.extend(body.captures());
        let fallible = self.functions.declaration(function).fallible || !sites.is_empty();
        let body = body.finish(&[result]);
        let lambda = Box::new(LambdaCode { body, result, kernel, arguments, over: lambda.over });
        self.sites.push(expr.span);
        let site = self.sites.len() as u32 - 1;
        self.frame().emit_lambda(lambda, operands, scope, fallible.then_some(site), sites)
    }
}
