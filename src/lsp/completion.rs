//! What may be written at the cursor: words of the language, names that are in scope there.

use super::document::Document;
use super::signature::OF_RULES;
use super::{program, rows};
use crate::Compiled;
use crate::connect::{self, Side};
use crate::functions::{Declaration, MODULES, Registry};
use crate::ir::Row;
use crate::syntax::ast::{DeclarationKind, Parameter};
use crate::syntax::{Place, Wanted, WantedKind, wanted, words_at};
use crate::types::DataType;
use gen_lsp_types as lsp;
use gen_lsp_types::CompletionItemKind as Icon;

/// All that fits at a byte.
pub(super) fn completion(
    document: &Document,
    byte: usize,
    snippets: bool,
) -> Vec<lsp::CompletionItem> {
    let Some(wanted) = wanted(document.text(), byte) else { return vec![] };
    let compiled = document.compiled();
    let mut list = List { document, compiled, wanted: &wanted, snippets, items: vec![] };
    list.fill();
    list.items
}

/// Items in the making.
struct List<'d> {
    document: &'d Document,
    compiled: &'d Compiled,
    wanted: &'d Wanted,
    snippets: bool,
    items: Vec<lsp::CompletionItem>,
}

/// In which order items are shown: what is nearest first.
#[derive(Clone, Copy)]
enum Rank {
    Best,
    Column,
    Argument,
    Name,
    Word,
    Function,
}

impl<'d> List<'d> {
    fn fill(&mut self) {
        let wanted = self.wanted;
        if let Some(base) = &wanted.qualifier {
            return self.members_of(base);
        }
        for word in &wanted.words {
            self.add(word, Icon::Keyword, Rank::Word, None);
        }
        for kind in &wanted.kinds {
            match kind {
                WantedKind::Statement => self.statements(),
                WantedKind::Value => self.values(),
                WantedKind::Name => self.listed(),
                WantedKind::Table => self.tables(),
                WantedKind::Type => self.types(),
                WantedKind::Connector => self.connectors(),
                WantedKind::Transform => self.transforms(),
                WantedKind::Module => self.modules(""),
                WantedKind::NewName => {}
            }
        }
    }

    fn add(
        &mut self,
        label: &str,
        icon: Icon,
        rank: Rank,
        detail: Option<String>,
    ) -> &mut lsp::CompletionItem {
        let range = self.document.range(self.wanted.word.clone());
        self.items.push(lsp::CompletionItem {
            label: label.to_owned(),
            kind: Some(icon),
            detail,
            sort_text: Some(format!("{}{:04}", rank as u8, self.items.len())),
            text_edit: Some(lsp::TextEdit { range, new_text: label.to_owned() }.into()),
            ..Default::default()
        });
        self.items.last_mut().expect("it was pushed")
    }

    /// Words that begin a statement of the block; in a source, a column may begin with any.
    fn statements(&mut self) {
        for word in words_at(self.wanted.place) {
            let example = format!("for instance `{}`", word.example);
            let item = self.add(word.word, Icon::Keyword, Rank::Word, None);
            item.documentation = Some(markdown(example));
        }
    }

