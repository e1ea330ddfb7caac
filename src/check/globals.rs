//! What a whole file can see: its declarations by name, before any of them is checked within.

use super::aside;
use super::branches::Branch;
use super::constants;
use super::exprs::Scope;
use super::graph::jobs_of;
use super::jobs::find_useless_above;
use super::kept::Seen;
use super::named::{self, Named};
use super::names::{Kind, Meaning, Names};
use super::resources::resources;
use super::tries::tries;
use super::types::resolve_type;
use crate::data::display;
use crate::diagnostics::{
    self, Diagnostics, arguments, branches, functions, modules, names, syntax,
};
use crate::functions::Registry;
use crate::ir::{self, JobId, SourceId};
use crate::syntax::ast::{self, DeclarationKind};
use crate::text::{FileId, Files, Span};
use crate::types::{DataType, EnumMember, EnumType, Scalar, Type};
use std::cell::{Cell, RefCell, RefMut};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// The declarations of a file.
pub(super) struct Globals<'a> {
    pub(super) files: &'a Files,
    pub(super) registry: &'static Registry,
    pub(super) pipeline_name: Option<String>,
    pub(super) timezone: Option<String>,
    /// What `on error` says for all jobs, and where.
    pub(super) on_error: Option<(ast::ErrorPolicy, Option<(f64, Span)>, Span)>,
    /// What `checkpoint` says for all jobs.
    pub(super) checkpoint: Option<bool>,
    /// How jobs are tried that do not say it.
    pub(super) tries: (Option<ir::Retry>, Option<ir::Timeout>),
    /// What jobs may use that do not say it.
    pub(super) resources: Option<ir::Resources>,
    pub(super) params: Vec<ir::Param>,
    /// What the parameters are, where it is known: the values of this run, or the defaults.
    pub(super) known: Vec<Option<Scalar>>,
    pub(super) enums: BTreeMap<String, (Arc<EnumType>, Span)>,
    pub(super) types: BTreeMap<String, Named>,
    pub(super) functions: HashMap<String, UserFunction<'a>>,
    pub(super) transforms: HashMap<String, UserTransform<'a>>,
    pub(super) sources: HashMap<String, (SourceId, Span)>,
    pub(super) jobs: HashMap<String, (JobId, Span)>,
    /// Of jobs that end in branches, these.
    pub(super) branches: HashMap<String, Vec<Branch>>,
    /// Secrets, and those who can be told of a run: position and place.
    pub(super) secrets: HashMap<String, (usize, Span)>,
    pub(super) notifiers: HashMap<String, (usize, Span)>,
    /// What is declared by constructs that are not available yet: uses of them stay silent.
    pub(super) later: HashMap<String, Span>,
    /// The jobs that may set rows aside, by the names of quarantines.
    pub(super) writers: BTreeMap<String, Vec<ir::JobId>>,
    /// The quarantines that are read: the source that does, and where it is first set aside.
    pub(super) asides: HashMap<String, (SourceId, Span)>,
    pub(super) source_rows: Vec<Arc<ir::Row>>,
    pub(super) job_rows: Vec<Option<Arc<ir::Row>>>,
    /// Whose declarations each file sees, and whether one of them was meant.
    pub(super) uses: HashMap<(FileId, ast::Module), Cell<bool>>,
    /// Where the names of tables were given.
    places: HashMap<ir::Input, Span>,
    /// What the job that is checked has seen of others.
    pub(super) seen: RefCell<Seen>,
    /// Parameters of which it has been said that a column hides them.
    pub(super) hidden: HashSet<usize>,
    /// What the names that were looked up stand for.
    pub(super) names: RefCell<Names>,
    slots: u32,
}

/// A `fn` of the file.
pub(super) struct UserFunction<'a> {
    pub(super) declaration: &'a ast::Function,
    pub(super) state: FunctionState,
}

/// A `transform` of the file.
pub(super) struct UserTransform<'a> {
    pub(super) declaration: &'a ast::Transform,
    pub(super) state: TransformState,
}

/// How far a `transform` has been checked; it is when first applied, or at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TransformState {
    Unchecked,
    Checking,
    Checked,
    /// It has mistakes, which have been reported.
    Broken,
}

/// How far a `fn` has been checked; it is checked when first called, or at the end.
#[derive(Clone)]
pub(super) enum FunctionState {
    Unchecked,
    Checking,
    /// Parameters' types and slots, and the body over these slots.
    Checked(Arc<CheckedFunction>),
}

