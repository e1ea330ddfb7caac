//! Expressions. The grammar gives them flat; precedence is decided here.
//!
//! The tree is never deeper than [`EXPRESSION_DEPTH_MAX`], however the text is made, so that
//! whatever walks it may recurse, and so that dropping it does not exhaust the stack.

use super::super::ast::{Argument, BinaryOp, Expr, ExprKind, Name, UnaryOp};
use super::literals::regex_source;
use super::{Lower, Pair, child, children, first, has, unsigned_date};
use crate::diagnostics::{Diagnostic, literals, syntax};
use crate::syntax::layout::NESTING_MAX;
use crate::text::Span;
use batchc_grammar::Rule;
use pest::pratt_parser::{Assoc, Op, PrattParser};
use std::sync::LazyLock;

/// How deep the tree of an expression may be: `a + b + c` is two deep.
pub const EXPRESSION_DEPTH_MAX: usize = 256;

/// Loosest first.
static PRECEDENCE: LazyLock<PrattParser<Rule>> = LazyLock::new(|| {
    let left = |rule| Op::infix(rule, Assoc::Left);
    PrattParser::new()
        .op(left(Rule::or_op))
        .op(left(Rule::and_op))
        .op(Op::prefix(Rule::not_op))
        .op(left(Rule::equal_op) | left(Rule::not_equal_op))
        .op(left(Rule::less_op)
            | left(Rule::less_equal_op)
            | left(Rule::greater_op)
            | left(Rule::greater_equal_op)
            | left(Rule::in_op)
            | Op::postfix(Rule::is_op)
            | Op::postfix(Rule::between_op)
            | Op::postfix(Rule::matches_op))
        .op(left(Rule::coalesce_op))
        .op(left(Rule::add_op) | left(Rule::subtract_op))
        .op(left(Rule::multiply_op)
            | left(Rule::divide_op)
            | left(Rule::int_divide_op)
            | left(Rule::remainder_op))
        .op(Op::postfix(Rule::as_op))
        .op(Op::prefix(Rule::minus_op))
        .op(Op::infix(Rule::power_op, Assoc::Right))
        .op(Op::postfix(Rule::field_op) | Op::postfix(Rule::index_op))
});

/// An expression while its operators are being sorted out.
struct Operand {
    expr: Expr,
    depth: usize,
    /// Was it written in parentheses?
    is_closed: bool,
    /// Its place, with the parentheses.
    outer: Span,
}

