//! Settings of outputs: what becomes of the rows that an output holds already.

use super::globals::setting_later;
use crate::diagnostics::{Diagnostics, graph, syntax};
use crate::ir;
use crate::syntax::ast::{self, Mode, SettingKind};
use crate::text::Span;

/// What the settings of an output say.
pub(super) fn output_mode(output: &ast::Output, found: &mut Diagnostics) -> ir::Mode {
    let mut said: Option<(&Mode, Span)> = None;
    for setting in &output.settings {
        match &setting.kind {
            SettingKind::Mode(mode) => match said {
                Some(_) => found.push(graph::bad_setting(
                    setting.span,
                    "`mode` is said twice",
                    "leave one of them",
                )),
                None => said = Some((mode, setting.span)),
            },
            SettingKind::Later(later) => found.push(syntax::not_available_yet(later)),
            SettingKind::Bad => {}
            SettingKind::Owner(_) => setting_later("owner of an output", setting, found),
            SettingKind::Tags(_) => setting_later("tags of an output", setting, found),
            SettingKind::Partition { .. } => {
                setting_later("partition by of an output", setting, found);
            }
            _ => found.push(graph::bad_setting(
                setting.span,
                "this is not a setting of an output",
                "it belongs into a job or the pipeline",
            )),
        }
    }
    match said {
        None | Some((Mode::Overwrite, _)) => ir::Mode::Overwrite,
        Some((Mode::Append, span)) => {
            found.push(graph::appends_everything(&output.name.text, span));
            ir::Mode::Append
        }
    }
}
