//! `batchc test`

use crate::cli::args::{Global, Test as Args};
use crate::cli::load::{
    STDIN, colour_on, print_outside, read_text, refuse, show_found, system_words,
};
use crate::cli::print::{put, say};
use crate::cli::testing::{Program, Ran, json, junit, text, update};
use crate::cli::{NOT_STARTED, WRONG};
use crate::diagnostics::nearest;
use crate::diagnostics::render::{Format, render};
use crate::ir::Wanted;
use crate::testing::{Difference, How, Verdict};
use crate::types::Scalar;
use crate::{compile, compile_with};
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

/// Runs the tests of programs; exit code 1 if one fails.
pub(in crate::cli) fn run(args: &Args, global: &Global) -> u8 {
    let (path, filter) = match chosen(args) {
        Ok(chosen) => chosen,
        Err(message) => return refuse(&message, global),
    };
    let started = Instant::now();
    let files = match super::fmt::programs(&path) {
        Ok(files) => files,
        Err(message) => return refuse(&message, global),
    };
    let (mut programs, mut wrong) = (vec![], vec![]);
    for path in files {
        let text = match read_text(&path) {
            Ok(text) => text,
            Err(message) => return refuse(&message, global),
        };
        let name = if path.as_os_str() == "-" { STDIN } else { &path.display().to_string() };
        let compiled = compile(name, text);
        if show_found(&compiled, &path, global, true) {
            let why = render(&compiled.found, &compiled.files, Format::Human, false);
            wrong.push((name.to_owned(), why));
        } else {
            programs.push(Program { path, compiled });
        }
    }
    let chosen: Vec<(&Program, usize)> = chosen_tests(&programs, filter.as_deref());
    if chosen.is_empty()
        && wrong.is_empty()
        && let Some(filter) = &filter
    {
        let names = programs.iter().flat_map(|program| &program.compiled.pipeline.tests);
        let near = nearest(filter, names.map(|test| test.name.as_str()));
        let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        return refuse(&format!("no test is called like `{filter}`{near}"), global);
    }
    let temp = match tempfile::tempdir() {
        Ok(temp) => temp,
        Err(error) => {
            let message =
                format!("cannot make a folder for what does not fit into memory: {error}");
            return refuse(&message, global);
        }
    };
    let many_files = programs.len() + wrong.len() > 1;
    let ran = run_all(&chosen, args, temp.path(), &|ran| tell(ran, many_files, global));
    let failed = ran.iter().filter(|ran| !ran.is_passed()).count();
    let counts = (ran.len() - failed, failed, wrong.len());
    finish(&ran, counts, started.elapsed().as_secs_f64(), global);
    if let Some(path) = &args.junit {
        let report = junit::report(&ran, &wrong);
        if let Err(error) = std::fs::write(path, report) {
            let message = format!("cannot write {}: {}", path.display(), system_words(&error));
            print_outside(&message, None, global);
            return NOT_STARTED;
        }
    }
    if args.update {
        return update_all(&ran, &wrong, global);
    }
    if failed + wrong.len() > 0 { WRONG } else { 0 }
}

/// Where tests are looked for, and which are run: what is not there as a file is a part of names.
fn chosen(args: &Args) -> Result<(PathBuf, Option<String>), String> {
    let here = || PathBuf::from(".");
    match (&args.path, &args.filter) {
        (None, _) => Ok((here(), None)),
        (Some(path), Some(filter)) => Ok((path.clone(), Some(filter.clone()))),
        (Some(path), None) => {
            let is_program = path.extension().is_some_and(|extension| extension == "batch");
            match path.to_str() {
                Some(name) if !is_program && name != "-" && !path.exists() => {
                    Ok((here(), Some(name.to_owned())))
                }
                _ => Ok((path.clone(), None)),
            }
        }
    }
}

fn chosen_tests<'p>(programs: &'p [Program], filter: Option<&str>) -> Vec<(&'p Program, usize)> {
    let of = |program: &'p Program| {
        let tests = program.compiled.pipeline.tests.iter().enumerate();
        let chosen = tests.filter(|(_, test)| filter.is_none_or(|part| test.name.contains(part)));
        chosen.map(|(at, _)| (program, at)).collect::<Vec<_>>()
    };
    programs.iter().flat_map(of).collect()
}