impl Lower<'_> {
    /// An expression: a pair of `expr` or `bound`.
    pub(super) fn expr(&self, pair: Pair) -> Expr {
        self.operand(pair).expr
    }

    fn operand(&self, pair: Pair) -> Operand {
        let (span, depth) = (self.span(&pair), self.depth.get());
        // The layout has refused deeper brackets before they were parsed; this is for the proof.
        if depth > 2 * NESTING_MAX {
            return self.too_deep(span);
        }
        self.depth.set(depth + 1);
        let operand = self.operators(pair, span);
        self.depth.set(depth);
        operand
    }

    fn operators(&self, pair: Pair, span: Span) -> Operand {
        let mut pairs = pair.into_inner();
        let length = pairs.len();
        if length == 1 {
            return self.primary(pairs.next().expect("there is one"));
        }
        // These recurse inside of the operator parser, before there is a depth to look at.
        let is_recursive = |rule| matches!(rule, Rule::not_op | Rule::minus_op | Rule::power_op);
        if length > NESTING_MAX
            && pairs.clone().filter(|pair| is_recursive(pair.as_rule())).count() > NESTING_MAX
        {
            return self.too_deep(span);
        }
        PRECEDENCE
            .map_primary(|pair| self.primary(pair))
            .map_prefix(|operator, operand| self.unary(&operator, operand))
            .map_postfix(|operand, operator| self.postfix(operand, operator))
            .map_infix(|left, operator, right| self.binary(left, &operator, right))
            .parse(pairs)
    }

    /// What is made of the result is too deep as well, and is not reported again.
    fn too_deep(&self, span: Span) -> Operand {
        self.report(syntax::too_deep(span, EXPRESSION_DEPTH_MAX));
        Operand { depth: EXPRESSION_DEPTH_MAX + 1, ..bad(span) }
    }

    /// An operand out of its parts; `depth` is that of the deepest of them.
    fn made(&self, kind: ExprKind, span: Span, depth: usize) -> Operand {
        if depth >= EXPRESSION_DEPTH_MAX {
            // What is too deep is dropped here, while it can be.
            drop(kind);
            if depth > EXPRESSION_DEPTH_MAX {
                return Operand { depth, ..bad(span) };
            }
            return self.too_deep(span);
        }
        Operand { expr: Expr { kind, span }, depth: depth + 1, is_closed: false, outer: span }
    }

    fn unary(&self, operator: &Pair, operand: Operand) -> Operand {
        let op = if operator.as_rule() == Rule::not_op { UnaryOp::Not } else { UnaryOp::Negate };
        let span = self.span(operator).to(operand.outer);
        self.made(ExprKind::Unary(op, Box::new(operand.expr)), span, operand.depth)
    }

    fn binary(&self, left: Operand, operator: &Pair, right: Operand) -> Operand {
        let span = left.outer.to(right.outer);
        let depth = left.depth.max(right.depth);
        if let Some(date) = self.unsigned_date(operator, &right.expr) {
            self.report(date);
            return bad(span);
        }
        let (lhs, rhs) = (Box::new(left.expr), Box::new(right.expr));
        if operator.as_rule() == Rule::in_op {
            let negated = has(operator, Rule::k_not);
            return self.made(ExprKind::In { value: lhs, negated, list: rhs }, span, depth);
        }
        let op = binary_op(operator.as_rule());
        let place = self.span(operator);
        if let (ExprKind::Binary(before, before_place, _, _), false) = (&lhs.kind, left.is_closed)
            && level(*before).is_some()
            && level(*before) == level(op)
        {
            let middle = self.text_between(before_place.end, place.start);
            self.report(syntax::comparisons_do_not_chain(
                place,
                *before_place,
                self.text(lhs.span),
                middle,
                self.text(rhs.span),
                self.text(place),
            ));
            return bad(span);
        }
        self.made(ExprKind::Binary(op, place, lhs, rhs), span, depth)
    }

    /// `2024-01-31`, of which `last` is the last number.
    fn unsigned_date(&self, operator: &Pair, last: &Expr) -> Option<Diagnostic> {
        let is_of_dates = matches!(operator.as_rule(), Rule::subtract_op | Rule::divide_op);
        if !is_of_dates || !matches!(last.kind, ExprKind::Int(_)) {
            return None;
        }
        let start = last.span.range().end.checked_sub(10)?;
        self.source.is_char_boundary(start).then_some(())?;
        let (text, meant) = unsigned_date(self.source, start)?;
        Some(literals::unsigned_date(Span::new(self.file, start, start + text.len()), text, &meant))
    }

    fn text(&self, span: Span) -> &str {
        self.source.get(span.range()).unwrap_or("")
    }

    fn text_between(&self, start: u32, end: u32) -> &str {
        self.source.get(start as usize..end as usize).unwrap_or("").trim()
    }

    fn postfix(&self, operand: Operand, operator: Pair) -> Operand {
        let span = operand.outer.to(self.span(&operator));
        let (value, depth) = (Box::new(operand.expr), operand.depth);
        let negated = has(&operator, Rule::k_not);
        let (kind, inner_depth) = match operator.as_rule() {
            Rule::field_op => {
                let name = child(&operator, Rule::name).expect("a field has a name");
                (ExprKind::Field(value, self.name(&name)), 0)
            }
            Rule::index_op => {
                let index =
                    self.operand(child(&operator, Rule::expr).expect("an index is an expression"));
                (ExprKind::Index(value, Box::new(index.expr)), index.depth)
            }
            Rule::is_op => (ExprKind::IsNull { value, negated }, 0),
            Rule::as_op => {
                let ty = child(&operator, Rule::type_expr).expect("`as` names a type");
                (ExprKind::As(value, self.type_expr(ty)), 0)
            }
            Rule::between_op => {
                let mut bounds = children(operator, Rule::bound).map(|bound| self.operand(bound));
                let low = bounds.next().expect("`between` has two ends");
                let high = bounds.next().expect("`between` has two ends");
                let depth = low.depth.max(high.depth);
                let (low, high) = (Box::new(low.expr), Box::new(high.expr));
                (ExprKind::Between { value, negated, low, high }, depth)
            }
            _ => {
                let pattern = child(&operator, Rule::plain_text).expect("`matches` has a pattern");
                (ExprKind::Matches { value, negated, pattern: self.plain_text(pattern) }, 0)
            }
        };
        self.made(kind, span, depth.max(inner_depth))
    }

    /// A literal that stands where no other expression may.
    pub(super) fn literal(&self, pair: Pair) -> Expr {
        self.primary(pair).expr
    }

    fn primary(&self, pair: Pair) -> Operand {
        let span = self.span(&pair);
        let leaf =
            |kind| Operand { expr: Expr { kind, span }, depth: 1, is_closed: false, outer: span };
        match pair.as_rule() {
            Rule::name => leaf(ExprKind::Name(pair.as_str().trim_end().to_string())),
            Rule::int => leaf(ExprKind::Int(self.magnitude(&pair))),
            Rule::number => leaf(ExprKind::Number(pair.as_str().trim_end().replace('_', ""))),
            Rule::percent => leaf(ExprKind::Percent(self.percent(&pair))),
            Rule::quantity => leaf(self.quantity(&pair)),
            Rule::date => leaf(self.date(&pair)),
            Rule::regex => leaf(ExprKind::Regex(regex_source(&pair).to_string())),
            Rule::k_true => leaf(ExprKind::Bool(true)),
            Rule::k_false => leaf(ExprKind::Bool(false)),
            Rule::k_null => leaf(ExprKind::Null),
            _ => self.nested(pair, span),
        }
    }

    /// What contains expressions of its own.
    fn nested(&self, pair: Pair, span: Span) -> Operand {
        let mut deepest = 1;
        let mut inner = |pair: Pair| {
            let operand = self.operand(pair);
            deepest = deepest.max(operand.depth);
            operand.expr
        };
        let kind = match pair.as_rule() {
            Rule::paren => {
                let operand =
                    self.operand(child(&pair, Rule::expr).expect("parentheses hold an expression"));
                return Operand { is_closed: true, outer: span, ..operand };
            }
            Rule::text => ExprKind::Text(self.text_parts(pair, inner)),
            Rule::call => {
                let callee = self.name(&child(&pair, Rule::callee).expect("a call has a name"));
                let arguments = child(&pair, Rule::arguments).expect("a call has arguments");
                let arguments = children(arguments, Rule::argument)
                    .map(|argument| self.argument_with(argument, &mut inner));
                ExprKind::Call(callee, arguments.collect())
            }
            Rule::lambda => self.lambda(pair, inner),
            Rule::list => ExprKind::List(children(pair, Rule::expr).map(inner).collect()),
            Rule::record => ExprKind::Record(
                children(pair, Rule::record_entry)
                    .map(|entry| {
                        let name = self.name(&first(entry.clone()));
                        (name, inner(child(&entry, Rule::expr).expect("a field has a value")))
                    })
                    .collect(),
            ),
            Rule::if_expr => {
                let mut parts = children(pair, Rule::expr).map(|part| Box::new(inner(part)));
                let mut part = || parts.next().expect("`if` has three parts");
                ExprKind::If(part(), part(), part())
            }
            _ => self.case(pair, inner),
        };
        self.made(kind, span, deepest)
    }

    fn lambda(&self, pair: Pair, mut inner: impl FnMut(Pair) -> Expr) -> ExprKind {
        let mut parameters: Vec<Name> = Vec::new();
        let mut body = None;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => parameters.push(self.name(&part)),
                Rule::lambda_parameters => {
                    parameters.extend(
                        child(&part, Rule::names)
                            .map(|names| self.names(names))
                            .unwrap_or_default(),
                    );
                }
                Rule::expr => body = Some(inner(part)),
                _ => {}
            }
        }
        ExprKind::Lambda(parameters, Box::new(body.expect("a lambda has a body")))
    }

    fn case(&self, pair: Pair, mut inner: impl FnMut(Pair) -> Expr) -> ExprKind {
        let subject = child(&pair, Rule::subject).map(|subject| {
            Box::new(inner(child(&subject, Rule::expr).expect("a subject is an expression")))
        });
        let (mut arms, mut otherwise) = (Vec::new(), None);
        for arm in children(pair, Rule::arm) {
            if otherwise.is_some() {
                self.report(syntax::arm_after_else(self.span(&arm)));
            }
            let result = inner(child(&arm, Rule::expr).expect("an arm has a result"));
            match child(&arm, Rule::arm_values) {
                Some(values) => {
                    arms.push((children(values, Rule::expr).map(&mut inner).collect(), result))
                }
                None => otherwise = Some(Box::new(result)),
            }
        }
        ExprKind::Case { subject, arms, otherwise }
    }

    /// The arguments of a connector or of a step.
    pub(super) fn arguments(&self, pair: Pair) -> Vec<Argument> {
        children(pair, Rule::argument)
            .map(|argument| self.argument_with(argument, &mut |pair| self.expr(pair)))
            .collect()
    }

    fn argument_with(&self, pair: Pair, value: &mut impl FnMut(Pair) -> Expr) -> Argument {
        let name = child(&pair, Rule::label).map(|name| self.name(&name));
        let expr = child(&pair, Rule::expr).expect("an argument has a value");
        Argument { name, value: value(expr) }
    }
}

