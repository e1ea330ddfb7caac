//! The words of the language that begin something, what they look like in use, and the words of
//! other languages that are known only to be answered with ours.
//!
//! The grammar holds the words inside of a statement; what is here serves the layout and the
//! second look, and may serve completion.

/// A word that begins a declaration or a statement.
pub struct Word {
    /// The word.
    pub word: &'static str,
    /// How it is written.
    pub example: &'static str,
    /// Where it may stand.
    pub places: &'static [Place],
}

/// A kind of block, or the file itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Column 0.
    File,
    /// `job` and `transform`
    Job,
    /// `source`
    Source,
    /// `output`
    Output,
    /// `pipeline`
    Pipeline,
    /// `model`
    Model,
    /// `test`
    Test,
    /// `enum`
    Enum,
    /// A block of assignments, fields or shares inside a step.
    Inner,
}

impl Place {
    /// The declaration whose block it is.
    pub fn name(self) -> &'static str {
        match self {
            Place::File => "file",
            Place::Job => "job",
            Place::Source => "source",
            Place::Output => "output",
            Place::Pipeline => "pipeline",
            Place::Model => "model",
            Place::Test => "test",
            Place::Enum => "enum",
            Place::Inner => "block",
        }
    }
}

const fn word(word: &'static str, example: &'static str, places: &'static [Place]) -> Word {
    Word { word, example, places }
}

use Place::{File, Job, Model, Output, Pipeline, Source, Test};

/// All words that begin a declaration, a step or a setting.
pub const WORDS: &[Word] = &[
    word("batch", "batch 1", &[File]),
    word("use", "use std.money", &[File]),
    word("param", "param min_amount: int = 10", &[File]),
    word("secret", "secret DB_URL from env \"DB_URL\"", &[File]),
    word("type", "type OrderId = int", &[File]),
    word("enum", "enum Level { INFO, WARN, ERROR }", &[File]),
    word("pool", "pool api = 2", &[File]),
    word("pool", "pool api", &[Job, Pipeline, Source, Output, Model]),
    word("pipeline", "pipeline sales { owner \"team@example.com\" }", &[File]),
    word("notify", "notify team = webhook(\"https://example.com/hook\")", &[File]),
    word("source", "source orders = csv(\"orders.csv\") { id: int key }", &[File]),
    word("job", "job clean { from orders }", &[File]),
    word("output", "output report = csv(\"out/report.csv\") from clean", &[File]),
    word("model", "model value = linear_regression() { train on data.train }", &[File]),
    word("fn", "fn half(x: float) -> float = x / 2", &[File]),
    word("native", "native fn lower(s: string) -> string", &[File]),
    word("transform", "transform clean(t: { url: string, .. }) { from t }", &[File]),
    word("test", "test \"what must hold\" { given orders ... want clean ... }", &[File]),
    word("from", "from orders", &[Job]),
    word("filter", "filter amount > 0", &[Job]),
    word("derive", "derive total = price * quantity", &[Job]),
    word("set", "set email = lower(email)", &[Job, Test]),
    word("select", "select id, total = price * quantity", &[Job]),
    word("drop", "drop email, phone", &[Job]),
    word("rename", "rename old_name as new_name", &[Job]),
    word("cast", "cast amount as int", &[Job]),
    word("fill", "fill amount with 0", &[Job]),
    word("group", "group by country { total = sum(amount) }", &[Job]),
    word("window", "window by user sort at { step = row_number() }", &[Job]),
    word("sort", "sort total desc, name", &[Job]),
    word("take", "take 10", &[Job]),
    word("distinct", "distinct", &[Job]),
    word("dedupe", "dedupe by id keep newest by updated_at", &[Job]),
    word("join", "join users on user_id", &[Job]),
    word("left", "left join users on user_id", &[Job]),
    word("inner", "join users on user_id", &[Job]),
    word("right", "right join users on user_id", &[Job]),
    word("full", "full join users on user_id", &[Job]),
    word("semi", "semi join users on user_id", &[Job]),
    word("anti", "anti join users on user_id", &[Job]),
    word("asof", "asof join prices on sku, at >= prices.at", &[Job]),
    word("cross", "cross join days", &[Job]),
    word("union", "union other_job", &[Job]),
    word("except", "except other_job", &[Job]),
    word("intersect", "intersect other_job", &[Job]),
    word("explode", "explode items as item", &[Job]),
    word("parse", "parse line with \"{day: date} [{level}] {message}\"", &[Job]),
    word("expect", "expect positive: amount >= 0 else quarantine bad_rows", &[Job, Model]),
    word("pivot", "pivot country values [\"US\", \"FR\"] with sum(revenue) by day", &[Job]),
    word("unpivot", "unpivot jan, feb as month, amount", &[Job]),
    word("sample", "sample 10% seed 42", &[Job]),
    word("sessionize", "sessionize by user_id gap 30m on at as session_id", &[Job]),
    word("split", "split by customer_id seed 42 { train 80%; test 20% }", &[Job]),
    word("route", "route { paying when plan == \"pro\"; other otherwise }", &[Job]),
    word("apply", "apply with_page()", &[Job]),
    word("predict", "predict basket_value as expected_value", &[Job]),
    word("encode", "encode status with one_hot()", &[Job, Model]),
    word("on", "on error quarantine bad_rows", &[Job, Pipeline, Source]),
    word("on", "on failure notify team", &[Output]),
    word("partition", "partition by hash(key) into 8", &[Job]),
    word("partition", "partition by day", &[Pipeline, Output]),
    word("checkpoint", "checkpoint on", &[Job, Pipeline]),
    word("retry", "retry 3 times backoff 30s..10m", &[Job, Pipeline, Source, Output, Model]),
    word("timeout", "timeout 1h", &[Job, Pipeline, Source, Output, Model]),
    word("resources", "resources cpu 2, memory 4GB", &[Job, Pipeline, Model]),
    word("after", "after warm_cache", &[Job]),
    word("schedule", "schedule every day at 06:00", &[Job, Pipeline]),
    word("owner", "owner \"team@example.com\"", &[Job, Pipeline, Source, Output, Model]),
    word("timezone", "timezone \"Europe/Paris\"", &[Job, Pipeline]),
    word("tags", "tags [\"finance\", \"daily\"]", &[Job, Pipeline, Source, Output, Model]),
    word("meta", "meta {team: \"data\"}", &[Job, Pipeline, Source, Output, Model]),
    word("mode", "mode overwrite", &[Output]),
    word("allow", "allow sensitive email", &[Output]),
    word("incremental", "incremental by updated_at lookback 2h", &[Source]),
    word("train", "train on dataset.train", &[Model]),
    word("target", "target amount", &[Model]),
    word("features", "features country, plan", &[Model]),
    word("evaluate", "evaluate on dataset.test metrics rmse", &[Model]),
    word("given", "given orders", &[Test]),
    word("want", "want clean", &[Test]),
];

