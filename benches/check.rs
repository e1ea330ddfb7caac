//! How fast programs are checked: `cargo bench --bench check -- [JOBS]`, or with `--write FILE` the
//! program that is measured.
//!
//! The program has ten lines a job, 1,000 jobs unless said. The times are those of the phases
//! within one process, of a whole `batchc check`, and of what an editor waits for, the middle one of
//! 21 runs each: from a change of one character until the language server has told its findings, and
//! until it has answered. Then the checker over one job of 1,000, 4,000 and 10,000 steps, which should
//! take no longer a step.
//! Without arguments from `cargo test` nothing is measured.
#![allow(missing_docs, clippy::print_stdout)]

use batchc::diagnostics::Diagnostics;
use batchc::text::Files;
use lsp_server::{Connection, Message, Notification, Request};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const RUNS: usize = 21;

fn main() {
    let given: Vec<String> = std::env::args().skip(1).collect();
    if !given.iter().any(|argument| argument == "--bench") {
        return;
    }
    let mut given = given.into_iter().filter(|argument| argument != "--bench");
    let first = given.next();
    let write = (first.as_deref() == Some("--write")).then(|| given.next()).flatten();
    let jobs = if write.is_some() { given.next() } else { first };
    let text = program(jobs.and_then(|jobs| jobs.parse().ok()).unwrap_or(1_000));
    if let Some(path) = write {
        std::fs::write(&path, text).unwrap_or_else(|error| panic!("cannot write {path}: {error}"));
        return;
    }
    let (lines, bytes) = (text.lines().count(), text.len());
    println!("{lines} lines, {bytes} bytes; the middle of {RUNS} runs");
    phases(&text);
    let path = std::env::temp_dir().join(format!("batchc-check-{}.batch", std::process::id()));
    std::fs::write(&path, &text).expect("the program is written");
    let whole = middle(|| {
        let mut check = Command::new(env!("CARGO_BIN_EXE_batchc"));
        check.arg("check").arg(&path).stdout(Stdio::null()).stderr(Stdio::null());
        assert!(check.status().expect("batchc runs").success(), "the program is right");
    });
    show("batchc check, the whole process", whole, bytes);
    std::fs::remove_file(&path).expect("the program is removed");
    editing(&text);
    for steps in [1_000, 4_000, 10_000] {
        println!("one job of {steps} steps");
        check(&long_job(steps));
    }
}

fn phases(text: &str) {
    let mut files = Files::default();
    let id = files.add("bench.batch", text);
    show("tokens", middle(|| drop(batchc::syntax::tokens(text))), text.len());
    let parse = middle(|| drop(batchc::syntax::parse(&files, id, &mut Diagnostics::new())));
    show("parser, tokens included", parse, text.len());
    check(text);
    let compile = middle(|| {
        let compiled = batchc::compile("bench.batch", text.to_owned());
        assert!(compiled.found.is_empty(), "the program is right");
    });
    show("both", compile, text.len());
}

fn check(text: &str) {
    let mut files = Files::default();
    let id = files.add("bench.batch", text);
    let tree = batchc::syntax::parse(&files, id, &mut Diagnostics::new());
    let check = middle(|| drop(batchc::check::check(&tree, &files, &[], &mut Diagnostics::new())));
    show("checker", check, text.len());
}

fn middle(mut work: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let started = Instant::now();
            work();
            started.elapsed()
        })
        .collect();
    times.sort();
    times[RUNS / 2]
}

fn show(what: &str, time: Duration, bytes: usize) {
    let speed = bytes as f64 / 1e6 / time.as_secs_f64();
    println!("{what}: {:.1} ms, {speed:.1} MB/s", time.as_secs_f64() * 1e3);
}

/// An editor that shows a program, and is at the other end of a connection to the server.
struct Editor {
    connection: Connection,
    version: i32,
}

const URI: &str = "file:///bench/bench.batch";

impl Editor {
    fn open(text: &str) -> Editor {
        let (connection, server) = Connection::memory();
        let thread = std::thread::Builder::new().stack_size(batchc::run::STACK_BYTES);
        thread
            .spawn(move || batchc::lsp::serve(&server).expect("it keeps to the protocol"))
            .expect("a thread can be started");
        let editor = Editor { connection, version: 1 };
        editor.ask("initialize", json!({ "capabilities": {} }));
        editor.tell("initialized", json!({}));
        let document = json!({ "uri": URI, "languageId": "batch", "version": 1, "text": text });
        editor.tell("textDocument/didOpen", json!({ "textDocument": document }));
        assert_eq!(editor.findings(), 0, "the program is right");
        editor
    }

    fn tell(&self, method: &str, params: Value) {
        let told = Notification::new(method.to_owned(), params);
        self.connection.sender.send(told.into()).expect("the server listens");
    }

    /// Waits for the answer to a request.
    fn ask(&self, method: &str, params: Value) {
        let request = Request::new(1.into(), method.to_owned(), params);
        self.connection.sender.send(request.into()).expect("the server listens");
        while !matches!(self.said(), Message::Response(_)) {}
    }

    fn said(&self) -> Message {
        self.connection.receiver.recv().expect("the server answers")
    }

    /// Waits until it is told how many findings there are.
    fn findings(&self) -> usize {
        loop {
            if let Message::Notification(told) = self.said() {
                return told.params["diagnostics"].as_array().map_or(0, Vec::len);
            }
        }
    }

