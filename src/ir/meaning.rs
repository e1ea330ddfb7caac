//! What steps and expressions mean, as texts: the same wherever they are written and whatever their
//! columns are called. Two of the same text do the same; a run keeps digests of such texts to know
//! later what was changed.

use super::{
    AggregateCall, Cardinality, Distance, Expr, ExprKind, Frame, Input, Join, Keep, Nearest,
    Pattern, RunContext, RunValue, Slot, SortKey, StepKind, TableFact, WindowCall,
};
use crate::text::{FileId, Span};
use crate::types::Scalar;

impl StepKind {
    /// Does it do the same as another over the same rows?
    pub fn is_same(&self, other: &StepKind) -> bool {
        let place = |input: Input| format!("{input:?}");
        self.meaning(&place, None) == other.meaning(&place, None)
    }

    /// What it does, with other tables as `input` calls them. In a run the values of its parameters
    /// stand for them, so that two runs whose texts are equal do the same.
    pub fn meaning(&self, input: &dyn Fn(Input) -> String, run: Option<&RunContext>) -> String {
        use StepKind as S;
        let one = |expr: &Expr| expr.meaning(run);
        let all = |exprs: &[Expr]| meanings(exprs, run);
        match self {
            S::Filter { condition, keep_nulls } => {
                format!("filter {keep_nulls} {}", one(condition))
            }
            S::Project(columns) => format!("project {}", all(columns)),
            S::Set { column, value } => format!("set {column} {}", one(value)),
            S::Aggregate { keys, aggregates } => {
                let calls: Vec<String> = aggregates.iter().map(|call| call.meaning(run)).collect();
                format!("group {} {calls:?}", all(keys))
            }
            S::Window(window) => {
                let calls: Vec<String> =
                    window.calls.iter().map(|call| call.meaning(run)).collect();
                let (keys, frame) = (all(&window.keys), window.frame.meaning(run));
                format!("window {keys} {} {frame} {calls:?}", sorted_by(&window.sort, run))
            }
            S::Sort(keys) => format!("sort {}", sorted_by(keys, run)),
            S::Take { count, by } => format!("take {} {}", one(count), all(by)),
            S::Distinct => "distinct".to_owned(),
            S::Dedupe(dedupe) => {
                format!("dedupe {} {}", all(&dedupe.keys), dedupe.keep.meaning(run))
            }
            S::Join(join) => join.meaning(input(join.right), run),
            S::Union { inputs, columns } => {
                let inputs: Vec<String> = inputs.iter().map(|table| input(*table)).collect();
                let columns: Vec<String> = columns.iter().map(|columns| all(columns)).collect();
                format!("union {inputs:?} {columns:?}")
            }
            S::Explode { column } => format!("explode {column}"),
            S::Parse(parse) => {
                let fields: Vec<_> = parse
                    .fields
                    .iter()
                    .map(|field| (field.group, &field.ty, &field.format))
                    .collect();
                let pattern = match &parse.pattern {
                    Pattern::Regex(pattern) => format!("{pattern:?}"),
                    Pattern::Template(template) => format!("template {:?}", template.texts),
                };
                format!("parse {} {pattern} {fields:?}", parse.column)
            }
            S::ExpectAll(rule) => {
                format!("expect all {:?} {} {}", rule.name, rule.fails, rule.says.meaning(run))
            }
            S::Expect(rule) => format!(
                "expect {:?} {:?} {:?} {}",
                rule.name,
                rule.action,
                rule.above.map(|(share, _)| share),
                one(&rule.condition)
            ),
        }
    }
}

/// What is checked of a join, wherever it is said.
fn promises(check: Cardinality) -> String {
    format!("{} {}", check.left_unique.is_some(), check.right_unique.is_some())
}

impl Join {
    fn meaning(&self, right: String, run: Option<&RunContext>) -> String {
        let all = |exprs: &[Expr]| meanings(exprs, run);
        let shared = self.shared_keys.iter().map(|shared| (shared.column, shared.key));
        format!(
            "join {:?} {right} {} {} {} {} {:?} {:?} {} {}",
            self.kind,
            all(&self.left_keys),
            all(&self.right_keys),
            self.nearest.as_ref().map_or(String::new(), |nearest| nearest.meaning(run)),
            all(self.residual.as_slice()),
            shared.collect::<Vec<_>>(),
            self.right_columns,
            self.nulls_match,
            promises(self.check),
        )
    }
}

impl TableFact {
    fn meaning(&self, run: Option<&RunContext>) -> String {
        match self {
            TableFact::Unique(keys) => format!("unique {}", meanings(keys, run)),
            TableFact::Holds { aggregates, condition, .. } => {
                let calls: Vec<String> = aggregates.iter().map(|call| call.meaning(run)).collect();
                format!("holds {calls:?} {}", condition.meaning(run))
            }
        }
    }
}

