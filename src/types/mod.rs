//! The types of the language: what a value may be, how types combine, how they are spelled; and the
//! calendar that dates follow.
//!
//! No places in the text and no data here; [`crate::data`] says how a type is laid out in memory.

mod alike;
mod calendar;
mod scalar;
mod unify;

pub use alike::{composed, other_characters};
pub use calendar::{
    DAYS, MICROS, MICROS_PER_DAY, OUTSIDE_YEARS, add_months, civil_from_days, days_from_civil,
    days_in_month, days_of, why_no_day,
};
pub use scalar::Scalar;
pub use unify::{keeps_numbers, unify, widens};

use std::fmt;
use std::sync::Arc;

/// The most digits that a `decimal` can have.
pub const DECIMAL_DIGITS_MAX: u8 = 38;

/// What a value is, apart from whether it may be null.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DataType {
    /// Of something that could not be checked; silent ever after, so one mistake gives one message.
    Unknown,
    /// Of the literal `null` alone.
    Null,
    /// `true` or `false`.
    Bool,
    /// 64-bit signed integer, checked.
    Int,
    /// IEEE 754 double. NaN equals NaN and sorts after +∞.
    Float,
    /// Exact decimal number.
    Decimal {
        /// Digits in all, 1 to 38.
        precision: u8,
        /// Digits after the point, 0 to `precision`.
        scale: u8,
    },
    /// UTF-8 text.
    String,
    /// A JSON value of any kind, held as the one spelling that it has.
    Json,
    /// A UUID, held as its text in lower case.
    Uuid,
    /// Bytes, held as a text of one character for each.
    Bytes,
    /// A day of the proleptic Gregorian calendar.
    Date,
    /// A time of the day, in microseconds since midnight.
    Time,
    /// A wall clock reading without a zone, in microseconds.
    Datetime,
    /// An instant, in microseconds since 1970-01-01T00:00:00Z.
    Timestamp,
    /// A length of time, in microseconds.
    Duration,
    /// A list of values of one type.
    List(Box<Type>),
    /// Values by keys, held as a list of records `{key: K, value: V}` in the order of the keys, of
    /// which no two are equal.
    Map(Box<Type>),
    /// Named values.
    Record(Arc<[Field]>),
    /// One of the members of an `enum` declaration.
    Enum(Arc<EnumType>),
    /// What a `type` declaration names. Only the program is told apart by it: what runs knows the
    /// types behind, see [`DataType::opened`].
    Named(Arc<NamedType>),
}

/// A type: what a value is, and whether it may be null (`T?`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Type {
    /// What it is when it is not null.
    pub data: DataType,
    /// May it be null?
    pub nullable: bool,
}

/// A named value of a row or record.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Field {
    /// Its name.
    pub name: Arc<str>,
    /// Its type.
    pub ty: Type,
}

/// An `enum` declaration. A value is held as the position of its member, so members are ordered
/// as they are declared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EnumType {
    /// The name of the declaration.
    pub name: Arc<str>,
    /// The members in the order of declaration.
    pub members: Vec<EnumMember>,
}

/// A `type` declaration: a type that is told apart from the one behind it, or a part of that.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NamedType {
    /// The name of the declaration.
    pub name: Arc<str>,
    /// The type behind it.
    pub of: DataType,
    /// Is it those values of the type behind it for which a condition is true? Then each is one of
    /// that type too.
    pub is_part: bool,
}

impl NamedType {
    /// `a Percent`, `an OrderId`.
    pub fn with_article(&self) -> String {
        let article = if self.name.starts_with(VOWELS) { "an" } else { "a" };
        format!("{article} {}", self.name)
    }
}

/// What names begin with that take `an`.
const VOWELS: [char; 10] = ['A', 'E', 'I', 'O', 'U', 'a', 'e', 'i', 'o', 'u'];

/// A member of an enum.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EnumMember {
    /// The name in the program.
    pub name: Arc<str>,
    /// The text in files; the name unless declared otherwise.
    pub text: Arc<str>,
}

impl EnumType {
    /// The position of the member called `name`.
    pub fn by_name(&self, name: &str) -> Option<usize> {
        self.members.iter().position(|member| &*member.name == name)
    }

    /// Why a text is no member, with the first of those that there are.
    pub fn refusal(&self) -> String {
        let texts: Vec<String> =
            self.members.iter().take(8).map(|member| format!("`{}`", member.text)).collect();
        let more = if self.members.len() > 8 { ", …" } else { "" };
        let article = if self.name.starts_with(VOWELS) { "an" } else { "a" };
        format!("not {article} {} ({}{more})", self.name, texts.join(", "))
    }

    /// The position of the member that files spell `text`.
    pub fn by_text(&self, text: &str) -> Option<usize> {
        self.members.iter().position(|member| &*member.text == text)
    }
}

impl DataType {
    /// This type, never null.
    pub fn required(self) -> Type {
        Type { data: self, nullable: false }
    }

    /// This type, or null.
    pub fn optional(self) -> Type {
        Type { data: self, nullable: true }
    }

    /// Is it `int`, `float` or `decimal`?
    pub fn is_number(&self) -> bool {
        matches!(self, DataType::Int | DataType::Float | DataType::Decimal { .. })
    }

    /// Has it a less-than? Lists, records and JSON have not.
    pub fn is_ordered(&self) -> bool {
        match self {
            DataType::Named(named) => named.of.is_ordered(),
            _ => !matches!(
                self,
                DataType::List(_) | DataType::Map(_) | DataType::Record(_) | DataType::Json
            ),
        }
    }

