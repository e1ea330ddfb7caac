//! `derive`, `set`, `select`, `filter` and their like, as many as one program computes: the
//! columns of the next row, and for which rows there is one.

use super::filter::filter;
use crate::data::Batch;
use crate::exec::gather::expand;
use crate::expr::ChainCode;
use crate::functions::kernel::Operand;

/// Steps that follow each other.
pub struct Chain {
    /// Which step of the operator it is that may fail.
    pub step: usize,
    /// What computes them.
    pub code: ChainCode,
    /// With a condition: are rows kept where it is null?
    pub keep_nulls: Option<bool>,
}

impl Chain {
    /// The rows after the steps, if there are some. The values are those of the program.
    pub fn apply(&self, mut batch: Batch, values: Vec<Operand>) -> Option<Batch> {
        let mut values = values.iter();
        let condition = self.keep_nulls.and_then(|keep_nulls| Some((values.next()?, keep_nulls)));
        if self.code.replaces {
            batch.columns.clear();
        }
        for (&place, value) in self.code.places.iter().zip(values) {
            let column = expand(value, batch.rows);
            match batch.columns.get_mut(place) {
                Some(old) => *old = column,
                None => batch.columns.push(column),
            }
        }
        match condition {
            Some((condition, keep_nulls)) => filter(batch, condition, keep_nulls),
            None => Some(batch),
        }
    }
}
