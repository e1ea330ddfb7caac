//! What the tests of operators share: seeded tables of values, ways to deal them out to threads,
//! and batches read back as values. Naive versions of the operators work on the values.

use super::{Breaker, Output, Streaming};
use crate::data::{Batch, array_of, display, scalar_at};
use crate::exec::Error;
use crate::functions::kernel::Operand;
use crate::store::spool::Spool;
use crate::types::{DataType, EnumMember, EnumType, Field, Scalar, Type};
use std::cmp::Ordering;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A row as values.
pub type Values = Vec<Scalar>;

/// SplitMix64: small, and the same everywhere.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

/// Three members.
pub fn level() -> DataType {
    let member = |name: &str| EnumMember { name: name.into(), text: name.into() };
    let members = ["low", "mid", "high"].map(member).into();
    DataType::Enum(Arc::new(EnumType { name: "Level".into(), members }))
}

/// One type of each layout.
pub fn all_types() -> Vec<DataType> {
    vec![
        DataType::Bool,
        DataType::Int,
        DataType::Float,
        DataType::Decimal { precision: 12, scale: 2 },
        DataType::Decimal { precision: 38, scale: 2 },
        DataType::String,
        DataType::Date,
        DataType::Datetime,
        DataType::Timestamp,
        DataType::Duration,
        DataType::Uuid,
        DataType::Bytes,
        DataType::Time,
        level(),
        DataType::List(Box::new(DataType::String.optional())),
        DataType::Record([Field::new("a", DataType::Float.optional())].into()),
        DataType::Null,
    ]
}

/// One of about `spread` values of a type, the awkward ones among them.
pub fn value(random: &mut Random, ty: &Type, spread: usize) -> Scalar {
    if ty.nullable && random.below(8) == 0 {
        return Scalar::Null;
    }
    let n = random.below(spread) as i64 - spread as i64 / 2;
    match &ty.data {
        DataType::Unknown | DataType::Null => Scalar::Null,
        DataType::Bool => Scalar::Bool(n & 1 == 1),
        DataType::Int => Scalar::Int(if n == 3 { i64::MIN } else { n }),
        DataType::Float => Scalar::Float(match n {
            0 => -0.0,
            1 => 0.0,
            2 => f64::NAN,
            3 => -f64::NAN,
            4 => f64::INFINITY,
            5 => f64::NEG_INFINITY,
            _ => n as f64 / 4.0,
        }),
        DataType::Decimal { precision: 38, .. } => Scalar::Decimal(i128::from(n) << 62),
        DataType::Decimal { .. } => Scalar::Decimal(i128::from(n)),
        DataType::String => Scalar::String(text(n).into()),
        DataType::Named(named) => value(random, &named.of.clone().optional(), spread),
        DataType::Uuid => {
            Scalar::String(format!("00000000-0000-4000-8000-{:012}", n.unsigned_abs()).into())
        }
        DataType::Bytes => Scalar::String(text(n).into()),
        DataType::Time => Scalar::Duration(n.unsigned_abs() as i64),
        DataType::Map(_) => Scalar::List(vec![]),
        DataType::Json => Scalar::String(n.to_string().into()),
        DataType::Date => Scalar::Date(n as i32),
        DataType::Datetime => Scalar::Datetime(n),
        DataType::Timestamp => Scalar::Timestamp(n * 1_000_003),
        DataType::Duration => Scalar::Duration(n),
        DataType::Enum(_) => Scalar::Enum(n.rem_euclid(3) as i32),
        DataType::List(item) => {
            Scalar::List((0..random.below(3)).map(|_| value(random, item, spread.min(8))).collect())
        }
        DataType::Record(fields) => Scalar::Record(
            fields.iter().map(|field| value(random, &field.ty, spread.min(12))).collect(),
        ),
    }
}

