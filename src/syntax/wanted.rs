//! What the grammar would take at a place in a text, for completion: words of the language, and
//! which kinds of names.
//!
//! The text is cut at the place, laid out, and the statement that ends there is given to the grammar
//! with a character behind it that nothing begins with: it says what it expected instead. So what
//! stands behind the place, and what is wrong elsewhere, does not matter; and what the grammar
//! learns is offered without a line here.

use super::ast::{DeclarationKind, SettingKind, Step};
use super::layout::{Layout, Piece, lay_out};
use super::parse;
use super::parser::parse as parse_by;
use super::recovery::{block_of, entry_of, line_entry};
use super::second_look::{is_value, keyword, words_of};
use super::tokens::TokenKind;
use super::words::{Place, WORDS, Word};
use crate::diagnostics::Diagnostics;
use crate::text::Files;
use batchc_grammar::Rule;
use pest::error::{ErrorVariant, InputLocation};
use std::ops::Range;
use std::sync::LazyLock;

/// What may stand at a place.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// The beginning of the word that is being written, up to the place.
    pub word: Range<usize>,
    /// The block around it.
    pub place: Place,
    /// The first byte of the statement, or of the word where none has begun.
    pub statement: usize,
    /// The first word of the statement; none where it is the word that is being written.
    pub verb: String,
    /// The word or sign before.
    pub before: String,
    /// Words that go on.
    pub words: Vec<String>,
    /// Kinds of names that go on.
    pub kinds: Vec<Kind>,
    /// Of `a.`, what stands before the point.
    pub qualifier: Option<String>,
    /// The innermost call around it.
    pub call: Option<Call>,
    /// The names before it in the statement, the nearest first.
    pub names_before: Vec<String>,
}

/// A kind of name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A word that begins a declaration or statement of the block.
    Statement,
    /// Anything that has a value.
    Value,
    /// Something of which there is a list: mostly columns.
    Name,
    /// A column that is made here.
    NewName,
    /// A source or a job.
    Table,
    /// A type.
    Type,
    /// A connector.
    Connector,
    /// A transform of the program.
    Transform,
    /// A module of the library.
    Module,
}

/// A call whose arguments are being written.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The first byte of the function's name, or the connector's.
    pub start: usize,
    /// The name.
    pub name: String,
    /// Which argument is being written.
    pub argument: usize,
    /// The label of that argument, if it has one.
    pub label: Option<String>,
    /// The labels that are there.
    pub labels: Vec<String>,
}

/// Stands for the word that is being written, where the text is cut.
const MARK: &str = "marker_";

/// Nothing begins with it.
const END: char = '\u{1}';

/// What may stand at a byte of a text; nothing within a comment or a text.
pub fn wanted(text: &str, byte: usize) -> Option<Wanted> {
    let before = text.get(..byte)?;
    let is_of_name = |c: char| c.is_alphanumeric() || c == '_';
    let start = before.rfind(|c| !is_of_name(c)).map_or(0, |at| at + char_len(before, at));
    let cut = within_hole(&format!("{}{MARK}", &text[..start]), start);
    let layout = lay_out(&cut);
    let mark = layout.tokens.len().checked_sub(1)?;
    let token = layout.tokens[mark];
    if token.kind != TokenKind::Word || token.start as usize != start {
        return None;
    }
    let piece = layout.pieces.last()?;
    let seen = Seen::of(&layout, piece, mark);
    let (words, mut kinds) = seen.expected();
    if seen.statement == mark && seen.is_block {
        kinds = vec![Kind::Statement];
    }
    let source = |at: usize| layout.source(at).to_owned();
    let previous = seen.meant_before(mark);
    let qualifier = previous.filter(|at| layout.source(*at) == ".").and_then(|dot| {
        let base = seen.meant_before(dot)?;
        (layout.tokens[base].kind == TokenKind::Word).then(|| source(base))
    });
    let names = (seen.statement..mark).rev();
    let names = names.filter(|at| layout.tokens[*at].kind == TokenKind::Word);
    Some(Wanted {
        word: start..byte,
        place: seen.place,
        statement: layout.tokens[seen.statement].start as usize,
        verb: if seen.statement == mark { String::new() } else { source(seen.statement) },
        before: previous.map_or(String::new(), source),
        words,
        kinds,
        qualifier,
        call: seen.call(),
        names_before: names.map(source).collect(),
    })
}

