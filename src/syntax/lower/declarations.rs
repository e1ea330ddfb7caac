//! Declarations and their blocks.

use super::super::ast::{
    Assignment, ColumnDeclaration, Connector, DeclarationKind, Enum, Function, Job, Name, Native,
    Notify, Output, Param, Parameter, ParseField, Pipeline, Secret, Setting, Source, Statement,
    TestItem, Text, Transform, TypeDeclaration, Use,
};
use super::steps::first_of;
use super::{Lower, Pair, child, children, first, has};
use batchc_grammar::Rule;

/// What a statement of a block turned out to be.
pub(in crate::syntax) enum Item {
    /// A step of a job.
    Step(Statement),
    /// A setting.
    Setting(Setting),
    /// A column of a source.
    Column(ColumnDeclaration),
    /// A member of an enum.
    Member(Name, Option<Text>),
    /// A statement of a test.
    Test(TestItem),
}

impl Lower<'_> {
    /// A whole declaration: a pair of `declaration`.
    pub fn declaration(&self, pair: Pair) -> DeclarationKind {
        let pair = first(pair);
        match pair.as_rule() {
            Rule::job => self.job(&pair),
            Rule::transform => self.transform(&pair),
            Rule::source => self.source_declaration(&pair),
            Rule::output => self.output(&pair),
            Rule::pipeline => DeclarationKind::Pipeline(Pipeline {
                name: self.name_of(&first_of(&pair, Rule::pipeline_head)),
                settings: self.settings(child(&pair, Rule::pipeline_block)),
            }),
            Rule::use_module => DeclarationKind::Use(match child(&pair, Rule::plain_text) {
                Some(text) => Use::File(self.plain_text(text)),
                None => Use::Library(self.names(first_of(&pair, Rule::path))),
            }),
            Rule::param => DeclarationKind::Param(Param {
                name: self.name_of(&pair),
                ty: self.type_expr(first_of(&pair, Rule::type_expr)),
                default: child(&pair, Rule::expr).map(|default| self.expr(default)),
            }),
            Rule::enumeration => DeclarationKind::Enum(Enum {
                name: self.name_of(&first_of(&pair, Rule::enum_head)),
                members: children(first_of(&pair, Rule::enum_block), Rule::member)
                    .map(|member| self.member(&member))
                    .collect(),
            }),
            Rule::type_alias => DeclarationKind::Type(TypeDeclaration {
                name: self.name_of(&pair),
                ty: self.type_expr(first_of(&pair, Rule::type_expr)),
                condition: child(&pair, Rule::expr).map(|condition| self.expr(condition)),
            }),
            Rule::secret if has(&pair, Rule::k_env) || has(&pair, Rule::k_file) => {
                DeclarationKind::Secret(Secret {
                    name: self.name_of(&pair),
                    is_file: has(&pair, Rule::k_file),
                    place: self.plain_text(first_of(&pair, Rule::plain_text)),
                })
            }
            Rule::notify => DeclarationKind::Notify(Notify {
                name: self.name_of(&pair),
                connector: self.connector(&first_of(&pair, Rule::connector)),
            }),
            Rule::test => self.test(&pair),
            Rule::function => self.function(&pair, None),
            Rule::native => {
                let kind = match pair.clone().into_inner().nth(1).map(|word| word.as_rule()) {
                    Some(Rule::k_aggregate) => Native::Aggregate,
                    Some(Rule::k_window) => Native::Window,
                    _ => Native::Scalar,
                };
                self.function(&pair, Some(kind))
            }
            _ => self.later_declaration(&pair),
        }
    }

    /// The settings and steps of a job's block.
    fn job_block(&self, pair: &Pair) -> (Vec<Setting>, Vec<Statement>) {
        let (mut settings, mut steps) = (Vec::new(), Vec::new());
        for item in children(first_of(pair, Rule::job_block), Rule::job_item) {
            match self.item(item) {
                Item::Step(step) => steps.push(step),
                Item::Setting(setting) => settings.push(setting),
                Item::Column(_) | Item::Member(..) | Item::Test(_) => {}
            }
        }
        (settings, steps)
    }

    fn transform(&self, pair: &Pair) -> DeclarationKind {
        let head = first_of(pair, Rule::transform_head);
        let parameters = children(first_of(&head, Rule::parameters), Rule::parameter);
        let (settings, steps) = self.job_block(pair);
        DeclarationKind::Transform(Transform {
            name: self.name_of(&head),
            parameters: parameters.map(|parameter| self.parameter(&parameter)).collect(),
            settings,
            steps,
        })
    }

    fn job(&self, pair: &Pair) -> DeclarationKind {
        let (settings, steps) = self.job_block(pair);
        DeclarationKind::Job(Job {
            name: self.name_of(&first_of(pair, Rule::job_head)),
            settings,
            steps,
        })
    }

    fn source_declaration(&self, pair: &Pair) -> DeclarationKind {
        let head = first_of(pair, Rule::source_head);
        let (mut columns, mut settings) = (Vec::new(), Vec::new());
        let items = child(pair, Rule::source_block)
            .into_iter()
            .flat_map(|block| children(block, Rule::source_item));
        for item in items {
            match self.item(item) {
                Item::Column(column) => columns.push(column),
                Item::Setting(setting) => settings.push(setting),
                Item::Step(_) | Item::Member(..) | Item::Test(_) => {}
            }
        }
        let connector = self.connector(&first_of(&head, Rule::connector));
        DeclarationKind::Source(Source { name: self.name_of(&head), connector, columns, settings })
    }

    fn output(&self, pair: &Pair) -> DeclarationKind {
        let head = first_of(pair, Rule::output_head);
        DeclarationKind::Output(Output {
            name: self.name_of(&head),
            connector: self.connector(&first_of(&head, Rule::connector)),
            from: self.names(first_of(&head, Rule::path)),
            settings: self.settings(child(pair, Rule::output_block)),
        })
    }

    fn settings(&self, block: Option<Pair>) -> Vec<Setting> {
        let items = block.into_iter().flat_map(|block| block.into_inner());
        let is_item = |rule| matches!(rule, Rule::pipeline_item | Rule::output_item);
        items.filter(|item| is_item(item.as_rule())).map(|item| self.setting(first(item))).collect()
    }

    /// A statement of a block that was parsed alone.
    pub fn item_of(&self, pair: Pair) -> Option<Item> {
        let is_item = matches!(
            pair.as_rule(),
            Rule::job_item
                | Rule::source_item
                | Rule::output_item
                | Rule::pipeline_item
                | Rule::model_item
                | Rule::test_item
                | Rule::member
        );
        is_item.then(|| self.item(pair))
    }

    /// A line of an inner block that was parsed alone.
    pub fn assignment_of(&self, pair: &Pair) -> Assignment {
        self.assignment(pair)
    }

    /// The same for a field of `parse`.
    pub fn parse_field_of(&self, pair: &Pair) -> ParseField {
        self.parse_field(pair)
    }

    /// A statement of a block.
    fn item(&self, pair: Pair) -> Item {
        if pair.as_rule() == Rule::member {
            let (name, text) = self.member(&pair);
            return Item::Member(name, text);
        }
        if pair.as_rule() == Rule::test_item {
            return Item::Test(self.test_item(pair));
        }
        let inner = first(pair);
        match inner.as_rule() {
            Rule::step => Item::Step(self.step(first(inner))),
            Rule::column_line => Item::Column(self.column_line(inner)),
            _ => Item::Setting(self.setting(inner)),
        }
    }

    fn member(&self, pair: &Pair) -> (Name, Option<Text>) {
        (self.name_of(pair), child(pair, Rule::plain_text).map(|text| self.plain_text(text)))
    }

    fn connector(&self, pair: &Pair) -> Connector {
        Connector {
            name: self.name_of(pair),
            arguments: self.arguments(first_of(pair, Rule::arguments)),
            span: self.span(pair),
        }
    }

    fn function(&self, pair: &Pair, native: Option<Native>) -> DeclarationKind {
        let signature = first_of(pair, Rule::signature);
        let type_parameters =
            child(&signature, Rule::type_parameters).map(|pair| self.type_parameters(pair));
        let parameters = children(first_of(&signature, Rule::parameters), Rule::parameter);
        DeclarationKind::Function(Function {
            name: self.name_of(&signature),
            native,
            type_parameters: type_parameters.unwrap_or_default(),
            parameters: parameters.map(|parameter| self.parameter(&parameter)).collect(),
            result: self.type_expr(first_of(&signature, Rule::type_expr)),
            fallible: has(&signature, Rule::bang),
            body: child(pair, Rule::expr).map(|body| self.expr(body)),
        })
    }

    fn type_parameters(&self, pair: Pair) -> Vec<(Name, Option<Name>)> {
        let parameter = |pair| {
            let mut names = self.names(pair).into_iter();
            (names.next().expect("a type variable has a name"), names.next())
        };
        children(pair, Rule::type_parameter).map(parameter).collect()
    }

    fn parameter(&self, pair: &Pair) -> Parameter {
        Parameter {
            name: self.name_of(pair),
            ty: self.type_expr(first_of(pair, Rule::type_expr)),
            variadic: has(pair, Rule::ellipsis),
            default: child(pair, Rule::expr).map(|default| self.expr(default)),
        }
    }

    fn later_declaration(&self, pair: &Pair) -> DeclarationKind {
        let head = match pair.as_rule() {
            Rule::model => first(pair.clone()),
            _ => pair.clone(),
        };
        let word = first(head.clone());
        let name = child(&head, Rule::name).map(|name| self.name(&name));
        DeclarationKind::Later(self.later(word.as_str().trim_end(), name, self.span(&word)))
    }
}
