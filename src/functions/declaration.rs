//! What `stdlib/*.batch` says of a function, lowered from the syntax tree: its parameters and
//! result as patterns over types.
//!
//! Which overload fits a call is decided in [`super::resolve`].

use super::Shape;
use crate::syntax::ast::{
    BinaryOp, Expr, ExprKind, Function, Name, Native, Parameter as AstParameter, TextPart,
    TypeExpr, TypeExprKind, UnaryOp,
};
use crate::text::Files;
use crate::types::{DataType, Scalar};
use std::fmt;

/// One overload of a function.
#[derive(Debug)]
pub struct Declaration {
    /// What it is called.
    pub name: String,
    /// Row by row, or many rows to one value.
    pub kind: Native,
    /// The documentation with its examples, without the marks.
    pub doc: String,
    /// The type variables and what each must be.
    pub variables: Vec<Variable>,
    /// In order; only the last may be variadic.
    pub parameters: Vec<Parameter>,
    /// The type of the result.
    pub result: TypePattern,
    /// May a row fail? [`Declaration::may_fail`] says of which calls.
    pub fallible: bool,
    /// `round(x: float, scale: int = 0) -> float`
    pub signature: String,
    /// What it is an abbreviation of, when it is said in the language itself.
    pub body: Option<Expr>,
    /// The text of that expression.
    pub written: Option<String>,
    /// Of a result `{..}`: what its fields are.
    pub shape: Option<Shape>,
    /// The family that it belongs to: the file of the standard library, `strings`.
    pub family: &'static str,
}

impl Declaration {
    /// May a call with these arguments fail on a row?
    pub fn may_fail(&self, is_literal: impl Fn(usize) -> bool) -> bool {
        // What takes the place of a match is looked at before anything runs, where it is known.
        self.fallible && !(self.name == "regex_replace" && is_literal(2))
    }
}

/// `T: ordered`
#[derive(Debug)]
pub struct Variable {
    /// `T`
    pub name: String,
    /// What a type must be to stand for it.
    pub constraint: Constraint,
}

/// What a type variable may stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// Any type.
    Any,
    /// A type with a less-than.
    Ordered,
    /// `int`, `float` or `decimal`.
    Number,
}

/// `rest: T...`, `scale: int = 0`
#[derive(Debug)]
pub struct Parameter {
    /// What it is called.
    pub name: String,
    /// The types that fit. With a `?` the kernel sees nulls; without, null in is null out.
    pub ty: TypePattern,
    /// Any number of further arguments?
    pub variadic: bool,
    /// The value when it is left out.
    pub default: Option<Scalar>,
}

/// A type with holes.
#[derive(Clone, Debug)]
pub struct TypePattern {
    /// What it is when it is not null.
    pub data: DataPattern,
    /// With a `?`.
    pub nullable: bool,
}

/// A type with holes, apart from null.
#[derive(Clone, Debug)]
pub enum DataPattern {
    /// This type.
    Exact(DataType),
    /// The type variable at this position of [`Declaration::variables`].
    Variable(usize, String),
    /// `decimal(p, s)`: of a parameter, names that are bound; of a result, arithmetic over them.
    Decimal(Digits, Digits),
    /// `list<T>`
    List(Box<TypePattern>),
    /// `map<K, V>`
    Map(Box<TypePattern>, Box<TypePattern>),
    /// `{host: string, port: int?}`; only of a result.
    Record(Vec<(Name, TypePattern)>),
    /// `{..}`: a record whose fields the literal arguments of the call decide; only of a result.
    Shaped,
    /// `(T) -> U`
    Function(Vec<TypePattern>, Box<TypePattern>),
}

/// Arithmetic over the digits of parameters and the values of literal arguments.
#[derive(Clone, Debug)]
pub enum Digits {
    /// `38`
    Number(i64),
    /// `p`, or the name of an `int` parameter whose argument is a literal.
    Name(String),
    /// `+ - min max` of two.
    Of(Arithmetic, Box<Digits>, Box<Digits>),
}

/// What [`Digits`] are computed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// `a + b`
    Add,
    /// `a - b`
    Subtract,
    /// `min(a, b)`
    Least,
    /// `max(a, b)`
    Greatest,
}

impl Digits {
    /// The names it is computed from.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Digits::Number(_) => vec![],
            Digits::Name(name) => vec![name],
            Digits::Of(_, a, b) => [a.names(), b.names()].concat(),
        }
    }

    /// The number, with `value` giving what a name stands for.
    pub fn evaluate(&self, value: &dyn Fn(&str) -> Option<i64>) -> Option<i64> {
        Some(match self {
            Digits::Number(number) => *number,
            Digits::Name(name) => value(name)?,
            Digits::Of(operator, a, b) => {
                let (a, b) = (a.evaluate(value)?, b.evaluate(value)?);
                match operator {
                    Arithmetic::Add => a.saturating_add(b),
                    Arithmetic::Subtract => a.saturating_sub(b),
                    Arithmetic::Least => a.min(b),
                    Arithmetic::Greatest => a.max(b),
                }
            }
        })
    }
}