/// Texts with common beginnings, zero bytes, of 7, 12 and 13 bytes and longer.
fn text(n: i64) -> String {
    match n.rem_euclid(7) {
        0 => String::new(),
        1 => format!("{n}\0"),
        2 => format!("a text that is long {n}"),
        3 => format!("{n:07}"),
        4 => format!("{n:012}"),
        5 => format!("{n:013}"),
        _ => format!("{n}"),
    }
}

/// `rows` rows of values of the types.
pub fn table(seed: u64, types: &[Type], rows: usize, spread: usize) -> Vec<Values> {
    let mut random = Random(seed);
    (0..rows).map(|_| types.iter().map(|ty| value(&mut random, ty, spread)).collect()).collect()
}

/// The rows as one batch of morsel `morsel`.
pub fn batch_of(types: &[Type], rows: &[Values], morsel: u64) -> Batch {
    let column = |at: usize| {
        let values: Vec<Scalar> = rows.iter().map(|row| row[at].clone()).collect();
        array_of(&types[at].data, &values)
    };
    Batch::new((0..types.len()).map(column).collect(), rows.len(), morsel)
}

/// The rows as batches of up to `size` rows.
pub fn batches_of(types: &[Type], rows: &[Values], size: usize) -> Vec<Batch> {
    rows.chunks(size).enumerate().map(|(at, rows)| batch_of(types, rows, at as u64)).collect()
}

/// The columns at `at`, as operands.
pub fn operands(batch: &Batch, at: &[usize]) -> Vec<Operand> {
    at.iter().map(|&at| Operand::column(batch.columns[at].clone())).collect()
}

/// The rows of batches.
pub fn rows_of(types: &[Type], batches: &[Batch]) -> Vec<Values> {
    let row = |batch: &Batch, row: usize| {
        let pairs = batch.columns.iter().zip(types);
        pairs.map(|(column, ty)| scalar_at(column, &ty.data, row)).collect()
    };
    batches.iter().flat_map(|batch| (0..batch.rows).map(move |at| row(batch, at))).collect()
}

/// The rows as text, which makes NaN equal itself.
pub fn shown(types: &[Type], rows: &[Values]) -> Vec<String> {
    let shown = |(value, ty): (&Scalar, &Type)| match value {
        Scalar::Null => "null".to_owned(),
        _ => format!("{:?}", display(value, &ty.data)),
    };
    rows.iter().map(|row| row.iter().zip(types).map(shown).collect::<Vec<_>>().join(" ")).collect()
}

/// What the operator gives when batch `b` goes to state `deal(b)` of `states`.
pub fn run(
    operator: &dyn Breaker,
    batches: &[Batch],
    values: &[usize],
    states: usize,
    deal: impl Fn(usize) -> usize,
) -> Result<Vec<Batch>, Error> {
    let mut all: Vec<_> = (0..states).map(|_| operator.state()).collect();
    for (at, batch) in batches.iter().enumerate() {
        all[deal(at)].push(batch.clone(), operands(batch, values))?;
    }
    let result = operator.finish(all, &AtomicBool::new(false))?.into_batches()?;
    for (morsel, batch) in result.iter().enumerate() {
        assert!(batch.rows <= 1 << 16 && batch.rows > 0);
        assert_eq!(batch.positions.at(0), (morsel as u64) << 32);
        assert!(batch.columns.iter().all(|column| column.len() == batch.rows));
    }
    Ok(result)
}

