//! Functions from row to row.

use super::*;
use crate::types::MICROS_PER_DAY;
use std::slice::from_ref;

fn some(values: &[i64]) -> Vec<Option<i64>> {
    values.iter().copied().map(Some).collect()
}

#[test]
fn texts_keep_nulls_and_characters() {
    let given = texts(&["", "~", "ÀÉ", "ΟΔΟΣ", "ABC"]);
    assert_eq!(texts_of("lower", from_ref(&given)), ["", "~", "àé", "οδος", "abc"]);
    assert_eq!(ints_of("length", from_ref(&given)), [Some(0), None, Some(2), Some(4), Some(3)]);
    assert_eq!(
        texts_of("reverse", &[texts(&["e\u{301}a", "🇫🇷x", "\r\n"])]),
        ["ae\u{301}", "x🇫🇷", "\r\n"]
    );
    assert_eq!(
        texts_of("title", &[texts(&["o'NEIL is ok-ish", "éa"])]),
        ["O'neil Is Ok-Ish", "Éa"]
    );
    assert_eq!(texts_of("trim", &[texts(&["\u{a0} a\t", "~"])]), ["a", "~"]);
    assert_eq!(texts_of("trim", &[texts(&["xyx", ""]), text("x")]), ["y", ""]);
}

#[test]
fn parts_of_texts_are_cut_at_characters() {
    let given = texts(&["abcdé", "é", "", "~"]);
    let two = [given.clone(), int(2), int(2)];
    assert_eq!(texts_of("substring", &two), ["bc", "", "", "~"]);
    let long = [given.clone(), int(-1), int(i64::MAX)];
    assert_eq!(texts_of("substring", &long), ["abcdé", "é", "", "~"]);
    let none = [given.clone(), int(i64::MIN), int(-5)];
    assert_eq!(texts_of("substring", &none), ["", "", "", "~"]);
    assert_eq!(texts_of("right", &[given.clone(), int(1)]), ["é", "é", "", "~"]);
    assert_eq!(texts_of("right", &[given.clone(), int(i64::MIN)]), ["", "", "", "~"]);
    assert_eq!(texts_of("left", &[given, int(4)]), ["abcd", "é", "", "~"]);
    let parts = [texts(&["a,b", "a", ""]), text(","), int(2)];
    assert_eq!(texts_of("split_part", &parts), ["b", "~", "~"]);
    let column = [texts(&["a,b", "a;b"]), texts(&[",", ";"]), ints(&[-2, 0])];
    assert_eq!(texts_of("split_part", &column), ["a", "~"]);
}

#[test]
fn texts_are_found_by_constants_and_by_columns() {
    let given = texts(&["é-é", "x", "~"]);
    assert_eq!(ints_of("position", &[given.clone(), text("-")]), [Some(2), None, None]);
    assert_eq!(
        ints_of("position", &[given.clone(), texts(&["é", "", "a"])]),
        [Some(1), Some(1), None]
    );
    let null = constant(DataType::String, Scalar::Null);
    assert_eq!(values("contains", &DataType::Bool, &[given, null]), vec![Scalar::Null; 3]);
    let replaced = texts_of("replace", &[texts(&["aaa", "bab", ""]), text("a"), text("<a>")]);
    assert_eq!(replaced, ["<a><a><a>", "b<a>b", ""]);
    assert_eq!(texts_of("replace", &[texts(&["ab"]), text(""), text("x")]), ["ab"]);
}

#[test]
fn texts_that_would_be_huge_fail_their_row() {
    let (values, failures) =
        run("repeat", &DataType::String, &[text("ab"), ints(&[2, i64::MAX, -1])]);
    assert_eq!(values, [text_or_null("abab"), Scalar::Null, text_or_null("")]);
    assert_eq!(failures.len(), 1);
    assert_eq!((failures[0].row, failures[0].reason.contains("16 MiB")), (1, true));
    let long = text(&"a".repeat(9 << 20));
    let list = Scalar::List(vec![long.values[0].clone(); 2]);
    let list = constant(list_type(DataType::String), list);
    for (name, given) in [("concat", [long.clone(), long]), ("join", [list, text("")])] {
        let (values, failures) = run(name, &DataType::String, &given);
        assert_eq!((values, failures.len()), (vec![Scalar::Null], 1));
    }
    let padded = texts_of("pad_start", &[texts(&["é", "abcd"]), int(3), text("12")]);
    assert_eq!(padded, ["12é", "abcd"]);
}

#[test]
fn rows_that_are_not_used_do_not_fail() {
    let active = arrow_buffer::BooleanBuffer::from(vec![true, false]);
    let given = [ints(&[i64::MIN, i64::MIN])];
    let kernel = try_prepare("abs", &DataType::Int, &given).unwrap();
    let mut failures = Vec::new();
    let mut context =
        KernelContext { rows: 2, active: Some(&active), site: 7, failures: &mut failures };
    kernel.eval(&mut context, &[operand(&given[0])]);
    let reason = "9223372036854775808 does not fit int".to_owned();
    assert_eq!(failures, [Failure { row: 0, site: 7, reason }]);
}