    fn row(&self) -> Option<&'d Row> {
        let at = self.wanted.statement;
        let at = if self.wanted.verb.is_empty() { at } else { self.wanted.word.start };
        rows::seen_at(self.compiled, at).map(|row| &**row)
    }

    fn columns(&mut self, row: &Row, rank: Rank) {
        for column in rows::shown(row) {
            let first = self.compiled.names.first_place(&column.name, column.origin);
            let doc =
                program::documentation(self.compiled, first).map(|doc| markdown(doc.to_owned()));
            let item = self.add(&column.name, Icon::Field, rank, Some(column.ty.to_string()));
            item.documentation = doc;
        }
    }

    /// What has a value: what the enum before may be, columns, arguments, parameters, functions.
    fn values(&mut self) {
        let wanted = self.wanted;
        if self.looks_in() {
            return self.tables();
        }
        if self.is_key() {
            for secret in &self.compiled.pipeline.secrets {
                self.add(&secret.name, Icon::Constant, Rank::Best, Some("secret".to_owned()));
            }
            return;
        }
        self.labels();
        let row = self.row();
        let in_source = wanted.place == Place::Source || wanted.place == Place::File;
        self.members(row);
        self.variables();
        // How many rows are taken is not a matter of one of them.
        let is_of_none = wanted.before == "take";
        if let Some(row) = row.filter(|_| !in_source && !is_of_none) {
            self.columns(row, Rank::Column);
            self.right_sides();
        }
        for param in &self.compiled.shown().params {
            self.add(&param.name, Icon::Constant, Rank::Name, Some(param.ty.to_string()));
        }
        for word in ["true", "false", "null", "if", "case", "not"] {
            if !wanted.words.iter().any(|known| known == word) {
                self.add(word, Icon::Keyword, Rank::Word, None);
            }
        }
        self.functions();
    }

    /// Members of enums, those of the enum that stands before first.
    fn members(&mut self, row: Option<&Row>) {
        let enum_of = |name: &String| {
            let row = row?;
            match &row.columns[row.find(name)?].ty.data {
                DataType::Enum(declared) => Some(declared.name.clone()),
                _ => None,
            }
        };
        // Behind what compares with a column or gives it a value.
        let is_compared = matches!(
            self.wanted.before.as_str(),
            "==" | "!="
                | "="
                | "in"
                | "["
                | "{"
                | "("
                | ","
                | "=>"
                | "??"
                | "with"
                | "then"
                | "else"
        );
        let near = self.wanted.names_before.iter().find_map(enum_of).filter(|_| is_compared);
        for declaration in &self.compiled.tree.declarations {
            let DeclarationKind::Enum(declared) = &declaration.kind else { continue };
            let is_near = near.as_deref() == Some(declared.name.text.as_str());
            let rank = if is_near { Rank::Best } else { Rank::Function };
            for (name, _) in &declared.members {
                self.add(&name.text, Icon::EnumMember, rank, Some(declared.name.text.clone()));
            }
        }
    }

    /// Is it the column of another table, in which a rule looks for a value?
    fn looks_in(&self) -> bool {
        let call = self.wanted.call.as_ref();
        call.is_some_and(|call| call.name == OF_RULES[0].name && call.argument == 1)
    }

    /// Is it the key of a pseudonym, by its label?
    fn is_key(&self) -> bool {
        let call = self.wanted.call.as_ref();
        call.is_some_and(|call| call.name == "tokenize" && call.label.as_deref() == Some("key"))
    }

    /// Parameters of the function whose body this is.
    fn variables(&mut self) {
        let found = program::declaration_before(self.compiled, self.wanted.word.start);
        let Some(DeclarationKind::Function(function)) = found.map(|found| &found.kind) else {
            return;
        };
        for parameter in &function.parameters {
            let ty = self.document.text_of(parameter.ty.span).to_owned();
            self.add(&parameter.name.text, Icon::Variable, Rank::Best, Some(ty));
        }
    }

    /// In the condition of a join, what its right side is called.
    fn right_sides(&mut self) {
        if let Some((name, _)) = self.joined() {
            let name = name.to_owned();
            self.add(&name, Icon::Struct, Rank::Name, Some("the right side".to_owned()));
        }
    }

    /// The right side of the join that is being written: what it is called, and its row.
    fn joined(&self) -> Option<(&'d str, &'d Row)> {
        let statement = self.wanted.statement..self.wanted.word.start;
        let text = self.document.text().get(statement)?;
        let mut words = text
            .split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .filter(|word| !word.is_empty());
        words.find(|word| *word == "join")?;
        let table = words.next()?;
        let name = match words.next() {
            Some("as") => words.next()?,
            _ => table,
        };
        Some((name, program::row_named(self.compiled, table)?))
    }

    fn transforms(&mut self) {
        for declaration in &self.compiled.tree.declarations {
            let DeclarationKind::Transform(transform) = &declaration.kind else { continue };
            let of = |parameter: &Parameter| self.document.text_of(parameter.ty.span).to_owned();
            let values = transform.parameters.iter().skip(1);
            let values: Vec<String> =
                values.map(|one| format!("{}: {}", one.name.text, of(one))).collect();
            let name = &transform.name.text;
            let signature = format!("{name}({})", values.join(", "));
            let doc = declaration.doc.clone().map(markdown);
            self.call(name, signature, !values.is_empty(), Rank::Name).documentation = doc;
        }
    }

    /// Modules of the library, as they go on behind what is there.
    fn modules(&mut self, written: &str) {
        for module in MODULES {
            let name = format!("std.{module}");
            if let Some(rest) = name.strip_prefix(written) {
                self.add(rest, Icon::Module, Rank::Name, Some("of the library".to_owned()));
            }
        }
    }

    /// Behind `a.`: columns of the right side, fields of a record, members of an enum, of `run`.
    fn members_of(&mut self, base: &str) {
        if self.wanted.verb == "use" {
            return self.modules(&format!("{base}."));
        }
        if let Some((name, row)) = self.joined()
            && name == base
        {
            return self.columns(row, Rank::Column);
        }
        if self.looks_in() {
            if let Some(row) = program::row_named(self.compiled, base) {
                self.columns(row, Rank::Column);
            }
            return;
        }
        if let Some(row) = self.row()
            && let Some(at) = row.find(base)
        {
            if let DataType::Record(fields) = &row.columns[at].ty.data {
                for field in fields.iter() {
                    self.add(&field.name, Icon::Field, Rank::Column, Some(field.ty.to_string()));
                }
            }
            return;
        }
        let prefix = format!("{base}.");
        for job in &self.compiled.pipeline.jobs {
            if let Some(branch) = job.name.strip_prefix(&prefix) {
                self.add(
                    branch,
                    Icon::Struct,
                    Rank::Best,
                    Some(format!("branch, {}", counted(job.row()))),
                );
            }
        }
        if base == "run" {
            for (name, ty) in [("time", "timestamp"), ("date", "date"), ("id", "string")] {
                self.add(name, Icon::Property, Rank::Column, Some(ty.to_owned()));
            }
        }
        for declaration in &self.compiled.tree.declarations {
            let DeclarationKind::Enum(declared) = &declaration.kind else { continue };
            if declared.name.text == base {
                for (name, _) in &declared.members {
                    self.add(&name.text, Icon::EnumMember, Rank::Best, None);
                }
            }
        }
    }

    /// Labels of arguments that a call can still take.
    fn labels(&mut self) {
        let Some(call) = &self.wanted.call else { return };
        if call.label.is_some() {
            return;
        }
        for (name, detail, doc) in
            parameters(self.compiled, self.document, &call.name, self.wanted.place == Place::File)
        {
            if !call.labels.contains(&name) {
                let item =
                    self.add(&format!("{name}:"), Icon::Property, Rank::Argument, Some(detail));
                item.documentation = doc.map(markdown);
                let range = item.text_edit.take();
                if let Some(lsp::CompletionItemTextEdit::TextEdit(edit)) = range {
                    let new_text = format!("{name}: ");
                    item.text_edit = Some(lsp::TextEdit { new_text, ..edit }.into());
                }
            }
        }
    }

    fn functions(&mut self) {
        let registry = Registry::standard();
        let verb = self.wanted.verb.as_str();
        let in_group = matches!(verb, "group" | "window" | "pivot" | "expect");
        for name in registry.names() {
            let overloads = registry.overloads(name);
            let Some(first) = overloads.first().map(|id| registry.declaration(*id)) else {
                continue;
            };
            if first.is_aggregate() && !in_group {
                continue;
            }
            let rank = if first.is_aggregate() { Rank::Column } else { Rank::Function };
            let doc = first_sentence(first);
            self.call(name, first.signature.clone(), !first.parameters.is_empty(), rank)
                .documentation = Some(doc);
        }
        for one in OF_RULES.iter().filter(|_| verb == "expect") {
            self.call(one.name, one.signature.to_owned(), true, Rank::Column).documentation =
                Some(markdown(one.doc.to_owned()));
        }
        for declaration in &self.compiled.tree.declarations {
            let DeclarationKind::Function(function) = &declaration.kind else { continue };
            let head = function.name.span.to(function.result.span);
            let signature = self.document.text_of(head).to_owned();
            let doc = declaration.doc.clone().map(markdown);
            let has_parameters = !function.parameters.is_empty();
            self.call(&function.name.text, signature, has_parameters, Rank::Name).documentation =
                doc;
        }
    }

    /// A function: with its brackets, the cursor between them.
    fn call(
        &mut self,
        name: &str,
        signature: String,
        takes: bool,
        rank: Rank,
    ) -> &mut lsp::CompletionItem {
        let behind = self.document.text()[self.wanted.word.end..].starts_with('(');
        let snippets = self.snippets;
        let item = self.add(name, Icon::Function, rank, Some(signature));
        if let (Some(lsp::CompletionItemTextEdit::TextEdit(edit)), true, false) =
            (&mut item.text_edit, snippets, behind)
        {
            edit.new_text = if takes { format!("{name}($0)") } else { format!("{name}()$0") };
            item.insert_text_format = Some(lsp::InsertTextFormat::Snippet);
        }
        item
    }

    /// Names of things that are there: columns, or what the word before says.
    fn listed(&mut self) {
        match self.wanted.before.as_str() {
            "quarantine" => {
                for quarantine in &self.compiled.pipeline.quarantines {
                    self.add(
                        &quarantine.name,
                        Icon::Variable,
                        Rank::Name,
                        Some("quarantine".to_owned()),
                    );
                }
            }
            "notify" => {
                for notifier in &self.compiled.pipeline.notifiers {
                    self.add(&notifier.name, Icon::Variable, Rank::Name, Some("notify".to_owned()));
                }
            }
            "pool" => {}
            _ => {
                if let Some(row) = self.row() {
                    self.columns(row, Rank::Column);
                }
            }
        }
    }

    /// Sources and jobs, but the job that is being written.
    fn tables(&mut self) {
        let own = program::declaration_before(self.compiled, self.wanted.statement);
        if let Some(DeclarationKind::Transform(transform)) = own.map(|own| &own.kind) {
            // It sees no other.
            if let Some(table) = transform.parameters.first() {
                let detail = "what it is applied to".to_owned();
                self.add(&table.name.text, Icon::Struct, Rank::Best, Some(detail));
            }
            return;
        }
        let own = own.and_then(|own| own.kind.name()).map(|name| name.span);
        let with_sources = !matches!(self.wanted.verb.as_str(), "after" | "want");
        let pipeline = &self.compiled.pipeline;
        for source in pipeline.sources.iter().filter(|_| with_sources) {
            let detail = format!("source, {}", counted(&source.row));
            let doc = program::documentation(self.compiled, source.span)
                .map(|doc| markdown(doc.to_owned()));
            self.add(&source.name, Icon::Struct, Rank::Name, Some(detail)).documentation = doc;
        }
        for quarantine in pipeline.quarantines.iter().filter(|_| with_sources) {
            let name = format!("quarantine.{}", quarantine.name);
            if pipeline.sources.iter().all(|source| source.name != name) {
                self.add(&name, Icon::Struct, Rank::Name, Some("rows that are set aside".into()));
            }
        }
        let branches = |name: &str| {
            let prefix = format!("{name}.");
            pipeline.jobs.iter().any(|job| job.name.starts_with(&prefix))
        };
        for job in pipeline.jobs.iter().filter(|job| !job.is_hidden && Some(job.span) != own) {
            if branches(&job.name) {
                continue;
            }
            let detail = format!("job, {}", counted(job.row()));
            let doc =
                program::documentation(self.compiled, job.span).map(|doc| markdown(doc.to_owned()));
            self.add(&job.name, Icon::Struct, Rank::Name, Some(detail)).documentation = doc;
        }
    }

    fn types(&mut self) {
        for name in crate::check::type_names() {
            self.add(name, Icon::TypeParameter, Rank::Word, None);
        }
        for declaration in &self.compiled.tree.declarations {
            match &declaration.kind {
                DeclarationKind::Enum(one) => {
                    self.add(&one.name.text, Icon::Enum, Rank::Name, Some("enum".to_owned()));
                }
                DeclarationKind::Type(one) => {
                    let of = self.document.text_of(one.ty.span).to_owned();
                    self.add(&one.name.text, Icon::TypeParameter, Rank::Name, Some(of));
                }
                _ => {}
            }
        }
    }

    fn connectors(&mut self) {
        let usable: fn(&connect::Connector) -> bool = match self.wanted.verb.as_str() {
            "source" => |connector| connector.source.is_some(),
            "output" => |connector| connector.sink.is_some(),
            "notify" => {
                for name in crate::check::notifier_names() {
                    self.call(name, format!("{name}(url: string)"), true, Rank::Name);
                }
                return;
            }
            _ => return,
        };
        for connector in connect::ALL.iter().filter(|connector| usable(connector)) {
            let doc = markdown(connector.summary.to_owned());
            self.call(
                connector.name,
                format!("{}(path: string, …)", connector.name),
                true,
                Rank::Name,
            )
            .documentation = Some(doc);
        }
    }
}

