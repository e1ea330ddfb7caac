//! What the parser tells the user: codes E0001 to E0099.
/// STUB
pub fn not_available_yet(later: &crate::syntax::ast::Later) -> super::Diagnostic {
    super::Diagnostic::new(
        super::Code::E0020,
        format!("`{}` is not available yet", later.what),
        later.span,
        "",
    )
}
