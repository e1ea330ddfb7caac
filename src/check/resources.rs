//! What a job may use of what its run has: `resources`, of a job or as a default for all.

use crate::diagnostics::{Diagnostics, graph};
use crate::ir;
use crate::syntax::ast::{Expr, ExprKind, Name, Setting, SettingKind};

/// What the settings say of it, if they do.
pub(super) fn resources(settings: &[Setting], found: &mut Diagnostics) -> Option<ir::Resources> {
    let mut said: Option<ir::Resources> = None;
    for setting in settings {
        let SettingKind::Resources(resources) = &setting.kind else { continue };
        let is_second = said.is_some();
        let all = said.get_or_insert(ir::Resources::new(setting.span));
        if is_second {
            let message = "`resources` is said twice";
            let help = "`resources cpu 2, memory 4GB`, in one line";
            found.push(graph::bad_setting(setting.span, message, help));
            continue;
        }
        resources.iter().for_each(|(name, amount)| add(all, name, amount, found));
    }
    said
}

fn add(all: &mut ir::Resources, name: &Name, amount: &Expr, found: &mut Diagnostics) {
    let span = name.span.to(amount.span);
    let mut wrong = |message: &str, help: &str| found.push(graph::bad_setting(span, message, help));
    match (name.text.as_str(), &amount.kind) {
        ("cpu", _) if all.threads.is_some() => wrong("`cpu` is said twice", "leave one of them"),
        ("memory", _) if all.memory.is_some() => {
            wrong("`memory` is said twice", "leave one of them");
        }
        ("cpu", ExprKind::Int(Some(threads @ 1..))) => {
            all.threads = Some(usize::try_from(*threads).unwrap_or(usize::MAX));
        }
        ("cpu", _) => wrong("`cpu` is a number of threads, at least 1", "for instance `cpu 2`"),
        ("memory", ExprKind::Bytes(bytes @ 1..)) => {
            all.memory = Some(usize::try_from(*bytes).unwrap_or(usize::MAX));
        }
        ("memory", ExprKind::Bad) => {}
        ("memory", _) => wrong("`memory` is a size", "for instance `memory 4GB`"),
        (other, _) => {
            let message = format!("there is no resource `{other}`");
            wrong(&message, "there are `cpu` and `memory`");
        }
    }
}
