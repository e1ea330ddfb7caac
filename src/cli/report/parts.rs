//! The parts of the page, each of which is left out where there is nothing to say.

use super::graph::draw;
use super::{count, escaped, list, seconds, text};
use crate::check::parse_value;
use crate::cli::commands::runs::logs;
use crate::cli::history::Kept;
use crate::cli::table::{bytes_text, grouped, rows_text, seconds_text};
use crate::run::Node;
use crate::types::{DataType, Scalar};
use serde_json::Value;

/// What became of the rows of a job: the field of the report, and what it is called.
const COUNTS: &[(&str, &str)] = &[
    ("records_in", "in"),
    ("added", "added"),
    ("records_out", "out"),
    ("looked_up", "looked up"),
    ("filtered", "filtered"),
    ("grouped", "grouped"),
    ("deduplicated", "deduplicated"),
    ("dropped", "dropped"),
    ("quarantined", "set aside"),
    ("unfinished", "unfinished"),
    ("nulled", "with nulls"),
];
/// Those that are shown where they are 0 too.
const ALWAYS: &[&str] = &["records_in", "records_out"];
/// Lines of the log that are on the page.
const LINES: usize = 2000;
/// Files of a source that are on the page.
const FILES: usize = 200;

/// A table; the columns whose name begins with `#` are numbers.
fn table(names: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Option<String> {
    let rows: Vec<Vec<String>> = rows.into_iter().collect();
    if rows.is_empty() {
        return None;
    }
    let class = |name: &str| if name.starts_with('#') { " class=\"n\"" } else { "" };
    let mut out = "<table>\n<tr>".to_owned();
    for name in names {
        out.push_str(&format!("<th{}>{}</th>", class(name), escaped(name.trim_start_matches('#'))));
    }
    out.push_str("</tr>\n");
    for row in rows {
        out.push_str("<tr>");
        for (name, cell) in names.iter().zip(row) {
            out.push_str(&format!("<td{}>{cell}</td>", class(name)));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</table>\n");
    Some(out)
}

fn badge(status: &str, words: &str) -> String {
    format!("<span class=\"badge {}\">{}</span>", escaped(&status.to_lowercase()), escaped(words))
}

fn code(text: &str) -> String {
    format!("<code>{}</code>", escaped(text))
}

/// The name of the run, how it ended, and the figures that say most.
pub(super) fn head(kept: &Kept, name: &str) -> String {
    let (run, report) = (&kept.run, &kept.report);
    let started = run.started.get(..19).unwrap_or(&run.started).replace('T', " ");
    let mut out = format!(
        "<header><h1>{}</h1>{}<p>run {} · {} UTC</p></header>\n",
        escaped(name),
        badge(&run.status, &run.status.to_lowercase()),
        code(&run.id),
        escaped(&started),
    );
    let outputs = list(report, "outputs");
    let written = outputs.iter().filter(|output| output["reused"] != true);
    let sum = |field: &str| list(report, "jobs").iter().map(|job| count(job, field)).sum::<u64>();
    let mut tiles = vec![
        (run.seconds.map_or("–".to_owned(), seconds_text), "time"),
        (grouped(count(report, "records_read")), "rows read"),
        (grouped(seconds(report, "records_per_second") as u64), "rows each second"),
        (grouped(written.map(|output| count(output, "records")).sum()), "rows written"),
        (grouped(sum("records_failed")), "rows failed"),
        (bytes_text(count(report, "peak_memory")), "memory at most"),
    ];
    if count(report, "spilled") > 0 {
        tiles.push((bytes_text(count(report, "spilled")), "went to disk"));
    }
    out.push_str("<div class=\"tiles\">\n");
    for (figure, words) in tiles {
        let figure = escaped(&figure);
        out.push_str(&format!("<div class=\"tile\"><b>{figure}</b><span>{words}</span></div>\n"));
    }
    out.push_str("</div>\n");
    if let Some(error) = report["error"].as_str() {
        out.push_str(&format!("<section class=\"error\">{}</section>\n", escaped(error)));
    }
    out
}

pub(super) fn graph(kept: &Kept, nodes: &[Node]) -> Option<String> {
    let report = &kept.report;
    let find = |of: &str, field: &str, name: &str| {
        list(report, of).iter().find(|one| text(one, field) == name).cloned()
    };
    let draw = draw(nodes, |node| match &*node.kind {
        "source" => {
            let read = kept.of_kind("source.read").find(|read| text(read, "source") == node.name);
            let files = read.map_or(0, |read| count(read, "count"));
            let s = if files == 1 { "" } else { "s" };
            (String::new(), format!("{} file{s}", grouped(files)))
        }
        "output" => match find("outputs", "output", &node.name) {
            Some(output) if output["reused"] == true => {
                ("reused".into(), format!("{}, as before", rows_text(count(&output, "records"))))
            }
            Some(output) => {
                let (rows, bytes) = (count(&output, "records"), count(&output, "bytes"));
                (String::new(), format!("{}, {}", rows_text(rows), bytes_text(bytes)))
            }
            None => ("cancelled".into(), "not written".into()),
        },
        _ => match find("jobs", "job", &node.name) {
            Some(job) => {
                let words = match (text(&job, "status"), count(&job, "records_in")) {
                    ("CANCELLED", 0) => "not run".to_owned(),
                    _ => format!("{} out", rows_text(count(&job, "records_out"))),
                };
                (text(&job, "status").to_lowercase(), words)
            }
            None => {
                let reasons = list(report, "reasons");
                let is_reused =
                    |one: &&Value| text(one, "name") == node.name && one["runs"] == false;
                match reasons.iter().find(is_reused) {
                    Some(_) => ("reused".into(), "reused".into()),
                    None => (String::new(), "not run".into()),
                }
            }
        },
    })?;
    Some(draw)
}

/// A bar for each job, from when its first stage began to when its last one ended.
pub(super) fn times(kept: &Kept) -> Option<String> {
    let at = |event: &Value| microseconds(text(event, "ts"));
    let begin = at(kept.events.first()?)?;
    let end = kept.events.iter().filter_map(at).max()?.max(begin + 1);
    let share = |time: i64| 100.0 * (time - begin) as f64 / (end - begin) as f64;
    let mut out = String::new();
    let mut seen: Vec<&str> = vec![];
    for started in kept.of_kind("job.started") {
        let job = text(started, "job");
        // What shared a stage with a job that failed is begun again.
        if seen.contains(&job) {
            continue;
        }
        seen.push(job);
        let ended = kept.of_kind("job.finished").filter(|ended| text(ended, "job") == job).last();
        let (from, to) = (at(started)?, ended.and_then(at).unwrap_or(end));
        let status = ended.map_or("running", |ended| text(ended, "status")).to_lowercase();
        let took = (to - from) as f64 / 1e6;
        out.push_str(&format!(
            "<span>{}</span><div class=\"track\"><div class=\"bar {status}\" \
             style=\"left:{:.2}%;width:{:.2}%\"></div></div><span class=\"quiet\">{}</span>\n",
            escaped(job),
            share(from),
            share(to) - share(from),
            seconds_text(took),
        ));
    }
    let whole = seconds_text((end - begin) as f64 / 1e6);
    let axis =
        format!("<span></span><div class=\"axis\"><span>0</span><span>{whole}</span></div>\n");
    (!out.is_empty()).then(|| format!("<div class=\"times\">\n{out}{axis}</div>\n"))
}

/// The time of an event, since 1970.
fn microseconds(time: &str) -> Option<i64> {
    match parse_value(time, &DataType::Timestamp.required()) {
        Ok(Scalar::Timestamp(time)) => Some(time),
        _ => None,
    }
}

pub(super) fn rows(kept: &Kept) -> Option<String> {
    let jobs = list(&kept.report, "jobs");
    let is_shown = |(field, _): &&(&str, &str)| {
        ALWAYS.contains(field) || jobs.iter().any(|job| count(job, field) > 0)
    };
    let shown: Vec<&(&str, &str)> = COUNTS.iter().filter(is_shown).collect();
    let mut names = vec!["job".to_owned()];
    names.extend(shown.iter().map(|(_, name)| format!("#{name}")));
    names.extend(["#time".to_owned(), "".to_owned()]);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let row = |job: &Value| {
        let status = text(job, "status");
        let mark = match status {
            "SUCCESS" => String::new(),
            other => format!(" {}", badge(other, &other.to_lowercase())),
        };
        let why = match (job["error"].as_str(), job["needs"].as_str()) {
            (Some(error), _) => error.to_owned(),
            (None, Some(needs)) => format!("needs {needs}"),
            (None, None) => String::new(),
        };
        let why = match why.is_empty() {
            true => why,
            false => format!("<br><span class=\"quiet\">{}</span>", escaped(&why)),
        };
        let mut cells = vec![format!("{}{mark}{why}", escaped(text(job, "job")))];
        cells.extend(shown.iter().map(|(field, _)| grouped(count(job, field))));
        cells.extend([seconds_text(seconds(job, "seconds")), share(job)]);
        cells
    };
    let key = "<p><span class=\"key\"><i class=\"out\"></i>out</span>\
               <span class=\"key\"><i class=\"less\"></i>filtered, grouped, looked up</span>\
               <span class=\"key\"><i class=\"bad\"></i>dropped or set aside</span></p>\n";
    table(&names, jobs.iter().map(row)).map(|table| table + key)
}

/// How the rows of a job are divided.
fn share(job: &Value) -> String {
    let sum = |fields: &[&str]| fields.iter().map(|field| count(job, field)).sum::<u64>();
    let parts = [
        ("out", sum(&["records_out"])),
        ("less", sum(&["looked_up", "filtered", "grouped", "deduplicated"])),
        ("bad", sum(&["dropped", "quarantined"])),
    ];
    let all = parts.iter().map(|(_, rows)| rows).sum::<u64>().max(1);
    let part = |(class, rows): &(&str, u64)| {
        let width = 100.0 * *rows as f64 / all as f64;
        format!("<i class=\"{class}\" style=\"width:{width:.2}%\"></i>")
    };
    let some = parts.iter().filter(|(_, rows)| *rows > 0);
    format!("<div class=\"share\">{}</div>", some.map(part).collect::<String>())
}

pub(super) fn partitions(kept: &Kept) -> Option<String> {
    let jobs = list(&kept.report, "jobs").iter();
    let of_job = |job: &Value| -> Vec<Vec<String>> {
        let all = list(job, "partitions");
        let most = all.iter().map(|one| count(one, "records_processed")).max().unwrap_or(0).max(1);
        let row = |one: &Value| {
            let rows = count(one, "records_processed");
            let width = 100.0 * rows as f64 / most as f64;
            vec![
                escaped(text(job, "job")),
                count(one, "partition").to_string(),
                grouped(rows),
                grouped(count(one, "records_failed")),
                format!(
                    "<div class=\"share\"><i class=\"out\" style=\"width:{width:.2}%\"></i></div>"
                ),
            ]
        };
        all.iter().map(row).collect()
    };
    table(&["job", "#partition", "#rows", "#failed", ""], jobs.flat_map(of_job))
}

pub(super) fn rules(kept: &Kept) -> Option<String> {
    let of_job = |job: &Value| -> Vec<Vec<String>> {
        let rule = |pair: &Value| {
            let broken = pair[1].as_u64().unwrap_or(0);
            let mark = match broken {
                0 => badge("success", "holds"),
                broken => badge("failed", &format!("broken by {}", rows_text(broken))),
            };
            vec![escaped(text(job, "job")), code(pair[0].as_str().unwrap_or_default()), mark]
        };
        let about_all = |pair: &Value| {
            let mark = match (pair[1].as_bool(), pair[2].as_str()) {
                (Some(true), _) => badge("success", "holds"),
                (_, None) => badge("failed", "does not hold"),
                (_, Some(seen)) => badge("failed", &format!("does not hold: {seen}")),
            };
            vec![escaped(text(job, "job")), code(pair[0].as_str().unwrap_or_default()), mark]
        };
        let about_each = list(job, "expectations").iter().map(rule);
        about_each.chain(list(job, "rules").iter().map(about_all)).collect()
    };
    table(&["job", "rule", ""], list(&kept.report, "jobs").iter().flat_map(of_job))
}

pub(super) fn quarantines(kept: &Kept) -> Option<String> {
    let row = |one: &Value| {
        vec![
            escaped(text(one, "quarantine")),
            grouped(count(one, "records")),
            code(text(one, "path")),
        ]
    };
    table(&["quarantine", "#rows", "file"], list(&kept.report, "quarantines").iter().map(row))
}

pub(super) fn outputs(kept: &Kept) -> Option<String> {
    let row = |one: &Value| {
        let how = match (&one["reused"], &one["added"]) {
            (Value::Bool(true), _) => badge("reused", "as before"),
            (_, Value::Bool(true)) => badge("success", "added to"),
            _ => badge("success", "written"),
        };
        vec![
            escaped(text(one, "output")),
            how,
            grouped(count(one, "records")),
            bytes_text(count(one, "bytes")),
            code(text(one, "path")),
        ]
    };
    let names = ["output", "", "#rows", "#size", "path"];
    table(&names, list(&kept.report, "outputs").iter().map(row))
}

pub(super) fn reasons(kept: &Kept) -> Option<String> {
    let taken = &kept.report["taken_up"];
    let row = |one: &Value| {
        let name = text(one, "name");
        let (class, verb) = if one["runs"] == true { ("running", "runs") } else { ("", "reused") };
        let mut reason = escaped(text(one, "reason"));
        if let Some(run) = taken[name].as_str() {
            reason.push_str(&format!(
                "<br><span class=\"quiet\">went on from what run {} had computed</span>",
                code(run)
            ));
        }
        vec![escaped(name), badge(class, verb), reason]
    };
    table(&["name", "", "why"], list(&kept.report, "reasons").iter().map(row))
}

pub(super) fn inputs(kept: &Kept) -> Option<String> {
    let row = |one: &Value| {
        let files = list(one, "files");
        let names: Vec<&str> = files.iter().map(|file| text(file, "file")).collect();
        let names = match &names[..] {
            [one] => code(one),
            many => {
                let (shown, s) = (many[..many.len().min(FILES)].join("\n"), "files");
                format!("<details><summary>{s}</summary><pre>{}</pre></details>", escaped(&shown))
            }
        };
        vec![escaped(text(one, "source")), grouped(count(one, "count")), names]
    };
    table(&["source", "#files", ""], kept.of_kind("source.read").map(row))
}

pub(super) fn parameters(kept: &Kept) -> Option<String> {
    let all = kept.report["parameters"].as_object()?.iter();
    let row = |(name, value): (&String, &Value)| {
        vec![escaped(name), code(value.as_str().unwrap_or_default())]
    };
    table(&["name", "value"], all.map(row))
}

pub(super) fn log(kept: &Kept) -> Option<String> {
    let lines: Vec<String> = logs::lines(kept).take(LINES).collect();
    let s = if lines.len() == 1 { "" } else { "s" };
    (!lines.is_empty()).then(|| {
        format!(
            "<details><summary>{} line{s}</summary><pre>{}</pre></details>\n",
            lines.len(),
            escaped(&lines.join("\n"))
        )
    })
}
