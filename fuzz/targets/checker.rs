//! The whole compiler over any text: names, types, the graph of jobs; what it finds can be shown in
//! every form, and a program without errors can be planned.
#![no_main]

use batchc::diagnostics::render::{Format, render};
use batchc::plan::Targets;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

#[path = "../mutate.rs"]
mod mutate;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let compiled = batchc::compile("fuzz.batch", text.clone());
    for one in compiled.found.iter() {
        assert!(!one.message.is_empty());
        for label in &one.labels {
            assert!(text.get(label.span.range()).is_some(), "{one:?}");
        }
    }
    for format in [Format::Sarif, Format::Junit] {
        render(&compiled.found, &compiled.files, format, false);
    }
    for format in [Format::Human, Format::Short, Format::Json, Format::Github] {
        let shown = render(&compiled.found, &compiled.files, format, false);
        assert_eq!(shown.is_empty(), compiled.found.is_empty());
    }
    batchc::ir::show(&compiled.pipeline);
    if !compiled.found.has_errors() {
        let outputs = (0..compiled.pipeline.outputs.len()).collect();
        let plan = batchc::plan::plan(&compiled.pipeline, &Targets { outputs, ..Targets::default() });
        batchc::plan::show(&plan, &compiled.pipeline);
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::mutate(data, size, max_size, seed)
});
