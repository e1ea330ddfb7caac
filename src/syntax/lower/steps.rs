//! Steps. Those whose meaning is not available yet are parsed in full all the same and end here.

use super::super::ast::{
    Assignment, Branch, Cardinality, ExpectAction, Expr, ExprKind, Frame, FrameUnit, Join,
    JoinKind, Keep, Later, Name, Nulls, ParseField, Pattern, SampleSize, Sessionize, SortKey,
    Statement, Step, Template, TemplatePart, Text, UnaryOp, Window,
};
use super::{Lower, Pair, child, children, first, has};
use crate::diagnostics::{graph, literals};
use crate::text::Span;
use batchc_grammar::Rule;

impl Lower<'_> {
    /// A step: a pair of any of the rules that `step` lists.
    pub(super) fn step(&self, pair: Pair) -> Statement {
        let span = self.span(&pair);
        let verb = self.verb(&pair);
        Statement { step: self.step_kind(pair, verb), span, verb }
    }

    /// The words that a statement begins with: `filter`, `left join`.
    fn verb(&self, pair: &Pair) -> Span {
        let begin = self.span(&first(pair.clone()));
        match child(pair, Rule::k_join) {
            Some(join) => begin.to(self.span(&join)),
            None => begin,
        }
    }

    fn step_kind(&self, pair: Pair, verb: Span) -> Step {
        match pair.as_rule() {
            Rule::from => {
                Step::From(self.names(child(&pair, Rule::path).expect("`from` has a path")))
            }
            Rule::filter => self.filter(&pair),
            Rule::derive => Step::Derive(self.assignments(first_of(&pair, Rule::assignments))),
            Rule::set => Step::Set(self.assignments(first_of(&pair, Rule::assignments))),
            Rule::select => Step::Select(self.columns_of(&pair)),
            Rule::drop => Step::Drop(self.names(first_of(&pair, Rule::names))),
            Rule::rename => Step::Rename(
                children(pair, Rule::renaming).map(|renaming| self.two_names(renaming)).collect(),
            ),
            Rule::cast => Step::Cast(
                children(pair, Rule::casting).map(|casting| self.casting(&casting)).collect(),
            ),
            Rule::fill => Step::Fill(
                children(pair, Rule::filling).map(|filling| self.filling(&filling)).collect(),
            ),
            Rule::group => Step::Group {
                keys: self.keys(&pair),
                aggregates: self.block(first_of(&pair, Rule::column_block)),
            },
            Rule::window => self.window(&pair),
            Rule::sessionize => self.sessionize(&pair),
            Rule::sort => Step::Sort(self.sort_keys(first_of(&pair, Rule::sort_keys))),
            Rule::take => Step::Take { count: self.expr_of(&pair), by: self.keys(&pair) },
            Rule::distinct => Step::Distinct,
            Rule::dedupe => self.dedupe(&pair),
            Rule::join => self.join(&pair),
            Rule::union => Step::Union(self.paths(pair)),
            Rule::except => Step::Except(self.paths(pair)),
            Rule::intersect => Step::Intersect(self.paths(pair)),
            Rule::explode => {
                let mut names = self.names(pair).into_iter();
                let column = names.next().expect("`explode` has a column");
                Step::Explode { column, as_name: names.next() }
            }
            Rule::parse => self.parse(&pair),
            Rule::expect => self.expect(&pair),
            Rule::pivot => self.pivot(&pair),
            Rule::unpivot => self.unpivot(&pair),
            Rule::sample => self.sample(&pair),
            Rule::split => self.split(&pair),
            Rule::route => Step::Route(
                children(first_of(&pair, Rule::route_block), Rule::branch)
                    .map(|branch| self.branch(&branch))
                    .collect(),
            ),
            Rule::apply => Step::Apply {
                transform: self.names(first_of(&pair, Rule::path)),
                arguments: self.arguments(first_of(&pair, Rule::arguments)),
            },
            Rule::encode => Step::Encode {
                columns: self.names(first_of(&pair, Rule::names)),
                with: self.expr_of(&pair),
            },
            _ => Step::Later(self.later_step(verb)),
        }
    }

    fn later_step(&self, verb: Span) -> Later {
        let words: Vec<&str> = self.source[verb.range()].split_ascii_whitespace().collect();
        self.later(&words.join(" "), None, verb)
    }

    fn filter(&self, pair: &Pair) -> Step {
        let nulls = if has(pair, Rule::k_drop) {
            Some(Nulls::Drop)
        } else if has(pair, Rule::k_keep) {
            Some(Nulls::Keep)
        } else {
            None
        };
        Step::Filter { condition: self.expr_of(pair), nulls }
    }

    fn window(&self, pair: &Pair) -> Step {
        let sort = child(pair, Rule::sort_keys);
        Step::Window(Box::new(Window {
            keys: self.keys(pair),
            sort_span: sort.as_ref().map(|keys| self.span(keys)),
            sort: sort.map(|keys| self.sort_keys(keys)).unwrap_or_default(),
            frame: child(pair, Rule::frame).map(|frame| self.frame(&frame)),
            values: self.block(first_of(pair, Rule::column_block)),
        }))
    }

    fn frame(&self, pair: &Pair) -> Frame {
        let unit = if has(pair, Rule::k_range) { FrameUnit::Range } else { FrameUnit::Rows };
        let (mut from, mut to, mut is_behind) = (None, None, false);
        for part in pair.clone().into_inner() {
            match part.as_rule() {
                Rule::dot_dot => is_behind = true,
                Rule::frame_end if is_behind => to = Some(self.frame_end(&part)),
                Rule::frame_end => from = Some(self.frame_end(&part)),
                _ => {}
            }
        }
        Frame { unit, from, to, span: self.span(pair) }
    }

    fn frame_end(&self, pair: &Pair) -> Expr {
        let parts = pair.clone().into_inner();
        let value = parts.last().expect("the grammar gives an end a value");
        let span = self.span(&value);
        let kind = match value.as_rule() {
            Rule::quantity => self.quantity(&value),
            Rule::int => ExprKind::Int(self.magnitude(&value)),
            Rule::number => ExprKind::Number(value.as_str().trim_end().replace('_', "")),
            _ => ExprKind::Name(self.name(&value).text),
        };
        let value = Expr { kind, span };
        match has(pair, Rule::minus_op) {
            true => {
                let kind = ExprKind::Unary(UnaryOp::Negate, Box::new(value));
                Expr { kind, span: self.span(pair) }
            }
            false => value,
        }
    }

    fn sessionize(&self, pair: &Pair) -> Step {
        let gap = first_of(pair, Rule::quantity);
        let gap = Expr { kind: self.quantity(&gap), span: self.span(&gap) };
        let mut names = children(pair.clone(), Rule::name).map(|name| self.name(&name));
        let on = names.next().expect("`sessionize` has a column");
        let as_name = names.next();
        Step::Sessionize(Box::new(Sessionize { keys: self.keys(pair), gap, on, as_name }))
    }

    fn dedupe(&self, pair: &Pair) -> Step {
        let keep = child(pair, Rule::keep).map(|keep| (keep_of(&keep), self.span(&keep)));
        Step::Dedupe {
            keys: self.keys(pair),
            keep,
            by: child(pair, Rule::expr).map(|by| self.expr(by)),
        }
    }

    fn paths(&self, pair: Pair) -> Vec<Vec<Name>> {
        children(pair, Rule::path).map(|path| self.names(path)).collect()
    }

    fn join(&self, pair: &Pair) -> Step {
        let on = child(pair, Rule::join_on);
        Step::Join(Box::new(Join {
            kind: child(pair, Rule::join_kind).map_or(JoinKind::Inner, |kind| join_kind(&kind)),
            right: self.names(first_of(pair, Rule::path)),
            alias: child(pair, Rule::name).map(|alias| self.name(&alias)),
            on: on
                .map(|on| children(on, Rule::expr).map(|key| self.expr(key)).collect())
                .unwrap_or_default(),
            within: child(pair, Rule::expr).map(|within| self.expr(within)),
            expect: child(pair, Rule::cardinality)
                .map(|expect| (cardinality(&expect), self.span(&expect))),
        }))
    }

    fn parse(&self, pair: &Pair) -> Step {
        let fields = child(pair, Rule::parse_block)
            .map(|block| children(block, Rule::parse_field))
            .map(|fields| fields.map(|field| self.parse_field(&field)).collect());
        Step::Parse { column: self.name_of(pair), pattern: self.pattern(pair), fields }
    }

    fn pattern(&self, pair: &Pair) -> Pattern {
        if let Some(grok) = child(pair, Rule::grok) {
            return Pattern::Grok(self.grok(&grok));
        }
        match child(pair, Rule::regex) {
            Some(regex) => Pattern::Regex(self.regex(&regex)),
            None => Pattern::Template(self.template(&first_of(pair, Rule::template))),
        }
    }

    fn grok(&self, pair: &Pair) -> Text {
        if let Some(regex) = child(pair, Rule::regex) {
            return self.regex(&regex);
        }
        let text = first_of(pair, Rule::grok_text);
        let (written, span) = (text.as_str().trim_end(), self.span(&text));
        self.report(literals::not_raw(span, written));
        Text { value: written.trim_matches('"').to_owned(), span }
    }

    /// A text with names for the parts that change.
    fn template(&self, pair: &Pair) -> Template {
        let (mut parts, mut bad) = (vec![], vec![]);
        for part in pair.clone().into_inner() {
            match part.as_rule() {
                Rule::text_run | Rule::long_run => {
                    parts.push(TemplatePart::Literal(self.unescaped(&part, &mut bad)));
                }
                Rule::template_hole => {
                    let part = first(part);
                    let ty = child(&part, Rule::type_expr).map(|ty| self.type_expr(ty));
                    parts.push(TemplatePart::Hole(self.name_of(&part), ty));
                }
                _ => {}
            }
        }
        self.bad_escapes(pair, &bad);
        Template { parts, span: self.span(pair) }
    }

    pub(super) fn parse_field(&self, pair: &Pair) -> ParseField {
        let ty = self.type_expr(first_of(pair, Rule::type_expr));
        ParseField { name: self.name_of(pair), ty, format: self.format_of(pair) }
    }

    fn pivot(&self, pair: &Pair) -> Step {
        let with = first_of(pair, Rule::pivot_with);
        let value = |pair: Pair| {
            let name = child(&pair, Rule::name).map(|name| self.name(&name));
            (self.expr(first_of(&pair, Rule::pivot_item)), name)
        };
        Step::Pivot {
            column: self.name_of(pair),
            values: child(pair, Rule::pivot_values)
                .map(|list| children(list, Rule::pivot_value).map(value).collect()),
            aggregates: self.block(child(&with, Rule::column_block).unwrap_or(with)),
            keys: self.keys(pair),
        }
    }

    fn unpivot(&self, pair: &Pair) -> Step {
        let mut names = children(pair.clone(), Rule::name).map(|name| self.name(&name));
        let mut name = || names.next().expect("`unpivot` names two columns");
        Step::Unpivot {
            columns: self.names(first_of(pair, Rule::names)),
            name: name(),
            value: name(),
        }
    }

    fn sample(&self, pair: &Pair) -> Step {
        let share = child(pair, Rule::percent);
        let size = match share {
            Some(share) => SampleSize::Share(self.percent(&share), self.span(&share)),
            None => {
                let rows = first_of(pair, Rule::int);
                SampleSize::Rows(self.magnitude(&rows).unwrap_or(u64::MAX), self.span(&rows))
            }
        };
        Step::Sample { size, by: self.keys(pair), seed: self.seed(pair) }
    }

    fn split(&self, pair: &Pair) -> Step {
        let shares = children(first_of(pair, Rule::split_block), Rule::share);
        let share = |pair: Pair| {
            let share = first_of(&pair, Rule::percent);
            (self.name_of(&pair), self.percent(&share), self.span(&pair))
        };
        Step::Split {
            by: self.keys(pair),
            seed: self.seed(pair),
            shares: shares.map(share).collect(),
        }
    }

    /// `seed 42`
    fn seed(&self, pair: &Pair) -> Option<(u64, Span)> {
        let seed = child(pair, Rule::seed)?;
        let number = first_of(&seed, Rule::int);
        Some((self.magnitude(&number).unwrap_or(u64::MAX), self.span(&number)))
    }

    fn branch(&self, pair: &Pair) -> Branch {
        let when = child(pair, Rule::expr).map(|when| self.expr(when));
        Branch { name: self.name_of(pair), when, span: self.span(pair) }
    }

    fn expect(&self, pair: &Pair) -> Step {
        let otherwise = child(pair, Rule::expect_action)
            .map(|action| (self.action(&action), self.span(&action)));
        Step::Expect {
            name: child(pair, Rule::name).map(|name| self.name(&name)),
            condition: self.expr_of(pair),
            otherwise,
            above: self.above(pair),
        }
    }

    fn action(&self, pair: &Pair) -> ExpectAction {
        let action = first(pair.clone());
        match action.as_rule() {
            Rule::k_warn => ExpectAction::Warn,
            Rule::k_drop => ExpectAction::Drop,
            Rule::k_fail => ExpectAction::Fail,
            _ => ExpectAction::Quarantine(self.name_of(&action)),
        }
    }

    /// `above 1%`
    pub(super) fn above(&self, pair: &Pair) -> Option<(f64, Span)> {
        let share = child(pair, Rule::percent)?;
        let (value, span) = (self.percent(&share), self.span(&share));
        if value > 1.0 {
            let message = format!("no share of rows is above {}", share.as_str().trim_end());
            let help =
                "a limit is from `0%` to `100%`; leave `above` out where any number may fail";
            self.report(graph::bad_setting(span, message, help));
        }
        Some((value, span))
    }

    fn casting(&self, pair: &Pair) -> (Name, super::super::ast::TypeExpr, Option<Text>) {
        (self.name_of(pair), self.type_expr(first_of(pair, Rule::type_expr)), self.format_of(pair))
    }

    fn filling(&self, pair: &Pair) -> (Name, Expr) {
        (self.name_of(pair), self.expr_of(pair))
    }

    fn two_names(&self, pair: Pair) -> (Name, Name) {
        let mut names = self.names(pair).into_iter();
        let mut name = || names.next().expect("`rename` has two names");
        (name(), name())
    }

    /// `format "%Y"`
    pub(super) fn format_of(&self, pair: &Pair) -> Option<Text> {
        child(pair, Rule::format).map(|format| self.plain_text(first_of(&format, Rule::plain_text)))
    }

    fn sort_keys(&self, pair: Pair) -> Vec<SortKey> {
        let key = |pair: Pair| SortKey {
            value: self.expr_of(&pair),
            descending: has(&pair, Rule::k_desc),
            nulls_first: has(&pair, Rule::k_first),
        };
        children(pair, Rule::sort_key).map(key).collect()
    }

    /// What stands behind `by`; nothing where there is none.
    fn keys(&self, pair: &Pair) -> Vec<Assignment> {
        child(pair, Rule::columns).map(|columns| self.block(columns)).unwrap_or_default()
    }

    /// The columns of `select`, in either form.
    fn columns_of(&self, pair: &Pair) -> Vec<Assignment> {
        let columns = child(pair, Rule::columns).or_else(|| child(pair, Rule::column_block));
        self.block(columns.expect("`select` has columns"))
    }

    fn assignments(&self, pair: Pair) -> Vec<Assignment> {
        match child(&pair, Rule::assignment_block) {
            Some(block) => self.block(block),
            None => self.block(pair),
        }
    }

    /// All assignments and columns among the children of a pair.
    pub(super) fn block(&self, pair: Pair) -> Vec<Assignment> {
        pair.into_inner()
            .filter(|child| matches!(child.as_rule(), Rule::assignment | Rule::column))
            .map(|assignment| self.assignment(&assignment))
            .collect()
    }

    pub(super) fn assignment(&self, pair: &Pair) -> Assignment {
        let name = child(pair, Rule::name).map(|name| self.name(&name));
        Assignment { name, value: self.expr_of(pair), span: self.span(pair) }
    }

    /// The expression among the children, which the grammar promises.
    pub(super) fn expr_of(&self, pair: &Pair) -> Expr {
        self.expr(first_of(pair, Rule::expr))
    }

    /// The first name among the children, which the grammar promises.
    pub(super) fn name_of(&self, pair: &Pair) -> Name {
        self.name(&first_of(pair, Rule::name))
    }
}