    /// Puts a text in place of as many characters.
    fn write(&mut self, line: usize, from: usize, text: &str) {
        self.version += 1;
        let place = |character: usize| json!({ "line": line, "character": character });
        let range = json!({ "start": place(from), "end": place(from + text.len()) });
        let changes = json!([{ "range": range, "text": text }]);
        let document = json!({ "uri": URI, "version": self.version });
        let params = json!({ "textDocument": document, "contentChanges": changes });
        self.tell("textDocument/didChange", params);
    }
}

/// How long an editor waits: a column of a job in the middle is spelled wrong, and right again.
fn editing(text: &str) {
    let mut editor = Editor::open(text);
    let line = text.lines().count() / 2;
    let is_here = |(at, line): &(usize, &str)| *at >= 5 && line.contains("quantity >");
    let found = text.lines().enumerate().skip(line).find(is_here).expect("there is such a line");
    let (line, column) = (found.0, found.1.find("quantity").expect("it is there"));
    let mut is_right = true;
    let told = middle(|| {
        is_right = !is_right;
        editor.write(line, column, if is_right { "q" } else { "Q" });
        assert_eq!(editor.findings() == 0, is_right);
    });
    show("server: from an edit to its findings", told, text.len());
    let at = json!({ "textDocument": { "uri": URI }, "position": { "line": line, "character": column + 1 } });
    for method in [
        "completion",
        "hover",
        "references",
        "codeAction",
        "inlayHint",
        "documentSymbol",
        "formatting",
    ] {
        let mut params = at.clone();
        let end = json!({ "line": line + 40, "character": 0 });
        params["range"] = json!({ "start": { "line": line, "character": 0 }, "end": end });
        params["context"] = json!({ "includeDeclaration": true, "diagnostics": [] });
        let answered = middle(|| editor.ask(&format!("textDocument/{method}"), params.clone()));
        show(&format!("server: {method}"), answered, text.len());
    }
}

/// A pipeline of so many jobs in trees of ten: half of them clean and enrich, some join, some group.
fn program(jobs: usize) -> String {
    let mut text = String::new();
    text.push_str("enum Level { LOW, MIDDLE, HIGH }\n\nparam least: decimal(12, 2) = 10\n\n");
    for at in 0..jobs.div_ceil(10) {
        let first = at * 10;
        let _ = write!(
            text,
            "## Orders of shop {at}.\nsource orders_{at} = csv(\"data/orders_{at}.csv\") {{\n  \
             order_id: int key\n  customer: string?\n  country:  string\n  \
             amount:   decimal(12, 2)\n  quantity: int\n  ordered:  date\n}}\n\n"
        );
        for job in first..(first + 10).min(jobs) {
            text.push_str(&one_job(at, first, job));
        }
        let last = (first + 9).min(jobs - 1);
        let path = format!("out/totals_{at}.csv");
        let _ = write!(text, "output totals_{at} = csv(\"{path}\") from job_{last}\n\n");
        for job in (first..last).filter(|job| matches!(job - first, 5..=8)) {
            let path = format!("out/job_{job}.csv");
            let _ = write!(text, "output out_{job} = csv(\"{path}\") from job_{job}\n\n");
        }
    }
    text
}

/// A job in which each step adds a column to those before.
fn long_job(steps: usize) -> String {
    let mut text =
        "source numbers = csv(\"numbers.csv\") {\n  id: int key\n  d0: int\n}\n\n".to_owned();
    text.push_str("job long {\n  from numbers\n");
    for step in 1..=steps {
        let _ = writeln!(text, "  derive d{step} = d{} + {step}", step - 1);
    }
    text.push_str("}\n\noutput out = csv(\"out.csv\") from long\n");
    text
}

/// Ten lines.
fn one_job(source: usize, first: usize, job: usize) -> String {
    let before = job.saturating_sub(1);
    match job - first {
        0 => format!(
            "job job_{job} {{\n  on error drop\n  from orders_{source}\n  \
             fill customer with \"unknown\"\n  set country = upper(trim(country))\n  \
             derive price = amount / quantity # what one costs\n  \
             filter amount >= least and country != \"\"\n  \
             expect positive: amount > 0 else drop\n}}\n\n"
        ),
        4 => format!(
            "job job_{job} {{\n  from job_{before}\n  semi join job_{first} on order_id\n  derive sum_{job} = total_{before}\n  \
             select order_id, customer, country, quantity, ordered, sum_{job}\n  \
             sort ordered desc, order_id\n  take 1000\n  rename quantity as pieces\n}}\n\n\n"
        ),
        5..=9 => format!(
            "job job_{job} {{\n  from job_{four}\n  derive month = month(ordered)\n  \
             group by country, month {{\n    orders = count()\n    customers = count_distinct(customer)\n    \
             pieces = sum(pieces)\n  }}\n  filter orders > {job}\n}}\n\n",
            four = first + 4
        ),
        _ => format!(
            "job job_{job} {{\n  from job_{before}\n  derive size_{job} = case {{\n    \
             quantity > {job} and country in [\"FR\", \"DE\"] => \"big\"\n    else => \"small\"\n  }}\n  \
             derive total_{job} = round(amount * {job} / 100, 2)\n  drop size_{job}\n}}\n\n"
        ),
    }
}
