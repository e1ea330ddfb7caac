//! The loops in which runs spend their time, one by one, on one thread: `cargo bench --bench loops`,
//! or with a word, `-- key`, those whose names have it. Each line is the best of ten.
#![allow(missing_docs, clippy::print_stdout)]

mod reading;

use arrow_array::{ArrayRef, Float64Array, Int64Array, StringViewArray};
use batchc::connect::{Arguments, CHUNK_BYTES, Column, SourceSpec, find};
use batchc::data::{Batch, Positions};
use batchc::exec::operators::Breaker;
use batchc::exec::operators::sort::Sort;
use batchc::exec::table::GroupTable;
use batchc::functions::Registry;
use batchc::functions::kernel::{Call, KernelContext, Operand};
use batchc::types::{DataType, Scalar, Type};
use reading::rows_read;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// Rows of the files.
const ROWS: usize = 500_000;
/// Rows of the batches in memory.
const BATCH: usize = 1 << 16;

fn main() {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    // `cargo test` builds it and runs it without `--bench`.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder for files");
    let mut loops = scans(folder.path());
    loops.extend(lookups());
    loops.extend(functions());
    loops.extend([
        Loop::new("exact sum of floats in 400 groups", exact_sum()),
        Loop::new("sort of ints", sort_of(Arc::new(ints(u64::MAX)))),
        Loop::new("sort of texts", sort_of(Arc::new(texts(u64::MAX, 9)))),
    ]);
    for Loop { name, mut run } in loops {
        if wanted.as_ref().is_some_and(|wanted| !name.contains(wanted)) {
            continue;
        }
        let mut best = f64::MAX;
        for _ in 0..10 {
            let started = Instant::now();
            let rows = run();
            best = best.min(started.elapsed().as_secs_f64() / rows as f64);
        }
        println!("{name:<40} {:>7.2} ns a row", best * 1e9);
    }
}

/// What is measured: it gives how many rows it went through.
struct Loop {
    name: String,
    run: Box<dyn FnMut() -> usize>,
}

impl Loop {
    fn new(name: &str, run: impl FnMut() -> usize + 'static) -> Loop {
        Loop { name: name.into(), run: Box::new(run) }
    }
}

/// Numbers below `below` that look random, the same ones every time.
fn numbers(below: u64) -> impl Iterator<Item = u64> {
    let mut state = 1_u64;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state ^ state >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 16
    })
    .map(move |number| number % below)
}

fn ints(below: u64) -> Int64Array {
    numbers(below).take(BATCH).map(|number| number as i64).collect()
}

/// Texts of at least so many characters.
fn texts(below: u64, length: usize) -> StringViewArray {
    StringViewArray::from_iter_values(
        numbers(below).take(BATCH).map(|number| format!("{number:a>length$}")),
    )
}

