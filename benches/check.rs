//! How fast programs are checked, and how long an editor waits: `cargo bench --bench check -- [JOBS]`,
//! or with `--write FILE` the program that is measured.
//!
//! The program has twelve lines a job, 800 jobs unless said. First come the phases within one process
//! and a whole `batchc check`, the middle one of 21 runs each. Then `batchc lsp`, as an editor starts it,
//! has this program and one of 300 lines open, one after the other: 200 times a letter in the middle is
//! written, which makes a name wrong and right again, and the time is that until the findings have come; 200
//! times each request is asked. Last is the checker over one job of 1,000, 4,000 and 10,000 steps,
//! which should take no longer a step.
//! Without arguments from `cargo test` nothing is measured.
#![allow(missing_docs, clippy::print_stdout)]

use batchc::diagnostics::Diagnostics;
use batchc::text::Files;
use lsp_server::{Message, Notification, Request};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::BufReader;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

const RUNS: usize = 21;

const EDITS: usize = 200;

/// About 300 lines.
const JOBS_FEW: usize = 24;

fn main() {
    let given: Vec<String> = std::env::args().skip(1).collect();
    if !given.iter().any(|argument| argument == "--bench") {
        return;
    }
    let mut given = given.into_iter().filter(|argument| argument != "--bench");
    let first = given.next();
    let write = (first.as_deref() == Some("--write")).then(|| given.next()).flatten();
    let jobs = if write.is_some() { given.next() } else { first };
    let text = program(jobs.and_then(|jobs| jobs.parse().ok()).unwrap_or(800));
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
    editing(&program(JOBS_FEW));
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

fn middle(work: impl FnMut()) -> Duration {
    times(RUNS, work)[RUNS / 2]
}

/// How long it took each time, the shortest first.
fn times(runs: usize, mut work: impl FnMut()) -> Vec<Duration> {
    let one = |_| {
        let started = Instant::now();
        work();
        started.elapsed()
    };
    let mut times: Vec<Duration> = (0..runs).map(one).collect();
    times.sort();
    times
}

fn show(what: &str, time: Duration, bytes: usize) {
    let speed = bytes as f64 / 1e6 / time.as_secs_f64();
    println!("{what}: {:.1} ms, {speed:.1} MB/s", time.as_secs_f64() * 1e3);
}

fn show_waits(what: &str, times: &[Duration]) {
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let (middle, longest) = (times[times.len() / 2], times[times.len() - 1]);
    println!("  {what}: {:.2} ms, {:.2} ms", ms(middle), ms(longest));
}

/// An editor that shows a program, and is at the other end of the pipes of a server.
struct Editor {
    server: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    version: i32,
}

const URI: &str = "file:///bench/bench.batch";

impl Editor {
    fn open(text: &str) -> Editor {
        let mut server = Command::new(env!("CARGO_BIN_EXE_batchc"));
        server.arg("lsp").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut server = server.spawn().expect("batchc runs");
        let input = server.stdin.take().expect("it is a pipe");
        let output = BufReader::new(server.stdout.take().expect("it is a pipe"));
        let mut editor = Editor { server, input, output, version: 1 };
        editor.ask("initialize", json!({ "capabilities": {} }));
        editor.tell("initialized", json!({}));
        let document = json!({ "uri": URI, "languageId": "batch", "version": 1, "text": text });
        editor.tell("textDocument/didOpen", json!({ "textDocument": document }));
        assert_eq!(editor.findings(), 0, "the program is right");
        editor
    }

    fn close(mut self) {
        self.ask("shutdown", json!(null));
        self.tell("exit", json!(null));
        assert!(self.server.wait().expect("it was started").success(), "the server ends");
    }

    fn tell(&mut self, method: &str, params: Value) {
        let told = Message::from(Notification::new(method.to_owned(), params));
        told.write(&mut self.input).expect("the server listens");
    }

    /// Waits for the answer to a request.
    fn ask(&mut self, method: &str, params: Value) {
        let asked = Message::from(Request::new(1.into(), method.to_owned(), params));
        asked.write(&mut self.input).expect("the server listens");
        while !matches!(self.said(), Message::Response(_)) {}
    }

    fn said(&mut self) -> Message {
        let said = Message::read(&mut self.output).expect("the server keeps to the protocol");
        said.expect("the server is there")
    }

    /// Waits until it is told how many findings there are.
    fn findings(&mut self) -> usize {
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
    let lines = text.lines().count();
    println!("server, {lines} lines: the middle and the longest of {EDITS}");
    let is_here = |(_, line): &(usize, &str)| line.contains("quantity >");
    let found = text.lines().enumerate().skip(lines / 2).find(is_here);
    let (line, text) = found.expect("there is such a line");
    let column = text.find("quantity").expect("it is there");
    let mut is_right = true;
    let told = times(EDITS, || {
        is_right = !is_right;
        editor.write(line, column, if is_right { "q" } else { "Q" });
        assert_eq!(editor.findings() == 0, is_right);
    });
    show_waits("from an edit to its findings", &told);
    let at = json!({ "textDocument": { "uri": URI }, "position": { "line": line, "character": column + 1 } });
    for method in REQUESTS {
        let mut params = at.clone();
        let end = json!({ "line": line + 40, "character": 0 });
        params["range"] = json!({ "start": { "line": line, "character": 0 }, "end": end });
        params["context"] = json!({ "includeDeclaration": true, "diagnostics": [] });
        let method_in_full = format!("textDocument/{method}");
        let answered = times(EDITS, || editor.ask(&method_in_full, params.clone()));
        show_waits(method, &answered);
    }
    editor.close();
}

const REQUESTS: [&str; 7] = [
    "completion",
    "hover",
    "references",
    "codeAction",
    "inlayHint",
    "documentSymbol",
    "formatting",
];

/// A pipeline of so many jobs in trees of ten: half of them clean and enrich, some join, some group.
fn program(jobs: usize) -> String {
    let mut text = String::new();
    text.push_str("param least: decimal(12, 2) = 10\n\n");
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
             filter price >= least and country != \"\"\n  \
             expect positive: amount > 0 else drop\n}}\n\n"
        ),
        4 => format!(
            "job job_{job} {{\n  from job_{before}\n  semi join job_{first} on order_id\n  derive total = total_{one} + total_{two} + total_{before}\n  \
             select order_id, customer, country, quantity, ordered, total\n  \
             sort ordered desc, order_id\n  take 1000\n  rename quantity as pieces\n}}\n\n",
            one = first + 1,
            two = first + 2
        ),
        5..=9 => format!(
            "job job_{job} {{\n  from job_{four}\n  derive month = month(ordered)\n  \
             group by country, month {{\n    orders = count()\n    customers = count_distinct(customer)\n    \
             pieces = sum(pieces)\n    total = sum(total)\n  }}\n  filter orders > {job}\n}}\n\n",
            four = first + 4
        ),
        _ => format!(
            "job job_{job} {{\n  from job_{before}\n  derive size_{job} = case {{\n    \
             quantity > {job} and country in [\"FR\", \"DE\"] => \"big\"\n    else => \"small\"\n  }}\n  \
             derive total_{job} = if size_{job} == \"big\" then amount * {job} else amount\n}}\n\n"
        ),
    }
}
