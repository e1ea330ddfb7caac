//! What the checker says about windows: E0105 of their columns, E0402, W0404, E0420, E0421.

use super::{Code, Diagnostic};
use crate::text::Span;
use crate::types::{DataType, Type};

/// E0105: a column of a `window` or `sessionize` that is there already.
pub fn column_exists(step: &str, name: &str, span: Span, origin: Span) -> Diagnostic {
    let message = format!("`{name}` already exists");
    Diagnostic::new(Code::E0105, message, span, format!("`{step}` adds a new column"))
        .label(origin, "it comes from here")
        .help("give the new column another name")
}

/// E0402: what looks at a frame, in a sorted window that has none. `key` is the type of its sort key,
/// if it has one.
pub fn no_frame(name: &str, span: Span, sort: Span, key: Option<&DataType>) -> Diagnostic {
    let range = match key {
        Some(DataType::Date | DataType::Datetime | DataType::Timestamp) => {
            " · seven days: `range -7d..0`"
        }
        Some(data) if data.is_number() => " · keys that are at most 10 less: `range -10..0`",
        _ => "",
    };
    let message = format!("which rows should `{name}` look at?");
    Diagnostic::new(Code::E0402, message, span, "over neighbours in an order")
        .label(sort, "sorted, and no frame behind it")
        .help(format!("up to this row: `rows ..0` · all with the same `by`: `rows ..` · the seven last rows: `rows -6..0`{range}"))
        .guess(sort.after(), " rows ..0")
}

/// E0420: a function that goes by an order, in a window without one.
pub fn no_order(name: &str, span: Span, keys: &str) -> Diagnostic {
    let message = format!("`{name}` goes by the order of rows, and this window has none");
    let by = if keys.is_empty() { String::new() } else { format!("by {keys} ") };
    Diagnostic::new(Code::E0420, message, span, "which row comes first?")
        .help(format!("say it: `window {by}sort … {{ … }}`"))
}

/// E0420: a frame in a window without an order.
pub fn frame_without_order(span: Span, keys: &str) -> Diagnostic {
    let message = "a frame goes by the order of rows, and this window has none";
    let by = if keys.is_empty() { String::new() } else { format!("by {keys} ") };
    Diagnostic::new(Code::E0420, message, span, "which rows come before?").help(format!(
        "say it: `window {by}sort … rows …`; without both, aggregates look at all rows"
    ))
}

/// W0404: the first or last value of neighbours without an order.
pub fn aggregate_unsorted(name: &str, span: Span) -> Diagnostic {
    let message = format!("which row? `{name}` goes by the order of the rows");
    Diagnostic::new(Code::W0404, message, span, "the rows have no order here")
        .help("say it: `window by … sort … rows ..`, or by what: `max_by(value, by)`; `any_value` takes any")
}

/// E0421: a frame that ends before it begins.
pub fn ends_before_it_begins(span: Span, turned: &str) -> Diagnostic {
    Diagnostic::new(Code::E0421, "this frame ends before it begins", span, "no row is in it")
        .perhaps(span, turned)
}

/// E0421: a range over several sort keys.
pub fn range_of_several_keys(span: Span, sort: Span, keys: usize) -> Diagnostic {
    let message = format!("a `range` is a distance from one sort key, and here are {keys}");
    Diagnostic::new(Code::E0421, message, span, "from which?")
        .label(sort, "sorted by all of these")
        .help("sort by one of them, or count rows: `rows -6..0`")
}

/// E0421: a range over a sort key of which there is no distance.
pub fn no_distance(span: Span, key: Span, ty: &Type) -> Diagnostic {
    let message = format!("there is no distance between two values of `{}`", ty.data);
    Diagnostic::new(Code::E0421, message, span, "a distance")
        .label(key, format!("this is `{ty}`"))
        .help("a `range` goes by a number, a date or a time; `rows -6..0` counts rows")
}

/// E0421: a range of a part of a day over dates.
pub fn part_of_a_day(span: Span, key: Span) -> Diagnostic {
    Diagnostic::new(Code::E0421, "dates are whole days apart", span, "no number of days")
        .label(key, "this is `date`")
        .help("write days: `range -7d..0`")
}

/// E0421: a number as the distance between times.
pub fn distance_without_unit(span: Span, key: Span, ty: &Type, written: &str) -> Diagnostic {
    let message = "how many days, or what else?";
    Diagnostic::new(Code::E0421, message, span, "a number without a unit")
        .label(key, format!("this is `{ty}`"))
        .perhaps(span, format!("{written}d"))
}

/// E0421: months between instants.
pub fn months_of_instants(span: Span, key: Span, zone: &str) -> Diagnostic {
    let message = "how long a month of instants is depends on the time zone";
    Diagnostic::new(Code::E0421, message, span, "a number of months")
        .label(key, "this is `timestamp`")
        .help(format!(
            "sort by the time in a zone: `sort at_zone(at, \"{zone}\") range …`, or write days"
        ))
}

/// E0421: rows that are not counted.
pub fn rows_are_counted(span: Span, written: &str) -> Diagnostic {
    let range = written.replacen("rows", "range", 1);
    Diagnostic::new(Code::E0421, "`rows` are counted", span, "this is no number of rows")
        .help(format!("a distance of the sort key is a `range`: `{range}`"))
}

/// E0421: sessions by something that is no time.
pub fn sessions_without_time(span: Span, name: &str, ty: &Type) -> Diagnostic {
    let message = "sessions go by a `date`, `datetime` or `timestamp`";
    Diagnostic::new(Code::E0421, message, span, format!("this is `{ty}`")).help(match ty.data {
        DataType::String => format!("convert it above: `cast {name} as timestamp`"),
        DataType::Int => format!("of seconds since 1970: `set {name} = from_epoch({name})` above"),
        _ => "name the column that has the time".to_owned(),
    })
}

/// E0421: sessions with a gap that has no fixed length.
pub fn gap_without_length(span: Span) -> Diagnostic {
    let message = "the gap between sessions has a fixed length, which a month has not";
    Diagnostic::new(Code::E0421, message, span, "no fixed length")
        .help("write minutes, hours or days: `gap 30m`, `gap 30d`")
}