/// The same when the states are written to disk again and again, and the result comes in pieces.
pub fn run_spilling(
    operator: &dyn Breaker,
    batches: &[Batch],
    values: &[usize],
    states: usize,
) -> Vec<Batch> {
    let folder = tempfile::tempdir().unwrap();
    // So little memory that a piece is as small as can be.
    let spool = Arc::new(Spool::new(folder.path().to_owned(), 1, states));
    let mut all: Vec<_> = (0..states).map(|_| operator.state()).collect();
    for (at, batch) in batches.iter().enumerate() {
        let state = &mut all[at % states];
        state.push(batch.clone(), operands(batch, values)).unwrap();
        if at % 3 == 0 {
            assert!(
                state.spill(&spool, &AtomicBool::new(false)).unwrap(),
                "the operator can spill"
            );
        }
    }
    let result = operator.finish(all, &AtomicBool::new(false)).unwrap();
    let Output::Pieces(pieces) = &result else { panic!("it is on disk") };
    let mut rows = 0;
    for piece in 0..pieces.count() {
        let mut next = (piece as u64) << 32;
        for batch in pieces.read(piece, false).unwrap() {
            assert_eq!(batch.positions.at(0), next);
            next += batch.rows as u64;
            rows += batch.rows as u64;
        }
    }
    assert!(pieces.rows().is_none_or(|known| known == rows));
    result.into_batches().unwrap()
}

/// What a breaker gives, the same for several ways of dealing the input out.
pub fn run_all_ways(
    operator: &dyn Fn() -> Box<dyn Breaker>,
    types: &[Type],
    batches: &[Batch],
    values: &[usize],
) -> Vec<Values> {
    let result = |batches: Vec<Batch>| rows_of(types, &batches);
    let one = result(run(&*operator(), batches, values, 1, |_| 0).unwrap());
    for states in [2, 3, 7] {
        let dealt = result(run(&*operator(), batches, values, states, |at| at % states).unwrap());
        assert_eq!(shown(types, &one), shown(types, &dealt));
        let reverse = |at: usize| (batches.len() - at) * 5 % 3 % states;
        let dealt = result(run(&*operator(), batches, values, states, reverse).unwrap());
        assert_eq!(shown(types, &one), shown(types, &dealt));
    }
    one
}

/// What a streaming operator gives for some batches.
pub fn stream(operator: &dyn Streaming, batches: &[Batch], values: &[usize]) -> Vec<Batch> {
    let mut out = vec![];
    for batch in batches {
        let values = operands(batch, values);
        let mut emit = |batch: Batch| {
            assert!(batch.rows > 0 && batch.rows <= 1 << 16);
            out.push(batch);
            Ok(())
        };
        operator.apply(batch.clone(), values, &mut emit).unwrap();
    }
    out
}

/// The order of values, ascending, nulls last.
pub fn compare(a: &Scalar, b: &Scalar) -> Ordering {
    match (a, b) {
        (Scalar::Null, Scalar::Null) => Ordering::Equal,
        (Scalar::Null, _) => Ordering::Greater,
        (_, Scalar::Null) => Ordering::Less,
        (Scalar::Bool(a), Scalar::Bool(b)) => a.cmp(b),
        (Scalar::Float(a), Scalar::Float(b)) => {
            (a.is_nan(), a).partial_cmp(&(b.is_nan(), b)).unwrap_or(Ordering::Equal)
        }
        (Scalar::Decimal(a), Scalar::Decimal(b)) => a.cmp(b),
        (Scalar::String(a), Scalar::String(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Scalar::Date(a), Scalar::Date(b)) | (Scalar::Enum(a), Scalar::Enum(b)) => a.cmp(b),
        (Scalar::Int(a), Scalar::Int(b))
        | (Scalar::Datetime(a), Scalar::Datetime(b))
        | (Scalar::Timestamp(a), Scalar::Timestamp(b))
        | (Scalar::Duration(a), Scalar::Duration(b)) => a.cmp(b),
        (Scalar::List(a), Scalar::List(b)) | (Scalar::Record(a), Scalar::Record(b)) => {
            compare_all(a, b)
        }
        _ => panic!("values of one type are compared"),
    }
}

/// Item by item, the shorter first.
pub fn compare_all(a: &[Scalar], b: &[Scalar]) -> Ordering {
    let items = a.iter().zip(b).map(|(a, b)| compare(a, b));
    items.fold(Ordering::Equal, Ordering::then).then(a.len().cmp(&b.len()))
}
