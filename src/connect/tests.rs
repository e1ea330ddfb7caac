//! What holds for all connectors of files: packing, damage, inputs that change, parts.

use super::testing::{Read, read_file, sink_spec, source_spec, write_file};
use super::{ConnectError, Piece, Source, find};
use crate::data::{Batch, array_of};
use crate::types::{DataType, Scalar, Type};
use std::fs;
use std::io::Write;
use std::path::Path;

fn line() -> [(&'static str, Type); 1] {
    [("line", DataType::String.required())]
}

fn texts(lines: &[&str]) -> Batch {
    let lines: Vec<Scalar> = lines.iter().map(|line| Scalar::String((*line).into())).collect();
    Batch::new(vec![array_of(&DataType::String, &lines)], lines.len(), 0)
}

fn read_lines(base: &Path, path: &str) -> Result<Read, ConnectError> {
    read_file(find("text").unwrap(), base, &[("path", path)], &line())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn lines_are_rows() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.log"), b"\xEF\xBB\xBFa\r\n\n\xFF\nlonger than twelve bytes")
        .unwrap();
    let read = read_lines(dir.path(), "a.log").unwrap();
    let text = |text: &str| vec![Scalar::String(text.into())];
    let rows = [text("a"), text(""), vec![Scalar::Null], text("longer than twelve bytes")];
    assert_eq!(read.rows, rows);
    assert_eq!(read.bad, [(2, Some(0), 2, "\u{FFFD}".into(), "not UTF-8".into())]);
    assert_eq!(read.extent, (4, 3));
}

#[test]
fn packed_files_may_have_many_members() {
    let dir = tempfile::tempdir().unwrap();
    for (path, pack) in [("a.gz", gzip as fn(&[u8]) -> Vec<u8>), ("a.zst", zstd)] {
        let bytes = [pack(b"one\ntw"), pack(b"o\n"), pack(b""), pack(b"three")].concat();
        fs::write(dir.path().join(path), bytes).unwrap();
        let rows = read_lines(dir.path(), path).unwrap().rows.concat();
        assert_eq!(rows, ["one", "two", "three"].map(|text| Scalar::String(text.into())));
    }
}

#[test]
fn damaged_and_truncated_files_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    let text: String = (0..2000).map(|at| format!("line {}\n", at * 7919)).collect();
    for (path, whole) in [("a.gz", gzip(text.as_bytes())), ("a.zst", zstd(text.as_bytes()))] {
        let mut damages =
            vec![whole[..whole.len() - 1].to_vec(), whole[..whole.len() / 2].to_vec()];
        // The stored checksum, and a byte in the middle.
        for at in [whole.len() - 6, whole.len() - 2, whole.len() / 2] {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            damages.push(damaged);
        }
        damages.push([&whole, &b"rest"[..]].concat());
        for (at, damaged) in damages.iter().enumerate() {
            fs::write(dir.path().join(path), damaged).unwrap();
            let read = read_lines(dir.path(), path);
            if path == "a.zst" && at == 2 {
                // Six bytes before the end is still data of zstd, whose checksum has four.
                assert!(read.is_err() || read.is_ok_and(|read| read.rows.len() == 2000));
                continue;
            }
            let message = read.expect_err("damage is found").message;
            assert!(message.starts_with(&format!("cannot read {path}: ")), "{message}");
        }
    }
}

#[test]
fn an_input_that_changes_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.txt");
    let lines = "a line of text\n".repeat(200_000);
    fs::write(&path, &lines).unwrap();
    let spec = source_spec(dir.path(), &[("path", "a.txt")], &line());
    let source: Box<dyn Source> = find("text").unwrap().source.unwrap()(&spec).unwrap();
    assert!(source.next().unwrap().is_some());
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"one more\n").unwrap();
    let error = loop {
        match source.next() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the change went unnoticed"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.message, "a.txt changed while it was read");
}

#[test]
fn parts_are_files_of_one_directory() {
    let dir = tempfile::tempdir().unwrap();
    for (path, names) in [
        ("out", ["part-00000.csv", "part-00001.csv"]),
        ("out.csv.gz", ["part-00000.csv.gz", "part-00001.csv.gz"]),
    ] {
        let mut spec = sink_spec(dir.path(), &[("path", path)], &line());
        spec.parts = Some(2);
        let sink = find("csv").unwrap().sink.unwrap()(&spec).unwrap();
        for (part, text) in [(1, "x"), (0, "y"), (1, "z")] {
            let piece = sink.encode(&texts(&[text])).unwrap();
            sink.append(part, piece).unwrap();
        }
        assert!(!dir.path().join(path).exists());
        let mut staged = sink.finish().unwrap();
        assert_eq!(staged.rows, 3);
        staged.publish().unwrap();
        let mut found: Vec<String> = fs::read_dir(dir.path().join(path))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        found.sort();
        assert_eq!(found, names);
        let read = |name: &str| {
            let given = [("path", &*format!("{path}/{name}"))];
            read_file(find("csv").unwrap(), dir.path(), &given, &line()).unwrap().rows.len()
        };
        assert_eq!(names.map(read), [1, 2]);
    }
}

#[test]
fn what_is_dropped_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["csv", "json", "text", "parquet", "avro"] {
        let open = || {
            let spec = sink_spec(dir.path(), &[("path", "out")], &line());
            find(name).unwrap().sink.unwrap()(&spec).unwrap()
        };
        let sink = open();
        let piece = sink.encode(&texts(&["a"])).unwrap();
        sink.append(0, piece).unwrap();
        drop(sink);
        drop(open().finish().unwrap());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "{name}");
    }
}

#[test]
fn packed_outputs_do_not_depend_on_pieces() {
    let dir = tempfile::tempdir().unwrap();
    // More bytes than threads have blocks.
    let count = (rayon::current_num_threads() + 1) * 200_000;
    let lines: Vec<String> = (0..count).map(|at| format!("a line {:020}", at * 7919)).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    for path in ["a.txt.gz", "a.txt.zst"] {
        let write = |size: usize| {
            let batches: Vec<Batch> = lines.chunks(size).map(texts).collect();
            let spec = sink_spec(dir.path(), &[("path", path)], &line());
            write_file(find("text").unwrap(), &spec, &batches).unwrap();
            fs::read(dir.path().join(path)).unwrap()
        };
        let whole = write(count);
        assert!(whole == write(777), "{path}");
        let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert!(whole == one.install(|| write(5000)), "{path}");
        let read = read_lines(dir.path(), path).unwrap().rows.concat();
        assert!(read.len() == count && read[count - 1] == Scalar::String(lines[count - 1].into()));
    }
}

#[test]
fn a_packed_output_without_rows_is_a_packed_file() {
    let dir = tempfile::tempdir().unwrap();
    for path in ["a.txt.gz", "a.txt.zst"] {
        let spec = sink_spec(dir.path(), &[("path", path)], &line());
        write_file(find("text").unwrap(), &spec, &[]).unwrap();
        assert!(!fs::read(dir.path().join(path)).unwrap().is_empty(), "{path}");
        assert_eq!(read_lines(dir.path(), path).unwrap().rows.len(), 0);
    }
}

#[test]
fn a_text_with_a_line_end_is_refused_by_text() {
    let dir = tempfile::tempdir().unwrap();
    let spec = sink_spec(dir.path(), &[("path", "a.txt")], &line());
    let sink = find("text").unwrap().sink.unwrap()(&spec).unwrap();
    assert!(sink.encode(&texts(&["a\nb"])).is_err());
    assert!(matches!(sink.encode(&texts(&["a", ""])), Ok(Piece::Bytes { rows: 2, .. })));
}
