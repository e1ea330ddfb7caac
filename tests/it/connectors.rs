//! Files through the whole of batchc: what a user writes in a source or output, and what is found
//! in the data. What readers and writers do byte by byte is tested beside them.

use super::project::Project;
use std::io::Write;

/// A pipeline that copies `source` with these columns to `out.jsonl`, bad rows set aside.
fn copying(source: &str, columns: &str) -> Project {
    Project::new(&format!(
        "enum Level {{ LOW = \"low\", HIGH = \"high\" }}

source rows = {source} {{
{columns}
}}

job copy {{
  on error quarantine bad
  from rows
}}

output out = json(\"out.jsonl\") from copy
"
    ))
}

/// The same, and fails at a row that cannot be read.
fn failing(source: &str, columns: &str) -> Project {
    let block = if columns.is_empty() { String::new() } else { format!(" {{\n{columns}\n}}") };
    Project::new(&format!(
        "source rows = {source}{block}\n
job copy {{
  from rows
}}

output out = json(\"out.jsonl\") from copy
"
    ))
}

/// Every reason, with the line it is told for.
fn reasons(project: &Project) -> Vec<(u64, String)> {
    let records = project.records(".batchc/quarantine/bad.jsonl");
    let told = |one: &serde_json::Value| {
        let line = one["_line"].as_u64().expect("a line");
        (line, one["_reason"].as_str().expect("a reason").to_owned())
    };
    records.iter().map(told).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).expect("there is memory");
    encoder.include_checksum(true).expect("there is a checksum");
    encoder.write_all(bytes).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

const NESTED: &str = "  id: int
  who: {name: string, born: date?, tags: list<string>}?
  scores: list<{at: int, value: float?}>?
  level: Level?";

#[test]
fn json_holds_records_lists_enums_and_escapes() {
    let project = copying("json(\"in.jsonl\")", NESTED);
    project.write(
        "in.jsonl",
        "\u{FEFF}{\"id\":1,\"who\":{\"name\":\"J\\u00fcrgen \\ud83d\\ude00 \\\"q\\\" \\\\ \\/ \\t\",\"born\":\"2001-02-03\",\"tags\":[\"a\",\"\"]},\"scores\":[{\"at\":1,\"value\":1.5},{\"value\":null,\"at\":-2}],\"level\":\"high\"}\r\n\
         \r\n\
         {\"unknown\":{\"deep\":[1,{\"x\":2}]},\"level\":null,\"id\":2}\n\
         \n\
         {\"id\":3,\"id\":4,\"who\":null,\"scores\":[]}",
    );
    project.run();
    assert_eq!(
        project.read("out.jsonl"),
        "{\"id\":1,\"who\":{\"name\":\"Jürgen 😀 \\\"q\\\" \\\\ / \\t\",\"born\":\"2001-02-03\",\"tags\":[\"a\",\"\"]},\"scores\":[{\"at\":1,\"value\":1.5},{\"at\":-2,\"value\":null}],\"level\":\"high\"}\n\
         {\"id\":2,\"who\":null,\"scores\":null,\"level\":null}\n\
         {\"id\":4,\"who\":null,\"scores\":[],\"level\":null}\n"
    );
    // What was written reads back as it was.
    project.write("in.jsonl", project.read("out.jsonl"));
    let first = project.read("out.jsonl");
    project.run();
    assert_eq!(project.read("out.jsonl"), first);
}

#[test]
fn bad_json_names_file_line_path_text_and_type() {
    let project = copying("json(\"in.jsonl\")", NESTED);
    let lines = [
        "{\"id\":1}",
        "{\"id\":\"1\"}",
        "{\"id\":1.0}",
        "{\"id\":9223372036854775808}",
        "{\"id\":null}",
        "{}",
        "{\"id\":1,\"who\":{\"name\":7,\"tags\":[]}}",
        "{\"id\":1,\"who\":{\"tags\":[]}}",
        "{\"id\":1,\"who\":{\"name\":\"x\",\"tags\":[\"a\",null]}}",
        "{\"id\":1,\"who\":{\"name\":\"x\",\"born\":\"2001-02-30\",\"tags\":[]}}",
        "{\"id\":1,\"who\":[]}",
        "{\"id\":1,\"scores\":[{\"at\":1},{\"at\":true}]}",
        "{\"id\":1,\"level\":\"mid\"}",
        "{\"id\":1,\"who\":{\"name\":\"\\ud800\",\"tags\":[]}}",
        "{\"id\":1",
        "[1]",
        "{\"id\":2}",
    ];
    project.write("in.jsonl", lines.join("\n"));
    project.run();
    let text = |line: u64, reason: &str| (line, reason.to_owned());
    assert_eq!(
        reasons(&project),
        [
            text(2, "id: \"1\" is not an int"),
            text(3, "id: 1.0 is not an int"),
            text(4, "id: 9223372036854775808 is too large for an int"),
            text(5, "id is null, and its type has no `?`"),
            text(6, "id is missing, and its type has no `?`"),
            text(7, "who.name: 7 is not a string"),
            text(8, "who.name is missing, and its type has no `?`"),
            text(9, "who.tags[1] is null, and its type has no `?`"),
            text(10, "who.born: \"2001-02-30\" is not a date: February 2001 has 28 days"),
            text(11, "who: [] is not a record"),
            text(12, "scores[1].at: true is not an int"),
            text(13, "level: \"mid\" is not a Level (`low`, `high`)"),
            text(14, "who.name: \"\\ud800\" is half a character (a lone surrogate)"),
            text(15, "not JSON: it ends, and a comma or `}` is missing"),
            text(16, "not a JSON object"),
        ]
    );
    assert_eq!(project.records("out.jsonl").len(), 2);
    let text = project.read("pipeline.batch").replace("on error quarantine bad", "on error fail");
    project.write("pipeline.batch", text);
    project.batchc(&["run"]).fails(3, "in.jsonl:2: id: \"1\" is not an int");
}

#[test]
fn json_numbers_keep_their_digits() {
    let columns = "  i: int\n  f: float\n  d: decimal(38, 10)";
    let project = copying("json(\"in.jsonl\")", columns);
    let lines = "{\"i\":9223372036854775807,\"f\":1e308,\"d\":1234567890123456789012345678.0123456789}\n\
                 {\"i\":-9223372036854775808,\"f\":5e-324,\"d\":\"-0.1\"}\n\
                 {\"i\":-0,\"f\":0.1,\"d\":1e2}\n";
    project.write("in.jsonl", lines);
    project.run();
    let out = project.read("out.jsonl");
    let rows: Vec<&str> = out.lines().collect();
    assert!(rows[0].contains("9223372036854775807"), "{out}");
    assert!(rows[0].contains("1234567890123456789012345678.0123456789"), "{out}");
    assert!(rows[1].contains("-9223372036854775808") && rows[1].contains("5e-324"), "{out}");
    assert!(rows[1].contains("-0.1000000000"), "{out}");
    assert!(rows[2].contains("\"i\":0") && rows[2].contains("100.0000000000"), "{out}");
    for (line, reason) in [
        ("{\"i\":1,\"f\":1e400,\"d\":0}", "f: 1e400 is "),
        ("{\"i\":1,\"f\":0,\"d\":0.00000000001}", "d: 0.00000000001 has "),
        ("{\"i\":1,\"f\":0,\"d\":1e28}", "d: 1e28 is "),
        ("{\"i\":1,\"f\":\"NaN\",\"d\":0}", "f: \"NaN\" is "),
        ("{\"i\":01,\"f\":0,\"d\":0}", "not JSON"),
        ("{\"i\":+1,\"f\":0,\"d\":0}", "not JSON"),
        ("{\"i\":NaN,\"f\":0,\"d\":0}", "not JSON"),
    ] {
        project.write("in.jsonl", line);
        project.run();
        let reasons = reasons(&project);
        assert!(reasons.len() == 1 && reasons[0].1.starts_with(reason), "{line}: {reasons:?}");
    }
}

#[test]
fn packed_inputs_are_unpacked_and_damage_is_an_error() {
    type Pack = fn(&[u8]) -> Vec<u8>;
    let json = b"{\"id\":1}\n{\"id\":2}\n".as_slice();
    let csv = b"id\n1\n2\n".as_slice();
    for (connector, name, content) in [("json", "in.jsonl", json), ("csv", "in.csv", csv)] {
        for (extension, pack) in [("gz", gzip as Pack), ("zst", zstd as Pack)] {
            let file = format!("{name}.{extension}");
            let project = copying(&format!("{connector}(\"{file}\")"), "  id: int");
            let mut packed = pack(content);
            project.write(&file, &packed);
            project.run();
            assert_eq!(project.read("out.jsonl"), "{\"id\":1}\n{\"id\":2}\n");
            // The stored checksum: its first byte is 8 or 4 bytes before the end.
            let checksum = packed.len() - if extension == "gz" { 8 } else { 4 };
            packed[checksum] ^= 1;
            project.write(&file, &packed);
            let damaged = format!(
                "cannot read {file}: its {} data is damaged before byte ",
                name_of(extension)
            );
            project.batchc(&["run"]).fails(3, &damaged);
            project.write(&file, [content, content].concat());
            let other = format!("cannot read {file}: it is no {} data, though", name_of(extension));
            project.batchc(&["run"]).fails(3, &other);
            assert_eq!(
                project.read("out.jsonl"),
                "{\"id\":1}\n{\"id\":2}\n",
                "the old output stays"
            );
        }
    }
}

#[test]
fn what_stands_behind_packed_data_is_told_and_more_members_are_read() {
    let packers: [(&str, fn(&[u8]) -> Vec<u8>); 2] = [("gz", |b| gzip(b)), ("zst", |b| zstd(b))];
    for (extension, packed) in packers {
        let file = format!("in.csv.{extension}");
        let project = copying(&format!("csv(\"{file}\")"), "  id: int");
        let members = [packed(b"id\n1\n"), packed(b""), packed(b"2\n")].concat();
        project.write(&file, &members);
        project.run();
        assert_eq!(project.read("out.jsonl"), "{\"id\":1}\n{\"id\":2}\n");
        for junk in ["x", "behind the end of it", "\0\0"] {
            project.write(&file, [&members, junk.as_bytes()].concat());
            let end = members.len();
            let ended = project.batchc(&["run"]);
            ended.fails(3, &format!("cannot read {file}: the "));
            ended.fails(3, &format!("data ends at byte {end}, and behind it is something else, `"));
        }
        project.write(&file, &members[..members.len() - 3]);
        let cut = format!(
            "cannot read {file}: the file ends in the middle of its {} data, at byte {}",
            name_of(extension),
            members.len() - 3
        );
        project.batchc(&["run"]).fails(3, &cut);
    }
}

fn name_of(extension: &str) -> &str {
    if extension == "gz" { "gzip" } else { "zstd" }
}

#[test]
fn a_packed_file_without_its_extension_is_told() {
    for (packed, extension) in [(gzip(b"id\n1\n"), "gz"), (zstd(b"id\n1\n"), "zst")] {
        let project = copying("csv(\"in.csv\")", "  id: int");
        project.write("in.csv", packed);
        let ended = project.batchc(&["run"]);
        ended.fails(3, "in.csv is packed with ");
        ended.fails(3, &format!("give it a name that says so: `in.csv.{extension}`"));
    }
}

#[test]
fn files_of_another_kind_are_told_for_what_they_are() {
    let project = copying("csv(\"in.csv\")", "  id: int");
    project.write("in.csv", "PAR1 no real one PAR1");
    let ended = project.batchc(&["run"]);
    ended.fails(3, "in.csv is a Parquet file");
    ended.fails(3, "read it with `parquet(\"in.csv\")`");
    assert!(!ended.words.contains("filtered"), "a table of nothing: {}", ended.words);
    project.write("in.csv", "PK\u{3}\u{4} and more");
    project.batchc(&["run"]).fails(3, "in.csv is a zip archive");
    project.write("in.csv", format!("{}\n", "\u{1}".repeat(100)));
    let escaped = "\\u{1}".repeat(40);
    project.batchc(&["run"]).fails(3, &format!("help: it has `{escaped}…`"));
}

#[test]
fn what_a_terminal_would_obey_is_escaped_in_names_of_columns() {
    let project = copying("csv(\"in.csv\")", "  id: int");
    project.write("in.csv", "\u{1b}[31mred,other\n1,2\n");
    project.batchc(&["run"]).fails(3, "help: it has `\\u{1b}[31mred`, `other`");
}

#[test]
fn packed_outputs_read_back() {
    for (extension, connector) in [("gz", "csv"), ("zst", "csv"), ("gz", "json"), ("zst", "json")] {
        let columns = "  id: int\n  text: string?";
        let project = copying("csv(\"in.csv\")", columns);
        project.write("in.csv", "id,text\n1,\"a, \"\"b\"\"\nc\"\n2,\n");
        let program = project.read("pipeline.batch");
        let target = format!("{connector}(\"packed.{connector}.{extension}\")");
        project.write("pipeline.batch", program.replace("json(\"out.jsonl\")", &target));
        project.run();
        let program = program.replace("csv(\"in.csv\")", &target);
        project.write("pipeline.batch", program);
        project.run();
        assert_eq!(
            project.read("out.jsonl"),
            "{\"id\":1,\"text\":\"a, \\\"b\\\"\\nc\"}\n{\"id\":2,\"text\":null}\n"
        );
    }
}

/// What a CSV text gives with these arguments, as JSON lines.
fn csv(arguments: &str, columns: &str, text: &[u8]) -> (String, Vec<(u64, String)>) {
    let project = copying(&format!("csv(\"in.csv\"{arguments})"), columns);
    project.write("in.csv", text);
    project.run();
    (project.read("out.jsonl"), reasons(&project))
}

#[test]
fn csv_is_read_in_all_its_spellings() {
    let columns = "  a: int\n  b: string?";
    let two = "{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":null}\n";
    for (arguments, text) in [
        ("", "a,b\n1,x\n2,\n"),
        ("", "a,b\r\n1,x\r\n2,\r\n"),
        ("", "\u{FEFF}a,b\n1,x\n2,"),
        ("", "b,more,a\nx,9,1\n,9,2\n"),
        ("", "\"a\",\"b\"\n\"1\",\"x\"\n\"2\",\n"),
        (", delimiter: \";\"", "a;b\n1;x\n2;\n"),
        (", delimiter: \"\\t\"", "a\tb\n1\tx\n2\t\n"),
        (", delimiter: \"|\"", "a|b\n1|x\n2|\n"),
        (", quote: \"'\"", "a,b\n'1','x'\n2,\n"),
        (", header: false", "1,x\n2,\n"),
        (", null: [\"\", \"NA\"]", "a,b\n1,x\n2,NA\n"),
        (", null: \"\\\\N\"", "a,b\n1,x\n2,\\N\n"),
        (", skip: 2", "made by\na machine\na,b\n1,x\n2,\n"),
        (", comment: \"#\"", "# c\na,b\n1,x\n# 3,y\n2,\n"),
    ] {
        let (out, bad) = csv(arguments, columns, text.as_bytes());
        assert_eq!((out.as_str(), bad), (two, vec![]), "{arguments} {text:?}");
    }
}

#[test]
fn csv_quotes_hold_what_they_hold() {
    let columns = "  a: string\n  b: string?";
    let (out, bad) = csv(
        "",
        columns,
        b"a,b\n\"1,2\",\"x\ny\"\n\"say \"\"hi\"\"\",\"\"\n\" \",\"\r\n\"\nplain, kept \n",
    );
    assert_eq!(bad, []);
    assert_eq!(
        out,
        "{\"a\":\"1,2\",\"b\":\"x\\ny\"}\n{\"a\":\"say \\\"hi\\\"\",\"b\":\"\"}\n{\"a\":\" \",\"b\":\"\\r\\n\"}\n{\"a\":\"plain\",\"b\":\" kept \"}\n"
    );
    let quotes_are_text = csv(", quote: \"\"", columns, b"a,b\n\"x,y\"\n");
    assert_eq!(quotes_are_text.0, "{\"a\":\"\\\"x\",\"b\":\"y\\\"\"}\n");
}

#[test]
fn ragged_and_bad_csv_rows_are_told_by_line() {
    let columns = "  a: int\n  b: string?\n  when: timestamp?\n  ok: bool?\n  level: Level?";
    let text = "a,b,when,ok,level\n1,x,,,\n2,\"y\nz\"\n3,x,2026-01-01T00:00:00Z,maybe,low\n4,\"x\ny\",noon,true,low\n5,x,,,mid\n6,x,,,,more\n7,a\"b\" c,,,\n8,\"a\" c,,,\n,x,,,\n";
    let (out, bad) = csv("", columns, text.as_bytes());
    let told = |line: u64, reason: &str| (line, reason.to_owned());
    assert_eq!(
        bad,
        [
            told(3, "2 fields where the header has 5"),
            told(5, "ok: \"maybe\" is not a bool (`true` or `false`)"),
            told(6, "when: \"noon\" is not a timestamp (`2024-12-31T23:59:59Z`)"),
            told(8, "level: \"mid\" is not a Level (`low`, `high`)"),
            told(9, "6 fields where the header has 5"),
            told(11, "text follows a closing quote"),
            told(12, "a is empty, and the column has no `?`"),
        ]
    );
    assert_eq!(out.lines().count(), 2, "{out}");
}

#[test]
fn globs_and_lists_of_files_are_read_in_order() {
    for source in ["csv(\"in/*.csv\")", "csv([\"in/2.csv\", \"in/1.csv\"])"] {
        let project = copying(source, "  id: int");
        project.write("in/1.csv", "id\n1\n");
        project.write("in/2.csv", "x,id\n0,2\n0,oops\n");
        project.run();
        assert_eq!(project.read("out.jsonl"), "{\"id\":1}\n{\"id\":2}\n", "{source}");
        let bad = project.records(".batchc/quarantine/bad.jsonl");
        assert_eq!(
            (&bad[0]["_source_file"], bad[0]["_source_row"].as_u64()),
            (&"in/2.csv".into(), Some(2))
        );
    }
    let project = copying("csv(\"in/*.csv\")", "  id: int");
    project.batchc(&["run"]).fails(3, "no file matches in/*.csv");
    let project = copying("csv(\"in.csv\")", "  ident: int");
    project.write("in.csv", "idnt,b\n");
    let ended = project.batchc(&["run"]);
    ended.fails(3, "in.csv has no column `ident`");
    ended.fails(3, "it has `idnt`");
}

#[test]
fn text_is_a_line_a_row() {
    let project = Project::new(
        "source lines = text(\"*.log\")\n\njob shout {\n  from lines\n  filter line != \"\"\n  set line = upper(line)\n}\n\noutput out = text(\"out.txt.gz\") from shout\n",
    );
    project.write("a.log", "\u{FEFF}one\r\n\r\ntwo");
    project.write("b.log", "three\n");
    project.run();
    let packed = std::fs::read(project.path("out.txt.gz")).expect("it was written");
    let mut text = String::new();
    let mut reader = flate2::read::MultiGzDecoder::new(packed.as_slice());
    std::io::Read::read_to_string(&mut reader, &mut text).expect("it is gzip");
    assert_eq!(text, "ONE\nTWO\nTHREE\n");
    project.write("b.log", b"th\xFFree\n");
    project.batchc(&["run"]).fails(3, "b.log:1: line: \"th\u{FFFD}ree\" is not UTF-8");
}

#[test]
fn a_null_in_a_list_of_parquet_is_told_by_its_place() {
    let project = Project::new(
        "source s = json(\"in.jsonl\") { l: list<{a: int?}> }\noutput o = parquet(\"p.parquet\") from s\n",
    );
    project.write("in.jsonl", "{\"l\":[{\"a\":1}]}\n{\"l\":[{\"a\":2},{\"a\":null}]}\n");
    project.run();
    let read = "source s = parquet(\"p.parquet\") { l: list<{a: int}> }\noutput o = json(\"out.jsonl\") from s\n";
    project.write("pipeline.batch", read);
    let told = "p.parquet, row 2: l[1].a is null, and its type has no `?`";
    project.batchc(&["run"]).fails(3, told);
}

#[test]
fn parquet_goes_through_and_damage_is_an_error() {
    let project = copying("csv(\"in.csv\")", "  id: int\n  text: string?\n  day: date?");
    project.write("in.csv", "id,text,day\n1,a,2026-01-01\n2,,\n");
    let program = project.read("pipeline.batch");
    project
        .write("pipeline.batch", program.replace("json(\"out.jsonl\")", "parquet(\"p.parquet\")"));
    project.run();
    project.write("pipeline.batch", program.replace("csv(\"in.csv\")", "parquet(\"p.parquet\")"));
    project.run();
    assert_eq!(
        project.read("out.jsonl"),
        "{\"id\":1,\"text\":\"a\",\"day\":\"2026-01-01\"}\n{\"id\":2,\"text\":null,\"day\":null}\n"
    );
    // A null where none may be is a bad row, told by file and row.
    let program =
        program.replace("csv(\"in.csv\")", "parquet(\"p.parquet\")").replace("string?", "string");
    project.write("pipeline.batch", &program);
    project.run();
    let bad = project.records(".batchc/quarantine/bad.jsonl");
    assert_eq!(bad[0]["_reason"], "text is null, and its type has no `?`");
    assert_eq!((bad[0]["_source_row"].as_u64(), bad[0]["_line"].as_u64()), (Some(2), None));
    let whole = std::fs::read(project.path("p.parquet")).expect("it was written");
    for damaged in [&whole[..whole.len() / 2], b"not parquet", b""] {
        project.write("p.parquet", damaged);
        project.batchc(&["run"]).fails(3, "cannot read p.parquet");
    }
}

#[test]
fn a_header_with_carriage_returns_alone_says_so() {
    let project = copying("csv(\"in.csv\")", "  id: int\n  name: string");
    project.write("in.csv", "id,na\rme\n1,a\n2,b\n");
    project.batchc(&["run"]).fails(3, "has a carriage return, which ends no line by itself");
}

#[test]
fn lines_that_end_in_a_carriage_return_alone_are_told() {
    let columns = "  id: int\n  name: string";
    let read = [
        ("csv(\"in.csv\")", columns, "in.csv", "id,name\r1,a\r2,b\r"),
        ("csv(\"in.csv\", header: false)", columns, "in.csv", "1,a\r2,\"b\"\r3,c"),
        ("csv(\"in.csv\", header: false)", "  name: string", "in.csv", "a\rb\r"),
        ("csv(\"in.csv\", header: false)", columns, "in.csv", "1,5\" pipe\r2,b\r"),
        ("csv(\"in.csv\", quote: \"'\")", columns, "in.csv", "id,name\r1,\"a\r2,b\r"),
        ("json(\"in.jsonl\")", columns, "in.jsonl", "{\"id\":1,\"name\":\"a\"}\r{\"id\":2}\r"),
        ("json(\"in.jsonl\")", columns, "in.jsonl", "{\"id\":1,\"name\":\"\\\"\"} \r\r {\"id\":2}"),
        ("text(\"in.txt\")", "", "in.txt", "a line\ranother\r"),
        ("text(\"in.txt\")", "", "in.txt", "5\" pipe\rb\rc\r"),
        // Of several files the pattern finds what the command makes, and not what it keeps.
        ("text(\"*.txt\")", "", "in.txt", "a line\ranother\r"),
    ];
    for (connector, columns, file, text) in read {
        let project = failing(connector, columns);
        project.write(file, text);
        let run = project.batchc(&["run"]);
        run.fails(3, &format!("the lines of {file} end in a carriage return alone"));
        let command = format!("mv {file} {file}.cr && tr '\\r' '\\n' < {file}.cr > {file}");
        assert!(run.words.contains(&format!("convert it: {command}\n")), "{}", run.words);
        // What the command makes is read.
        project.write(file, text.replace("\"id\":2", "\"id\":2,\"name\":\"b\""));
        let mut shell = std::process::Command::new("sh");
        let ended = shell.args(["-c", &command]).current_dir(project.folder()).status();
        assert!(ended.expect("it can be started").success(), "{command}");
        project.run();
    }
    // Elsewhere it is text, or white space, of which there may be much.
    let many = "{\"id\":1,\"name\":\"a\"}".to_owned() + &"\r".repeat(300_000);
    let taken = [
        ("csv(\"in.csv\", header: false)", columns, "in.csv", "1,\"a\rb\""),
        ("csv(\"in.csv\", header: false)", columns, "in.csv", "1,a\rb\n"),
        ("csv(\"in.csv\", header: false, quote: \"'\")", columns, "in.csv", "1,'a\r''b'"),
        ("json(\"in.jsonl\")", columns, "in.jsonl", "{\r\"id\":1,\r\"name\":\"a\"\r}\r"),
        (
            "json(\"in.json\")",
            columns,
            "in.json",
            "[{\"id\":1,\"name\":\"}\"},\r{\"id\":2,\"name\":\"b\"}\r]",
        ),
        ("json(\"in.jsonl\")", columns, "in.jsonl", many.as_str()),
        ("text(\"in.txt\")", "", "in.txt", "10%\r20%\rdone\n"),
    ];
    for (connector, columns, file, text) in taken {
        let project = failing(connector, columns);
        project.write(file, text);
        project.run();
    }
}

#[test]
fn a_file_in_another_encoding_is_told_with_the_command_that_converts_it() {
    let columns = "  id: int\n  naïve: string?";
    let convert = |file: &str| {
        format!("mv {file} {file}.latin1 && iconv -f LATIN1 -t UTF-8 < {file}.latin1 > {file}")
    };
    let csv: &[u8] = b"id,na\xefve\n1,a\n";
    let rows: &[u8] = b"1,a\n2,Ren\xe9\n";
    let keys: &[u8] = b"{\"id\":1,\"na\xefve\":\"a\"}\n";
    let values: &[u8] = "{\"id\":1,\"naïve\":\"?\"}\n".as_bytes();
    let values = values.iter().map(|byte| if *byte == b'?' { 0xe9 } else { *byte }).collect();
    let read = [
        ("csv(\"in.csv\")", columns, "csv", csv.to_vec(), "the header of in.csv is not UTF-8: `na"),
        ("csv(\"in.csv\", header: false)", columns, "csv", rows.to_vec(), "in.csv:2: naïve: \"Ren"),
        (
            "json(\"in.jsonl\")",
            columns,
            "jsonl",
            keys.to_vec(),
            "in.jsonl:1: not JSON: a key is not UTF-8",
        ),
        ("json(\"in.jsonl\")", columns, "jsonl", values, "in.jsonl:1: naïve: "),
        ("text(\"in.txt\")", "", "txt", b"a\nna\xefve\n".to_vec(), "in.txt:2: line: \"na"),
    ];
    for (connector, columns, ending, bytes, message) in read {
        let project = failing(connector, columns);
        let file = format!("in.{ending}");
        project.write(&file, bytes);
        let run = project.batchc(&["run"]);
        run.fails(3, message);
        assert!(run.words.contains(&convert(&file)), "{}", run.words);
    }
    for (connector, columns, file) in [
        ("csv(\"in.csv\")", columns, "in.csv"),
        ("json(\"in.jsonl\")", columns, "in.jsonl"),
        ("text(\"in.txt\")", "", "in.txt"),
    ] {
        let project = failing(connector, columns);
        let text = "id\n1\n".encode_utf16().flat_map(u16::to_le_bytes);
        project.write(file, [0xFF, 0xFE].into_iter().chain(text).collect::<Vec<u8>>());
        let run = project.batchc(&["run"]);
        run.fails(3, &format!("{file} is in UTF-16"));
        run.fails(3, &format!("iconv -f UTF-16 -t UTF-8 < {file}.utf16 > {file}"));
    }
    // A column that nobody reads may be called anything.
    let project = failing("csv(\"in.csv\")", "  id: int");
    project.write("in.csv", b"id,na\xefve\n1,a\n");
    project.run();
}

#[test]
fn columns_that_look_like_those_of_a_file_are_told_by_their_characters() {
    let read = [
        ("caf\u{e9}", "cafe\u{301}", "U+0065 U+0301, not U+00E9"),
        ("cafe\u{301}", "caf\u{e9}", "U+00E9, not U+0065 U+0301"),
        ("amount", "\u{430}mount", "U+0430, not U+0061"),
    ];
    for (declared, there, told) in read {
        let project = failing("csv(\"in.csv\")", &format!("  n: string named \"{declared}\""));
        project.write("in.csv", format!("id,{there}\n1,a\n"));
        let run = project.batchc(&["run"]);
        run.fails(3, &format!("in.csv has no column `{declared}`"));
        run.fails(3, &format!("which has other characters: {told}; declare it"));
    }
}
