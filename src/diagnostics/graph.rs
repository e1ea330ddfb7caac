//! What the checker says about jobs, sources and outputs as a whole: codes E0501 to E0699.

use super::{Code, Diagnostic};
use crate::text::Span;

/// E0503: two outputs to one place, which each may spell in its own way.
pub fn same_target(second: (&str, Span), first: (&str, Span)) -> Diagnostic {
    let spelled = match first.0 == second.0 {
        true => String::new(),
        false => format!(", as `{}`", first.0),
    };
    Diagnostic::new(
        Code::E0503,
        format!("two outputs write `{}`", second.0),
        second.1,
        "written again here",
    )
    .label(first.1, format!("first written here{spelled}"))
    .help("change one path, or `union` the jobs")
}

/// E0503: an output inside of the folder of another.
pub fn target_inside(inner: (&str, Span), outer: (&str, Span)) -> Diagnostic {
    let message = format!("`{}` is inside of another output, `{}`", inner.0, outer.0);
    Diagnostic::new(Code::E0503, message, inner.1, "written here")
        .label(outer.1, "the other is written here")
        .help("change one path")
}

/// E0504: rows are merged by columns that may be the same in two of them.
pub fn merge_on_no_key(keys: &str, mode: Span) -> Diagnostic {
    let message = format!("two rows may have the same `{keys}`, and only one of them can stay");
    Diagnostic::new(Code::E0504, message, mode, "rows are merged by it here")
        .help(format!("in the job: `dedupe by {keys}`, which makes it a key"))
}

/// E0504: rows are merged by a column that may be null.
pub fn merge_key_null(key: &str, span: Span, origin: Span) -> Diagnostic {
    let message = format!("rows are merged by `{key}`, which may be null");
    Diagnostic::new(Code::E0504, message, span, "null is the key of no row")
        .label(origin, "it comes from here")
        .help(format!("in the job: `filter {key} is not null`"))
}

/// E0606: a column that every version of a row has.
pub fn version_column(name: &str, mode: Span, origin: Span) -> Diagnostic {
    let message = format!("`mode scd2` adds a column `{name}`, and the rows have one");
    Diagnostic::new(Code::E0606, message, mode, "this setting")
        .label(origin, "it comes from here")
        .help(format!("in the job: `rename {name} as …`, or `drop {name}`"))
}

/// E0505: an output replaces the file of the pipeline.
pub fn writes_pipeline(target: &str, output: Span) -> Diagnostic {
    let message = format!("this output would replace `{target}`, where the pipeline itself is");
    Diagnostic::new(Code::E0505, message, output, "written here").help("write to another path")
}

/// E0505: an output among the quarantines and what else runs keep.
pub fn writes_state(target: &str, output: Span) -> Diagnostic {
    let message = format!("this output would be `{target}`, among the files of runs themselves");
    Diagnostic::new(Code::E0505, message, output, "written here")
        .help("write to another path; quarantines are written there without an output")
}

/// E0505: an output replaces a file that the pipeline reads.
pub fn writes_input(target: &str, output: Span, source: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0505,
        format!("this output would replace `{target}`, which the pipeline reads"),
        output,
        "written here",
    )
    .label(source, "read here")
    .help("write to another path")
}

/// E0506: a source without columns, or columns where there must be none.
pub fn source_columns(connector: &str, span: Span, wanted: bool) -> Diagnostic {
    if wanted {
        Diagnostic::new(
            Code::E0506,
            format!("a `{connector}` source needs its columns declared"),
            span,
            "no columns here",
        )
        .help("name them behind it, with their types: `{ id: int key, name: string? }`")
    } else {
        Diagnostic::new(
            Code::E0506,
            format!("a `{connector}` source has columns of its own"),
            span,
            "declared here",
        )
        .help("leave out the columns and their braces")
    }
}

/// E0507: a column of a type that the output cannot hold.
pub fn cannot_hold(
    connector: &str,
    column: &str,
    ty: &str,
    output: Span,
    help: &str,
) -> Diagnostic {
    Diagnostic::new(
        Code::E0507,
        format!("a `{connector}` output cannot hold `{column}`, which is {ty}"),
        output,
        "this output",
    )
    .help(help)
}

/// E0508: a value of an option that the connector cannot work with.
pub fn bad_option(
    connector: &str,
    option: &str,
    span: Span,
    reason: &str,
    help: Option<String>,
) -> Diagnostic {
    let message = format!("`{option}` of `{connector}`: {reason}");
    let mut found = Diagnostic::new(Code::E0508, message, span, "this value");
    found.help = help;
    found
}