impl Nearest {
    fn meaning(&self, run: Option<&RunContext>) -> String {
        let bound = meanings(self.bound.as_slice(), run);
        let (left, right) = (self.left.meaning(run), self.right.meaning(run));
        format!("{:?} {left} {right} {bound}", self.comparison)
    }
}

fn sorted_by(keys: &[SortKey], run: Option<&RunContext>) -> String {
    let key = |key: &SortKey| {
        format!("{} {} {}", key.descending, key.nulls_first, key.value.meaning(run))
    };
    format!("{:?}", keys.iter().map(key).collect::<Vec<_>>())
}

impl Frame {
    fn meaning(&self, run: Option<&RunContext>) -> String {
        let rows = |end: &Option<Expr>| end.as_ref().map(|end| end.meaning(run));
        let range = |end: &Option<Distance>| {
            end.as_ref().map(|end| match end {
                Distance::Value(value) => value.meaning(run),
                Distance::Months(months) => format!("{months} months"),
            })
        };
        match self {
            Frame::Whole => "whole".to_owned(),
            Frame::Rows { from, to } => format!("rows {:?} {:?}", rows(from), rows(to)),
            Frame::Range { from, to } => format!("range {:?} {:?}", range(from), range(to)),
        }
    }
}

impl WindowCall {
    fn meaning(&self, run: Option<&RunContext>) -> String {
        format!("{:?} {:?} {}", self.value, self.ty, meanings(&self.arguments, run))
    }
}

impl AggregateCall {
    fn meaning(&self, run: Option<&RunContext>) -> String {
        format!("{:?} {:?} {}", self.function, self.ty, meanings(&self.arguments, run))
    }
}

impl Keep {
    fn meaning(&self, run: Option<&RunContext>) -> String {
        match self {
            Keep::First => "first".to_owned(),
            Keep::Last => "last".to_owned(),
            Keep::Smallest(by) => format!("smallest {}", by.meaning(run)),
            Keep::Largest(by) => format!("largest {}", by.meaning(run)),
        }
    }
}

fn meanings(exprs: &[Expr], run: Option<&RunContext>) -> String {
    let texts: Vec<String> = exprs.iter().map(|expr| expr.meaning(run)).collect();
    format!("{texts:?}")
}

impl Expr {
    /// Does it compute the same as another over the same row?
    pub fn is_same(&self, other: &Expr) -> bool {
        self.meaning(None) == other.meaning(None)
    }

    /// What it computes; in a run, with the values of parameters and of the run in their place.
    pub fn meaning(&self, run: Option<&RunContext>) -> String {
        let mut expr = self.clone();
        expr.forget_places(&mut vec![], run);
        format!("{expr:?}")
    }

    /// Forgets where it was written, and counts variables from the outermost.
    fn forget_places(&mut self, slots: &mut Vec<Slot>, run: Option<&RunContext>) {
        self.span = Span::new(FileId(0), 0, 0);
        let around = slots.len();
        match &mut self.kind {
            ExprKind::Param(param) => {
                if let Some(run) = run {
                    self.kind = ExprKind::Literal(run.params[param.0 as usize].clone());
                }
            }
            ExprKind::Secret(at) => {
                // Another key makes other values. What a run keeps is a digest of this text.
                let secret = run.and_then(|run| run.secrets.get(*at)?.as_ref());
                if let Some(secret) = secret {
                    let digest = format!("a secret {}", secret.digest());
                    self.kind = ExprKind::Literal(Scalar::String(digest.as_str().into()));
                }
            }
            ExprKind::Run(value) => {
                if let Some(run) = run {
                    self.kind = ExprKind::Literal(value.of(run));
                }
            }
            ExprKind::Slot(slot) => {
                let found = slots.iter().position(|outer| outer == slot);
                *slot = Slot(found.expect("it is the variable of a lambda around it") as u32);
            }
            ExprKind::Call { lambda: Some(lambda), .. } => {
                slots.push(lambda.slot);
                lambda.slot = Slot(around as u32);
            }
            _ => {}
        }
        for child in self.children_mut() {
            child.forget_places(slots, run);
        }
        slots.truncate(around);
    }
}

impl RunValue {
    /// Its value in a run.
    pub fn of(self, run: &RunContext) -> Scalar {
        match self {
            RunValue::Time => Scalar::Timestamp(run.time),
            RunValue::Date => Scalar::Date(run.date),
            RunValue::Id => Scalar::String(run.id.as_str().into()),
        }
    }
}
