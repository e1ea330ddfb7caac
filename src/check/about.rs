//! What is said about a pipeline, a job, a source or an output for those who look after it: `owner`,
//! `tags`, `meta`. It changes no row, and no result is computed anew for it.

use super::constants;
use super::exprs::Scope;
use super::globals::{Globals, unique};
use crate::data::display;
use crate::diagnostics::{Diagnostics, graph};
use crate::ir::About;
use crate::syntax::ast::{DeclarationKind, Expr, File, Name, Setting, SettingKind};
use crate::text::Span;
use std::collections::HashMap;

/// What the pipeline says of itself.
pub(super) fn of_pipeline(file: &File, globals: &mut Globals, found: &mut Diagnostics) -> About {
    let settings = file.declarations.iter().find_map(|one| match &one.kind {
        DeclarationKind::Pipeline(pipeline) => Some(&pipeline.settings),
        _ => None,
    });
    settings.map_or_else(About::default, |settings| about(settings, globals, found))
}

/// What the settings say.
pub(super) fn about(settings: &[Setting], globals: &mut Globals, found: &mut Diagnostics) -> About {
    let mut about = About::default();
    let mut said: HashMap<&str, Span> = HashMap::new();
    for setting in settings {
        let word = match &setting.kind {
            SettingKind::Owner(_) => "owner",
            SettingKind::Tags(_) => "tags",
            SettingKind::Meta(_) => "meta",
            _ => continue,
        };
        if let Some(first) = said.get(word) {
            found.push(graph::said_twice(word, setting.span, *first));
            continue;
        }
        said.insert(word, setting.span);
        match &setting.kind {
            SettingKind::Owner(owner) => about.owner = Some(owner.value.clone()),
            SettingKind::Tags(tags) => {
                about.tags = tags.iter().map(|tag| tag.value.clone()).collect();
            }
            SettingKind::Meta(entries) => about.meta = meta(entries, globals, found),
            _ => {}
        }
    }
    about
}

/// Each entry with its value as it is shown.
fn meta(
    entries: &[(Name, Expr)],
    globals: &mut Globals,
    found: &mut Diagnostics,
) -> Vec<(String, String)> {
    let mut seen = HashMap::new();
    let mut all = vec![];
    for (name, written) in entries {
        unique("entry", name, &mut seen, found);
        let value = Scope::constant(globals, found).check(written, None);
        let what = format!("`{}` of `meta`", name.text);
        if let Some(known) = constants::check(&value, &globals.known, &what, found) {
            all.push((name.text.clone(), display(&known, &value.ty.data)));
        }
    }
    all
}
