//! What the checker says about steps that send rows to branches, choose some of them, or turn values
//! into columns: codes E0131 to E0133, E0230, E0231, E0409 to E0413 and E0604.

use super::{Code, Diagnostic, nearest};
use crate::text::Span;
use crate::types::Type;

/// E0131: a job that has branches is read as a whole.
pub fn name_a_branch(job: &str, span: Span, branches: &[&str], at: Span) -> Diagnostic {
    let ways: Vec<String> = branches.iter().map(|branch| format!("`{job}.{branch}`")).collect();
    Diagnostic::new(
        Code::E0131,
        format!("`{job}` ends in branches, and its rows are read there"),
        span,
        "which branch?",
    )
    .label(at, "it ends here")
    .help(format!("one of {}", ways.join(", ")))
}

/// E0132: there is no such branch, or the job has none.
pub fn no_branch(job: &str, branch: &str, span: Span, branches: &[&str]) -> Diagnostic {
    let found = Diagnostic::new(
        Code::E0132,
        match branches.is_empty() {
            true => format!("`{job}` has no branches"),
            false => format!("`{job}` has no branch `{branch}`"),
        },
        span,
        match branches.is_empty() {
            true => "it ends in no `split` or `route`",
            false => "not a branch of it",
        },
    );
    match nearest(branch, branches.iter().copied()) {
        Some(near) => found.did_you_mean(span, branch, near),
        None if branches.is_empty() => found.help(format!("read the job itself: `{job}`")),
        None => {
            let ways: Vec<String> =
                branches.iter().map(|branch| format!("`{job}.{branch}`")).collect();
            found.help(format!("one of {}", ways.join(", ")))
        }
    }
}

/// E0133: a value that is to be the name of a column and is none.
pub fn value_without_name(span: Span, text: &str) -> Diagnostic {
    let word: String = text
        .trim_matches('"')
        .chars()
        .map(|character| if character.is_alphanumeric() { character } else { '_' })
        .collect();
    let word = word.trim_matches('_').to_lowercase();
    let name = match word.chars().next() {
        Some(first) if first.is_alphabetic() => word,
        Some(_) => format!("of_{word}"),
        None => "other".to_owned(),
    };
    Diagnostic::new(
        Code::E0133,
        format!("{text} cannot be the name of a column"),
        span,
        "the new column would be called so",
    )
    .help(format!("give it a name: `{text} as {name}`"))
    .guess(span, format!("{text} as {name}"))
}

/// E0230: `pivot` or `encode` of a column whose values are not known.
pub fn values_of_what(column_span: Span, column: &str, ty: &Type, step: &str) -> Diagnostic {
    let help = match step {
        "pivot" => format!("`pivot {column} values [\"a\", \"b\"] with …`"),
        _ => format!("`encode {column} with one_hot([\"a\", \"b\"])`"),
    };
    Diagnostic::new(
        Code::E0230,
        format!("which values does `{column}` have?"),
        column_span,
        format!("a `{ty}`, of which any value may come"),
    )
    .help(help)
}

/// E0133: a column of `one_hot` that cannot be called so.
pub fn no_name_for(name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0133,
        format!("`{name}` cannot be the name of a column"),
        span,
        "the new column would be called so",
    )
    .help("give it another text before: `set …`, or use `ordinal` or `hash_bucket`")
}

/// E0232: `encode` with something that is no way to do so.
pub fn encode_how(span: Span, ways: &[&str]) -> Diagnostic {
    let ways: Vec<String> = ways.iter().map(|way| format!("`{way}`")).collect();
    Diagnostic::new(Code::E0232, "this is no way to encode a column", span, "how?")
        .help(format!("one of {}", ways.join(", ")))
}

/// E0231: columns of `unpivot` that have no type in common.
pub fn unpivot_differs(columns: &[(Span, &str, &Type)]) -> Diagnostic {
    let (first, name, ty) = columns[0];
    let other = columns.iter().find(|(_, _, other)| crate::types::unify(ty, other).is_none());
    let (place, other_name, other) = *other.unwrap_or(&columns[0]);
    let found = format!("`{name}` and `{other_name}` have no type in common");
    Diagnostic::new(Code::E0231, found, place, format!("this is `{other}`"))
        .label(first, format!("this is `{ty}`"))
        .help(format!("`cast {other_name} as {}` above", ty.with_nullable(other.nullable)))
}

/// E0409: shares of a `split` that are not the whole.
pub fn shares_differ(span: Span, sum: f64) -> Diagnostic {
    let sum = (sum * 1e9).round() / 1e7;
    let help = match sum < 100.0 {
        true => format!(
            "add a branch for what is left: `rest {}%`",
            ((100.0 - sum) * 1e7).round() / 1e7
        ),
        false => "make them smaller".to_owned(),
    };
    Diagnostic::new(
        Code::E0409,
        format!("the shares of this `split` make {sum}%, not 100%"),
        span,
        match sum < 100.0 {
            true => "some rows would go nowhere",
            false => "more rows than there are",
        },
    )
    .help(help)
}

/// E0410: a `route` that rows may leave by no branch.
pub fn no_otherwise(last: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0410,
        "rows that meet none of these conditions would go nowhere",
        last,
        "the last branch",
    )
    .help("add a branch for them: `other otherwise`")
}

/// E0410: branches behind the one that takes all that is left.
pub fn behind_otherwise(branch: Span, otherwise: Span) -> Diagnostic {
    let found = "no row comes to a branch behind `otherwise`";
    Diagnostic::new(Code::E0410, found, branch, "gets none")
        .label(otherwise, "takes all that is left")
        .help("make `otherwise` the last one")
}

/// E0411: steps behind the one that ends the job.
pub fn step_behind_branches(verb: Span, word: &str, branches: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0411,
        format!("`{word}` has no rows: the job has ended in branches"),
        verb,
        "behind the end",
    )
    .label(branches, "each row goes to a branch here")
    .help("put it above, or into a job that reads a branch: `from JOB.BRANCH`")
}

/// E0412: a number of rows that is chosen by a key.
pub fn rows_by(by: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0412,
        "all rows of a key are in a sample or none, so there is no number of rows",
        by,
        "chosen by this",
    )
    .help("a share: `sample 10% by …`; so many rows of each key: `take 10 by …`")
}

/// E0413: an aggregate that counts nulls, which other values of a pivoted column give it.
pub fn nulls_of_values(span: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0413,
        "`null_rate` of the rows of one value cannot be computed in a `pivot`",
        span,
        "rows of other values would count as null",
    )
    .help("count both: `missing = count_if(x is null), rows = count()`")
}

/// E0604: a choice of rows without a seed.
pub fn no_seed(step: &str, span: Span, before_block: bool) -> Diagnostic {
    let found = Diagnostic::new(
        Code::E0604,
        format!("which rows this `{step}` takes would be left to chance"),
        span,
        "no `seed`",
    );
    let help = format!("with a seed it takes the same in every run: `{step} … seed 42`");
    match before_block {
        true => found.help(help),
        false => found
            .help(help)
            .fix(Span::new(span.file, span.end as usize, span.end as usize), " seed 42"),
    }
}