/// The child of that rule, which the grammar promises.
pub(super) fn first_of<'i>(pair: &Pair<'i>, rule: Rule) -> Pair<'i> {
    child(pair, rule).unwrap_or_else(|| panic!("the grammar gives {:?} a {rule:?}", pair.as_rule()))
}

pub(super) fn keep_of(pair: &Pair) -> Keep {
    match first(pair.clone()).as_rule() {
        Rule::k_newest => Keep::Newest,
        Rule::k_oldest => Keep::Oldest,
        Rule::k_first => Keep::First,
        _ => Keep::Last,
    }
}

fn join_kind(pair: &Pair) -> JoinKind {
    match first(pair.clone()).as_rule() {
        Rule::k_left => JoinKind::Left,
        Rule::k_right => JoinKind::Right,
        Rule::k_full => JoinKind::Full,
        Rule::k_semi => JoinKind::Semi,
        Rule::k_anti => JoinKind::Anti,
        Rule::k_cross => JoinKind::Cross,
        Rule::k_asof => JoinKind::Asof { inner: has(pair, Rule::k_inner) },
        _ => JoinKind::Inner,
    }
}

fn cardinality(pair: &Pair) -> Cardinality {
    match first(pair.clone()).as_rule() {
        Rule::one_to_one => Cardinality::OneToOne,
        Rule::one_to_many => Cardinality::OneToMany,
        Rule::many_to_one => Cardinality::ManyToOne,
        _ => Cardinality::ManyToMany,
    }
}
