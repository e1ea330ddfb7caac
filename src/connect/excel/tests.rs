//! Workbooks written down by hand, read as declared types; damage is told.

use super::CONNECTOR;
use crate::connect::ConnectError;
use crate::connect::Side;
use crate::connect::testing::{Random, Read, read_file, source_spec};
use crate::types::{DataType, EnumMember, EnumType, Scalar, Type};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

fn write_zip(path: &Path, method: CompressionMethod, files: &[(&str, String)]) {
    let mut zip = ZipWriter::new(File::create(path).unwrap());
    for (name, content) in files {
        zip.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap();
}

const OF_OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";

/// A workbook with these sheets, each of rows as they stand in the file; style 1 is that of dates, 2
/// that of lengths of time.
fn write_book(path: &Path, of_1904: bool, sheets: &[(&str, &str)]) {
    write_packed(path, CompressionMethod::Deflated, of_1904, sheets);
}

fn write_packed(path: &Path, method: CompressionMethod, of_1904: bool, sheets: &[(&str, &str)]) {
    let numbered = || sheets.iter().enumerate().map(|(at, sheet)| (at + 1, sheet));
    let listed: String = numbered()
        .map(|(at, (name, _))| format!(r#"<sheet name="{name}" sheetId="{at}" r:id="r{at}"/>"#))
        .collect();
    let related: String = numbered()
        .map(|(at, _)| {
            format!(
                r#"<Relationship Id="r{at}" Type="{OF_OFFICE}/worksheet" Target="worksheets/s{at}.xml"/>"#
            )
        })
        .collect();
    let relations = |inner: &str| {
        let of = "http://schemas.openxmlformats.org/package/2006/relationships";
        format!(r#"<Relationships xmlns="{of}">{inner}</Relationships>"#)
    };
    let names: Vec<String> = numbered().map(|(at, _)| format!("xl/worksheets/s{at}.xml")).collect();
    let mut files = vec![
        (
            "_rels/.rels",
            relations(&format!(
                r#"<Relationship Id="b" Type="{OF_OFFICE}/officeDocument" Target="xl/workbook.xml"/>"#
            )),
        ),
        (
            "xl/workbook.xml",
            format!(
                r#"<workbook xmlns="{MAIN}" xmlns:r="{OF_OFFICE}"><workbookPr date1904="{of_1904}"/><sheets>{listed}</sheets></workbook>"#
            ),
        ),
        ("xl/_rels/workbook.xml.rels", relations(&related)),
        (
            "xl/styles.xml",
            format!(
                r#"<styleSheet xmlns="{MAIN}"><numFmts><numFmt numFmtId="200" formatCode="[hh]:mm:ss"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="22"/><xf numFmtId="200"/></cellXfs></styleSheet>"#
            ),
        ),
    ];
    for (name, (_, rows)) in names.iter().zip(sheets) {
        let sheet =
            format!(r#"<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>"#);
        files.push((name, sheet));
    }
    write_zip(path, method, &files);
}

/// The XML of a cell: of a text, unless it begins with a `<`.
fn cell(place: &str, content: &str) -> String {
    match content.strip_prefix('<') {
        Some(attributes) => format!("<c r=\"{place}\" {attributes}</c>"),
        None => format!(r#"<c r="{place}" t="inlineStr"><is><t>{content}</t></is></c>"#),
    }
}

/// The XML of rows; the first is row `first`.
fn rows(first: u32, rows: &[&[&str]]) -> String {
    let row = |(at, cells): (usize, &&[&str])| {
        let number = first + at as u32;
        let cells = cells.iter().enumerate().filter(|(_, content)| !content.is_empty());
        let cells: String = cells
            .map(|(at, content)| cell(&super::workbook::place(number - 1, at as u32), content))
            .collect();
        format!(r#"<row r="{number}">{cells}</row>"#)
    };
    rows.iter().enumerate().map(row).collect()
}

fn read_book(
    dir: &Path,
    given: &[(&str, &str)],
    declared: &[(&str, Type)],
) -> Result<Read, ConnectError> {
    read_file(&CONNECTOR, dir, &[&[("path", "a.xlsx")], given].concat(), declared)
}

/// What a cell is as a value of this type.
fn one(content: &str, ty: DataType) -> Result<Scalar, String> {
    let dir = tempfile::tempdir().unwrap();
    let text = rows(1, &[&["x", "y"], &[content, "kept"]]);
    write_book(&dir.path().join("a.xlsx"), false, &[("S", &text)]);
    let declared = [("x", ty.optional()), ("y", DataType::String.required())];
    let read = read_book(dir.path(), &[("zone", "Europe/Berlin")], &declared).unwrap();
    match read.bad.first() {
        Some((_, _, _, text, reason)) => Err(format!("{text:?} {reason}")),
        None => Ok(read.rows[0][0].clone()),
    }
}

const DAY: i64 = 86_400_000_000;

#[test]
fn cells_are_values_of_the_declared_types() {
    let member = |text: &str| EnumMember { name: "m".into(), text: text.into() };
    let members = ["low", "high"].map(member).to_vec();
    let level = DataType::Enum(Arc::new(EnumType { name: "Level".into(), members }));
    let decimal = DataType::Decimal { precision: 8, scale: 2 };
    let text = |text: &str| Scalar::String(text.into());
    let cases: Vec<(&str, DataType, Scalar)> = vec![
        ("", DataType::Int, Scalar::Null),
        ("<><v>12</v>", DataType::Int, Scalar::Int(12)),
        ("12", DataType::Int, Scalar::Int(12)),
        ("<><v>0.5</v>", DataType::Float, Scalar::Float(0.5)),
        ("<><v>12.1</v>", decimal.clone(), Scalar::Decimal(1210)),
        ("<><v>0.30000000000000004</v>", decimal, Scalar::Decimal(30)),
        ("<><v>1234</v>", DataType::String, text("1234")),
        ("<t=\"b\"><v>1</v>", DataType::Bool, Scalar::Bool(true)),
        ("<t=\"b\"><v>0</v>", DataType::String, text("false")),
        ("<t=\"str\"><f>A1</f><v>of a formula</v>", DataType::String, text("of a formula")),
        ("high", level, Scalar::Enum(1)),
        ("<s=\"1\"><v>45322</v>", DataType::Date, Scalar::Date(19_753)),
        ("<s=\"1\"><v>45322.5</v>", DataType::Datetime, Scalar::Datetime(19_753 * DAY + DAY / 2)),
        (
            "<s=\"1\"><v>45322.5</v>",
            DataType::Timestamp,
            Scalar::Timestamp(19_753 * DAY + 11 * DAY / 24),
        ),
        ("<s=\"1\"><v>45322.5</v>", DataType::String, text("2024-01-31T12:00:00")),
        ("<s=\"1\"><v>0.25</v>", DataType::Time, Scalar::Duration(DAY / 4)),
        ("<s=\"2\"><v>1.5</v>", DataType::Duration, Scalar::Duration(DAY * 3 / 2)),
        ("<s=\"1\"><v>1</v>", DataType::Date, Scalar::Date(-25_567)),
        ("<s=\"1\"><v>59</v>", DataType::Date, Scalar::Date(-25_509)),
        ("<s=\"1\"><v>61</v>", DataType::Date, Scalar::Date(-25_508)),
        ("2024-01-31", DataType::Date, Scalar::Date(19_753)),
    ];
    for (content, ty, value) in cases {
        assert_eq!(one(content, ty.clone()), Ok(value), "{content} as {ty}");
    }
}

#[test]
fn cells_that_are_something_else_are_told() {
    let cases = [
        ("two", DataType::Int, "\"two\" not an int, in cell A2 of sheet `S`"),
        ("<><v>1.5</v>", DataType::Int, "\"1.5\" not an int, in cell A2 of sheet `S`"),
        (
            "<><v>1</v>",
            DataType::Bool,
            "\"1\" not a bool (`true` or `false`), in cell A2 of sheet `S`",
        ),
        (
            "<t=\"e\"><v>#N/A</v>",
            DataType::String,
            "\"#N/A\" an error of the sheet, in cell A2 of sheet `S`",
        ),
        (
            "<><v>45322</v>",
            DataType::Date,
            "\"45322\" a number, and not a date (give its cells the format of dates), in cell A2 of sheet `S`",
        ),
        (
            "<s=\"1\"><v>45322.5</v>",
            DataType::Date,
            "\"2024-01-31T12:00:00\" has a time of the day: declare a `datetime`, in cell A2 of sheet `S`",
        ),
        (
            "<s=\"1\"><v>45322</v>",
            DataType::Int,
            "\"2024-01-31\" a date or a time, and not an int, in cell A2 of sheet `S`",
        ),
        (
            "<s=\"1\"><v>60</v>",
            DataType::Date,
            "\"60\" the day 1900-02-29, which there was not, in cell A2 of sheet `S`",
        ),
        (
            "<s=\"1\"><v>-1</v>",
            DataType::Date,
            "\"-1\" outside of the years that a sheet has, in cell A2 of sheet `S`",
        ),
        (
            "<s=\"2\"><v>1.5</v>",
            DataType::Date,
            "\"P1DT12H\" a length of time, and not a date, in cell A2 of sheet `S`",
        ),
    ];
    for (content, ty, told) in cases {
        assert_eq!(one(content, ty), Err(told.to_owned()));
    }
}

#[test]
fn sheets_headers_and_places() {
    let dir = tempfile::tempdir().unwrap();
    let first =
        rows(1, &[&["only a title"], &["", "", "id", "name"], &["", "", "<><v>1</v>", "Ada"]]);
    let gap = rows(7, &[&["", "", "<><v>2</v>"], &["", "far"]]);
    let second = rows(1, &[&["<><v>7</v>", "x"]]);
    let path = dir.path().join("a.xlsx");
    write_book(&path, true, &[("People", &(first + &gap)), ("More", &second)]);
    let declared = [("id", DataType::Int.required()), ("name", DataType::String.optional())];
    let read = |given: &[(&str, &str)]| read_book(dir.path(), given, &declared);
    let found = read(&[("skip", "1")]).unwrap();
    let ada = vec![Scalar::Int(1), Scalar::String("Ada".into())];
    let nulls = vec![Scalar::Null, Scalar::Null];
    assert_eq!(found.rows, [ada, vec![Scalar::Int(2), Scalar::Null], nulls]);
    let told = "empty, and its type has no `?`, in cell C8 of sheet `People`".to_owned();
    assert_eq!(found.bad, [(2, Some(0), 0, String::new(), told)]);
    assert_eq!(found.extent, (3, 3));
    let error = |given: &[(&str, &str)]| {
        let error = read(given).unwrap_err();
        format!("{}; {}", error.message, error.help.unwrap_or_default())
    };
    let expected = [
        "sheet `People` of a.xlsx has no column `id`; it has `only a title`",
        "a.xlsx has no sheet `Nobody`; it has `People`, `More`",
        "a.xlsx has no sheet 3; it has `People`, `More`",
        "sheet `More` of a.xlsx is empty, and a header was expected; \
         write `header: false` if it has none, or `sheet:` for another",
    ];
    let found = [
        error(&[]),
        error(&[("sheet", "Nobody")]),
        error(&[("sheet", "3")]),
        error(&[("sheet", "More"), ("skip", "9")]),
    ];
    assert_eq!(found, expected);
    let declared = [("B", DataType::String.required()), ("A", DataType::Int.required())];
    let given = [("sheet", "2"), ("header", "false")];
    let read = read_book(dir.path(), &given, &declared).unwrap();
    assert_eq!(read.rows, [[Scalar::String("x".into()), Scalar::Int(7)]]);
}

#[test]
fn days_are_counted_from_1904_on_where_the_workbook_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let text = rows(1, &[&["x"], &["<s=\"1\"><v>0</v>"], &["<s=\"1\"><v>43860</v>"]]);
    write_book(&dir.path().join("a.xlsx"), true, &[("S", &text)]);
    let read = read_book(dir.path(), &[], &[("x", DataType::Date.required())]).unwrap();
    assert!(read.bad.is_empty(), "{:?}", read.bad);
    assert_eq!(read.rows, [[Scalar::Date(-24_107)], [Scalar::Date(19_753)]]);
}

#[test]
fn a_sheet_of_open_document_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let text = |text: &str| {
        format!(
            r#"<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>"#
        )
    };
    let valued = |kind: &str, value: &str| {
        format!(r#"<table:table-cell office:value-type="{kind}" office:{value}/>"#)
    };
    let row = |cells: &[String]| format!("<table:table-row>{}</table:table-row>", cells.concat());
    let header = ["id", "day", "at", "wait", "ok"].map(text);
    let values = [
        valued("float", "value=\"1.25\""),
        valued("date", "date-value=\"2024-01-31\""),
        valued("date", "date-value=\"2024-01-31T12:00:00\""),
        valued("time", "time-value=\"PT01H30M00S\""),
        valued("boolean", "boolean-value=\"true\""),
    ];
    let content = format!(
        r#"<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet><table:table table:name="S">{}{}</table:table></office:spreadsheet></office:body></office:document-content>"#,
        row(&header),
        row(&values)
    );
    let files = [
        ("mimetype", "application/vnd.oasis.opendocument.spreadsheet".to_owned()),
        (
            "META-INF/manifest.xml",
            r#"<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>"#
                .to_owned(),
        ),
        ("content.xml", content),
    ];
    write_zip(&dir.path().join("a.ods"), CompressionMethod::Stored, &files);
    let declared = [
        ("id", DataType::Decimal { precision: 8, scale: 2 }.required()),
        ("day", DataType::Date.required()),
        ("at", DataType::Datetime.required()),
        ("wait", DataType::Duration.required()),
        ("ok", DataType::Bool.required()),
    ];
    let read = read_file(&CONNECTOR, dir.path(), &[("path", "a.ods")], &declared).unwrap();
    assert!(read.bad.is_empty(), "{:?}", read.bad);
    let expected = [
        Scalar::Decimal(125),
        Scalar::Date(19_753),
        Scalar::Datetime(19_753 * DAY + DAY / 2),
        Scalar::Duration(DAY / 16),
        Scalar::Bool(true),
    ];
    assert_eq!(read.rows, [expected]);
}

#[test]
fn a_cell_far_away_takes_no_room() {
    let dir = tempfile::tempdir().unwrap();
    let far = format!(r#"<row r="1048576">{}</row>"#, cell("XFD1048576", "far"));
    let text = rows(1, &[&["x"], &["a"]]) + &far;
    write_book(&dir.path().join("a.xlsx"), false, &[("S", &text)]);
    let read = read_book(dir.path(), &[], &[("x", DataType::String.optional())]).unwrap();
    assert_eq!(read.rows, [[Scalar::String("a".into())], [Scalar::Null]]);
}

#[test]
fn damage_is_told_and_never_a_panic() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.xlsx");
    let text = rows(1, &[&["x", "y"], &["<><v>1</v>", "a"], &["<s=\"1\"><v>2.5</v>", "b"]]);
    let declared = [("x", DataType::String.optional()), ("y", DataType::String.optional())];
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        write_packed(&path, method, false, &[("S", &text)]);
        let whole = fs::read(&path).unwrap();
        for end in (0..whole.len()).step_by(29) {
            fs::write(&path, &whole[..end]).unwrap();
            assert!(read_book(dir.path(), &[], &declared).is_err(), "{end} bytes");
        }
        let mut random = Random(11);
        for _ in 0..1500 {
            let mut damaged = whole.clone();
            let at = random.below(whole.len());
            damaged[at] ^= 1 << random.below(8);
            fs::write(&path, damaged).unwrap();
            // It may have become another right workbook.
            let _ = read_book(dir.path(), &[], &declared);
        }
    }
    let told = |name: &str, bytes: &[u8]| {
        fs::write(dir.path().join(name), bytes).unwrap();
        read_file(&CONNECTOR, dir.path(), &[("path", name)], &declared).unwrap_err().message
    };
    assert_eq!(told("a.xlsx", b"x;y"), "a.xlsx is not a workbook");
    let protected = "a.xlsx is protected by a password";
    assert_eq!(told("a.xlsx", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"), protected);
    let old = "cannot read a.xls as a workbook";
    assert_eq!(told("a.xls", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"), old);
}

#[test]
fn options_and_columns_are_looked_at_before() {
    let check = |given: &[(&str, &str)], ty: DataType| {
        let spec = source_spec(Path::new(""), given, &[("x", ty.required())]);
        let found = CONNECTOR.check(&spec.arguments, Side::Source, &spec.columns);
        found.into_iter().map(|(_, error)| error.message).collect::<Vec<_>>().join("; ")
    };
    let list = DataType::List(Box::new(DataType::Int.required()));
    assert_eq!(check(&[("path", "a.xlsx")], DataType::Int), "");
    assert_eq!(check(&[("path", "a.xlsx"), ("sheet", "0")], DataType::Int), "there is no sheet 0");
    let told = "a cell holds a single value, and column `x` is declared as list<int>";
    assert_eq!(check(&[("path", "a.xlsx")], list), told);
}
