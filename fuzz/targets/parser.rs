//! The parser over any text: tokens cover every byte, every place is inside the file, each bad
//! piece has its message, and no panic.
#![no_main]

use batchc::diagnostics::render::{Format, render};
use batchc::diagnostics::{Diagnostics, Severity};
use batchc::syntax::{parse, tokens};
use batchc::text::Files;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

#[path = "../mutate.rs"]
mod mutate;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let mut at = 0;
    for token in tokens(&text) {
        assert!(token.range().start == at && token.range().end > at, "tokens leave a gap at {at}");
        at = token.range().end;
        assert!(text.is_char_boundary(at), "a token ends inside a character at {at}");
    }
    assert_eq!(at, text.len(), "tokens do not reach the end");
    let mut files = Files::default();
    let id = files.add("fuzz.batch", text.as_str());
    let mut found = Diagnostics::new();
    let tree = parse(&files, id, &mut found);
    found.sort();
    for declaration in &tree.declarations {
        assert!(text.get(declaration.span.range()).is_some(), "{:?}", declaration.span);
    }
    for one in found.iter() {
        assert!(one.severity == Severity::Error && !one.message.is_empty() && one.help.is_some());
        for label in &one.labels {
            assert!(text.get(label.span.range()).is_some(), "{one:?}");
        }
        if let Some(fix) = &one.fix {
            assert!(text.get(fix.span.range()).is_some(), "{one:?}");
        }
    }
    render(&found, &files, Format::Json, false);
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::mutate(data, size, max_size, seed)
});