    /// Is it, or does it contain, [`DataType::Unknown`]?
    pub fn is_unknown(&self) -> bool {
        match self {
            DataType::Unknown => true,
            DataType::List(item) | DataType::Map(item) => item.data.is_unknown(),
            DataType::Record(fields) => fields.iter().any(|field| field.ty.data.is_unknown()),
            _ => false,
        }
    }
}

impl DataType {
    /// The type that values have in memory and in files: without the names of `type` declarations.
    pub fn opened(&self) -> DataType {
        match self {
            DataType::Named(named) => named.of.opened(),
            DataType::List(item) => DataType::List(Box::new(item.opened())),
            DataType::Map(entry) => DataType::Map(Box::new(entry.opened())),
            DataType::Record(fields) => {
                let field = |field: &Field| Field::new(field.name.clone(), field.ty.opened());
                DataType::Record(fields.iter().map(field).collect())
            }
            _ => self.clone(),
        }
    }

    /// A map with keys and values of these types.
    pub fn map(key: Type, value: Type) -> DataType {
        let entry = [Field::new("key", key), Field::new("value", value)];
        DataType::Map(Box::new(DataType::Record(entry.into()).required()))
    }

    /// The type whose values are laid out and ordered as those of this one.
    pub fn laid_out(&self) -> DataType {
        match self {
            DataType::Uuid | DataType::Bytes => DataType::String,
            DataType::Time => DataType::Duration,
            DataType::Map(entry) => DataType::List(entry.clone()),
            _ => self.clone(),
        }
    }

    /// Is it, or a part of it, of a `type` declaration for which this is true?
    pub fn has_named(&self, is: &impl Fn(&NamedType) -> bool) -> bool {
        match self {
            DataType::Named(named) => is(named) || named.of.has_named(is),
            DataType::List(item) | DataType::Map(item) => item.data.has_named(is),
            DataType::Record(fields) => fields.iter().any(|field| field.ty.data.has_named(is)),
            _ => false,
        }
    }

    /// Is it, or a part of it, the type of a bare `null` or of the items of `[]`?
    pub fn has_null(&self) -> bool {
        match self {
            DataType::Null => true,
            DataType::List(item) | DataType::Map(item) => item.data.has_null(),
            DataType::Record(fields) => fields.iter().any(|field| field.ty.data.has_null()),
            DataType::Named(named) => named.of.has_null(),
            _ => false,
        }
    }
}

impl Type {
    /// The type of what could not be checked.
    pub const UNKNOWN: Type = Type { data: DataType::Unknown, nullable: false };

    /// The types of the key and the value of an entry of a map.
    pub fn entry(&self) -> Option<(&Type, &Type)> {
        match &self.data {
            DataType::Record(fields) => match &**fields {
                [key, value] => Some((&key.ty, &value.ty)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The same type as values have it in memory, see [`DataType::opened`].
    pub fn opened(&self) -> Type {
        Type { data: self.data.opened(), nullable: self.nullable }
    }

    /// The same type with `nullable` as given.
    pub fn with_nullable(&self, nullable: bool) -> Type {
        Type { data: self.data.clone(), nullable }
    }

    /// The same type, of values that are not null at the end of this path of fields, which are positions;
    /// without fields, of values that are not null.
    pub fn never_null_at(&self, path: &[usize]) -> Type {
        match (path, &self.data) {
            ([], data) => data.clone().required(),
            ([at, path @ ..], DataType::Record(fields)) => {
                let mut fields = fields.to_vec();
                fields[*at].ty = fields[*at].ty.never_null_at(path);
                Type { data: DataType::Record(fields.into()), nullable: self.nullable }
            }
            _ => self.clone(),
        }
    }

    /// Could it not be checked?
    pub fn is_unknown(&self) -> bool {
        self.data.is_unknown()
    }
}

impl Field {
    /// A field of this name and type.
    pub fn new(name: impl Into<Arc<str>>, ty: Type) -> Field {
        Field { name: name.into(), ty }
    }
}

/// As the user writes it: `decimal(12, 2)`, `list<string?>`, `{a: int}`, `Level`.
impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DataType::Unknown => f.write_str("unknown"),
            DataType::Null => f.write_str("null"),
            DataType::Bool => f.write_str("bool"),
            DataType::Int => f.write_str("int"),
            DataType::Float => f.write_str("float"),
            DataType::Decimal { precision, scale } => write!(f, "decimal({precision}, {scale})"),
            DataType::String => f.write_str("string"),
            DataType::Json => f.write_str("json"),
            DataType::Uuid => f.write_str("uuid"),
            DataType::Bytes => f.write_str("bytes"),
            DataType::Date => f.write_str("date"),
            DataType::Time => f.write_str("time"),
            DataType::Datetime => f.write_str("datetime"),
            DataType::Timestamp => f.write_str("timestamp"),
            DataType::Duration => f.write_str("duration"),
            DataType::List(item) => write!(f, "list<{item}>"),
            DataType::Map(entry) => match entry.entry() {
                Some((key, value)) => write!(f, "map<{key}, {value}>"),
                None => f.write_str("map"),
            },
            DataType::Record(fields) => {
                f.write_str("{")?;
                for (at, field) in fields.iter().enumerate() {
                    let comma = if at == 0 { "" } else { ", " };
                    write!(f, "{comma}{}: {}", field.name, field.ty)?;
                }
                f.write_str("}")
            }
            DataType::Enum(declared) => f.write_str(&declared.name),
            DataType::Named(named) => f.write_str(&named.name),
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_marked = self.nullable && self.data != DataType::Null;
        write!(f, "{}{}", self.data, if is_marked { "?" } else { "" })
    }
}
