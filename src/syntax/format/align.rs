//! What stands below each other in columns: `=` of assignments, types and attributes of columns,
//! what comes behind the name of a share or a branch, and `=` and `from` of declarations of one
//! line. Only lines without an empty line between them.

use super::tree::Builder;
use super::trivia::Trivia;
use super::{Parsed, WIDTH};
use crate::syntax::lower::Pair;
use batchc_grammar::Rule;
use std::collections::HashMap;
use std::ops::Range;

/// How many blanks stand before the word that begins at a byte, beside the usual one.
pub(super) type Pads = HashMap<usize, usize>;

/// Longer declarations are not aligned, so that blanks do not make them too long for a line.
const ALIGNED_MAX: usize = 80;

/// A word that is put below others, and how wide what stands before it is.
type Cell = (usize, usize);

impl Builder<'_> {
    /// Aligns the parts of a block, each with the byte that it is counted from, and whether an
    /// empty line parts it from the one before.
    pub fn align<'p>(&mut self, parts: impl Iterator<Item = (usize, bool, &'p Pair<'p>)>) {
        let mut section: Vec<(Rule, Vec<Option<Cell>>)> = Vec::new();
        for (base, is_parted, pair) in parts {
            self.base = base;
            let (rule, cells) = self.cells(pair);
            let goes_on = section.last().is_some_and(|(last, _)| *last == rule);
            if !goes_on || is_parted {
                self.align_section(&section);
                section.clear();
            }
            section.push((rule, cells));
        }
        self.align_section(&section);
    }

    fn align_section(&mut self, section: &[(Rule, Vec<Option<Cell>>)]) {
        let rows: Vec<&Vec<Option<Cell>>> = section.iter().map(|(_, cells)| cells).collect();
        align_rows(&rows, &mut self.pads);
    }

    /// What of a part of a block is aligned.
    fn cells(&self, pair: &Pair) -> (Rule, Vec<Option<Cell>>) {
        let inner: Vec<Pair> = pair.clone().into_inner().collect();
        let width = |pair: &Pair| pair.as_str().trim_end().chars().count();
        match pair.as_rule() {
            Rule::column_line | Rule::parse_field => {
                let (name, ty) = (&inner[0], &inner[2]);
                let attribute = inner.get(3).map(|pair| (self.start(pair), self.width(ty.clone())));
                (pair.as_rule(), vec![Some((self.start(ty), width(name))), attribute])
            }
            Rule::assignment | Rule::column | Rule::member => {
                let sign = inner.get(1).filter(|pair| pair.as_rule() == Rule::assign);
                let cell = sign.map(|sign| (self.start(sign), width(&inner[0])));
                (Rule::assignment, vec![cell])
            }
            Rule::share | Rule::branch => {
                (pair.as_rule(), vec![Some((self.start(&inner[1]), width(&inner[0])))])
            }
            Rule::source_item | Rule::job_item | Rule::step if inner.len() == 1 => {
                self.cells(&inner[0])
            }
            rule @ (Rule::set | Rule::derive) => {
                let mut assigned = inner[1].clone().into_inner();
                match (assigned.next(), assigned.next()) {
                    (Some(one), None) if one.as_rule() == Rule::assignment => {
                        (rule, self.cells(&one).1)
                    }
                    _ => (Rule::assignment_block, vec![]),
                }
            }
            rule => (rule, vec![]),
        }
    }
}

/// Aligns declarations of one line that stand directly below each other.
pub(super) fn declarations(
    found: &[Parsed],
    bytes: &[Range<usize>],
    text: &str,
    trivia: &Trivia,
) -> Pads {
    let (mut pads, none) = (Pads::new(), Pads::new());
    let mut section: Vec<(Rule, usize, Vec<Option<Cell>>)> = Vec::new();
    let mut align = |section: &mut Vec<(Rule, usize, Vec<Option<Cell>>)>| {
        let rows: Vec<&Vec<Option<Cell>>> = section.iter().map(|(.., cells)| cells).collect();
        let mut wanted = Pads::new();
        align_rows(&rows, &mut wanted);
        // A line that blanks make too long would be broken, and stand apart from the others.
        let pad =
            |cell: &Option<Cell>| cell.and_then(|(start, _)| wanted.get(&start)).unwrap_or(&0);
        let fits = |(_, width, cells): &(Rule, usize, Vec<Option<Cell>>)| {
            width + cells.iter().map(pad).sum::<usize>() <= WIDTH
        };
        if section.iter().all(fits) {
            pads.extend(wanted);
        }
        section.clear();
    };
    for (pair, base) in found.iter().zip(bytes.iter().map(|bytes| bytes.start)) {
        let builder = Builder::new(text, base, trivia, &none);
        let pair = if let Parsed::Whole(pair) = pair { Some(pair) } else { None };
        let row = pair.and_then(|pair| declaration(&builder, pair));
        let goes_on = section.last().map(|(rule, ..)| *rule) == row.as_ref().map(|(rule, _)| *rule);
        let width = pair.and_then(|pair| builder.width_of_line(pair.clone()));
        // One of several lines stands apart.
        let is_broken = width.is_none_or(|width| width > WIDTH);
        let has_comment = trivia.at(base).is_some_and(|around| !around.above.is_empty());
        if !goes_on || is_broken || has_comment || trivia.is_apart(base) {
            align(&mut section);
        }
        let aligned = row.zip(width).filter(|(_, width)| *width <= ALIGNED_MAX);
        section.extend(aligned.map(|((rule, cells), width)| (rule, width, cells)));
    }
    align(&mut section);
    pads
}

/// What of a declaration is aligned: of an output, a source, a parameter and a type without a block.
fn declaration(builder: &Builder, pair: &Pair) -> Option<(Rule, Vec<Option<Cell>>)> {
    let pair = pair.clone().into_inner().next()?;
    let rule = pair.as_rule();
    let inner: Vec<Pair> = pair.into_inner().collect();
    let head: Vec<Pair> = match rule {
        Rule::output | Rule::source if inner.len() == 1 => inner[0].clone().into_inner().collect(),
        Rule::param => {
            let ty = (builder.start(&inner[3]), inner[1].as_str().chars().count());
            return Some((rule, vec![Some(ty)]));
        }
        Rule::type_alias => inner,
        _ => return None,
    };
    let sign = (builder.start(&head[2]), head[1].as_str().chars().count());
    let from =
        (rule == Rule::output).then(|| (builder.start(&head[4]), builder.width(head[3].clone())));
    Some((rule, vec![Some(sign), from]))
}

/// Makes what stands before the cells of each column equally wide.
fn align_rows(rows: &[&Vec<Option<Cell>>], pads: &mut Pads) {
    let columns = rows.iter().map(|row| row.len()).max().unwrap_or(0);
    for column in 0..columns {
        let cells = || rows.iter().filter_map(|row| row.get(column).copied().flatten());
        let widest = cells().map(|(_, width)| width).max().unwrap_or(0);
        pads.extend(cells().map(|(start, width)| (start, widest - width)));
    }
}