fn char_len(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(1, char::len_utf8)
}

/// The text with the beginning of a text literal made blank when it ends in an interpolation that is
/// open: what is written there is an expression like any other.
fn within_hole(cut: &str, start: usize) -> String {
    let layout = lay_out(cut);
    let Some(token) = layout.tokens.iter().rfind(|token| (token.start as usize) < start) else {
        return cut.to_owned();
    };
    let is_open = matches!(token.kind, TokenKind::UnclosedText | TokenKind::BrokenText);
    let literal = &cut[token.start as usize..start];
    let hole = literal
        .rfind('{')
        .filter(|at| !literal[..*at].ends_with('{') && !literal[*at..].contains('}'));
    match hole.filter(|_| is_open && token.end as usize > start) {
        Some(hole) => {
            let first = token.start as usize;
            let blank = " ".repeat(hole + 1);
            format!("{}{blank}{}", &cut[..first], &cut[first + hole + 1..])
        }
        None => cut.to_owned(),
    }
}

/// Where the mark stands.
struct Seen<'l> {
    layout: &'l Layout,
    mark: usize,
    place: Place,
    /// Is it within the block of a declaration, or at the beginning of one?
    is_block: bool,
    /// The first token of the statement.
    statement: usize,
    /// Brackets that are open before the mark, from the outermost.
    open: Vec<usize>,
}