/// A job that waits for another.
pub struct Waits {
    /// The job.
    pub job: String,
    /// Where it says so.
    pub span: Span,
    /// Does it read the other's rows, and not only run after it?
    pub reads: bool,
    /// The other.
    pub other: String,
}

impl Waits {
    fn label(&self) -> String {
        let how = if self.reads { "reads" } else { "runs after" };
        format!("`{}` {how} `{}`", self.job, self.other)
    }
}

/// E0601: jobs that wait for each other.
pub fn cycle(path: &[Waits]) -> Diagnostic {
    let names: Vec<&str> = path.iter().map(|waits| waits.job.as_str()).collect();
    let message = match path {
        [one] if one.reads => format!("job `{}` reads itself", one.job),
        [one] => format!("job `{}` waits for itself", one.job),
        _ => format!("these jobs wait for each other: {} → {}", names.join(" → "), names[0]),
    };
    let (first, others) = path.split_first().expect("a cycle has a job");
    let mut found = Diagnostic::new(Code::E0601, message, first.span, first.label());
    for waits in others {
        found = found.label(waits.span, waits.label());
    }
    found.help(match path {
        [one] if one.reads => format!("read another job or a source there, not `{}`", one.other),
        [one] => format!("leave `after {}` out", one.other),
        _ => "let one of these jobs read something else, or none run after another in turn"
            .to_owned(),
    })
}

/// E0601: a job that reads the rows that it sets aside.
pub fn reads_its_aside(job: &str, quarantine: &str, span: Span) -> Diagnostic {
    let message =
        format!("job `{job}` reads `quarantine.{quarantine}`, where it sets rows aside itself");
    Diagnostic::new(Code::E0601, message, span, "not whole before the job is done").help(format!(
        "say in job `{job}` where its own rows go: `on error fail`, or another quarantine"
    ))
}

/// W0601: jobs that lead to no output, the last of them behind the others.
pub fn dead_jobs(jobs: &[(&str, Span)]) -> Diagnostic {
    let (&(name, span), before) = jobs.split_last().expect("a chain has a job");
    let output = format!("`output {name}_out = csv(\"out/{name}.csv\") from {name}`");
    let Some((&(nearest, _), others)) = before.split_last() else {
        return Diagnostic::new(
            Code::W0601,
            format!("nothing reads `{name}` and no output writes it"),
            span,
            "has no effect",
        )
        .help(format!("{output}, or remove it"));
    };
    let mut names: Vec<String> =
        others.iter().take(6).map(|(name, _)| format!("`{name}`")).collect();
    if others.len() > 6 {
        names.push("…".to_owned());
    }
    names.push(format!("`{nearest}`"));
    let message = format!("{} and `{name}` lead to no output", names.join(", "));
    let mut found = Diagnostic::new(Code::W0601, message, span, "nothing reads it");
    for &(_, span) in before {
        found = found.label(span, "has no effect");
    }
    found.help(format!("{output}, or remove them"))
}

/// W0602: an output to which a source that is read whole is added again and again.
pub fn appends_everything(output: &str, mode: Span) -> Diagnostic {
    let message =
        format!("`{output}` gets all rows again whenever an input or the pipeline changes");
    Diagnostic::new(Code::W0602, message, mode, "they are added to those that are there").help(
        "`mode overwrite` replaces them; `incremental by` a column of the source adds new ones",
    )
}

/// E0606: a setting said twice, or with a value that it cannot have.
pub fn bad_setting(span: Span, message: impl Into<String>, help: &str) -> Diagnostic {
    Diagnostic::new(Code::E0606, message, span, "this setting").help(help)
}

/// E0606: a setting said twice.
pub fn said_twice(what: &str, again: Span, first: Span) -> Diagnostic {
    let message = format!("`{what}` is said twice");
    Diagnostic::new(Code::E0606, message, again, "said again here")
        .label(first, "first said here")
        .help("leave one of them")
}

/// E0606: a part of a step with a value that it cannot have.
pub fn bad_part(span: Span, message: &str, label: &str, help: &str) -> Diagnostic {
    Diagnostic::new(Code::E0606, message, span, label).help(help)
}

/// E0606: folders for the rows of a job that is split into parts.
pub fn split_twice(span: Span, job: Span) -> Diagnostic {
    let message = "the rows of a job that is split are written in its parts";
    bad_setting(span, message, "leave out `partition` here, or in the job")
        .label(job, "it is split here")
}

/// E0607: a whole-batch rule that cannot drop single rows, or the like.
pub fn bad_expectation(span: Span, message: impl Into<String>, help: &str) -> Diagnostic {
    Diagnostic::new(Code::E0607, message, span, "this rule").help(help)
}