impl Declaration {
    /// Is the result null where this argument is? Lambdas are not counted.
    pub fn is_strict(&self, argument: usize) -> bool {
        let is_value = |one: &&Parameter| !matches!(one.ty.data, DataPattern::Function(..));
        let mut values = self.parameters.iter().filter(is_value);
        let more = self.parameters.last().filter(|last| last.variadic);
        values.nth(argument).or(more).is_some_and(|parameter| !parameter.ty.nullable)
    }

    /// The declaration of a function of the family of this name. An error says what the standard
    /// library may not say.
    pub fn lower(
        files: &Files,
        function: Function,
        doc: Option<&str>,
        family: &'static str,
    ) -> Result<Declaration, String> {
        let name = function.name.text.clone();
        let at = |what: &str| format!("`{name}`: {what}");
        let kind = function.native.unwrap_or(Native::Scalar);
        let variables = function
            .type_parameters
            .iter()
            .map(|(name, constraint)| variable(name, constraint.as_ref()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|what| at(&what))?;
        let parameters = function
            .parameters
            .iter()
            .map(|given| parameter(given, &variables))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|what| at(&what))?;
        let result = pattern(&function.result, &variables).map_err(|what| at(&what))?;
        let signature = files.text(function.name.span.to(function.result.span)).to_owned();
        let doc = doc.unwrap_or_default().to_owned();
        let (fallible, body) = (function.fallible, function.body);
        let written = body.as_ref().map(|body| files.text(body.span).to_owned());
        Ok(Declaration {
            name,
            kind,
            doc,
            variables,
            parameters,
            result,
            fallible,
            signature,
            body,
            written,
            shape: None,
            family,
        })
    }

    /// Is its result null for a group of rows only when all values of an argument are? Then a
    /// group of at least one row without nulls has a result of type `T`, not `T?`.
    pub fn is_null_only_without_values(&self) -> bool {
        // The sample variance and what is made of it need two rows.
        !matches!(self.name.as_str(), "variance" | "stddev" | "corr")
    }

    /// Is it many rows to one value?
    pub fn is_aggregate(&self) -> bool {
        self.kind == Native::Aggregate
    }
}

fn variable(name: &Name, constraint: Option<&Name>) -> Result<Variable, String> {
    let constraint = match constraint.map(|constraint| constraint.text.as_str()) {
        None => Constraint::Any,
        Some("ordered") => Constraint::Ordered,
        Some("number") => Constraint::Number,
        Some(other) => return Err(format!("there is no constraint `{other}`")),
    };
    Ok(Variable { name: name.text.clone(), constraint })
}

fn parameter(given: &AstParameter, variables: &[Variable]) -> Result<Parameter, String> {
    let default = given.default.as_ref().map(scalar).transpose()?;
    let ty = pattern(&given.ty, variables)?;
    Ok(Parameter { name: given.name.text.clone(), ty, variadic: given.variadic, default })
}

fn pattern(ty: &TypeExpr, variables: &[Variable]) -> Result<TypePattern, String> {
    let data = match &ty.kind {
        TypeExprKind::Named(name, digits) => named(&name.text, digits, variables)?,
        TypeExprKind::List(item) => DataPattern::List(Box::new(pattern(item, variables)?)),
        TypeExprKind::Function(parameters, result) => DataPattern::Function(
            parameters.iter().map(|ty| pattern(ty, variables)).collect::<Result<_, _>>()?,
            Box::new(pattern(result, variables)?),
        ),
        TypeExprKind::Record(fields, false) => DataPattern::Record(
            fields
                .iter()
                .map(|(name, ty)| Ok((name.clone(), pattern(ty, variables)?)))
                .collect::<Result<_, String>>()?,
        ),
        TypeExprKind::Record(fields, true) if fields.is_empty() => DataPattern::Shaped,
        TypeExprKind::Map(key, value) => DataPattern::Map(
            Box::new(pattern(key, variables)?),
            Box::new(pattern(value, variables)?),
        ),
        TypeExprKind::Record(..) | TypeExprKind::Bad => {
            return Err("a type that functions cannot have".into());
        }
    };
    Ok(TypePattern { data, nullable: ty.nullable })
}

