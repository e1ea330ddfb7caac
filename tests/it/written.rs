//! Programs that the grammar writes: for each of its rules, at random, something that the rule takes,
//! with comments and line ends wherever the language allows them. The same in every run.
//!
//! So what the grammar learns is tried without a line here. Whether they mean anything does not
//! matter.

use fastrand::Rng;
use pest_meta::ast::{Expr, Rule, RuleType};
use std::collections::HashMap;

/// Below this many rules, the shortest way is taken.
const DEEP: usize = 26;
/// Behind this many bytes of a declaration, too.
const LONG: usize = 1_500;

/// The rules of the language.
pub(crate) struct Grammar {
    rules: HashMap<String, Rule>,
    /// How many rules below each other each of them needs at least.
    heights: HashMap<String, usize>,
}

impl Grammar {
    pub(crate) fn new() -> Grammar {
        let text = include_str!("../../grammar/batch.pest");
        let pairs = pest_meta::parser::parse(pest_meta::parser::Rule::grammar_rules, text);
        let rules = pest_meta::parser::consume_rules(pairs.expect("the grammar can be read"));
        let rules = rules.expect("the grammar is one");
        let rules = rules.into_iter().map(|rule| (rule.name.clone(), rule)).collect();
        let mut grammar = Grammar { rules, heights: HashMap::new() };
        grammar.measure();
        grammar
    }

    /// Finds the heights, from what needs no other rule upwards.
    fn measure(&mut self) {
        loop {
            let found: Vec<(String, usize)> = self
                .rules
                .values()
                .filter(|rule| !self.heights.contains_key(&rule.name))
                .filter_map(|rule| Some((rule.name.clone(), 1 + self.height(&rule.expr)?)))
                .collect();
            if found.is_empty() {
                return;
            }
            self.heights.extend(found);
        }
    }

    fn height(&self, expr: &Expr) -> Option<usize> {
        match expr {
            Expr::Ident(name) if self.rules.contains_key(name) && word(name).is_none() => {
                self.heights.get(name).copied()
            }
            Expr::Seq(first, second) => Some(self.height(first)?.max(self.height(second)?)),
            Expr::Choice(first, second) => {
                [self.height(first), self.height(second)].into_iter().flatten().min()
            }
            Expr::RepOnce(inner) | Expr::RepExact(inner, _) | Expr::RepMin(inner, _) => {
                self.height(inner)
            }
            _ => Some(0),
        }
    }

    /// A program of a few declarations.
    pub(crate) fn program(&self, seed: u64) -> String {
        let mut writer = Writer {
            grammar: self,
            random: Rng::with_seed(seed),
            out: String::new(),
            start: 0,
            blank: false,
            brackets: vec![],
            texts: 0,
            depth: 0,
        };
        for _ in 0..1 + writer.random.usize(..4) {
            writer.start = writer.out.len();
            writer.rule("declaration", false);
            writer.blank = false;
            let end =
                writer.pick(&["\n", "\n\n", " # behind\n", "\n\n# between\n", "\n## above\n"]);
            writer.out.push_str(end);
        }
        writer.out
    }
}

/// What stands for a rule whose own words say too little of what it takes.
fn word(rule: &str) -> Option<&'static [&'static str]> {
    Some(match rule {
        "name" | "label" => &[
            "a",
            "id",
            "amount",
            "customer",
            "x1",
            "größe",
            "名",
            "_row",
            "a_name_that_is_rather_long",
            "size",
            "first",
            "key",
            "rows",
            "from",
            "another_name_that_is_even_longer",
        ],
        "callee" => &["upper", "sum", "count", "coalesce", "a_function_with_a_long_name"],
        "digits" => &["0", "1", "42", "1_000_000"],
        "exponent" => &["e3", "E-10"],
        "unit" => &["d", "h", "m", "s", "ms", "GB"],
        "date" => &["@2024-01-31", "@2024-01-31T10:00:00Z", "@2024-02-29T23:59:59.5+01:00"],
        "clock" => &["02:00", "23:59:59"],
        "regex" => &["r\"[a-z]+\\d\"", "r\"(?<day>\\d+) # no comment\"", "r\"\""],
        "text_run" => {
            &["a", "some text", "ä", "{{}}", "\\n", "# no comment", "; ", "a text that is long"]
        }
        "long_run" => &["a", "\n  ", "two\nlines", "\"quoted\"x", "# no comment\n", "{{}}"],
        "code_point" => &["\\u{e9}"],
        "cell" => &[" a ", " \"b|\" ", "", " 10", " -1.5 ", "null", " 名 ", " [1, 2] "],
        "sep" => &[
            "\n",
            "\n",
            "\n",
            "\n\n",
            "\n\n\n",
            "; ",
            ";\n",
            " # behind\n",
            "\n# above\n",
            "\n\n# apart\n\n",
        ],
        _ => return None,
    })
}

struct Writer<'g> {
    grammar: &'g Grammar,
    random: Rng,
    out: String,
    /// Where the declaration begins.
    start: usize,
    /// May white space stand before the next word?
    blank: bool,
    brackets: Vec<char>,
    /// How many texts are open around the place.
    texts: usize,
    depth: usize,
}

