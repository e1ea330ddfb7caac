//! From the tree of a declaration to words and places where a line may end.

use super::align::Pads;
use super::printer::Op;
use super::space::{Leaf, has_space};
use super::tables::aligned;
use super::trivia::Trivia;
use crate::syntax::lower::{Pair, unsigned_date};
use batchc_grammar::Rule;
use std::ops::Range;

/// Gathers the layout of a declaration.
pub(super) struct Builder<'a> {
    text: &'a str,
    /// Where the declaration begins in the file.
    pub base: usize,
    pub trivia: &'a Trivia<'a>,
    /// Of words of other declarations too.
    shared: &'a Pads,
    pub pads: Pads,
    pub ops: Vec<Op>,
    /// The last word; none after a place where a line may end.
    before: Option<Leaf>,
    /// The comment behind the last word, which comes at the end of its line.
    behind: Option<&'a str>,
    /// No blanks before this byte: what stands there looks like a date without its sign, which is
    /// told, and would look like a difference.
    tight_until: usize,
}

impl<'a> Builder<'a> {
    pub fn new(
        text: &'a str,
        base: usize,
        trivia: &'a Trivia<'a>,
        shared: &'a Pads,
    ) -> Builder<'a> {
        Builder {
            text,
            base,
            trivia,
            shared,
            pads: Pads::new(),
            ops: Vec::new(),
            before: None,
            behind: None,
            tight_until: 0,
        }
    }

    pub fn finish(mut self) -> Vec<Op> {
        self.flush();
        self.ops
    }

    /// Where a node begins in the file.
    pub fn start(&self, pair: &Pair) -> usize {
        self.base + pair.as_span().start()
    }

    /// A node and all below it.
    pub fn pair(&mut self, pair: Pair) {
        let rule = pair.as_rule();
        match rule {
            Rule::EOI => {}
            Rule::text | Rule::regex | Rule::template | Rule::grok_text => {
                self.leaf(&pair, Rule::text);
            }
            Rule::table => self.table(pair),
            Rule::expr | Rule::bound => self.chain(pair),
            Rule::if_expr => self.choice(pair),
            Rule::function => self.function(pair),
            _ => {
                let pairs: Vec<Pair> = pair.into_inner().collect();
                let is_comma = |pair: &Pair| pair.as_rule() == Rule::comma;
                if is_listed(rule) && pairs.iter().any(is_comma) {
                    self.listed(pairs, rule);
                } else {
                    self.children(pairs, rule);
                }
            }
        }
    }

    /// Nodes that follow each other in one that is called `parent`.
    pub fn children(&mut self, pairs: Vec<Pair>, parent: Rule) {
        let mut pairs = pairs.into_iter().peekable();
        while let Some(pair) = pairs.next() {
            let until = match pair.as_rule() {
                Rule::lbrace => Rule::rbrace,
                Rule::lparen => Rule::rparen,
                Rule::lbracket => Rule::rbracket,
                _ => {
                    self.child(pair, parent);
                    continue;
                }
            };
            let mut inside = Vec::new();
            let close = loop {
                match pairs.next() {
                    Some(next) if next.as_rule() == until => break next,
                    Some(next) => inside.push(next),
                    None => unreachable!("the grammar closes what it opens"),
                }
            };
            if until == Rule::rbrace {
                self.block(&pair, inside, &close, parent);
            } else {
                self.brackets(&pair, inside, &close, parent);
            }
        }
    }

    fn child(&mut self, pair: Pair, parent: Rule) {
        let is_leaf = pair.clone().into_inner().next().is_none();
        if is_leaf && !pair.as_str().is_empty() && pair.as_rule() != Rule::EOI {
            self.leaf(&pair, parent);
        } else {
            self.pair(pair);
        }
    }

    /// A word, with the comments around it.
    pub fn leaf(&mut self, pair: &Pair, parent: Rule) {
        if pair.as_rule() != Rule::comma {
            self.flush();
        }
        self.comments_above(self.start(pair));
        self.word(pair, parent);
    }

    /// The same without the comments above it.
    pub fn word(&mut self, pair: &Pair, parent: Rule) {
        let leaf = Leaf { rule: pair.as_rule(), parent };
        self.put(leaf, self.start(pair)..self.base + pair.as_span().end());
    }

    /// Text of the program as it is, with the comments around it.
    pub fn verbatim(&mut self, bytes: Range<usize>) {
        self.flush();
        self.comments_above(bytes.start);
        self.verbatim_word(bytes);
    }

    /// The same without the comments above it.
    pub fn verbatim_word(&mut self, bytes: Range<usize>) {
        self.put(Leaf { rule: Rule::name, parent: Rule::name }, bytes);
    }

    fn put(&mut self, leaf: Leaf, bytes: Range<usize>) {
        if leaf.rule != Rule::comma {
            self.flush();
        }
        let pad = self.pads.get(&bytes.start).or_else(|| self.shared.get(&bytes.start));
        if let Some(pad) = pad.filter(|pad| **pad > 0) {
            self.ops.push(Op::Broken(" ".repeat(*pad)));
        }
        let is_tight = self.is_tight(bytes.start);
        if self.before.is_some_and(|before| has_space(before, leaf)) && !is_tight {
            self.ops.push(Op::Text(" ".to_owned()));
        }
        let source = self.text[bytes.clone()].trim_end_matches([' ', '\t', '\r']);
        self.ops.push(Op::Text(source.to_owned()));
        if leaf.rule == Rule::int && !is_tight && unsigned_date(self.text, bytes.start).is_some() {
            self.tight_until = bytes.start + "2024-01-31".len();
        }
        self.before = Some(leaf);
        self.note_behind(bytes);
    }

    /// Is it a further part of a date without its sign?
    pub fn is_tight(&self, start: usize) -> bool {
        start < self.tight_until
    }

    /// A comma or the like that a line end stands for; its comments stay.
    pub fn unsaid(&mut self, start: usize) {
        if self.trivia.at(start).is_some_and(|around| !around.above.is_empty()) {
            self.flush();
        }
        self.comments_above(start);
        self.note_behind(start..start + 1);
    }

    fn note_behind(&mut self, bytes: Range<usize>) {
        // A long text has no comments: those of its interpolations are a part of it.
        if let Some(behind) = self.trivia.behind(bytes) {
            self.flush();
            self.behind = Some(behind);
        }
    }

    /// The comments above the word that begins there.
    pub fn comments_above(&mut self, start: usize) {
        let Some(around) = self.trivia.at(start) else { return };
        if self.ops.is_empty() {
            // Those of the declaration itself are written by the file.
            return;
        }
        for (at, comment) in around.above.iter().enumerate() {
            if at > 0 && comment.blank_before {
                self.ops.push(Op::Blank);
            }
            self.ops.push(Op::Own(comment.text.to_owned()));
            self.before = None;
        }
        if !around.above.is_empty() && around.blank_before {
            self.ops.push(Op::Blank);
        }
    }

    /// The comments above what ends a block, as those of a part of the block.
    pub fn comments_at_end(&mut self, close: usize) {
        if self.trivia.at(close).is_some_and(|around| !around.above.is_empty()) {
            self.line(Op::Hard);
            if self.trivia.is_apart(close) {
                self.op(Op::Blank);
            }
        }
        self.comments_above(close);
    }

    /// Writes the comment behind the last word, at the latest before the next one.
    pub fn flush(&mut self) {
        if let Some(behind) = self.behind.take() {
            self.ops.push(Op::Behind(behind.to_owned()));
        }
    }

    /// A place where a line may end.
    pub fn line(&mut self, op: Op) {
        self.flush();
        self.ops.push(op);
        self.before = None;
    }

    pub fn op(&mut self, op: Op) {
        self.ops.push(op);
    }

    /// The rows of a table, one below the other.
    fn table(&mut self, pair: Pair) {
        self.ops.push(Op::Indent);
        let rows: Vec<Pair> = pair.into_inner().collect();
        let texts: Vec<&str> = rows.iter().map(|row| row.as_str().trim_end()).collect();
        for (row, text) in rows.iter().zip(aligned(&texts)) {
            self.line(Op::Hard);
            self.flush();
            let bytes = self.start(row)..self.base + row.as_span().end();
            self.comments_above(bytes.start);
            self.ops.push(Op::Text(text));
            self.before = Some(Leaf { rule: Rule::row, parent: Rule::table });
            self.note_behind(bytes);
        }
        self.ops.push(Op::Dedent);
    }

    /// How wide a node is on one line.
    pub fn width(&self, pair: Pair) -> usize {
        self.alone(pair).iter().map(width).sum()
    }

    /// The same; none for a node that comments or the way it was written keep from one line.
    pub fn width_of_line(&self, pair: Pair) -> Option<usize> {
        let ops = self.alone(pair);
        let is_long =
            |op: &Op| matches!(op, Op::Hard | Op::Blank | Op::Force | Op::Behind(_) | Op::Own(_));
        (!ops.iter().any(is_long)).then(|| ops.iter().map(width).sum())
    }

    /// The layout of a node as if nothing stood around it.
    fn alone(&self, pair: Pair) -> Vec<Op> {
        let none = Pads::new();
        let mut builder = Builder::new(self.text, self.base, self.trivia, &none);
        builder.pair(pair);
        builder.ops
    }
}

fn width(op: &Op) -> usize {
    match op {
        Op::Text(text) => text.chars().count(),
        Op::Line(text) | Op::Flat(text) => text.len(),
        _ => 0,
    }
}

/// Does it have values by commas that stand in no brackets?
fn is_listed(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::columns
            | Rule::names
            | Rule::pivot_with
            | Rule::join_on
            | Rule::assignments
            | Rule::union
            | Rule::except
            | Rule::intersect
            | Rule::rename
            | Rule::cast
            | Rule::fill
            | Rule::sort_keys
            | Rule::arm_values
            | Rule::resources
            | Rule::after
    )
}