/// The parameters of a function, or the options of a connector: name, type, what it is.
fn parameters(
    compiled: &Compiled,
    document: &Document,
    name: &str,
    in_head: bool,
) -> Vec<(String, String, Option<String>)> {
    if let Some(connector) = connect::find(name).filter(|_| in_head) {
        let options = connector
            .options
            .iter()
            .filter(|option| option.side != Side::Both || option.name != "path");
        return options
            .map(|option| {
                (option.name.to_owned(), option.ty.to_owned(), Some(option.doc.to_owned()))
            })
            .collect();
    }
    let own = compiled.tree.declarations.iter().find_map(|one| match &one.kind {
        DeclarationKind::Function(function) if function.name.text == name => Some(function),
        _ => None,
    });
    if let Some(function) = own {
        let of = |one: &Parameter| {
            (one.name.text.clone(), document.text_of(one.ty.span).to_owned(), None)
        };
        return function.parameters.iter().map(of).collect();
    }
    let registry = Registry::standard();
    let mut all: Vec<(String, String, Option<String>)> = vec![];
    for id in registry.overloads(name) {
        for parameter in &registry.declaration(*id).parameters {
            if !all.iter().any(|(known, ..)| *known == parameter.name) {
                all.push((parameter.name.clone(), parameter.ty.to_string(), None));
            }
        }
    }
    all
}

fn counted(row: &Row) -> String {
    match rows::shown(row).count() {
        1 => "1 column".to_owned(),
        many => format!("{many} columns"),
    }
}

fn first_sentence(declaration: &Declaration) -> lsp::Documentation {
    markdown(declaration.doc.trim_end().to_owned())
}

fn markdown(value: String) -> lsp::Documentation {
    lsp::MarkupContent { kind: lsp::MarkupKind::Markdown, value }.into()
}
