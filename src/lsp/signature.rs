//! What the call under the cursor takes.

use super::document::Document;
use crate::connect;
use crate::functions::Registry;
use crate::syntax::ast::DeclarationKind;
use crate::syntax::{Call, wanted};
use gen_lsp_types as lsp;

/// What only a rule asks, and is no function of the library.
pub(super) struct OfRules {
    /// The name.
    pub(super) name: &'static str,
    /// How it is called.
    pub(super) signature: &'static str,
    /// What it is called with.
    parameters: &'static [&'static str],
    /// What it asks.
    pub(super) doc: &'static str,
}

/// All of them.
pub(super) const OF_RULES: [OfRules; 2] = [
    OfRules {
        name: "exists_in",
        signature: "exists_in(value: T, TABLE.column) -> bool",
        parameters: &["value: T", "TABLE.column"],
        doc: "Is the value among those of a column of another table?",
    },
    OfRules {
        name: "unique",
        signature: "unique(key: T, …)",
        parameters: &["key: T"],
        doc: "Have no two rows the same values there? It stands alone in its rule.",
    },
];

/// The signatures of the innermost call around a byte, the argument that is being written marked.
pub(super) fn help(document: &Document, byte: usize) -> Option<lsp::SignatureHelp> {
    let call = wanted(document.text(), byte)?.call?;
    let signatures = signatures(document, &call);
    if signatures.is_empty() {
        return None;
    }
    // The first that takes so many arguments.
    let fits = |one: &Signature| call.argument < one.parameters.len() || one.is_variadic;
    let active = signatures.iter().position(fits).unwrap_or(0);
    let signatures: Vec<lsp::SignatureInformation> =
        signatures.into_iter().map(|one| one.information(&call)).collect();
    Some(lsp::SignatureHelp {
        signatures,
        active_signature: Some(active as u32),
        active_parameter: None,
    })
}

/// A declaration as it would be in one line.
fn in_one_line(signature: &str) -> String {
    let words: Vec<&str> = signature.split_whitespace().collect();
    words.join(" ").replace("( ", "(").replace(", )", ")")
}

struct Signature {
    label: String,
    doc: String,
    /// The name of each and how it is written.
    parameters: Vec<(String, String)>,
    is_variadic: bool,
}

impl Signature {
    fn information(self, call: &Call) -> lsp::SignatureInformation {
        let last = self.parameters.len().saturating_sub(1);
        let active = match &call.label {
            Some(label) => self.parameters.iter().position(|(name, _)| name == label),
            None if self.is_variadic => Some(call.argument.min(last)),
            None => Some(call.argument).filter(|at| *at <= last),
        };
        let parameters = self.parameters.into_iter().map(|(_, written)| {
            lsp::ParameterInformation { label: written.into(), documentation: None }
        });
        let doc = lsp::MarkupContent { kind: lsp::MarkupKind::Markdown, value: self.doc };
        lsp::SignatureInformation {
            label: self.label,
            documentation: Some(doc.into()),
            parameters: Some(parameters.collect()),
            active_parameter: active.map(|at| (at as u32).into()),
        }
    }
}

fn signatures(document: &Document, call: &Call) -> Vec<Signature> {
    let compiled = document.compiled();
    for declaration in &compiled.tree.declarations {
        if let DeclarationKind::Function(function) = &declaration.kind
            && function.name.text == call.name
        {
            let parameters = function.parameters.iter().map(|one| {
                let ty = document.text_of(one.ty.span);
                (one.name.text.clone(), format!("{}: {ty}", one.name.text))
            });
            return vec![Signature {
                label: document.text_of(function.name.span.to(function.result.span)).to_owned(),
                doc: declaration.doc.clone().unwrap_or_default(),
                parameters: parameters.collect(),
                is_variadic: false,
            }];
        }
    }
    if let Some(one) = OF_RULES.iter().find(|one| one.name == call.name) {
        let parameter = |written: &&str| {
            let name = written.split(':').next().unwrap_or_default();
            (name.to_owned(), (*written).to_owned())
        };
        return vec![Signature {
            label: one.signature.to_owned(),
            doc: one.doc.to_owned(),
            parameters: one.parameters.iter().map(parameter).collect(),
            is_variadic: one.name == "unique",
        }];
    }
    let registry = Registry::standard();
    let of = |id: &crate::functions::FunctionId| {
        let declaration = registry.declaration(*id);
        let parameters = declaration.parameters.iter();
        let parameters =
            parameters.map(|one| (one.name.clone(), format!("{}: {}", one.name, one.ty)));
        Signature {
            label: in_one_line(&declaration.signature),
            doc: declaration.doc.trim_end().to_owned(),
            parameters: parameters.collect(),
            is_variadic: declaration.parameters.last().is_some_and(|last| last.variadic),
        }
    };
    let found: Vec<Signature> = registry.overloads(&call.name).iter().map(of).collect();
    if !found.is_empty() {
        return found;
    }
    let Some(connector) = connect::find(&call.name) else { return vec![] };
    let parameters = connector.options.iter();
    let parameters = parameters
        .map(|option| (option.name.to_owned(), format!("{}: {}", option.name, option.ty)));
    let parameters: Vec<(String, String)> = parameters.collect();
    let written: Vec<&str> = parameters.iter().map(|(_, written)| written.as_str()).collect();
    vec![Signature {
        label: format!("{}({})", connector.name, written.join(", ")),
        doc: connector.summary.to_owned(),
        parameters,
        is_variadic: false,
    }]
}
