//! What the type variables and digits of a declaration stand for in one call.
//!
//! Binding is one way: a pattern is made to fit the type of an argument, which may widen what was
//! bound before. Which arguments go where is decided in [`super::resolve`].

use super::declaration::{DataPattern, Declaration, Digits, TypePattern};
use crate::types::{DECIMAL_DIGITS_MAX, DataType, Field, Scalar, Type, unify, widens};
use std::collections::BTreeMap;

/// What the names of a declaration stand for in one call.
pub struct Bindings {
    /// Of each type variable. It is nullable when a list has null items, or a null is given
    /// where nulls are seen.
    pub variables: Vec<Option<Type>>,
    /// Of each name of digits, and of each literal `int` argument.
    pub digits: BTreeMap<String, i64>,
}

impl Bindings {
    /// Nothing bound yet.
    pub fn new(declaration: &Declaration) -> Bindings {
        Bindings { variables: vec![None; declaration.variables.len()], digits: BTreeMap::new() }
    }

    /// Makes `pattern` fit a value of type `ty`: what that costs, or none when it cannot.
    pub fn bind(&mut self, pattern: &TypePattern, ty: &Type) -> Option<u32> {
        if matches!(ty.data, DataType::Unknown | DataType::Null) {
            return Some(0);
        }
        match &pattern.data {
            DataPattern::Exact(wanted) if *wanted == ty.data => Some(0),
            DataPattern::Exact(wanted) => {
                let fits = widens(&ty.data.clone().required(), &wanted.clone().required());
                fits.then(|| widening_cost(&ty.data, wanted))
            }
            DataPattern::Variable(at, _) => {
                let nullable = ty.nullable && pattern.nullable;
                self.bind_variable(*at, ty.with_nullable(nullable))
            }
            DataPattern::Decimal(precision, scale)
                if let Some(wanted) = fixed_decimal(precision, scale) =>
            {
                let fits = widens(&ty.data.clone().required(), &wanted.clone().required());
                fits.then(|| if wanted == ty.data { 0 } else { widening_cost(&ty.data, &wanted) })
            }
            DataPattern::Decimal(precision, scale) => {
                let (p, s, cost) = match ty.data {
                    DataType::Decimal { precision, scale } => (precision, scale, 0),
                    // 19 digits hold every 64-bit integer.
                    DataType::Int => (19, 0, widening_cost(&ty.data, &DataType::Unknown)),
                    _ => return None,
                };
                for (digits, value) in [(precision, p), (scale, s)] {
                    if let Digits::Name(name) = digits {
                        self.digits.insert(name.clone(), i64::from(value));
                    }
                }
                Some(cost)
            }
            DataPattern::List(item) => match &ty.data {
                DataType::List(given) => self.bind_part(item, given),
                _ => None,
            },
            DataPattern::Map(key, value) => match &ty.data {
                DataType::Map(entry) => {
                    let (k, v) = entry.entry()?;
                    let cost = self.bind_part(key, k)?;
                    Some(cost + self.bind_part(value, v)?)
                }
                _ => None,
            },
            DataPattern::Record(_) | DataPattern::Shaped | DataPattern::Function(..) => None,
        }
    }

    /// Makes the pattern of a part fit values of type `ty`, which may be null where a variable
    /// stands for it.
    fn bind_part(&mut self, part: &TypePattern, ty: &Type) -> Option<u32> {
        if let DataPattern::Variable(at, _) = part.data {
            return self.bind_variable(at, ty.clone());
        }
        let fits = part.nullable || !ty.nullable;
        fits.then(|| self.bind(part, ty))?
    }

    fn bind_variable(&mut self, at: usize, ty: Type) -> Option<u32> {
        let bound = &mut self.variables[at];
        let unified = match bound {
            None => ty.clone(),
            Some(bound) => unify(bound, &ty)?,
        };
        let changed = bound.as_ref().is_some_and(|bound| bound.data != unified.data);
        let cost = u32::from(changed || unified.data != ty.data);
        *bound = Some(unified);
        Some(cost)
    }

