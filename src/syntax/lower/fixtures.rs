//! Tests of the program, and the cells of their tables.

use super::super::ast::{Cell, DeclarationKind, Expr, Table, TableRow, Test, TestItem, Wanted};
use super::super::layout::NESTING_MAX;
use super::super::parser::parse;
use super::steps::first_of;
use super::{Lower, Pair, child, children, first, has};
use crate::diagnostics::Diagnostics;
use crate::text::Span;
use batchc_grammar::Rule;

impl Lower<'_> {
    /// A whole test.
    pub(super) fn test(&self, pair: &Pair) -> DeclarationKind {
        let head = first_of(pair, Rule::test_head);
        let items = children(first_of(pair, Rule::test_block), Rule::test_item);
        DeclarationKind::Test(Test {
            name: self.plain_text(first_of(&head, Rule::plain_text)),
            items: items.map(|item| self.test_item(item)).collect(),
        })
    }

    /// A statement of a test: a pair of `test_item`.
    pub(super) fn test_item(&self, pair: Pair) -> TestItem {
        let inner = first(pair);
        let path = self.names(first_of(&inner, Rule::path));
        match inner.as_rule() {
            Rule::given => {
                TestItem::Given { table: path, rows: self.table(first_of(&inner, Rule::table)) }
            }
            Rule::want => {
                let wanted = match child(&inner, Rule::table) {
                    Some(table) => Wanted::Rows(self.table(table)),
                    None if has(&inner, Rule::k_fails) => Wanted::Fails(
                        child(&inner, Rule::plain_text).map(|text| self.plain_text(text)),
                    ),
                    None => Wanted::Nothing,
                };
                TestItem::Want { table: path, wanted, span: self.span(&inner) }
            }
            _ => TestItem::Set { path, value: self.expr_of(&inner) },
        }
    }

    fn table(&self, pair: Pair) -> Table {
        let mut rows = children(pair, Rule::row).map(|row| self.row(row));
        Table { header: rows.next().expect("a table has a line"), rows: rows.collect() }
    }

    fn row(&self, pair: Pair) -> TableRow {
        let span = self.span(&pair);
        TableRow { cells: children(pair, Rule::cell).map(|cell| self.cell(&cell)).collect(), span }
    }

    fn cell(&self, pair: &Pair) -> Cell {
        let (source, start) = (pair.as_str(), self.base + pair.as_span().start());
        let text = source.trim();
        let before = source.len() - source.trim_start().len();
        let span = match text.is_empty() {
            true => Span::new(self.file, start, start + source.len()),
            false => Span::new(self.file, start + before, start + before + text.len()),
        };
        Cell { text: text.to_owned(), value: self.value_of(text, start + before), span }
    }

    /// The expression that a cell is, if it is one that has to be read so. A text that only looks like
    /// one is none, so nothing is reported of it.
    fn value_of(&self, text: &str, start: usize) -> Option<Expr> {
        let is_nested = text.starts_with(['[', '{']);
        let is_quantity = text.starts_with(|first: char| first.is_ascii_digit() || first == '-')
            && text.ends_with(|last: char| last.is_ascii_alphabetic());
        let depth = text.bytes().filter(|byte| matches!(byte, b'[' | b'{' | b'(' | b'-')).count();
        if !(is_nested || is_quantity) || depth > NESTING_MAX {
            return None;
        }
        let pair = parse(Rule::only_value, text).ok()?;
        let mut found = Diagnostics::new();
        let value = Lower::new(self.file, self.source, self.layout, start, &mut found).expr(pair);
        (!found.has_errors()).then_some(value)
    }
}
