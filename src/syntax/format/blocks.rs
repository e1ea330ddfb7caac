//! What stands in brackets: statements and columns in braces, values in others.

use super::printer::Op;
use super::tree::Builder;
use crate::syntax::lower::Pair;
use batchc_grammar::Rule;

/// A part of a block, and the comma behind it.
struct Part<'i> {
    pair: Pair<'i>,
    comma: Option<Pair<'i>>,
}

impl Builder<'_> {
    /// A block: one line if it was written so and fits, or else a line for each of its parts.
    pub fn block(&mut self, open: &Pair, inside: Vec<Pair>, close: &Pair, parent: Rule) {
        let edge = match parent {
            Rule::record | Rule::record_type => "",
            _ => " ",
        };
        let parts = parts(inside);
        self.align_parts(&parts);
        self.leaf(open, parent);
        if parts.is_empty() {
            return self.close_empty(close, parent);
        }
        self.op(Op::Begin);
        if self.is_broken(&parts, parent) {
            self.op(Op::Force);
        }
        self.op(Op::Indent);
        self.line(Op::Line(edge));
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                self.between(parts[at - 1].comma.as_ref(), part, parent);
            }
            self.children(vec![part.pair.clone()], parent);
        }
        if let Some(comma) = parts.last().and_then(|part| part.comma.as_ref()) {
            self.unsaid(self.start(comma));
        }
        self.close(close, parent, edge);
    }

    fn align_parts(&mut self, parts: &[Part]) {
        let (base, trivia) = (self.base, self.trivia);
        let comma = |part: &Part| part.comma.as_ref().map(|comma| base + comma.as_span().start());
        let commas = std::iter::once(None).chain(parts.iter().map(comma));
        self.align(parts.iter().zip(commas).map(|(part, comma)| {
            let start = base + part.pair.as_span().start();
            (base, trivia.is_parted(comma.as_slice(), start), &part.pair)
        }));
    }

    /// What separates two parts: on one line a comma, and else the end of the line.
    fn between(&mut self, comma: Option<&Pair>, next: &Part, parent: Rule) {
        // Without a comma, such a line would go on the one before it.
        let goes_on = next.pair.as_str().starts_with(['-', '{']);
        match comma {
            Some(comma) if goes_on => self.leaf(comma, parent),
            None if goes_on => self.op(Op::Text(",".to_owned())),
            _ => self.op(Op::Flat(",")),
        }
        if let Some(comma) = comma
            && !goes_on
        {
            self.unsaid(self.start(comma));
        }
        self.line(Op::Line(" "));
        if self.trivia.is_apart(self.start(&next.pair)) {
            self.op(Op::Blank);
        }
    }

    /// Was it written in lines, or must it be?
    fn is_broken(&self, parts: &[Part], parent: Rule) -> bool {
        let of_statements = matches!(
            parent,
            Rule::job_block
                | Rule::pipeline_block
                | Rule::output_block
                | Rule::model_block
                | Rule::test_block
        );
        let begins_line = |part: &Part| self.trivia.begins_line(self.start(&part.pair));
        of_statements && parts.len() > 1 || parts.iter().any(begins_line)
    }

    /// Parentheses and brackets: one line if it fits, or else a line for each value.
    pub fn brackets(&mut self, open: &Pair, inside: Vec<Pair>, close: &Pair, parent: Rule) {
        let list = |pair: &Pair| matches!(pair.as_rule(), Rule::arguments | Rule::parameters);
        let mut inside: Vec<Pair> = inside
            .into_iter()
            .flat_map(|pair| if list(&pair) { pair.into_inner().collect() } else { vec![pair] })
            .collect();
        let last = inside.pop_if(|last| last.as_rule() == Rule::comma);
        if parent == Rule::named_type {
            return self.of_type(open, inside, close);
        }
        self.leaf(open, parent);
        if inside.is_empty() {
            return self.close_empty(close, parent);
        }
        self.op(Op::Begin);
        if inside.first().is_some_and(|first| self.trivia.begins_line(self.start(first))) {
            self.op(Op::Force);
        }
        self.op(Op::Indent);
        self.line(Op::Line(""));
        for pair in inside {
            match pair.as_rule() {
                Rule::comma => {
                    self.leaf(&pair, parent);
                    self.line(Op::Line(" "));
                }
                Rule::expr if parent == Rule::paren => self.chain_in_parentheses(pair),
                _ => self.children(vec![pair], parent),
            }
        }
        let may_end_in_comma = matches!(
            parent,
            Rule::call
                | Rule::connector
                | Rule::list
                | Rule::pivot_values
                | Rule::tags
                | Rule::signature
                | Rule::transform_head
                | Rule::apply
        );
        if may_end_in_comma {
            self.op(Op::Broken(",".to_owned()));
        }
        if let Some(comma) = last {
            self.unsaid(self.start(&comma));
        }
        self.close(close, parent, "");
    }

    /// The parameters of a type, which stay on its line.
    fn of_type(&mut self, open: &Pair, inside: Vec<Pair>, close: &Pair) {
        let first = self.ops.len();
        self.leaf(open, Rule::named_type);
        for pair in inside {
            self.children(vec![pair], Rule::named_type);
        }
        self.leaf(close, Rule::named_type);
        let ops = self.ops.split_off(first);
        self.ops.extend(ops.into_iter().filter_map(|op| match op {
            Op::Line(flat) | Op::Flat(flat) => Some(Op::Text(flat.to_owned())),
            Op::Text(_) | Op::Behind(_) | Op::Own(_) => Some(op),
            _ => None,
        }));
    }

    /// The end of a bracket with nothing but comments in it: nothing there can be broken.
    fn close_empty(&mut self, close: &Pair, parent: Rule) {
        self.line(Op::Text(String::new()));
        self.op(Op::Indent);
        self.comments_at_end(self.start(close));
        self.op(Op::Dedent);
        self.word(close, parent);
    }

    /// The end of a bracket, which stands where the line of its beginning began.
    fn close(&mut self, close: &Pair, parent: Rule, edge: &'static str) {
        self.flush();
        self.comments_at_end(self.start(close));
        self.op(Op::Dedent);
        self.line(Op::Line(edge));
        self.word(close, parent);
        self.op(Op::End);
    }
}

fn parts(inside: Vec<Pair>) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for pair in inside {
        match parts.last_mut() {
            Some(last) if pair.as_rule() == Rule::comma => last.comma = Some(pair),
            _ => parts.push(Part { pair, comma: None }),
        }
    }
    parts
}