/// A `fn` whose body has been checked.
pub(super) struct CheckedFunction {
    pub(super) parameters: Vec<CheckedParameter>,
    pub(super) body: ir::Expr,
}

/// A parameter of a `fn`.
pub(super) struct CheckedParameter {
    pub(super) name: String,
    /// Where its name is.
    pub(super) at: Span,
    pub(super) slot: ir::Slot,
    pub(super) ty: crate::types::Type,
    pub(super) default: Option<ir::Expr>,
}

impl<'a> Globals<'a> {
    pub(super) fn collect(
        file: &'a ast::File,
        files: &'a Files,
        values: &[Option<Scalar>],
        found: &mut Diagnostics,
    ) -> Globals<'a> {
        let mut globals = Globals {
            files,
            registry: Registry::standard(),
            pipeline_name: None,
            timezone: None,
            on_error: None,
            checkpoint: None,
            tries: (None, None),
            resources: None,
            params: vec![],
            known: vec![],
            enums: BTreeMap::new(),
            types: BTreeMap::new(),
            functions: HashMap::new(),
            transforms: HashMap::new(),
            sources: HashMap::new(),
            jobs: HashMap::new(),
            branches: HashMap::new(),
            secrets: HashMap::new(),
            notifiers: HashMap::new(),
            later: HashMap::new(),
            writers: BTreeMap::new(),
            asides: HashMap::new(),
            source_rows: vec![],
            job_rows: vec![],
            uses: file
                .uses
                .iter()
                .map(|used| ((used.by, used.module.clone()), Cell::new(false)))
                .collect(),
            places: HashMap::new(),
            seen: RefCell::default(),
            hidden: HashSet::new(),
            names: RefCell::default(),
            slots: 0,
        };
        globals.note_declarations(file);
        globals.collect_names(file, found);
        named::collect(file, &mut globals, found);
        globals.collect_params(file, values, found);
        globals
    }

    /// Notes the names of all declarations, each as what it declares, and where those of tables are.
    fn note_declarations(&mut self, file: &ast::File) {
        let (mut sources, mut jobs) = (0.., 0..);
        for (kind, name) in file.declarations.iter().filter_map(|one| named(&one.kind)) {
            self.names().declared(name.span, kind, name.span);
            let table = match kind {
                Kind::Source => sources.next().map(|id| ir::Input::Source(SourceId(id))),
                Kind::Job => jobs.next().map(|id| ir::Input::Job(JobId(id))),
                _ => None,
            };
            self.places.extend(table.map(|table| (table, name.span)));
        }
    }

    fn collect_names(&mut self, file: &'a ast::File, found: &mut Diagnostics) {
        // One name, one thing: sources, jobs and outputs share a space, as do parameters and
        // enums; a function may be called like a column.
        let mut tables: HashMap<&str, Span> = HashMap::new();
        let mut values: HashMap<&str, Span> = HashMap::new();
        let mut notifiers: HashMap<&str, Span> = HashMap::new();
        let mut transforms: HashMap<&str, Span> = HashMap::new();
        let (mut sources, mut jobs) = (0, 0);
        let mut first_pipeline = None;
        for declaration in &file.declarations {
            match &declaration.kind {
                DeclarationKind::Source(ast::Source { name, .. }) => {
                    unique("source", name, &mut tables, found);
                    self.sources.entry(name.text.clone()).or_insert((SourceId(sources), name.span));
                    sources += 1;
                }
                DeclarationKind::Job(ast::Job { name, .. }) => {
                    unique("job", name, &mut tables, found);
                    self.jobs.entry(name.text.clone()).or_insert((JobId(jobs), name.span));
                    jobs += 1;
                }
                DeclarationKind::Output(output) => {
                    unique("output", &output.name, &mut tables, found);
                }
                DeclarationKind::Param(param) => {
                    unique("parameter", &param.name, &mut values, found);
                }
                DeclarationKind::Secret(secret) => {
                    unique("secret", &secret.name, &mut values, found);
                    let position = self.secrets.len();
                    let (name, at) = (secret.name.text.clone(), secret.name.span);
                    self.secrets.entry(name).or_insert((position, at));
                }
                DeclarationKind::Notify(notify) => {
                    unique("notify", &notify.name, &mut notifiers, found);
                    let position = self.notifiers.len();
                    let (name, at) = (notify.name.text.clone(), notify.name.span);
                    self.notifiers.entry(name).or_insert((position, at));
                }
                DeclarationKind::Enum(declared) => {
                    unique("enum", &declared.name, &mut values, found);
                    self.add_enum(declared, found);
                }
                DeclarationKind::Type(declared) => {
                    unique("type", &declared.name, &mut values, found);
                }
                DeclarationKind::Function(function) => self.add_function(function, found),
                DeclarationKind::Transform(transform) => {
                    unique("transform", &transform.name, &mut transforms, found);
                    self.add_transform(transform);
                }
                DeclarationKind::Pipeline(pipeline) => {
                    if let Some(first) = first_pipeline {
                        found.push(names::second_pipeline(pipeline.name.span, first));
                    }
                    first_pipeline = first_pipeline.or(Some(pipeline.name.span));
                    self.add_pipeline(pipeline, found);
                }
                DeclarationKind::Later(later) => {
                    found.push(syntax::not_available_yet(later));
                    if let Some(name) = &later.name {
                        self.later.insert(name.text.clone(), name.span);
                    }
                }
                // What it brings in stands among the declarations.
                DeclarationKind::Use(_) => {}
                DeclarationKind::Bad(Some(name)) => {
                    self.later.insert(name.text.clone(), name.span);
                }
                DeclarationKind::Test(_) | DeclarationKind::Bad(None) => {}
            }
        }
        self.job_rows = vec![None; jobs as usize];
        self.collect_branches(jobs_of(file), found);
    }

    fn add_enum(&mut self, declared: &ast::Enum, found: &mut Diagnostics) {
        let (mut seen, mut texts) = (HashMap::new(), HashMap::new());
        for (name, text) in &declared.members {
            let repeated = seen.contains_key(name.text.as_str());
            unique("member", name, &mut seen, found);
            let (text, span) = match text {
                Some(text) => (text.value.as_str(), text.span),
                None => (name.text.as_str(), name.span),
            };
            if let Some(first) = texts.insert(text, span).filter(|_| !repeated) {
                found.push(names::member_text_twice(text, span, first));
            }
        }
        let members = declared
            .members
            .iter()
            .map(|(name, text)| EnumMember {
                name: name.text.as_str().into(),
                text: text.as_ref().map_or(name.text.as_str(), |text| &text.value).into(),
            })
            .collect();
        let name = &declared.name;
        let ty = Arc::new(EnumType { name: name.text.as_str().into(), members });
        self.enums.entry(name.text.clone()).or_insert((ty, name.span));
    }

    fn add_function(&mut self, function: &'a ast::Function, found: &mut Diagnostics) {
        let name = &function.name;
        if let Some(first) = self.functions.get(&name.text) {
            let first = first.declaration.name.span;
            found.push(names::declared_twice("function", &name.text, name.span, first));
            return;
        }
        // What a module of the library is called does not matter to who does not use it.
        let is_seen = self.registry.module_of(&name.text).is_none_or(|module| {
            let module = ast::Module::Library(module.to_owned());
            self.uses.contains_key(&(name.span.file, module))
        });
        if is_seen && !self.registry.overloads(&name.text).is_empty() {
            found.push(functions::shadows_function(&name.text, name.span));
            return;
        }
        let state = FunctionState::Unchecked;
        self.functions.insert(name.text.clone(), UserFunction { declaration: function, state });
    }

    fn add_transform(&mut self, declaration: &'a ast::Transform) {
        let transform = UserTransform { declaration, state: TransformState::Unchecked };
        self.transforms.entry(declaration.name.text.clone()).or_insert(transform);
    }

    fn add_pipeline(&mut self, pipeline: &ast::Pipeline, found: &mut Diagnostics) {
        self.pipeline_name = Some(pipeline.name.text.clone());
        self.tries = tries(&pipeline.settings, found);
        self.resources = resources(&pipeline.settings, found);
        for setting in &pipeline.settings {
            match &setting.kind {
                ast::SettingKind::Timezone(zone) => {
                    self.timezone = Some(zone.value.clone());
                    if let Err(reason) = crate::data::time_zone(&zone.value) {
                        found.push(arguments::bad_literal("timezone", zone.span, &reason));
                    }
                }
                ast::SettingKind::Later(later) => found.push(syntax::not_available_yet(later)),
                ast::SettingKind::Owner(_)
                | ast::SettingKind::Tags(_)
                | ast::SettingKind::Meta(_)
                | ast::SettingKind::Retry { .. }
                | ast::SettingKind::Timeout(_)
                | ast::SettingKind::Resources(_)
                | ast::SettingKind::Notify { .. }
                | ast::SettingKind::Bad => {}
                // What a job may say will be said here for all jobs.
                ast::SettingKind::Checkpoint(is_on) => self.checkpoint = Some(*is_on),
                ast::SettingKind::OnError { policy, above } => {
                    find_useless_above(policy, above, found);
                    self.on_error = Some((policy.clone(), *above, setting.span));
                }
                ast::SettingKind::Partition { .. } => setting_later("partition", setting, found),
                ast::SettingKind::Mode(_)
                | ast::SettingKind::After(_)
                | ast::SettingKind::AllowSensitive(_)
                | ast::SettingKind::Incremental { .. } => {
                    found.push(crate::diagnostics::graph::bad_setting(
                        setting.span,
                        "this is not a setting of a pipeline",
                        "it belongs into a job or an output",
                    ))
                }
            }
        }
    }

    fn collect_params(
        &mut self,
        file: &'a ast::File,
        values: &[Option<Scalar>],
        found: &mut Diagnostics,
    ) {
        for declaration in &file.declarations {
            let DeclarationKind::Param(param) = &declaration.kind else { continue };
            let ty = resolve_type(&param.ty, self, found);
            let default = param.default.as_ref().map(|default| {
                let mut scope = Scope::constant(self, found);
                let value = scope.check_as(default, &ty, "the default");
                constants::default(&value, found).unwrap_or(Scalar::Null)
            });
            self.names().note(
                param.name.span,
                Meaning::Declared(Kind::Param, param.name.span),
                Some(&ty),
            );
            let name = param.name.text.clone();
            let value = values.get(self.params.len()).cloned().flatten();
            if let Some(value) = &value {
                self.check_param(&name, value, &ty, param.name.span, found);
            }
            self.known.push(value.or_else(|| default.clone()));
            self.params.push(ir::Param { name, ty, default, span: param.name.span });
        }
    }

    /// Says so when the value that is given for a parameter does not meet the condition of its type.
    fn check_param(
        &self,
        name: &str,
        value: &Scalar,
        ty: &Type,
        span: Span,
        found: &mut Diagnostics,
    ) {
        let mut data = &ty.data;
        while let DataType::Named(named) = data {
            if let Some(condition) = self.condition_of(named)
                && condition.is_broken_by(value, &ty.data.opened(), span)
                && let Some(declared) = self.types.get(&*named.name)
            {
                let text = format!("{name} = {}", display(value, &ty.data.opened()));
                found.push(diagnostics::named::not_of_it(
                    &text,
                    span,
                    &condition.reason,
                    declared.at,
                ));
            }
            data = &named.of;
        }
    }

    /// Something is meant that is declared elsewhere: in a file that the one which means it uses.
    pub(super) fn mean(&self, name: &str, at: Span, declared: Span, found: &mut Diagnostics) {
        if at.file == declared.file {
            return;
        }
        let used = (at.file, ast::Module::File(declared.file));
        match self.uses.get(&used) {
            Some(is_meant) => {
                is_meant.set(true);
                self.seen.borrow_mut().meant.push(used);
            }
            None => {
                let path = &self.files.get(declared.file).path;
                found.push(modules::not_used(name, at, path, declared));
            }
        }
    }

    /// The same of a function of the library; says whether the file sees it.
    pub(super) fn mean_library(&self, name: &str, at: Span, found: &mut Diagnostics) -> bool {
        let Some(module) = self.registry.module_of(name) else { return true };
        let used = (at.file, ast::Module::Library(module.to_owned()));
        match self.uses.get(&used) {
            Some(is_meant) => {
                is_meant.set(true);
                self.seen.borrow_mut().meant.push(used);
                true
            }
            None => {
                found.push(modules::of_library(name, at, module));
                false
            }
        }
    }

    /// To note what a name stands for.
    pub(super) fn names(&self) -> RefMut<'_, Names> {
        self.names.borrow_mut()
    }

    /// A variable that no other has.
    pub(super) fn new_slot(&mut self) -> ir::Slot {
        self.slots += 1;
        ir::Slot(self.slots)
    }

    /// The row of a source or job that has been checked.
    pub(super) fn row_of(&self, input: ir::Input) -> Option<Arc<ir::Row>> {
        let row = match input {
            ir::Input::Source(id) => self.source_rows.get(id.0 as usize).cloned(),
            ir::Input::Job(id) => self.job_rows[id.0 as usize].clone(),
        };
        self.seen.borrow_mut().rows.push((input, row.clone()));
        row
    }

    pub(super) fn note_place(&mut self, job: JobId, place: Span) {
        self.places.insert(ir::Input::Job(job), place);
    }

    /// Where the name of a table was given.
    pub(super) fn place_of(&self, table: ir::Input) -> Option<Span> {
        self.places.get(&table).copied()
    }

    /// The source or job that dotted names mean; says so when there is none.
    pub(super) fn input(&self, path: &[ast::Name], found: &mut Diagnostics) -> Option<ir::Input> {
        let input = self.look_up(path, found);
        let job = self.jobs.get(&path[0].text).map(|(id, _)| ir::Input::Job(*id));
        let mut seen = self.seen.borrow_mut();
        seen.tables.extend(input.into_iter().chain(job).map(|one| (one, self.place_of(one))));
        // What is said of others then depends on all of them; quarantines are numbered as they are read.
        seen.is_more |= input.is_none() || aside::named(path).is_some();
        input
    }

    fn look_up(&self, path: &[ast::Name], found: &mut Diagnostics) -> Option<ir::Input> {
        let first = &path[0];
        if let [_, name, ..] = path {
            if let Some(name) = aside::named(path) {
                let Some((source, at)) = self.asides.get(&name.text) else {
                    aside::unknown(name, self, found);
                    return None;
                };
                self.names().declared(name.span, Kind::Quarantine, *at);
                return Some(ir::Input::Source(*source));
            }
            if let Some(id) = self.job_of(path) {
                let place = self.jobs.get(&first.text).map_or(first.span, |(_, at)| *at);
                self.names().declared(first.span, Kind::Job, place);
                let branches = self.branches.get(&first.text).into_iter().flatten();
                for branch in branches.filter(|branch| branch.id == id) {
                    self.names().declared(name.span, Kind::Branch, branch.span);
                }
                return Some(ir::Input::Job(id));
            }
            // What is wrong with the job itself is said as of any other.
            if self.sources.contains_key(&first.text) || self.jobs.contains_key(&first.text) {
                let names = self.branch_names(&first.text);
                found.push(branches::no_branch(&first.text, &name.text, name.span, &names));
                return None;
            }
        }
        if let Some((id, at)) = self.sources.get(&first.text) {
            self.names().declared(first.span, Kind::Source, *at);
            return Some(ir::Input::Source(*id));
        }
        if let Some((id, at)) = self.jobs.get(&first.text) {
            self.names().declared(first.span, Kind::Job, *at);
            let names = self.branch_names(&first.text);
            if let Some(first_branch) = self.branches.get(&first.text).and_then(|all| all.first()) {
                let at = first_branch.span;
                found.push(branches::name_a_branch(&first.text, first.span, &names, at));
                return None;
            }
            return Some(ir::Input::Job(*id));
        }
        if !self.later.contains_key(&first.text) {
            let mut all: Vec<&str> =
                self.sources.keys().chain(self.jobs.keys()).map(String::as_str).collect();
            all.sort_unstable();
            found.push(names::no_input(&first.text, first.span, &all));
        }
        None
    }
}