    /// Makes `pattern` fit a number literal, which becomes whatever number is wanted if its value
    /// allows.
    pub fn adapt(
        &mut self,
        pattern: &TypePattern,
        ty: &Type,
        literal: Option<&Scalar>,
    ) -> Option<u32> {
        let wanted = match &pattern.data {
            DataPattern::Exact(wanted) => Some(wanted.clone()),
            DataPattern::Variable(at, _) => self.variables[*at].as_ref().map(|ty| ty.data.clone()),
            DataPattern::Decimal(precision, scale) => fixed_decimal(precision, scale),
            _ => None,
        };
        if let Some(wanted) = wanted
            && adapts(ty, literal, &wanted)
        {
            return Some(u32::from(wanted != ty.data));
        }
        self.bind(pattern, ty)
    }

    /// Does a value of this type fit the pattern as it is bound?
    pub fn fits(&self, pattern: &TypePattern, ty: &Type) -> bool {
        let wanted = self.apply(pattern).unwrap_or(Type::UNKNOWN);
        let is_variable = matches!(pattern.data, DataPattern::Variable(..));
        widens(ty, &wanted.with_nullable(wanted.nullable || is_variable))
    }

    /// The pattern with its holes filled; none when one is not known.
    pub fn apply(&self, pattern: &TypePattern) -> Option<Type> {
        let data = match &pattern.data {
            DataPattern::Exact(ty) => ty.clone(),
            DataPattern::Variable(at, _) => {
                let bound = self.variables[*at].as_ref()?;
                return Some(bound.with_nullable(bound.nullable || pattern.nullable));
            }
            DataPattern::Decimal(precision, scale) => {
                let value = |name: &str| self.digits.get(name).copied();
                let most = i64::from(DECIMAL_DIGITS_MAX);
                let precision = precision.evaluate(&value)?.clamp(1, most);
                let scale = scale.evaluate(&value)?.clamp(0, precision);
                DataType::Decimal { precision: precision as u8, scale: scale as u8 }
            }
            DataPattern::List(item) => DataType::List(Box::new(self.apply(item)?)),
            DataPattern::Map(key, value) => {
                DataType::map(self.apply(key)?.with_nullable(false), self.apply(value)?)
            }
            DataPattern::Record(fields) => DataType::Record(
                fields
                    .iter()
                    .map(|(name, ty)| Some(Field::new(name.text.as_str(), self.apply(ty)?)))
                    .collect::<Option<_>>()?,
            ),
            DataPattern::Shaped | DataPattern::Function(..) => DataType::Unknown,
        };
        Some(Type { data, nullable: pattern.nullable })
    }
}

/// The type of a parameter `decimal(28, 4)`, whose digits are numbers.
fn fixed_decimal(precision: &Digits, scale: &Digits) -> Option<DataType> {
    match (precision, scale) {
        (Digits::Number(precision), Digits::Number(scale)) => {
            Some(DataType::Decimal { precision: *precision as u8, scale: *scale as u8 })
        }
        _ => None,
    }
}

/// `int` becomes a `decimal` rather than a `float`; whatever is exact costs nothing.
fn widening_cost(from: &DataType, to: &DataType) -> u32 {
    match (from, to) {
        (DataType::Int, DataType::Float) => 3,
        (DataType::Int, _) => 2,
        _ => 1,
    }
}

/// Can a number literal of natural type `ty` be written as `wanted` without loss?
fn adapts(ty: &Type, literal: Option<&Scalar>, wanted: &DataType) -> bool {
    match (&ty.data, wanted) {
        (from, DataType::Float) => from.is_number(),
        (DataType::Int, DataType::Int) => true,
        (DataType::Int, DataType::Decimal { precision, scale }) => match literal {
            Some(Scalar::Int(value)) => {
                let whole = u32::from(precision - scale);
                10i128.checked_pow(whole).is_none_or(|limit| i128::from(*value).abs() < limit)
            }
            _ => widens(ty, &wanted.clone().required()),
        },
        (DataType::Float, DataType::Decimal { precision, scale }) => match literal {
            Some(Scalar::Float(value)) => {
                // The shortest text is what was written.
                let text = value.abs().to_string();
                let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
                let is_zero = whole == "0";
                value.is_finite()
                    && part.len() <= usize::from(*scale)
                    && (is_zero || whole.len() <= usize::from(precision - scale))
            }
            _ => false,
        },
        (from @ DataType::Decimal { .. }, DataType::Decimal { .. }) => {
            widens(&from.clone().required(), &wanted.clone().required())
        }
        _ => false,
    }
}