fn bad(span: Span) -> Operand {
    Operand { expr: Expr { kind: ExprKind::Bad, span }, depth: 1, is_closed: true, outer: span }
}

fn binary_op(rule: Rule) -> BinaryOp {
    match rule {
        Rule::or_op => BinaryOp::Or,
        Rule::and_op => BinaryOp::And,
        Rule::equal_op => BinaryOp::Equal,
        Rule::not_equal_op => BinaryOp::NotEqual,
        Rule::less_op => BinaryOp::Less,
        Rule::less_equal_op => BinaryOp::LessEqual,
        Rule::greater_op => BinaryOp::Greater,
        Rule::greater_equal_op => BinaryOp::GreaterEqual,
        Rule::coalesce_op => BinaryOp::Coalesce,
        Rule::add_op => BinaryOp::Add,
        Rule::subtract_op => BinaryOp::Subtract,
        Rule::multiply_op => BinaryOp::Multiply,
        Rule::divide_op => BinaryOp::Divide,
        Rule::int_divide_op => BinaryOp::IntDivide,
        Rule::remainder_op => BinaryOp::Remainder,
        Rule::power_op => BinaryOp::Power,
        other => unreachable!("{other:?} is no operator with two operands"),
    }
}

/// Comparisons of one level do not chain.
fn level(op: BinaryOp) -> Option<u8> {
    match op {
        BinaryOp::Equal | BinaryOp::NotEqual => Some(0),
        BinaryOp::Less | BinaryOp::LessEqual | BinaryOp::Greater | BinaryOp::GreaterEqual => {
            Some(1)
        }
        _ => None,
    }
}
