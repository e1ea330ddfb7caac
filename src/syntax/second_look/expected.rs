//! What the rules of the grammar are called in messages.

use batchc_grammar::Rule;

/// The word that a keyword rule stands for.
pub(in crate::syntax) fn keyword(rule: Rule) -> Option<String> {
    let name = format!("{rule:?}");
    match rule {
        Rule::one_to_one | Rule::one_to_many | Rule::many_to_one | Rule::many_to_many => Some(name),
        Rule::or_op => Some("or".to_string()),
        Rule::and_op => Some("and".to_string()),
        _ => name.strip_prefix("k_").map(str::to_string),
    }
}

/// What the grammar expected, in words; each once, words of the language first.
pub(super) fn expected(rules: &[Rule]) -> Vec<String> {
    let mut described: Vec<String> = rules.iter().flat_map(|rule| described(*rule)).collect();
    described.sort_by_key(|word| (word == "an operator", word.contains(' ')));
    let mut once: Vec<String> = Vec::new();
    for word in described {
        if !once.contains(&word) {
            once.push(word);
        }
    }
    if once.iter().any(|word| word == "a value") {
        // A value may begin in many ways; they all go without saying.
        once.retain(|word| {
            !matches!(
                word.as_str(),
                "not" | "case" | "if" | "true" | "false" | "null" | "a name" | "a text"
            )
        });
    }
    once
}

/// The words of a rule that is one of several, or what it is called.
fn described(rule: Rule) -> Vec<String> {
    match words_of(rule) {
        [] => describe(rule).into_iter().collect(),
        words => words.iter().map(|word| (*word).to_owned()).collect(),
    }
}

/// The words of a rule that is one of several; none of any other.
pub(in crate::syntax) fn words_of(rule: Rule) -> &'static [&'static str] {
    match rule {
        Rule::keep => &["newest", "oldest", "first", "last"],
        Rule::expect_action => &["warn", "drop", "fail", "quarantine"],
        Rule::error_policy => &["fail", "drop", "null", "quarantine"],
        _ => &[],
    }
}

fn describe(rule: Rule) -> Option<String> {
    let fixed = match rule {
        Rule::EOI | Rule::field_op | Rule::index_op | Rule::dot | Rule::dot_dot => return None,
        _ if is_operator(rule) => "an operator",
        _ if is_value(rule) => "a value",
        Rule::name | Rule::path | Rule::names => "a name",
        Rule::assignment | Rule::assignments => "a name with `=`",
        Rule::column_line | Rule::source_item => "a column",
        Rule::type_expr
        | Rule::named_type
        | Rule::list_type
        | Rule::map_type
        | Rule::record_type
        | Rule::function_type => "a type",
        Rule::plain_text | Rule::text | Rule::quote | Rule::long_quote => "a text",
        Rule::int => "a whole number",
        Rule::quantity => "a length of time such as `30m`",
        Rule::percent => "a share such as `1%`",
        Rule::clock => "a time such as `06:00`",
        Rule::cardinality => "a relation such as `many_to_one`",
        Rule::connector => "a connector such as `csv(\"file.csv\")`",
        Rule::nullable => "?",
        Rule::lparen => "(",
        Rule::rparen => ")",
        Rule::lbrace
        | Rule::assignment_block
        | Rule::column_block
        | Rule::job_block
        | Rule::parse_block
        | Rule::split_block
        | Rule::route_block => "{",
        Rule::rbrace => "}",
        Rule::lbracket | Rule::pivot_values => "[",
        Rule::rbracket => "]",
        Rule::langle => "<",
        Rule::rangle => ">",
        Rule::comma => ",",
        Rule::colon => ":",
        Rule::assign => "=",
        Rule::arrow => "->",
        Rule::fat_arrow => "=>",
        Rule::bang => "!",
        Rule::ellipsis => "...",
        Rule::format => "format",
        Rule::quarantine => "quarantine",
        Rule::table => "a table: `| column |`",
        _ => return keyword(rule),
    };
    Some(fixed.to_string())
}

fn is_operator(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::or_op
            | Rule::and_op
            | Rule::equal_op
            | Rule::not_equal_op
            | Rule::less_op
            | Rule::less_equal_op
            | Rule::greater_op
            | Rule::greater_equal_op
            | Rule::coalesce_op
            | Rule::add_op
            | Rule::subtract_op
            | Rule::power_op
            | Rule::multiply_op
            | Rule::int_divide_op
            | Rule::divide_op
            | Rule::remainder_op
            | Rule::in_op
            | Rule::is_op
            | Rule::as_op
            | Rule::between_op
            | Rule::matches_op
            | Rule::k_in
            | Rule::k_between
            | Rule::k_matches
            | Rule::k_is
            | Rule::minus_op
    )
}

/// Does the rule begin a value?
pub(in crate::syntax) fn is_value(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::expr
            | Rule::call
            | Rule::callee
            | Rule::lambda
            | Rule::list
            | Rule::record
            | Rule::paren
            | Rule::case_expr
            | Rule::if_expr
            | Rule::number
            | Rule::date
            | Rule::regex
            | Rule::bound
            | Rule::argument
            | Rule::label
            | Rule::arguments
            | Rule::column
            | Rule::columns
            | Rule::pivot_item
            | Rule::pivot_value
            | Rule::pivot_with
            | Rule::sort_key
            | Rule::sort_keys
            | Rule::not_op
            | Rule::k_not
            | Rule::lambda_parameters
            | Rule::subject
            | Rule::arm_values
            | Rule::join_on
    )
}
