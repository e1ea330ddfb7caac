//! Several steps as one program.

use super::compile::Compiler;
use super::frame::{Name, Scope};
use super::program::{Program, Value};
use crate::ir::{Expr, RunContext};
use crate::types::{DataType, Scalar};
use std::collections::BTreeMap;

/// Projections that follow each other and a condition over the rows that they make, while they are
/// compiled: each sees the columns as those before it left them, none of which has to be a column
/// of a batch.
///
/// Only the last of them may be one that fails: what comes behind it is not for all rows.
pub struct Chain<'r> {
    compiler: Compiler<'r>,
    /// The columns that are not as in the input.
    changed: BTreeMap<usize, Value>,
    condition: Option<Value>,
    /// Is nothing left of the input's columns?
    replaces: bool,
}

/// What a [`Chain`] has become.
pub struct ChainCode {
    /// Its values: the condition, if there is one, then the changed columns.
    pub program: Program,
    /// The changed columns, in order.
    pub places: Vec<usize>,
    /// Are these all that there are?
    pub replaces: bool,
}

impl<'r> Chain<'r> {
    /// Nothing changed yet.
    pub fn new(run: &'r RunContext) -> Chain<'r> {
        let compiler = Compiler::of_rows(run);
        Chain { compiler, changed: BTreeMap::new(), condition: None, replaces: false }
    }

    /// Computes one column; without a value nobody reads it.
    pub fn set(&mut self, column: usize, value: Option<&Expr>) {
        let value = self.value(value);
        self.put(column, value);
    }

    /// Computes all columns; those without a value nobody reads.
    pub fn project<'e>(&mut self, values: impl Iterator<Item = Option<&'e Expr>>) {
        let values: Vec<Value> = values.map(|value| self.value(value)).collect();
        self.changed.clear();
        self.replaces = true;
        for (column, value) in values.into_iter().enumerate() {
            self.put(column, value);
        }
    }

    /// Computes what the rows are filtered by.
    pub fn filter(&mut self, condition: &Expr) {
        self.condition = Some(self.value(Some(condition)));
    }

    /// The program.
    pub fn finish(self) -> ChainCode {
        let (places, values): (Vec<usize>, Vec<Value>) = self.changed.into_iter().unzip();
        let values: Vec<Value> = self.condition.into_iter().chain(values).collect();
        ChainCode { program: self.compiler.finish(&values), places, replaces: self.replaces }
    }

    fn value(&mut self, value: Option<&Expr>) -> Value {
        match value {
            Some(value) => self.compiler.value(value, Scope::WHOLE),
            None => self.compiler.frame().constant(Scalar::Null, &DataType::Null),
        }
    }

    fn put(&mut self, column: usize, value: Value) {
        self.compiler.frame().bind(Name::Column(column), value);
        self.changed.insert(column, value);
    }
}