impl<'l> Seen<'l> {
    fn of(layout: &'l Layout, piece: &Piece, mark: usize) -> Seen<'l> {
        let tokens = piece.tokens.clone();
        let is_open =
            |at: &usize| layout.tokens[*at].kind == TokenKind::Open && !layout.is_closed(*at);
        let open: Vec<usize> = (tokens.start..mark).filter(is_open).collect();
        let place = block_of(layout.source(tokens.start));
        let brace = open.iter().find(|at| layout.source(**at) == "{");
        let (Some(place), Some(brace)) = (place, brace) else {
            let is_block = tokens.start == mark;
            return Seen {
                layout,
                mark,
                place: Place::File,
                is_block,
                statement: tokens.start,
                open,
            };
        };
        let by_commas = matches!(place, Place::Source | Place::Enum);
        let parts = layout.split(brace + 1..mark + 1, by_commas);
        let last = parts.last().filter(|part| part.contains(&mark));
        let statement = last.map_or(mark, |part| part.start);
        Seen { layout, mark, place, is_block: true, statement, open }
    }

    /// The token before one that means something, within the statement.
    fn meant_before(&self, at: usize) -> Option<usize> {
        let mut before = (self.statement..at).rev();
        before.find(|at| !self.layout.tokens[*at].kind.is_trivia())
    }

    /// What the grammar expects at the mark.
    fn expected(&self) -> (Vec<String>, Vec<Kind>) {
        let whole = (self.statement, entry_of(self.place));
        let rules = self.ask(whole.0, whole.1).or_else(|| self.line_of_block());
        let Some(rules) = rules else {
            // Something before is wrong: what is most often wanted.
            let kinds = if self.place == Place::Job { vec![Kind::Value] } else { vec![] };
            return (vec![], kinds);
        };
        let mut words: Vec<String> = vec![];
        let mut kinds: Vec<Kind> = vec![];
        for rule in rules {
            words.extend(
                words_of(rule).iter().chain(more_words(rule)).map(|word| (*word).to_owned()),
            );
            words.extend(keyword(rule));
            kinds.extend(kind_of(rule));
        }
        words.sort();
        words.dedup();
        (words, self.exact(kinds))
    }

    /// What is known more exactly of a name than that it is one.
    fn exact(&self, mut kinds: Vec<Kind>) -> Vec<Kind> {
        kinds.dedup();
        if kinds.contains(&Kind::Value) {
            // The other name would be a label or a variable, which nobody can know.
            kinds.retain(|kind| *kind != Kind::Name);
            return kinds;
        }
        let before = self.meant_before(self.mark).map_or("", |at| self.layout.source(at));
        let verb = self.layout.source(self.statement);
        let exact = match before {
            "as" => Kind::NewName,
            "apply" => Kind::Transform,
            _ if verb == "use" => Kind::Module,
            "=" if self.place == Place::File => Kind::Connector,
            _ if self.is_of_path() => Kind::Table,
            _ if self.place == Place::File => Kind::NewName,
            _ => return kinds,
        };
        let is_set = verb == "set" && self.place == Place::Job;
        for kind in &mut kinds {
            match kind {
                Kind::Name | Kind::Table => *kind = exact,
                Kind::NewName if is_set => *kind = Kind::Name,
                _ => {}
            }
        }
        kinds
    }

    /// Would a name at the mark be that of a table?
    fn is_of_path(&self) -> bool {
        let start = self.layout.tokens[self.statement].start as usize;
        let mark = self.layout.tokens[self.mark].range();
        let at = mark.start - start;
        // Of some, what has to stand behind the name.
        let behind = match self.layout.source(self.statement) {
            "given" => "\n| a |",
            _ => "",
        };
        let text = format!("{}{behind}", &self.layout.text[start..mark.end]);
        let Ok(pair) = parse_by(entry_of(self.place), &text) else { return false };
        pair.into_inner().flatten().any(|pair| {
            let span = pair.as_span();
            pair.as_rule() == Rule::path && span.start() <= at && at < span.end()
        })
    }

    /// The rules that could go on from a token up to the mark; none when the grammar does not get
    /// that far.
    fn ask(&self, from: usize, entry: Rule) -> Option<Vec<Rule>> {
        let (start, end) = (self.layout.tokens[from].start, self.layout.tokens[self.mark].start);
        let text = &self.layout.text[start as usize..end as usize];
        let depth = text.bytes().filter(|byte| b"([{".contains(byte)).count();
        if depth > super::NESTING_MAX || text.len() > LONGEST {
            return None;
        }
        let error = parse_by(entry, &format!("{text}{END}")).err()?;
        let (InputLocation::Pos(at) | InputLocation::Span((at, _))) = error.location;
        match error.variant {
            ErrorVariant::ParsingError { positives, .. } if at >= text.trim_end().len() => {
                Some(positives)
            }
            _ => None,
        }
    }

    /// The same for the last line of a block within the statement, when another one is wrong.
    fn line_of_block(&self) -> Option<Vec<Rule>> {
        let brace = *self.open.iter().rfind(|at| self.layout.source(**at) == "{")?;
        if brace < self.statement {
            return None;
        }
        let entry = line_entry(self.layout.source(self.statement))?;
        let parts = self.layout.split(brace + 1..self.mark + 1, true);
        let line = parts.last().filter(|part| part.contains(&self.mark))?;
        self.ask(line.start, entry)
    }

    fn call(&self) -> Option<Call> {
        let open = *self.open.last()?;
        if self.layout.source(open) != "(" {
            return None;
        }
        let callee = (0..open).rev().find(|at| !self.layout.tokens[*at].kind.is_trivia())?;
        if self.layout.tokens[callee].kind != TokenKind::Word {
            return None;
        }
        let arguments = self.layout.split(open + 1..self.mark + 1, true);
        let label = |part: &Range<usize>| {
            let behind =
                (part.start + 1..part.end).find(|at| !self.layout.tokens[*at].kind.is_trivia())?;
            (self.layout.source(behind) == ":").then(|| self.layout.source(part.start).to_owned())
        };
        let labels: Vec<Option<String>> = arguments.iter().map(label).collect();
        Some(Call {
            start: self.layout.tokens[callee].start as usize,
            name: self.layout.source(callee).to_owned(),
            argument: arguments.len().saturating_sub(1),
            label: labels.last().cloned().flatten(),
            labels: labels.into_iter().flatten().collect(),
        })
    }
}

/// Longer statements are written by programs.
const LONGEST: usize = 100_000;

/// Words that a rule begins with, and of those that the grammar takes by their first letter.
fn more_words(rule: Rule) -> &'static [&'static str] {
    match rule {
        // All that goes on an expression, wherever that is.
        Rule::or_op => &["between", "in", "is", "as", "matches", "not"],
        Rule::arm | Rule::arm_values => &["else"],
        Rule::cardinality => &["many_to_many", "many_to_one", "one_to_many", "one_to_one"],
        Rule::named => &["named"],
        Rule::format => &["format"],
        Rule::quarantine => &["quarantine"],
        _ => &[],
    }
}

