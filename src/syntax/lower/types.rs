//! Types as written. Whether a type of that name exists is the checker's question.

use super::super::ast::{Name, TypeExpr, TypeExprKind};
use super::{Lower, Pair, children, first, has};
use crate::diagnostics::syntax;
use crate::syntax::layout::NESTING_MAX;
use batchc_grammar::Rule;

impl Lower<'_> {
    /// A type.
    pub(super) fn type_expr(&self, pair: Pair) -> TypeExpr {
        let span = self.span(&pair);
        let nullable = has(&pair, Rule::nullable);
        if self.depth.get() > NESTING_MAX {
            self.report(syntax::too_deep(span, NESTING_MAX));
            return TypeExpr { kind: TypeExprKind::Bad, nullable, span };
        }
        self.depth.set(self.depth.get() + 1);
        let kind = self.type_kind(first(pair));
        self.depth.set(self.depth.get() - 1);
        TypeExpr { kind, nullable, span }
    }

    fn type_kind(&self, pair: Pair) -> TypeExprKind {
        match pair.as_rule() {
            Rule::list_type => match self.types_in(pair).pop() {
                Some(item) => TypeExprKind::List(Box::new(item)),
                None => TypeExprKind::Bad,
            },
            Rule::map_type => {
                let mut types = self.types_in(pair);
                match (types.pop(), types.pop()) {
                    (Some(value), Some(key)) => TypeExprKind::Map(Box::new(key), Box::new(value)),
                    _ => TypeExprKind::Bad,
                }
            }
            Rule::function_type => {
                let mut types = self.types_in(pair);
                match types.pop() {
                    Some(result) => TypeExprKind::Function(types, Box::new(result)),
                    None => TypeExprKind::Bad,
                }
            }
            Rule::record_type => {
                let is_open = has(&pair, Rule::dot_dot);
                let fields =
                    children(pair, Rule::type_entry).map(|entry| self.type_entry(entry)).collect();
                TypeExprKind::Record(fields, is_open)
            }
            _ => {
                let mut inner = pair.into_inner();
                let name = inner.next().expect("a named type has a name");
                let arguments = inner
                    .filter(|child| child.as_rule() == Rule::expr)
                    .map(|argument| self.expr(argument));
                TypeExprKind::Named(self.name(&name), arguments.collect())
            }
        }
    }

    fn types_in(&self, pair: Pair) -> Vec<TypeExpr> {
        children(pair, Rule::type_expr).map(|inner| self.type_expr(inner)).collect()
    }

    fn type_entry(&self, pair: Pair) -> (Name, TypeExpr) {
        let mut inner = pair.into_inner();
        let name = inner.next().expect("a field has a name");
        let ty =
            inner.find(|child| child.as_rule() == Rule::type_expr).expect("a field has a type");
        (self.name(&name), self.type_expr(ty))
    }
}