/// Files of one column after the other, of which all are found and one or none is read.
fn scans(folder: &Path) -> Vec<Loop> {
    let (mut csv, mut json) = (String::from("int,float,decimal,text,long,date\n"), String::new());
    for number in numbers(100_000_000).take(ROWS) {
        let (signed, day) = (number as i64 - 50_000_000, number % 28 + 1);
        let float = (number % 2000) as f64 / 10.0 - 100.0;
        let cents = format!("{}.{:02}", number / 1000, number % 100);
        let text = format!("user_{}", number % 10_000);
        let date = format!("2024-{:02}-{day:02}", number % 12 + 1);
        let line = [&signed.to_string(), &format!("{float:.1}"), &cents, &text];
        let line = line.map(String::as_str).join(",");
        writeln!(csv, "{line},{text}@some.example.org,{date}").expect("it is in memory");
        writeln!(json, r#"{{"int": {signed}, "float": {float:.1}, "text": "{text}"}}"#)
            .expect("it is in memory");
    }
    let types = [
        ("int", DataType::Int),
        ("float", DataType::Float),
        ("decimal", DataType::Decimal { precision: 12, scale: 2 }),
        ("text", DataType::String),
        ("long", DataType::String),
        ("date", DataType::Date),
    ];
    let files = [("csv", csv, &types[..]), ("json", json, &[&types[..2], &types[3..4]].concat())];
    let mut loops = vec![];
    for (kind, text, types) in files {
        let path = folder.join(format!("rows.{kind}"));
        std::fs::write(&path, text).expect("the file is written");
        let column = |(name, ty): &(&str, DataType)| Column {
            name: (*name).into(),
            external: (*name).into(),
            ty: ty.clone().required(),
            format: None,
        };
        for read in std::iter::once(None).chain((0..types.len()).map(Some)) {
            let path = Scalar::String(path.to_string_lossy().into());
            let spec = SourceSpec {
                base: PathBuf::new(),
                arguments: Arguments(vec![("path".into(), path)]),
                columns: types.iter().map(column).collect(),
                projection: read.into_iter().collect(),
                chunk: CHUNK_BYTES,
                wanted: vec![],
                readings: None,
                only: None,
                is_whole: false,
            };
            let what = read.map_or("no column", |column| types[column].0);
            loops.push(Loop::new(&format!("{kind}: {what}"), move || scan(kind, &spec)));
        }
    }
    loops
}

fn scan(connector: &str, spec: &SourceSpec) -> usize {
    let open = find(connector).and_then(|found| found.source).expect("it reads");
    let source = open(spec).unwrap_or_else(|error| panic!("{error}"));
    rows_read(&*source)
}

/// Keys that are looked up in a table that knows them: small as one of a few groups, and large.
fn lookups() -> Vec<Loop> {
    let mut loops = vec![];
    for (size, groups) in [("few", 400), ("many", BATCH as u64)] {
        let keys: [(&str, ArrayRef, DataType); 4] = [
            ("int", Arc::new(ints(groups)), DataType::Int),
            ("text of 8", Arc::new(texts(groups, 8)), DataType::String),
            ("text of 16", Arc::new(texts(groups, 16)), DataType::String),
            ("text of 32", Arc::new(texts(groups, 32)), DataType::String),
        ];
        for (what, keys, ty) in keys {
            let mut table = GroupTable::new(&[ty.required()]);
            let (keys, mut found) = ([Operand::column(keys)], vec![]);
            loops.push(Loop::new(&format!("key of {size}: {what}"), move || {
                table.find_or_insert(&keys, BATCH, &mut found);
                found.len()
            }));
        }
    }
    loops
}

/// Functions on texts.
fn functions() -> Vec<Loop> {
    let words = numbers(1000).take(BATCH);
    let lines: Vec<String> =
        words.map(|word| format!("the quick brown fox {word} ").repeat(2)).collect();
    let lines: ArrayRef = Arc::new(StringViewArray::from_iter_values(lines));
    let space: ArrayRef = Arc::new(StringViewArray::from_iter_values([" "]));
    let text = DataType::String.required();
    let calls = [
        ("lower", vec![Operand::column(lines.clone())], text.clone()),
        ("trim", vec![Operand::column(lines.clone())], text.clone()),
        (
            "split",
            vec![Operand::column(lines.clone()), Operand::constant(space.clone())],
            DataType::List(Box::new(text.clone())).required(),
        ),
        (
            "ends_with",
            vec![Operand::column(lines), Operand::constant(space)],
            DataType::Bool.required(),
        ),
    ];
    let prepared = calls.map(|(name, operands, result)| {
        let types = vec![text.clone(); operands.len()];
        let literals = vec![None; operands.len()];
        let call = Call { arguments: &types, literals: &literals, result: &result };
        let function = Registry::standard().overloads(name)[0];
        let kernel = Registry::standard().scalar(function, &call).expect("no literals");
        Loop::new(&format!("function: {name}"), move || {
            let mut failures = vec![];
            let site = 0;
            let mut context =
                KernelContext { rows: BATCH, active: None, site, failures: &mut failures };
            kernel.eval(&mut context, &operands).len()
        })
    });
    prepared.into()
}

fn exact_sum() -> impl FnMut() -> usize {
    let ty: Type = DataType::Float.required();
    let (types, literals) = ([ty.clone()], [None]);
    let call = Call { arguments: &types, literals: &literals, result: &ty };
    let function = Registry::standard().overloads("sum")[0];
    let new = Registry::standard().aggregate(function, &call).expect("no literals");
    let mut states = new();
    let values: Float64Array = numbers(2000).take(BATCH).map(|n| n as f64 / 10.0 - 100.0).collect();
    let values = [Operand::column(Arc::new(values))];
    let groups: Vec<u32> = numbers(400).take(BATCH).map(|number| number as u32).collect();
    move || {
        states.update(&groups, 400, &values, &Positions::Range(0));
        groups.len()
    }
}

fn sort_of(keys: ArrayRef) -> impl FnMut() -> usize {
    let sort = Sort { directions: vec![Default::default()], columns: vec![Some(0)], first: None };
    move || {
        let mut state = sort.state();
        let batch = Batch::new(vec![keys.clone()], BATCH, 0);
        let values = vec![Operand::column(keys.clone())];
        state.push(batch, values).unwrap_or_else(|error| panic!("{error:?}"));
        let sorted = sort.finish(vec![state], &AtomicBool::new(false));
        let batches = sorted.and_then(|output| output.into_batches());
        batches.unwrap_or_else(|error| panic!("{error:?}")).iter().map(|batch| batch.rows).sum()
    }
}