impl Writer<'_> {
    fn pick<'a>(&mut self, among: &[&'a str]) -> &'a str {
        among[self.random.usize(..among.len())]
    }

    fn rule(&mut self, name: &str, is_atomic: bool) {
        if let Some(words) = word(name) {
            let word = self.pick(words);
            return if name == "sep" { self.separator(word) } else { self.word(word, is_atomic) };
        }
        let Some(rule) = self.grammar.rules.get(name) else { return self.builtin(name) };
        let is_inner = match rule.ty {
            RuleType::Atomic | RuleType::CompoundAtomic => true,
            RuleType::NonAtomic => false,
            RuleType::Normal | RuleType::Silent => is_atomic,
        };
        if name == "infix" && self.texts == 0 && self.random.u8(..) < 20 {
            self.out.push_str("\n  ");
        }
        if is_inner && !is_atomic {
            self.white_space();
        }
        self.depth += 1;
        self.texts += usize::from(name == "text");
        self.expr(&rule.expr, is_inner);
        self.texts -= usize::from(name == "text");
        self.depth -= 1;
        if name == "comma" && self.texts == 0 && self.brackets.last() != Some(&'{') {
            let end = self.pick(&["", "", "", "", "\n", " # behind\n", "\n# above\n"]);
            self.out.push_str(end);
        }
    }

    fn builtin(&mut self, name: &str) {
        match name {
            "ASCII_DIGIT" => self.out.push(self.random.digit(10)),
            "ASCII_ALPHA" | "ASCII_ALPHANUMERIC" => self.out.push(self.random.alphabetic()),
            "SOI" | "EOI" => {}
            name => panic!("nothing is known to write for {name}"),
        }
    }

    /// Takes the shortest way from here on?
    fn is_enough(&self) -> bool {
        self.depth > DEEP || self.out.len() - self.start > LONG
    }

    fn expr(&mut self, expr: &Expr, is_atomic: bool) {
        match expr {
            Expr::Str(text) if text == "\n" => self.separator("\n"),
            Expr::Str(text) | Expr::Insens(text) => self.word(text, is_atomic),
            Expr::Range(first, last) => {
                let of = |text: &str| text.chars().next().expect("a range has ends");
                let one = self.random.char(of(first)..=of(last));
                self.word(&one.to_string(), is_atomic);
            }
            Expr::Ident(name) => self.rule(name, is_atomic),
            Expr::Seq(first, second) => {
                self.expr(first, is_atomic);
                self.blank |= !is_atomic;
                self.expr(second, is_atomic);
            }
            Expr::Choice(..) => self.choice(expr, is_atomic),
            Expr::Opt(inner) => self.repeat(inner, 0, 1, is_atomic),
            Expr::Rep(inner) => self.repeat(inner, 0, 3, is_atomic),
            Expr::RepOnce(inner) => self.repeat(inner, 1, 3, is_atomic),
            Expr::RepExact(inner, n) => self.repeat(inner, *n, *n, is_atomic),
            Expr::RepMin(inner, n) => self.repeat(inner, *n, n + 2, is_atomic),
            Expr::RepMax(inner, n) => self.repeat(inner, 0, *n, is_atomic),
            Expr::RepMinMax(inner, least, most) => self.repeat(inner, *least, *most, is_atomic),
            Expr::PosPred(_) | Expr::NegPred(_) => {}
            other => panic!("nothing is known to write for {other:?}"),
        }
    }

    fn repeat(&mut self, inner: &Expr, least: u32, most: u32, is_atomic: bool) {
        let most = if self.is_enough() { least } else { most };
        for _ in 0..self.random.u32(least..=most) {
            self.expr(inner, is_atomic);
            self.blank |= !is_atomic;
        }
    }

    fn choice(&mut self, expr: &Expr, is_atomic: bool) {
        let mut ways = vec![];
        let mut rest = expr;
        while let Expr::Choice(first, second) = rest {
            // pest reads `a | b | c` from the left or from the right.
            if let Expr::Choice(..) = **first {
                ways.push(&**second);
                rest = first;
            } else {
                ways.push(&**first);
                rest = second;
            }
        }
        ways.push(rest);
        if self.is_enough() {
            let height = |way: &&Expr| self.grammar.height(way).unwrap_or(usize::MAX);
            let least = ways.iter().map(height).min();
            ways.retain(|way| Some(height(way)) == least);
        }
        let way = ways[self.random.usize(..ways.len())];
        self.expr(way, is_atomic);
    }

    /// Puts a word, with white space before it where words are apart.
    fn word(&mut self, word: &str, is_atomic: bool) {
        if !is_atomic {
            self.white_space();
        }
        match word {
            "(" | "[" | "{" if self.texts == 0 => self.brackets.extend(word.chars()),
            ")" | "]" | "}" if self.texts == 0 => {
                self.brackets.pop();
            }
            _ => {}
        }
        self.out.push_str(word);
    }

    fn separator(&mut self, word: &str) {
        self.blank = false;
        self.out.push_str(if self.texts > 0 { " " } else { word });
    }

    fn white_space(&mut self) {
        if !std::mem::take(&mut self.blank) {
            return;
        }
        let is_inside = self.texts == 0 && matches!(self.brackets.last(), Some('(' | '['));
        let among: &[&str] = match is_inside {
            true => {
                &[" ", " ", " ", " ", " ", " ", " ", "  ", "\n", " # behind\n", "\n\n  # above\n"]
            }
            false => &[" ", " ", " ", "  ", "\t"],
        };
        let blank = self.pick(among);
        self.out.push_str(blank);
    }
}
