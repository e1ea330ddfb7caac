//! What `type` declarations name: types that are told apart, and parts of types with the condition
//! that their values meet. Where values become one is said in `exprs::convert`.

use super::exprs::{NullRule, Scope, Variable};
use super::globals::Globals;
use super::types::{resolve_type, type_names};
use crate::diagnostics::{Diagnostics, named};
use crate::expr::constant;
use crate::ir::{Expr, ExprKind, Slot, ValueCheck};
use crate::syntax::ast::{self, DeclarationKind, TypeExpr, TypeExprKind};
use crate::text::Span;
use crate::types::{DataType, NamedType, Scalar, Type};
use std::collections::HashMap;
use std::sync::Arc;

/// A `type` of the file.
pub(super) struct Named {
    /// None where something is wrong with it.
    pub(super) ty: Option<Arc<NamedType>>,
    /// Its name's place.
    pub(super) at: Span,
    /// What its values meet, if it is a part of a type.
    pub(super) condition: Option<Arc<Condition>>,
}

/// What the values of a part of a type meet.
pub(super) struct Condition {
    /// The value, in `body`.
    slot: Slot,
    /// A `bool`.
    body: Expr,
    /// What is said of a value that does not meet it.
    pub(super) reason: Arc<str>,
}

impl Condition {
    /// The condition of a value that is not null.
    pub(super) fn of(&self, value: &Expr) -> Expr {
        let value = Expr { ty: value.ty.with_nullable(false), ..value.clone() };
        let mut body = self.body.clone();
        super::exprs::substitute(&mut body, &HashMap::from([(self.slot, value)]));
        body
    }

    /// Is it known that a value that is known does not meet it?
    pub(super) fn is_broken_by(&self, value: &Scalar, of: &DataType, span: Span) -> bool {
        let (kind, ty) = (ExprKind::Literal(value.clone()), of.clone().required());
        !value.is_null()
            && constant(&self.of(&Expr { kind, ty, span }), &[]) != Ok(Scalar::Bool(true))
    }
}

/// Adds the `type` declarations: first what they name, so that they may stand in any order, then
/// the conditions.
pub(super) fn collect(file: &ast::File, globals: &mut Globals, found: &mut Diagnostics) {
    let mut open: Vec<&ast::TypeDeclaration> = vec![];
    for declaration in &file.declarations {
        let DeclarationKind::Type(declared) = &declaration.kind else { continue };
        let name = &declared.name;
        if type_names().any(|known| known == name.text) {
            found.push(named::built_in(&name.text, name.span));
        } else if !globals.types.contains_key(&name.text) {
            let named = Named { ty: None, at: name.span, condition: None };
            globals.types.insert(name.text.clone(), named);
            open.push(declared);
        }
    }
    let all = open.clone();
    while !open.is_empty() {
        let is_open = |name: &str| open.iter().any(|one| one.name.text == name);
        let (waiting, ready): (Vec<&ast::TypeDeclaration>, Vec<&ast::TypeDeclaration>) = open
            .iter()
            .copied()
            .partition(|one: &&ast::TypeDeclaration| first_open(&one.ty, &is_open).is_some());
        if ready.is_empty() {
            for one in waiting {
                let through = first_open(&one.ty, &is_open).unwrap_or(&one.name);
                found.push(named::of_itself(&one.name.text, one.name.span, through.span));
            }
            break;
        }
        for declared in ready {
            name_type(declared, globals, found);
        }
        open = waiting;
    }
    for declared in all {
        if let Some(condition) = &declared.condition {
            let checked = check_condition(declared, condition, globals, found);
            if let Some(named) = globals.types.get_mut(&declared.name.text) {
                named.condition = checked.map(Arc::new);
            }
        }
    }
}

/// The first name in a type for which this is so.
fn first_open<'t>(ty: &'t TypeExpr, is_open: &impl Fn(&str) -> bool) -> Option<&'t ast::Name> {
    match &ty.kind {
        TypeExprKind::Named(name, _) => is_open(&name.text).then_some(name),
        TypeExprKind::List(item) => first_open(item, is_open),
        TypeExprKind::Map(key, value) => {
            first_open(key, is_open).or_else(|| first_open(value, is_open))
        }
        TypeExprKind::Record(fields, _) => {
            fields.iter().find_map(|(_, ty)| first_open(ty, is_open))
        }
        TypeExprKind::Function(..) | TypeExprKind::Bad => None,
    }
}

fn name_type(declared: &ast::TypeDeclaration, globals: &mut Globals, found: &mut Diagnostics) {
    let behind = resolve_type(&declared.ty, globals, found);
    if behind.is_unknown() {
        return;
    }
    if behind.nullable {
        found.push(named::nullable(&declared.name.text, declared.ty.span));
    }
    let (name, is_part) = (declared.name.text.as_str().into(), declared.condition.is_some());
    let ty = Arc::new(NamedType { name, of: behind.data, is_part });
    if let Some(named) = globals.types.get_mut(&declared.name.text) {
        named.ty = Some(ty);
    }
}

fn check_condition(
    declared: &ast::TypeDeclaration,
    condition: &ast::Expr,
    globals: &mut Globals,
    found: &mut Diagnostics,
) -> Option<Condition> {
    let ty = globals.types.get(&declared.name.text)?.ty.clone()?;
    let slot = globals.new_slot();
    let text = globals.files.text(condition.span).split_whitespace().collect::<Vec<_>>().join(" ");
    let mut scope = Scope::constant(globals, found);
    let at = declared.name.span;
    let of = ty.of.clone().required();
    scope.slots.push(Variable { name: "value".to_owned(), slot, ty: of, at });
    let body = scope.condition(condition, "`where`", NullRule::Forbidden);
    if body.ty.is_unknown() {
        return None;
    }
    if !mentions(&body, slot) {
        found.push(named::without_value(&declared.name.text, condition.span));
        return None;
    }
    let reason = format!("not {} ({text})", ty.with_article()).into();
    Some(Condition { slot, body, reason })
}

fn mentions(expr: &Expr, slot: Slot) -> bool {
    expr.kind == ExprKind::Slot(slot) || expr.children().into_iter().any(|one| mentions(one, slot))
}

impl Globals<'_> {
    /// What the values of a named type meet, if it is a part of a type.
    pub(super) fn condition_of(&self, named: &NamedType) -> Option<Arc<Condition>> {
        self.types.get(&*named.name)?.condition.clone()
    }

    /// What must be true of the values of a column of a source, if its type is a part of another.
    pub(super) fn check_of(&self, ty: &Type, column: usize, span: Span) -> Option<ValueCheck> {
        let mut conditions = vec![];
        let mut data = &ty.data;
        while let DataType::Named(named) = data {
            conditions.extend(self.condition_of(named));
            data = &named.of;
        }
        let value = Expr { kind: ExprKind::Column(column), ty: data.clone().required(), span };
        let reason = conditions.first()?.reason.clone();
        let both = |a: Expr, b: Expr| Expr {
            ty: DataType::Bool.required(),
            kind: ExprKind::And(Box::new(b), Box::new(a)),
            span,
        };
        let condition = conditions.iter().map(|one| one.of(&value)).reduce(both)?;
        Some(ValueCheck { condition, reason })
    }
}
