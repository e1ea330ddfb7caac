//! How a job is tried: `retry` and `timeout`, of a job or as defaults for all.

use crate::diagnostics::{Diagnostics, graph};
use crate::ir;
use crate::syntax::ast::{Setting, SettingKind};
use crate::text::Span;
use std::time::Duration;

/// A job is tried again so often at most.
const TIMES_MAX: u32 = 100;
/// How long it waits if that is not said: a second at first, a minute at last.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// What the settings say of it, if they do.
pub(super) fn tries(
    settings: &[Setting],
    found: &mut Diagnostics,
) -> (Option<ir::Retry>, Option<ir::Timeout>) {
    let (mut retry, mut timeout): (Option<(ir::Retry, Span)>, Option<ir::Timeout>) = (None, None);
    for setting in settings {
        let first = match &setting.kind {
            SettingKind::Retry { .. } => retry.as_ref().map(|(_, at)| ("retry", *at)),
            SettingKind::Timeout(_) => timeout.as_ref().map(|first| ("timeout", first.span)),
            _ => None,
        };
        if let Some((what, first)) = first {
            found.push(graph::said_twice(what, setting.span, first));
            continue;
        }
        let mut wrong = |message: &str, help: &str| {
            found.push(graph::bad_setting(setting.span, message, help));
        };
        match &setting.kind {
            SettingKind::Retry { times, backoff } => {
                let pauses = backoff.map(|(shortest, longest)| (micros(shortest), micros(longest)));
                let (shortest, longest) = pauses.unwrap_or(PAUSES);
                if *times == 0 {
                    let help = "for instance `retry 3 times`, or leave `retry` out";
                    wrong("nothing is tried again 0 times", help);
                } else if *times > TIMES_MAX {
                    wrong("a job is tried again 100 times at most", "for instance `retry 3 times`");
                } else if shortest > longest {
                    let help = "the shortest pause stands first: `backoff 1s..1m`";
                    wrong("the longest pause is shorter than the shortest", help);
                } else {
                    let said = ir::Retry { times: *times, pauses: (shortest, longest) };
                    retry = Some((said, setting.span));
                }
            }
            SettingKind::Timeout(0) => {
                wrong("no job is done in no time", "for instance `timeout 1h`");
            }
            SettingKind::Timeout(most) => {
                let (most, span) = (micros(*most), setting.span);
                timeout = Some(ir::Timeout { most, is_own: true, span });
            }
            _ => {}
        }
    }
    (retry.map(|(retry, _)| retry), timeout)
}

fn micros(micros: i64) -> Duration {
    Duration::from_micros(micros.unsigned_abs())
}