fn named(name: &str, digits: &[Expr], variables: &[Variable]) -> Result<DataPattern, String> {
    if let Some(at) = variables.iter().position(|variable| variable.name == name) {
        return Ok(DataPattern::Variable(at, name.to_owned()));
    }
    Ok(DataPattern::Exact(match name {
        "bool" => DataType::Bool,
        "int" => DataType::Int,
        "float" => DataType::Float,
        "string" => DataType::String,
        "json" => DataType::Json,
        "uuid" => DataType::Uuid,
        "bytes" => DataType::Bytes,
        "time" => DataType::Time,
        "date" => DataType::Date,
        "datetime" => DataType::Datetime,
        "timestamp" => DataType::Timestamp,
        "duration" => DataType::Duration,
        "decimal" => {
            let [precision, scale] = digits else { return Err("`decimal` has two digits".into()) };
            return Ok(DataPattern::Decimal(digits_of(precision)?, digits_of(scale)?));
        }
        other => return Err(format!("there is no type `{other}`")),
    }))
}

fn digits_of(expr: &Expr) -> Result<Digits, String> {
    let of = |operator, a: &Expr, b: &Expr| -> Result<Digits, String> {
        Ok(Digits::Of(operator, Box::new(digits_of(a)?), Box::new(digits_of(b)?)))
    };
    match &expr.kind {
        ExprKind::Int(Some(number)) => Ok(Digits::Number(*number as i64)),
        ExprKind::Name(name) => Ok(Digits::Name(name.clone())),
        ExprKind::Binary(BinaryOp::Add, _, a, b) => of(Arithmetic::Add, a, b),
        ExprKind::Binary(BinaryOp::Subtract, _, a, b) => of(Arithmetic::Subtract, a, b),
        ExprKind::Call(name, arguments) => match (name.text.as_str(), arguments.as_slice()) {
            ("min", [a, b]) => of(Arithmetic::Least, &a.value, &b.value),
            ("max", [a, b]) => of(Arithmetic::Greatest, &a.value, &b.value),
            _ => Err(format!("`{}` cannot compute digits", name.text)),
        },
        _ => Err("digits are whole numbers, names, `+`, `-`, `min` and `max`".into()),
    }
}

/// The value of a default.
fn scalar(expr: &Expr) -> Result<Scalar, String> {
    Ok(match &expr.kind {
        ExprKind::Int(Some(value)) => Scalar::Int(*value as i64),
        ExprKind::Bool(value) => Scalar::Bool(*value),
        ExprKind::Null => Scalar::Null,
        ExprKind::Number(text) => {
            Scalar::Float(text.parse().map_err(|_| format!("`{text}` is not a float"))?)
        }
        ExprKind::Text(parts) => match parts.as_slice() {
            [] => Scalar::String("".into()),
            [TextPart::Literal(text)] => Scalar::String(text.as_str().into()),
            _ => return Err("a default is a plain text".into()),
        },
        ExprKind::Unary(UnaryOp::Negate, inner) => match scalar(inner)? {
            Scalar::Int(value) => Scalar::Int(-value),
            Scalar::Float(value) => Scalar::Float(-value),
            _ => return Err("only numbers can be negative".into()),
        },
        ExprKind::List(items) => Scalar::List(items.iter().map(scalar).collect::<Result<_, _>>()?),
        _ => return Err("a default is a literal".into()),
    })
}

/// As messages name it: `list<int>`, `decimal`, `(T) -> bool`.
impl fmt::Display for TypePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.data {
            DataPattern::Exact(ty) => write!(f, "{ty}")?,
            DataPattern::Variable(_, name) => f.write_str(name)?,
            DataPattern::Decimal(Digits::Number(precision), Digits::Number(scale)) => {
                write!(f, "decimal({precision}, {scale})")?;
            }
            DataPattern::Decimal(..) => f.write_str("decimal")?,
            DataPattern::List(item) => write!(f, "list<{item}>")?,
            DataPattern::Map(key, value) => write!(f, "map<{key}, {value}>")?,
            DataPattern::Record(fields) => {
                f.write_str("{")?;
                for (at, (name, ty)) in fields.iter().enumerate() {
                    write!(f, "{}{}: {ty}", if at == 0 { "" } else { ", " }, name.text)?;
                }
                f.write_str("}")?;
            }
            DataPattern::Shaped => f.write_str("{..}")?,
            DataPattern::Function(parameters, result) => {
                f.write_str("(")?;
                for (at, parameter) in parameters.iter().enumerate() {
                    write!(f, "{}{parameter}", if at == 0 { "" } else { ", " })?;
                }
                write!(f, ") -> {result}")?;
            }
        }
        f.write_str(if self.nullable { "?" } else { "" })
    }
}
