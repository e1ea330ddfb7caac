//! How fast CSV files are scanned: `cargo bench --bench csv_scan -- FILE [THREADS]`.
//!
//! The file has the columns of the sales example; every line of the output is one projection, the
//! best of five runs. Without a file nothing is measured, so that `cargo test` can build it.
#![allow(missing_docs, clippy::print_stdout)]

mod reading;

use batchc::connect::{Arguments, CHUNK_BYTES, Column, SourceSpec, find};
use batchc::types::{DataType, Scalar};
use reading::rows_read;
use std::path::PathBuf;
use std::time::Instant;

fn main() {
    let mut given = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let Some(path) = given.next() else { return };
    let threads = given.next().and_then(|text| text.parse().ok()).unwrap_or(2);
    let bytes = std::fs::metadata(&path).map_or(0, |found| found.len());
    let decimal = DataType::Decimal { precision: 12, scale: 2 };
    let declared = [
        ("record_id", DataType::String),
        ("user_id", DataType::String),
        ("amount", decimal),
        ("category", DataType::String),
        ("email", DataType::String),
        ("transaction_date", DataType::Datetime),
        ("partition_key", DataType::String),
    ];
    let columns: Vec<Column> = declared
        .into_iter()
        .map(|(name, ty)| Column {
            name: name.into(),
            external: name.into(),
            ty: ty.optional(),
            format: None,
        })
        .collect();
    let projections: [&[usize]; 6] =
        [&[], &[2], &[1, 2, 3], &[2, 3, 5], &[0, 1, 3, 4, 6], &[0, 1, 2, 3, 4, 5, 6]];
    for projection in projections {
        let spec = SourceSpec {
            base: PathBuf::new(),
            arguments: Arguments(vec![("path".into(), Scalar::String(path.as_str().into()))]),
            columns: columns.clone(),
            projection: projection.to_vec(),
            chunk: CHUNK_BYTES,
            wanted: vec![],
            readings: None,
            only: None,
            is_whole: false,
        };
        let mut best = (f64::MAX, 0);
        for _ in 0..5 {
            let started = Instant::now();
            let rows = scan(&spec, threads);
            best = (started.elapsed().as_secs_f64().min(best.0), rows);
        }
        let speed = bytes as f64 / 1e6 / best.0;
        println!("{projection:?}: {} rows, {:.3} s, {speed:.0} MB/s", best.1, best.0);
    }
}

fn scan(spec: &SourceSpec, threads: usize) -> usize {
    let open = find("csv").and_then(|csv| csv.source).expect("csv reads");
    let source = open(spec).unwrap_or_else(|error| panic!("{error}"));
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| rows_read(&*source))).collect();
        workers.into_iter().map(|worker| worker.join().expect("no panic")).sum()
    })
}