/// The word, as it may stand in `place`.
pub fn word_in(place: Place, text: &str) -> Option<&'static Word> {
    WORDS.iter().find(|word| word.word == text && word.places.contains(&place))
}

/// The word, wherever it may stand.
pub fn word_anywhere(text: &str) -> Option<&'static Word> {
    WORDS.iter().find(|word| word.word == text)
}

/// All words that may begin something in `place`.
pub fn words_of(place: Place) -> impl Iterator<Item = &'static str> {
    WORDS.iter().filter(move |word| word.places.contains(&place)).map(|word| word.word)
}

/// Words of SQL, data frames and schedulers, and what they are called here. The third is what
/// is written instead, when it needs more than the other word, with `$` for the names behind it.
pub const FOREIGN_STEPS: &[(&str, &str, &str)] = &[
    ("where", "filter", ""),
    ("having", "filter", ""),
    ("limit", "take", ""),
    ("head", "take", ""),
    ("top", "take", ""),
    ("order", "sort", "sort total desc"),
    ("orderby", "sort", "sort total desc"),
    ("order_by", "sort", ""),
    ("sort_values", "sort", "sort $"),
    ("arrange", "sort", ""),
    ("qualify", "filter", ""),
    ("with_columns", "derive", "derive total = price * quantity"),
    ("with_column", "derive", "derive total = price * quantity"),
    ("withcolumn", "derive", "derive total = price * quantity"),
    ("assign", "derive", ""),
    ("mutate", "derive", ""),
    ("extend", "derive", ""),
    ("let", "derive", ""),
    ("compute", "derive", ""),
    ("append", "union", ""),
    ("concat", "union", ""),
    ("flatten", "explode", ""),
    ("unnest", "explode", ""),
    ("drop_duplicates", "dedupe", "dedupe by $"),
    ("deduplicate", "dedupe", "dedupe by $"),
    ("melt", "unpivot", "unpivot jan, feb as month, amount"),
    ("update", "set", "set email = lower(email)"),
    ("replace", "set", "set email = lower(email)"),
    ("insert", "output", "output report = csv(\"out/report.csv\") from clean"),
    ("aggregate", "group", "group by country { total = sum(amount) }"),
    ("summarize", "group", "group by country { total = sum(amount) }"),
    ("summarise", "group", "group by country { total = sum(amount) }"),
    ("groupby", "group", "group by $ { n = count() }"),
    ("group_by", "group", "group by $ { n = count() }"),
    ("value_counts", "group", "group by $ { n = count() }"),
    ("over", "window", "window by user sort at { step = row_number() }"),
    ("assert", "expect", ""),
    ("check", "expect", ""),
    ("constraint", "expect", "expect positive: amount >= 0"),
    ("minus", "except", ""),
    ("unique", "distinct", "distinct"),
    ("merge", "join", "join users on user_id"),
    ("natural", "join", "join users on user_id"),
    ("lateral", "explode", "explode items as item"),
    ("outer", "full join", "full join users on user_id"),
    ("remove", "drop", ""),
    ("delete", "filter", "filter not cancelled"),
    ("project", "select", ""),
    ("keep", "select", ""),
    ("read", "from", ""),
    ("load", "from", ""),
    ("write", "output", "output report = csv(\"out/report.csv\") from clean"),
    ("fillna", "fill", "fill amount with 0"),
    ("dropna", "filter", "filter $ is not null"),
    ("drop_nulls", "filter", "filter $ is not null"),
    ("ifelse", "if", "derive size = if amount > 10 then \"big\" else \"small\""),
    ("cron", "schedule", "schedule \"0 2 * * *\""),
    ("retries", "retry", "retry 3 times"),
    ("depends_on", "after", "after other_job"),
    ("needs", "after", "after other_job"),
];