/// Runs tests on all threads, and tells of each in their order.
fn run_all<'p>(
    tests: &[(&'p Program, usize)],
    args: &Args,
    temp: &Path,
    told: &(dyn Fn(&Ran) + Sync),
) -> Vec<Ran<'p>> {
    let next = AtomicUsize::new(0);
    let done: Mutex<(Vec<Option<Ran>>, usize)> =
        Mutex::new((tests.iter().map(|_| None).collect(), 0));
    let work = || {
        loop {
            let at = next.fetch_add(1, Relaxed);
            let Some((program, test)) = tests.get(at) else { break };
            let ran = run_one(program, *test, args, temp.join(at.to_string()));
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            done.0[at] = Some(ran);
            while let Some(Some(ran)) = done.0.get(done.1) {
                told(ran);
                done.1 += 1;
            }
        }
    };
    let threads = args.resources.threads().min(tests.len());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let thread = std::thread::Builder::new().stack_size(crate::run::STACK_BYTES);
            // Without a further thread those that there are do it.
            let _ = thread.spawn_scoped(scope, work);
        }
    });
    // Where no thread could be started.
    work();
    let (done, _) = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.into_iter().flatten().collect()
}

fn run_one<'p>(program: &'p Program, at: usize, args: &Args, temp: PathBuf) -> Ran<'p> {
    let started = Instant::now();
    let compiled = &program.compiled;
    let test = &compiled.pipeline.tests[at];
    let cancelled = AtomicBool::new(false);
    let memory = args.resources.memory();
    let how = How { files: &compiled.files, temp, memory, cancelled: &cancelled };
    let verdicts = if test.params.is_empty() {
        Ok(crate::testing::run(&compiled.pipeline, test, &how))
    } else {
        // What depends on parameters is checked with those that are set.
        let file = compiled.files.get(test.span.file);
        let again = compile_with(&file.path, file.text.clone(), &params(program, at));
        match again.found.has_errors() {
            true => Err(render(&again.found, &again.files, Format::Human, false)),
            false => Ok(crate::testing::run(&again.pipeline, &again.pipeline.tests[at], &how)),
        }
    };
    Ran { program, test, verdicts, seconds: started.elapsed().as_secs_f64() }
}

/// The values of the parameters in a test.
fn params(program: &Program, at: usize) -> Vec<Option<Scalar>> {
    let pipeline = &program.compiled.pipeline;
    let mut values: Vec<Option<Scalar>> =
        pipeline.params.iter().map(|param| param.default.clone()).collect();
    for (id, value) in &pipeline.tests[at].params {
        values[id.0 as usize] = Some(value.clone());
    }
    values
}

fn tell(ran: &Ran, many_files: bool, global: &Global) {
    if global.format == Format::Json {
        put!("{}\n", json::line(ran));
    } else if !global.quiet {
        put!("{}\n", text::line(ran, many_files, colour_on(io::stdout().is_terminal(), global)));
    }
}

/// Says why tests failed, and how many.
fn finish(ran: &[Ran], counts: (usize, usize, usize), seconds: f64, global: &Global) {
    if global.format == Format::Json {
        put!("{}\n", json::summary(counts, seconds));
        return;
    }
    let colour = colour_on(io::stdout().is_terminal(), global);
    for ran in ran.iter().filter(|ran| !ran.is_passed()) {
        put!("\n{}", text::failure(ran, colour));
    }
    let blank = if ran.is_empty() || global.quiet && counts.1 == 0 { "" } else { "\n" };
    put!("{blank}{}\n", text::summary(counts, seconds, colour));
}

/// Brings the wanted tables in line with what came. What fails otherwise is still wrong.
fn update_all(ran: &[Ran], wrong: &[(String, String)], global: &Global) -> u8 {
    let mut is_left = !wrong.is_empty();
    for of_one in ran.chunk_by(|a, b| std::ptr::eq(a.program, b.program)) {
        let program = of_one[0].program;
        let mut tables: Vec<(&crate::ir::WantedRows, &Difference)> = vec![];
        for ran in of_one {
            is_left |= ran.verdicts.is_err();
            let verdicts = ran.verdicts.iter().flatten();
            for (want, verdict) in ran.test.wants.iter().zip(verdicts) {
                match (&want.wanted, verdict) {
                    (_, Verdict::Holds) => {}
                    (Wanted::Rows(rows), Verdict::Differs(difference)) => {
                        tables.push((rows, difference));
                    }
                    _ => is_left = true,
                }
            }
        }
        if tables.is_empty() {
            continue;
        }
        let file = program.compiled.files.get(of_one[0].test.span.file);
        let text = update::updated(&file.text, &tables);
        if program.path.as_os_str() == "-" {
            put!("{text}");
        } else if let Err(error) = super::fmt::replace(&program.path, &text) {
            let message = format!("cannot write {}: {}", program.name(), system_words(&error));
            print_outside(&message, None, global);
            return NOT_STARTED;
        } else if !global.quiet {
            let s = if tables.len() == 1 { "" } else { "s" };
            say!("updated {} table{s} in {}", tables.len(), program.name());
        }
    }
    if is_left { WRONG } else { 0 }
}