/// What a declaration declares that others can name; parameters are noted with their types.
pub(super) fn named(declared: &DeclarationKind) -> Option<(Kind, &ast::Name)> {
    Some(match declared {
        DeclarationKind::Source(source) => (Kind::Source, &source.name),
        DeclarationKind::Job(job) => (Kind::Job, &job.name),
        DeclarationKind::Secret(secret) => (Kind::Secret, &secret.name),
        DeclarationKind::Notify(notify) => (Kind::Notifier, &notify.name),
        DeclarationKind::Enum(declared) => (Kind::Enum, &declared.name),
        DeclarationKind::Type(declared) => (Kind::Type, &declared.name),
        DeclarationKind::Function(function) => (Kind::Function, &function.name),
        DeclarationKind::Transform(transform) => (Kind::Transform, &transform.name),
        _ => return None,
    })
}

/// Says that a setting is not available yet where it stands.
pub(super) fn setting_later(what: &str, setting: &ast::Setting, found: &mut Diagnostics) {
    let later = ast::Later { what: what.to_owned(), name: None, span: setting.span };
    found.push(syntax::not_available_yet(&later));
}

/// Says where a name is declared a second time.
pub(super) fn unique<'n>(
    what: &str,
    name: &'n ast::Name,
    seen: &mut HashMap<&'n str, Span>,
    found: &mut Diagnostics,
) {
    if let Some(first) = seen.get(name.text.as_str()) {
        found.push(names::declared_twice(what, &name.text, name.span, *first));
    } else {
        seen.insert(&name.text, name.span);
    }
}