/// Those of ours that are not available yet.
pub const LATER: &[&str] = &["schedule"];

/// The same for declarations.
pub const FOREIGN_DECLARATIONS: &[(&str, &str)] = &[
    ("import", "use"),
    ("include", "use"),
    ("let", "param"),
    ("const", "param"),
    ("var", "param"),
    ("parameter", "param"),
    ("arg", "param"),
    ("def", "fn"),
    ("function", "fn"),
    ("func", "fn"),
    ("fun", "fn"),
    ("task", "job"),
    ("step", "job"),
    ("stage", "job"),
    ("asset", "job"),
    ("table", "job"),
    ("view", "job"),
    ("create", "job"),
    ("with", "job"),
    ("node", "job"),
    ("input", "source"),
    ("dataset", "source"),
    ("read", "source"),
    ("sink", "output"),
    ("destination", "output"),
    ("export", "output"),
    ("write", "output"),
    ("insert", "output"),
    ("dag", "pipeline"),
    ("flow", "pipeline"),
    ("workflow", "pipeline"),
    ("struct", "type"),
    ("record", "type"),
    ("alias", "type"),
];

/// What a sign of other languages means that stands between two steps.
pub const NEW_LINE: &str = "a new line";

/// Signs of other languages, and what is written here.
pub const FOREIGN_SIGNS: &[(&str, &str)] = &[
    ("&&", "and"),
    ("||", "or"),
    ("&", "and"),
    ("|", "or"),
    ("!", "not"),
    ("<>", "!="),
    ("===", "=="),
    ("!==", "!="),
    (":=", "="),
    ("|>", NEW_LINE),
    ("^", "**"),
    ("~", "matches"),
];

/// Words that cannot be names in an expression.
pub fn is_reserved(text: &str) -> bool {
    matches!(
        text,
        "and"
            | "as"
            | "between"
            | "case"
            | "else"
            | "false"
            | "if"
            | "in"
            | "is"
            | "matches"
            | "not"
            | "null"
            | "or"
            | "then"
            | "true"
    )
}

/// Does a declaration begin here? More than its first word is looked at, for most of them may
/// also begin a statement or be a column.
pub fn is_declaration_line(line: &str) -> bool {
    let length =
        line.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    let (word, rest) = line.split_at(length);
    let next = rest.trim_start_matches([' ', '\t']);
    if next.len() == rest.len() {
        return false;
    }
    let name_length = next
        .bytes()
        .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80);
    let name = &next[..name_length.count()];
    let is_named = name.starts_with(|first: char| !first.is_ascii_digit()) && !is_reserved(name);
    match word {
        "test" => next.starts_with('"'),
        "use" => is_named || next.starts_with('"'),
        "batch" => next.starts_with(|first: char| first.is_ascii_digit()),
        "pool" | "type" | "notify" => {
            let behind = next[name.len()..].trim_start_matches([' ', '\t']);
            is_named && behind.starts_with('=') && !behind.starts_with("==")
        }
        "enum" | "fn" | "job" | "model" | "native" | "output" | "param" | "pipeline" | "secret"
        | "source" | "transform" => is_named,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_come_later_are_in_the_list_of_those() {
        let page = include_str!("../../docs/not-available-yet.md");
        for word in LATER {
            assert!(page.contains(&format!("`{word}`")), "{word}");
        }
    }
}
