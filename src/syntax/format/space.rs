//! Which two words of a line have a space between them.

use batchc_grammar::Rule;

/// A word of the tree: what it is and what it is a part of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Leaf {
    pub rule: Rule,
    pub parent: Rule,
}

pub(super) fn has_space(before: Leaf, after: Leaf) -> bool {
    if matches!(before.rule, Rule::lparen | Rule::lbracket | Rule::langle | Rule::dot) {
        return false;
    }
    match (before.rule, after.rule) {
        // `--` would look like a comment of another language.
        (Rule::minus_op, Rule::minus_op) => true,
        (Rule::minus_op, _) => false,
        (Rule::dot_dot, _) => matches!(after.rule, Rule::lbrace | Rule::rbrace),
        (_, Rule::dot_dot) => !matches!(before.rule, Rule::quantity | Rule::int | Rule::name),
        (_, Rule::lparen) => {
            matches!(after.parent, Rule::paren | Rule::lambda_parameters | Rule::function_type)
        }
        (_, Rule::lbracket) => after.parent != Rule::index_op,
        (
            _,
            Rule::rparen
            | Rule::rbracket
            | Rule::langle
            | Rule::rangle
            | Rule::comma
            | Rule::colon
            | Rule::dot
            | Rule::nullable
            | Rule::ellipsis,
        ) => false,
        _ => true,
    }
}
