//! What is shown and kept of bytes that could not be read: as text, cut where it is long.

use super::BadValue;
use std::sync::Arc;

/// A bad value shows this much of its text.
const SHOWN_BYTES_MAX: usize = 200;

/// So much of a record that fails is kept.
const RECORD_BYTES_MAX: usize = 1 << 14;

/// A text as a bad value shows it.
pub fn shown(text: &[u8]) -> String {
    cut(text, SHOWN_BYTES_MAX)
}

/// A record as it is kept of a row that fails.
pub fn kept(record: &[u8]) -> Arc<str> {
    cut(record.trim_ascii_end(), RECORD_BYTES_MAX).into()
}

/// Gives bad values, which are in the order of their rows, the record of their row.
pub fn keep_records<'b>(bad: &mut [BadValue], record: impl Fn(usize) -> &'b [u8]) {
    for of_row in bad.chunk_by_mut(|one, next| one.row == next.row) {
        let kept = kept(record(of_row[0].row as usize));
        of_row.iter_mut().for_each(|bad| bad.record = Some(kept.clone()));
    }
}

fn cut(text: &[u8], max: usize) -> String {
    let mut shown = String::from_utf8_lossy(&text[..text.len().min(max)]).into_owned();
    while shown.len() > max || text.len() > max && shown.ends_with('\u{FFFD}') {
        shown.pop();
    }
    shown
}