#[test]
fn numbers_fail_outside_their_domain() {
    let failing = |name, given: &[Given], ty| run(name, &ty, given).1.len();
    assert_eq!(failing("sqrt", &[floats(&[-1.0, 0.0, f64::NAN])], DataType::Float), 1);
    assert_eq!(failing("ln", &[floats(&[0.0, -0.0, 1e-300])], DataType::Float), 2);
    assert_eq!(
        failing("power", &[floats(&[-8.0, 0.0, 2.0]), floats(&[0.5, -1.0, 0.5])], DataType::Float),
        2
    );
    assert_eq!(failing("mod", &[ints(&[1, i64::MIN]), ints(&[0, -1])], DataType::Int), 1);
    assert_eq!(failing("round", &[ints(&[i64::MAX]), int(-1)], DataType::Int), 1);
    let buckets = [
        floats(&[-1.0, 0.0, 9.999_999_999_999_999, 10.0]),
        constant(DataType::Float, Scalar::Float(0.0)),
        constant(DataType::Float, Scalar::Float(10.0)),
        int(5),
    ];
    assert_eq!(ints_of("width_bucket", &buckets), some(&[0, 1, 5, 6]));
}

#[test]
fn decimals_keep_their_type() {
    let given = decimals(5, 2, &[250, -251, 0]);
    let whole = DataType::Decimal { precision: 4, scale: 0 };
    let of = |name| values(name, &whole, from_ref(&given));
    let expect = |values: [i128; 3]| values.map(Scalar::Decimal).to_vec();
    assert_eq!(of("ceil"), expect([3, -2, 0]));
    assert_eq!(of("floor"), expect([2, -3, 0]));
    let same = DataType::Decimal { precision: 5, scale: 2 };
    assert_eq!(values("abs", &same, from_ref(&given)), expect([250, 251, 0]));
    assert_eq!(
        values("mod", &same, &[given.clone(), decimals(5, 2, &[100, 100, 7])]),
        expect([50, -51, 0])
    );
    assert_eq!(
        values("greatest", &same, &[given, constant(same.clone(), Scalar::Decimal(1))]),
        expect([250, 1, 1])
    );
}

#[test]
fn the_greatest_follows_the_order_of_the_type() {
    let given = floats(&[f64::NAN, 1.0, -0.0]);
    let one = constant(DataType::Float, Scalar::Float(1.0));
    let greatest = values("greatest", &DataType::Float, &[given.clone(), one.clone()]);
    assert!(matches!(greatest[0], Scalar::Float(x) if x.is_nan()));
    let least = values("least", &DataType::Float, &[given, one]);
    assert_eq!(least, [1.0, 1.0, 0.0].map(Scalar::Float));
    let null = [texts(&["a", "~"]), texts(&["b", "c"])];
    assert_eq!(texts_of("greatest", &null), ["b", "~"]);
    let clamped = [ints(&[i64::MIN, 5, i64::MAX]), int(0), int(9)];
    assert_eq!(ints_of("clamp", &clamped), some(&[0, 5, 9]));
}

