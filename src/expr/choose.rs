//! Choosing among columns row by row: `case`, `if`, `??`, and the nulls that failures leave.
//!
//! All branches have been computed for all rows; a choice only copies. That the branches not taken
//! did not fail is the business of the program's masks.

use super::lanes::{Lane, Native, bools, truths, validity};
use super::logic::{nulls_of, rows_true};
use crate::functions::kernel::{KernelContext, Operand, ScalarKernel};
use crate::types::DataType;
use arrow_array::{Array, ArrayRef, BooleanArray, UInt32Array};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use arrow_schema::DataType as ArrowType;
use arrow_select::interleave::interleave;
use arrow_select::nullif::nullif;
use arrow_select::take::take;

/// `case`: operands are condition and value of each arm, then the value of the rest.
pub struct Case {
    ty: DataType,
}

impl Case {
    /// Of values of this type.
    pub fn new(ty: &DataType) -> Case {
        Case { ty: ty.clone() }
    }
}

impl ScalarKernel for Case {
    fn eval(&self, context: &mut KernelContext, operands: &[Operand]) -> ArrayRef {
        let arms = operands.len() / 2;
        let mut chosen = vec![arms as u16; context.rows];
        for arm in (0..arms).rev() {
            let taken = rows_true(context.rows, &operands[2 * arm]);
            taken.set_indices().for_each(|row| chosen[row] = arm as u16);
        }
        let values: Vec<&Operand> =
            (0..arms).map(|arm| &operands[2 * arm + 1]).chain(operands.last()).collect();
        choose(&self.ty, &chosen, &values)
    }
}

/// `??`: the first operand that is not null.
pub struct Coalesce {
    ty: DataType,
}

impl Coalesce {
    /// Of values of this type.
    pub fn new(ty: &DataType) -> Coalesce {
        Coalesce { ty: ty.clone() }
    }
}

impl ScalarKernel for Coalesce {
    fn eval(&self, context: &mut KernelContext, operands: &[Operand]) -> ArrayRef {
        let mut chosen = vec![0u16; context.rows];
        // A row moves on to the next operand as long as all before were null.
        let mut open = BooleanBuffer::new_set(context.rows);
        for (at, operand) in operands.iter().enumerate().take(operands.len() - 1) {
            open = &open & &nulls_of(context.rows, operand);
            open.set_indices().for_each(|row| chosen[row] = at as u16 + 1);
        }
        choose(&self.ty, &chosen, &operands.iter().collect::<Vec<_>>())
    }
}

/// The column that has in row `i` the value of `values[chosen[i]]`.
fn choose(ty: &DataType, chosen: &[u16], values: &[&Operand]) -> ArrayRef {
    match ty {
        DataType::Bool => choose_bool(chosen, values),
        DataType::Int
        | DataType::Datetime
        | DataType::Timestamp
        | DataType::Duration
        | DataType::Time => choose_native::<i64>(ty, chosen, values),
        DataType::Float => choose_native::<f64>(ty, chosen, values),
        DataType::Decimal { .. } => choose_native::<i128>(ty, chosen, values),
        DataType::Date | DataType::Enum(_) => choose_native::<i32>(ty, chosen, values),
        DataType::Named(named) => choose(&named.of, chosen, values),
        DataType::Unknown | DataType::Null => crate::data::null_array(ty, chosen.len()),
        DataType::String
        | DataType::Json
        | DataType::Uuid
        | DataType::Bytes
        | DataType::List(_)
        | DataType::Map(_)
        | DataType::Record(_) => {
            let arrays: Vec<&dyn Array> = values.iter().map(|value| value.array.as_ref()).collect();
            let places: Vec<(usize, usize)> = chosen
                .iter()
                .enumerate()
                .map(|(row, &at)| (usize::from(at), values[usize::from(at)].index(row)))
                .collect();
            interleave(&arrays, &places).expect("the branches have one type")
        }
    }
}

fn choose_native<T: Native>(ty: &DataType, chosen: &[u16], values: &[&Operand]) -> ArrayRef {
    let lanes: Vec<Lane<T>> = values.iter().map(|value| Lane::of(value)).collect();
    let taken = match lanes[..] {
        [Lane::Column(a), Lane::Column(b)] => {
            let rows = chosen.iter().zip(a).zip(b);
            rows.map(|((&at, &a), &b)| if at == 0 { a } else { b }).collect()
        }
        [Lane::Column(a), Lane::Constant(b)] => {
            chosen.iter().zip(a).map(|(&at, &a)| if at == 0 { a } else { b }).collect()
        }
        _ => chosen.iter().enumerate().map(|(row, &at)| lanes[usize::from(at)].at(row)).collect(),
    };
    T::array(ty, taken, chosen_validity(chosen, values))
}

fn choose_bool(chosen: &[u16], values: &[&Operand]) -> ArrayRef {
    let all: Vec<BooleanBuffer> = values.iter().map(|value| truths(chosen.len(), value)).collect();
    let taken =
        BooleanBuffer::collect_bool(chosen.len(), |row| all[usize::from(chosen[row])].value(row));
    bools(taken, chosen_validity(chosen, values))
}

fn chosen_validity(chosen: &[u16], values: &[&Operand]) -> Option<NullBuffer> {
    let all: Vec<Option<NullBuffer>> =
        values.iter().map(|value| validity(chosen.len(), value)).collect();
    if all.iter().all(Option::is_none) {
        return None;
    }
    let valid = BooleanBuffer::collect_bool(chosen.len(), |row| {
        all[usize::from(chosen[row])].as_ref().is_none_or(|valid| valid.is_valid(row))
    });
    Some(NullBuffer::new(valid))
}

/// The operand with null in these rows; a constant becomes a column if there are some.
pub fn null_where(operand: &Operand, rows: usize, failed: impl Iterator<Item = u32>) -> Operand {
    let mut failed = failed.peekable();
    if failed.peek().is_none() || operand.array.data_type() == &ArrowType::Null {
        return operand.clone();
    }
    let mut marks = vec![false; rows];
    failed.for_each(|row| marks[row as usize] = true);
    let array = column(operand, rows);
    let marks = BooleanArray::from(marks);
    Operand::column(nullif(&array, &marks).expect("the bitmap is as long as the column"))
}

/// The operand with a value for each row.
pub fn column(operand: &Operand, rows: usize) -> ArrayRef {
    if !operand.constant {
        return operand.array.clone();
    }
    let first = UInt32Array::from(vec![0; rows]);
    take(&operand.array, &first, None).expect("a constant has one row")
}