fn kind_of(rule: Rule) -> Option<Kind> {
    Some(match rule {
        Rule::name | Rule::names | Rule::renaming | Rule::casting | Rule::filling => Kind::Name,
        Rule::assignment | Rule::assignments => Kind::NewName,
        Rule::path => Kind::Table,
        Rule::type_expr | Rule::named_type | Rule::list_type | Rule::record_type => Kind::Type,
        Rule::connector => Kind::Connector,
        Rule::job_item
        | Rule::step
        | Rule::source_item
        | Rule::output_item
        | Rule::pipeline_item
        | Rule::model_item
        | Rule::test_item
        | Rule::declaration => Kind::Statement,
        Rule::arm => Kind::Value,
        rule if is_value(rule) => Kind::Value,
        _ => return None,
    })
}

/// The words that begin a statement of a block, or a declaration, as far as they are available.
pub fn words_at(place: Place) -> impl Iterator<Item = &'static Word> {
    static AVAILABLE: LazyLock<Vec<&Word>> =
        LazyLock::new(|| WORDS.iter().filter(|word| is_available(word)).collect());
    AVAILABLE.iter().copied().filter(move |word| word.places.contains(&place))
}

/// Has the example of a word a meaning yet?
fn is_available(word: &Word) -> bool {
    if !word.example.starts_with(word.word) {
        return false;
    }
    let around = match word.places {
        [Place::File, ..] => word.example.to_owned(),
        [Place::Job, ..] => format!("job j {{\nfrom a\n{}\n}}", word.example),
        [Place::Source, ..] => format!("source s = csv(\"a\") {{\n{}\n}}", word.example),
        [Place::Output, ..] => format!("output o = csv(\"a\") from j {{\n{}\n}}", word.example),
        [Place::Pipeline, ..] => format!("pipeline p {{\n{}\n}}", word.example),
        [Place::Test] => format!("test \"t\" {{\n{}\n}}", word.example),
        _ => return false,
    };
    let mut files = Files::default();
    let id = files.add("example.batch", around);
    let tree = parse(&files, id, &mut Diagnostics::new());
    let is_later = |kind: &SettingKind| matches!(kind, SettingKind::Later(_));
    tree.declarations.iter().all(|declaration| match &declaration.kind {
        DeclarationKind::Later(_) => false,
        DeclarationKind::Job(job) => {
            !job.settings.iter().any(|setting| is_later(&setting.kind))
                && !job.steps.iter().any(|step| matches!(step.step, Step::Later(_)))
        }
        DeclarationKind::Source(source) => !source.settings.iter().any(|one| is_later(&one.kind)),
        DeclarationKind::Output(output) => !output.settings.iter().any(|one| is_later(&one.kind)),
        DeclarationKind::Pipeline(one) => !one.settings.iter().any(|one| is_later(&one.kind)),
        DeclarationKind::Function(function) => function.native.is_none(),
        _ => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of a statement, and what is between them.
    fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
        let tokens = super::super::tokens(text).into_iter();
        let words = tokens.filter(|token| token.kind == TokenKind::Word);
        words.map(|token| (token.start as usize, &text[token.range()]))
    }

    #[test]
    fn words_of_the_language_are_wanted_where_examples_have_them() {
        let mut missing = vec![];
        for word in WORDS.iter().filter(|word| word.places == [Place::Job] && is_available(word)) {
            let before = "job j {\n  from a\n  ";
            let text = format!("{before}{}", word.example);
            for (at, next) in words(word.example).skip(1) {
                let at = before.len() + at;
                let wanted = wanted(&text[..at], at).expect("it is a word");
                if wanted.kinds.is_empty() && !wanted.words.iter().any(|known| known == next) {
                    missing.push(format!("{}: `{next}`", word.example));
                }
            }
        }
        assert!(missing.is_empty(), "not offered:\n{}", missing.join("\n"));
    }
}
