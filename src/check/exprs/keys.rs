//! The key of `tokenize`: a secret of the program by its name, which stands in no other expression.

use super::{Scope, bad};
use crate::check::names::Kind;
use crate::diagnostics::names;
use crate::ir::{Expr, ExprKind};
use crate::syntax::ast::{self, ExprKind as A};
use crate::types::DataType;

/// The function that has a key.
pub(super) const KEYED: &str = "tokenize";

/// Is an argument of it, with this label or at this position, its key?
pub(super) fn is_key(label: Option<&str>, position: usize) -> bool {
    label == Some("key") || position == 1 && label != Some("text")
}

impl Scope<'_, '_> {
    pub(super) fn key(&mut self, key: &ast::Expr) -> Expr {
        let secret = match &key.kind {
            A::Name(name) => self.globals.secrets.get(name).copied(),
            _ => None,
        };
        // A module sees no secrets of who uses it.
        let secret = secret.filter(|(_, at)| at.file == key.span.file);
        let Some((secret, at)) = secret else {
            let mut all: Vec<&str> = self.globals.secrets.keys().map(String::as_str).collect();
            all.sort_unstable();
            self.found.push(names::not_a_secret(&self.text(key.span), key.span, &all));
            return bad(key.span);
        };
        let ty = DataType::String.required();
        let value = Expr { kind: ExprKind::Secret(secret), ty, span: key.span };
        self.globals.names().value(Kind::Secret, at, &value);
        value
    }
}