#[test]
fn conditionals_see_nulls() {
    assert_eq!(
        texts_of("nullif", &[texts(&["a", "b", "~"]), texts(&["a", "~", "~"])]),
        ["~", "b", "~"]
    );
    let bools = column(DataType::Bool, vec![Scalar::Bool(true), Scalar::Bool(false), Scalar::Null]);
    let (held, failures) = run("check", &DataType::Bool, &[bools, text("no")]);
    assert_eq!(held, [Scalar::Bool(true), Scalar::Null, Scalar::Null]);
    assert_eq!(failures.iter().map(|found| found.row).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(failures[0].reason, "no");
}

fn list(values: &[i64]) -> Scalar {
    Scalar::List(values.iter().map(|value| Scalar::Int(*value)).collect())
}

#[test]
fn lists_of_any_length_and_null_lists() {
    let ty = list_type(DataType::Int);
    let given = column(ty.clone(), vec![list(&[3, 1, 3]), list(&[]), Scalar::Null, list(&[2])]);
    let of = |name, more: &[Given]| values(name, &ty, &[from_ref(&given), more].concat());
    let null = Scalar::Null;
    assert_eq!(of("sort_list", &[]), [list(&[1, 3, 3]), list(&[]), null.clone(), list(&[2])]);
    assert_eq!(of("distinct_list", &[]), [list(&[3, 1]), list(&[]), null.clone(), list(&[2])]);
    assert_eq!(of("reverse", &[]), [list(&[3, 1, 3]), list(&[]), null.clone(), list(&[2])]);
    let appended = [list(&[3, 1, 3, 9]), list(&[9]), null.clone(), list(&[2, 9])];
    assert_eq!(of("append", &[int(9)]), appended);
    assert_eq!(
        of("slice", &[int(-2), int(i64::MAX)]),
        [list(&[1, 3]), list(&[]), null.clone(), list(&[2])]
    );
    let twice = [list(&[3, 1, 3, 3, 1, 3]), list(&[]), null.clone(), list(&[2, 2])];
    assert_eq!(of("concat", from_ref(&given)), twice);
    assert_eq!(ints_of("get", &[given.clone(), int(-1)]), [Some(3), None, None, Some(2)]);
    assert_eq!(ints_of("get", &[given.clone(), int(i64::MIN)]), [None; 4]);
    assert_eq!(ints_of("sum_list", from_ref(&given)), [Some(7), Some(0), None, Some(2)]);
    let found = values("contains", &DataType::Bool, &[given.clone(), int(1)]);
    assert_eq!(found, [Scalar::Bool(true), Scalar::Bool(false), null, Scalar::Bool(false)]);
}

#[test]
fn lambdas_come_as_their_results() {
    let ty = list_type(DataType::Int);
    let given = column(ty.clone(), vec![list(&[3, 1]), Scalar::Null, list(&[]), list(&[2])]);
    let big = |values: &[bool]| {
        let values = values.iter().map(|value| Scalar::Bool(*value)).collect();
        operand(&column(DataType::Bool, values))
    };
    let eval = |name: &str, result: &DataType, lambda: Operand| {
        let kernel = try_prepare(name, result, from_ref(&given)).unwrap();
        let mut failures = Vec::new();
        let mut context = KernelContext { rows: 4, active: None, site: 0, failures: &mut failures };
        let array = kernel.eval(&mut context, &[operand(&given), lambda]);
        (0..4).map(|row| scalar_at(&array, result, row)).collect::<Vec<_>>()
    };
    let kept = eval("filter_list", &ty, big(&[false, true, true]));
    assert_eq!(kept, [list(&[1]), Scalar::Null, list(&[]), list(&[2])]);
    let mapped = eval("map", &ty, operand(&ints(&[30, 10, 20])));
    assert_eq!(mapped, [list(&[30, 10]), Scalar::Null, list(&[]), list(&[20])]);
    let same = eval("map", &ty, operand(&int(7)));
    assert_eq!(same, [list(&[7, 7]), Scalar::Null, list(&[]), list(&[7])]);
    let bools = |values: [bool; 3]| {
        let [a, b, c] = values.map(Scalar::Bool);
        [a, Scalar::Null, b, c]
    };
    assert_eq!(
        eval("any", &DataType::Bool, big(&[false, true, false])),
        bools([true, false, false])
    );
    assert_eq!(eval("all", &DataType::Bool, big(&[false, true, true])), bools([false, true, true]));
}

#[test]
fn joined_texts_leave_nulls_out() {
    let ty = list_type(DataType::String);
    let given = column(
        ty.clone(),
        vec![
            Scalar::List(["a", "~", "b"].map(text_or_null).to_vec()),
            Scalar::List(vec![]),
            Scalar::Null,
        ],
    );
    assert_eq!(texts_of("join", &[given, text("-")]), ["a-b", "", "~"]);
    let split = values("split", &ty, &[texts(&["", "a,", "é"]), text(",")]);
    let list = |parts: &[&str]| Scalar::List(parts.iter().map(|part| text_or_null(part)).collect());
    assert_eq!(split, [list(&[""]), list(&["a", ""]), list(&["é"])]);
    assert_eq!(values("split", &ty, &[texts(&["né"]), text("")]), [list(&["n", "é"])]);
}

#[test]
fn literals_are_checked_when_a_call_is_prepared() {
    let wrong = |name: &str, result: DataType, given: &[Given]| {
        try_prepare(name, &result, given).err().map(|error| (error.argument, error.reason))
    };
    let one = texts(&["a"]);
    let reason = |found: Option<(usize, String)>| found.map(|found| found.1).unwrap_or_default();
    let regex = wrong("regex_count", DataType::Int, &[one.clone(), text("a(")]);
    assert_eq!(regex, Some((1, "this is not a regular expression: unclosed group".into())));
    assert!(wrong("regex_count", DataType::Int, &[one.clone(), one.clone()]).is_some());
    let at = column(DataType::Timestamp, vec![]);
    let zone = wrong("date", DataType::Date, &[at.clone(), text("Mars/Base")]);
    assert_eq!(zone, Some((1, "there is no time zone \"Mars/Base\"".into())));
    let unit = wrong("date_trunc", DataType::Date, &[text("hour"), column(DataType::Date, vec![])]);
    assert!(reason(unit).contains("day, week, month"));
    for format in ["%Y-%m", "%d.%m.%Y %", "%H:%M"] {
        assert!(wrong("parse_date", DataType::Date, &[one.clone(), text(format)]).is_some());
    }
    let zoneless = wrong("parse_timestamp", DataType::Timestamp, &[one.clone(), text("%F %T")]);
    assert!(reason(zoneless).contains("%z"));
    assert!(
        wrong("format_date", DataType::String, &[column(DataType::Date, vec![]), text("%H")])
            .is_some()
    );
    assert!(wrong("normalize", DataType::String, &[one, text("NFX")]).is_some());
}

#[test]
fn patterns_extract_count_and_replace() {
    let given = texts(&["a1b22", "~", "none", ""]);
    let extract = [given.clone(), text(r"[a-z](\d+)")];
    assert_eq!(texts_of("regex_extract", &extract), ["1", "~", "~", "~"]);
    assert_eq!(
        ints_of("regex_count", &[given.clone(), text(r"\d")]),
        [Some(3), None, Some(0), Some(0)]
    );
    let swap = [given.clone(), text(r"([a-z])(\d)"), text("$2$1")];
    assert_eq!(texts_of("regex_replace", &swap), ["1a2b2", "~", "none", ""]);
    let empty = [given, text("x*"), text("-")];
    assert_eq!(texts_of("regex_replace", &empty), ["-a-1-b-2-2-", "~", "-n-o-n-e-", "-"]);
}

#[test]
fn instants_have_dates_in_zones() {
    let day = MICROS_PER_DAY;
    let at = |values: &[i64]| {
        column(DataType::Timestamp, values.iter().map(|at| Scalar::Timestamp(*at)).collect())
    };
    let dates = values("date", &DataType::Date, &[at(&[-1, 0, day - 1]), text("Asia/Tokyo")]);
    assert_eq!(dates, [0, 0, 1].map(Scalar::Date));
    let twice = Scalar::Datetime(19_657 * day + 2 * 3_600_000_000);
    let given = [column(DataType::Datetime, vec![twice]), text("Europe/Paris"), text("error")];
    let (_, failures) = run("to_timestamp", &DataType::Timestamp, &given);
    assert_eq!(failures.len(), 0, "{failures:?}");
    let cut = [text("day"), at(&[3_600_000_000 * 22 + 1]), text("Europe/Paris")];
    let expected = Scalar::Timestamp(3_600_000_000 * 23 - day);
    assert_eq!(values("date_trunc", &DataType::Timestamp, &cut), [expected]);
    let (_, failures) = run("from_epoch", &DataType::Timestamp, &[ints(&[i64::MAX]), text("day")]);
    assert_eq!(failures.len(), 1);
}

#[test]
fn texts_are_parsed_as_times_or_fail() {
    let given = [texts(&["2024-02-30", "2024-02-29", "~", ""]), text("%Y-%m-%d")];
    let (dates, failures) = run("parse_date", &DataType::Date, &given);
    assert_eq!(dates, [Scalar::Null, Scalar::Date(19_782), Scalar::Null, Scalar::Null]);
    let rows: Vec<u32> = failures.iter().map(|found| found.row).collect();
    assert_eq!(rows, [0, 3]);
    assert_eq!(failures[0].reason, "\"2024-02-30\" is not a date as `%Y-%m-%d` spells it");
    let given = [texts(&["1969-12-31T23:59:59.999999-00:30"]), text("%Y-%m-%dT%H:%M:%S%.f%:z")];
    let instants = values("parse_timestamp", &DataType::Timestamp, &given);
    assert_eq!(instants, [Scalar::Timestamp(1_800_000_000 - 1)]);
    let dates = column(DataType::Date, vec![Scalar::Date(-719_528), Scalar::Date(3_000_000)]);
    let (shown, failures) = run("format_date", &DataType::String, &[dates, text("%Y")]);
    assert_eq!((shown[0].clone(), failures.len()), (text_or_null("0000"), 1));
}

#[test]
fn encodings_are_inverse() {
    for length in 0..8 {
        let word: String = "aéz€b".chars().cycle().take(length).collect();
        let encoded = texts_of("encode_base64", &[texts(&[&word])]);
        assert_eq!(texts_of("decode_base64", &[texts(&[&encoded[0]])]), [word]);
    }
    for wrong in ["A", "AAAAA", "A*==", "/w=="] {
        let (_, failures) = run("decode_base64", &DataType::String, &[texts(&[wrong])]);
        assert_eq!(failures.len(), 1, "{wrong}");
    }
    assert_eq!(
        texts_of("mask", &[texts(&["12345", "123", "", "~"]), int(3)]),
        ["**345", "***", "", "~"]
    );
}
