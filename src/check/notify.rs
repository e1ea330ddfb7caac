//! Who is told how a run ended, and where: `secret`, `notify`, `on failure notify`.

use super::constants;
use super::exprs::{Scope, bad};
use super::globals::Globals;
use super::later;
use super::names::Kind;
use crate::diagnostics::{Diagnostics, arguments, graph, names, syntax, types};
use crate::ir::{self, Address, NotifierKind, Secret, SecretFrom};
use crate::syntax::ast::{self, DeclarationKind, ExprKind, Setting, SettingKind};
use crate::types::{DataType, Scalar};

/// The forms in which something is told, by their names.
const KINDS: &[(&str, NotifierKind)] = &[
    ("webhook", NotifierKind::Webhook),
    ("slack", NotifierKind::Slack),
    ("discord", NotifierKind::Discord),
    ("ntfy", NotifierKind::Ntfy),
];

/// The names of these forms.
pub(super) fn notifier_names() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|(name, _)| *name)
}

/// All secrets, all who can be told, and who is told of the run.
pub(super) fn check(
    file: &ast::File,
    globals: &mut Globals,
    pipeline: &mut ir::Pipeline,
    found: &mut Diagnostics,
) {
    for declaration in &file.declarations {
        match &declaration.kind {
            DeclarationKind::Secret(secret) => {
                let place = secret.place.value.clone();
                let from = match secret.is_file {
                    true => SecretFrom::File(place),
                    false => SecretFrom::Env(place),
                };
                pipeline.secrets.push(Secret { name: secret.name.text.clone(), from });
            }
            DeclarationKind::Notify(notify) => {
                let (kind, address) = notifier(&notify.connector, globals, found);
                let name = notify.name.text.clone();
                pipeline.notifiers.push(ir::Notifier { name, kind, address });
            }
            DeclarationKind::Pipeline(declared) => {
                pipeline.notify = told(&declared.settings, globals, found);
            }
            _ => {}
        }
    }
}

/// Who is told, as these settings say.
pub(super) fn told(settings: &[Setting], globals: &Globals, found: &mut Diagnostics) -> ir::Notify {
    let mut told = ir::Notify::default();
    for setting in settings {
        let SettingKind::Notify { on_failure, names } = &setting.kind else { continue };
        let list = if *on_failure { &mut told.failure } else { &mut told.success };
        for name in names {
            match globals.notifiers.get(&name.text) {
                Some((at, _)) if list.contains(at) => {
                    let message = format!("`{}` is told twice", name.text);
                    found.push(graph::bad_setting(name.span, message, "leave one of them"));
                }
                Some((at, place)) => {
                    globals.names().declared(name.span, Kind::Notifier, *place);
                    list.push(*at);
                }
                None if globals.later.contains_key(&name.text) => {}
                None => {
                    let mut all: Vec<&str> = globals.notifiers.keys().map(String::as_str).collect();
                    all.sort_unstable();
                    found.push(names::no_notifier(&name.text, name.span, &all));
                }
            }
        }
    }
    told
}

/// In which form something is told, and where.
fn notifier(
    written: &ast::Connector,
    globals: &mut Globals,
    found: &mut Diagnostics,
) -> (NotifierKind, Address) {
    let nowhere = Address::Given(Box::new(bad(written.span)));
    let name = written.name.text.as_str();
    let Some((name, kind)) = KINDS.iter().find(|(known, _)| *known == name) else {
        if later::NOTIFIERS.contains(&name) {
            let what = format!("notify by {name}");
            let later = ast::Later { what, name: None, span: written.name.span };
            found.push(syntax::not_available_yet(&later));
        } else {
            let all: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
            found.push(names::no_notifier_kind(name, written.name.span, &all));
        }
        return (NotifierKind::Webhook, nowhere);
    };
    let address = match &written.arguments[..] {
        [url] if url.name.as_ref().is_none_or(|name| name.text == "url") => url,
        [] => {
            found.push(names::missing_option(name, "url", written.name.span));
            return (*kind, nowhere);
        }
        [.., last] => {
            let text = last.name.as_ref().map_or("", |name| &name.text);
            let at = last.name.as_ref().map_or(last.value.span, |name| name.span);
            found.push(names::no_option(name, text, at, &["url"]));
            return (*kind, nowhere);
        }
    };
    if let ExprKind::Name(text) = &address.value.kind {
        if let Some((secret, at)) = globals.secrets.get(text) {
            globals.names().declared(address.value.span, Kind::Secret, *at);
            return (*kind, Address::Secret(*secret));
        }
        let params = globals.params.iter().map(|param| &*param.name);
        let mut all: Vec<&str> = params.chain(globals.secrets.keys().map(String::as_str)).collect();
        if !all.contains(&text.as_str()) && !globals.later.contains_key(text) {
            all.sort_unstable();
            found.push(names::no_address(text, address.value.span, &all));
            return (*kind, nowhere);
        }
    }
    let value = Scope::constant(globals, found).check(&address.value, None);
    if !value.ty.is_unknown() {
        let what = format!("`url` of `{name}`");
        if value.ty.data != DataType::String || value.ty.nullable {
            let wanted = DataType::String.required();
            found.push(types::does_not_fit(&what, value.span, &wanted, &value.ty));
        } else if let Some(Scalar::String(text)) =
            constants::check(&value, &globals.known, &what, found)
            && !text.starts_with("https://")
            && !text.starts_with("http://")
        {
            let reason = "an address that begins with `https://` is expected";
            let help = "the address that the other side gives for it, as a `secret` if it is one";
            found.push(arguments::bad_literal(name, value.span, reason).help(help));
        }
    }
    (*kind, Address::Given(Box::new(value)))
}
