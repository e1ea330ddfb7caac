//! Where long expressions and lists without brackets are broken.

use super::printer::Op;
use super::tree::Builder;
use crate::syntax::lower::Pair;
use batchc_grammar::Rule;

impl Builder<'_> {
    /// Operands and operators: one line, or a line that begins with each operator of those that
    /// bind least.
    pub fn chain(&mut self, pair: Pair) {
        let parent = pair.as_rule();
        self.links(&pair.into_inner().collect::<Vec<_>>(), parent, true);
    }

    /// The same between parentheses, which indent it themselves.
    pub fn chain_in_parentheses(&mut self, pair: Pair) {
        let parent = pair.as_rule();
        self.links(&pair.into_inner().collect::<Vec<_>>(), parent, false);
    }

    fn links(&mut self, pairs: &[Pair], parent: Rule, is_indented: bool) {
        let Some(least) = pairs.iter().filter_map(|pair| strength(pair.as_rule())).min() else {
            return self.children(pairs.to_vec(), parent);
        };
        let is_link = |pair: &Pair| strength(pair.as_rule()) == Some(least);
        let places: Vec<usize> = (0..pairs.len()).filter(|at| is_link(&pairs[*at])).collect();
        self.op(Op::Begin);
        let begins_line =
            |at: usize| pairs.get(at).is_some_and(|pair| self.trivia.begins_line(self.start(pair)));
        if least != COMPARED && places.iter().any(|at| begins_line(*at) || begins_line(*at + 1)) {
            self.op(Op::Force);
        }
        self.links(&pairs[..places[0]], parent, true);
        if is_indented && least != COMPARED {
            self.op(Op::Indent);
        }
        for (number, at) in places.iter().enumerate() {
            // What is compared stays together. A line that begins with `//` could be the comment of
            // another language.
            let is_together = least == COMPARED
                || pairs[*at].as_rule() == Rule::int_divide_op
                || self.is_tight(self.start(&pairs[*at]));
            if !is_together {
                self.line(Op::Line(" "));
            }
            let end = places.get(number + 1).copied().unwrap_or(pairs.len());
            self.children(vec![pairs[*at].clone()], parent);
            self.links(&pairs[*at + 1..end], parent, true);
        }
        if is_indented && least != COMPARED {
            self.op(Op::Dedent);
        }
        self.op(Op::End);
    }

    /// A function: what it gives stands on a line of its own if it was written so.
    pub fn function(&mut self, pair: Pair) {
        let mut pairs: Vec<Pair> = pair.into_inner().collect();
        let body = pairs.pop_if(|last| self.trivia.begins_line(self.start(last)));
        self.children(pairs, Rule::function);
        if let Some(body) = body {
            self.op(Op::Indent);
            self.line(Op::Hard);
            self.pair(body);
            self.op(Op::Dedent);
        }
    }

    /// `if a then b else c`: one line, or a line for each of both ways.
    pub fn choice(&mut self, pair: Pair) {
        let pairs: Vec<Pair> = pair.into_inner().collect();
        let is_way = |pair: &Pair| matches!(pair.as_rule(), Rule::k_then | Rule::k_else);
        self.op(Op::Begin);
        if pairs.iter().any(|pair| is_way(pair) && self.trivia.begins_line(self.start(pair))) {
            self.op(Op::Force);
        }
        self.op(Op::Indent);
        for pair in pairs {
            if is_way(&pair) {
                self.line(Op::Line(" "));
            }
            self.children(vec![pair], Rule::if_expr);
        }
        self.op(Op::Dedent);
        self.op(Op::End);
    }

    /// Values by commas without brackets: one line, or a line for each.
    pub fn listed(&mut self, pairs: Vec<Pair>, parent: Rule) {
        let first = pairs.iter().position(|pair| pair.as_rule() == Rule::comma);
        let first = first.unwrap_or(pairs.len());
        let follows = |at: usize| pairs[at - 1].as_rule() == Rule::comma;
        let is_broken = (first + 1..pairs.len())
            .any(|at| follows(at) && self.trivia.begins_line(self.start(&pairs[at])));
        self.op(Op::Begin);
        if is_broken {
            self.op(Op::Force);
        }
        for (at, pair) in pairs.into_iter().enumerate() {
            if at == first {
                self.op(Op::Indent);
            }
            if pair.as_rule() == Rule::comma {
                self.leaf(&pair, parent);
                self.line(Op::Line(" "));
            } else {
                self.children(vec![pair], parent);
            }
        }
        self.op(Op::Dedent);
        self.op(Op::End);
    }
}

/// How strongly comparisons bind.
const COMPARED: u8 = 3;

/// How strongly an operator binds; none for what is no operator between two operands.
fn strength(rule: Rule) -> Option<u8> {
    Some(match rule {
        Rule::or_op => 1,
        Rule::and_op => 2,
        Rule::equal_op
        | Rule::not_equal_op
        | Rule::less_op
        | Rule::less_equal_op
        | Rule::greater_op
        | Rule::greater_equal_op
        | Rule::in_op => COMPARED,
        Rule::coalesce_op => 4,
        Rule::add_op | Rule::subtract_op => 5,
        Rule::multiply_op | Rule::divide_op | Rule::int_divide_op | Rule::remainder_op => 6,
        Rule::power_op => 7,
        _ => return None,
    })
}
