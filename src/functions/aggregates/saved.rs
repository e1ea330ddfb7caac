//! How states of groups are written as bytes and read back: for what does not fit into memory.
//!
//! Bytes are read by the program that wrote them, in the same order, so there are no tags but where
//! a value has several forms.

use crate::types::Scalar;
use std::sync::Arc;

/// What can be written and read back.
pub trait Saved: Sized {
    /// Appends the value.
    fn save(&self, out: &mut Vec<u8>);

    /// The value at the beginning of `from`, which is moved behind it.
    fn load(from: &mut &[u8]) -> Self;
}

fn take<const N: usize>(from: &mut &[u8]) -> [u8; N] {
    let (bytes, rest) = from.split_first_chunk().expect("a state is read as it was written");
    *from = rest;
    *bytes
}

macro_rules! saved_numbers {
    ($($number:ty),*) => {
        $(impl Saved for $number {
            fn save(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn load(from: &mut &[u8]) -> $number {
                <$number>::from_le_bytes(take(from))
            }
        })*
    };
}
saved_numbers!(u8, i32, u32, i64, u64, i128, u128, f64);

/// Writes a struct field by field.
macro_rules! saved_struct {
    ($name:ty { $($field:ident),* }) => {
        impl $crate::functions::aggregates::saved::Saved for $name {
            fn save(&self, out: &mut Vec<u8>) {
                $($crate::functions::aggregates::saved::Saved::save(&self.$field, out);)*
            }

            fn load(from: &mut &[u8]) -> Self {
                $(let $field = $crate::functions::aggregates::saved::Saved::load(from);)*
                Self { $($field),* }
            }
        }
    };
}
pub(super) use saved_struct;

impl Saved for bool {
    fn save(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn load(from: &mut &[u8]) -> bool {
        u8::load(from) != 0
    }
}

impl Saved for String {
    fn save(&self, out: &mut Vec<u8>) {
        save_text(self, out);
    }

    fn load(from: &mut &[u8]) -> String {
        load_text(from).to_owned()
    }
}

fn save_text(text: &str, out: &mut Vec<u8>) {
    (text.len() as u64).save(out);
    out.extend_from_slice(text.as_bytes());
}

fn load_text<'a>(from: &mut &'a [u8]) -> &'a str {
    let length = u64::load(from) as usize;
    let (text, rest) = from.split_at(length);
    *from = rest;
    std::str::from_utf8(text).expect("a state is read as it was written")
}

impl<A: Saved, B: Saved> Saved for (A, B) {
    fn save(&self, out: &mut Vec<u8>) {
        self.0.save(out);
        self.1.save(out);
    }

    fn load(from: &mut &[u8]) -> (A, B) {
        let first = A::load(from);
        (first, B::load(from))
    }
}

impl<T: Saved> Saved for Option<T> {
    fn save(&self, out: &mut Vec<u8>) {
        self.is_some().save(out);
        if let Some(value) = self {
            value.save(out);
        }
    }

    fn load(from: &mut &[u8]) -> Option<T> {
        bool::load(from).then(|| T::load(from))
    }
}

impl<T: Saved> Saved for Vec<T> {
    fn save(&self, out: &mut Vec<u8>) {
        (self.len() as u64).save(out);
        self.iter().for_each(|value| value.save(out));
    }

    fn load(from: &mut &[u8]) -> Vec<T> {
        (0..u64::load(from)).map(|_| T::load(from)).collect()
    }
}

impl<T: Saved> Saved for Box<T> {
    fn save(&self, out: &mut Vec<u8>) {
        (**self).save(out);
    }

    fn load(from: &mut &[u8]) -> Box<T> {
        Box::new(T::load(from))
    }
}

impl<T: Saved + Copy, const N: usize> Saved for [T; N] {
    fn save(&self, out: &mut Vec<u8>) {
        self.iter().for_each(|value| value.save(out));
    }

    fn load(from: &mut &[u8]) -> [T; N] {
        std::array::from_fn(|_| T::load(from))
    }
}

impl Saved for Scalar {
    fn save(&self, out: &mut Vec<u8>) {
        let mut tagged = |tag: u8, value: &dyn Fn(&mut Vec<u8>)| {
            out.push(tag);
            value(out);
        };
        match self {
            Scalar::Null => tagged(0, &|_| {}),
            Scalar::Bool(value) => tagged(1, &|out| value.save(out)),
            Scalar::Int(value) => tagged(2, &|out| value.save(out)),
            Scalar::Float(value) => tagged(3, &|out| value.save(out)),
            Scalar::Decimal(value) => tagged(4, &|out| value.save(out)),
            Scalar::String(value) => tagged(5, &|out| save_text(value, out)),
            Scalar::Date(value) => tagged(6, &|out| value.save(out)),
            Scalar::Datetime(value) => tagged(7, &|out| value.save(out)),
            Scalar::Timestamp(value) => tagged(8, &|out| value.save(out)),
            Scalar::Duration(value) => tagged(9, &|out| value.save(out)),
            Scalar::Enum(value) => tagged(10, &|out| value.save(out)),
            Scalar::List(values) => tagged(11, &|out| values.save(out)),
            Scalar::Record(values) => tagged(12, &|out| values.save(out)),
        }
    }

    fn load(from: &mut &[u8]) -> Scalar {
        match u8::load(from) {
            0 => Scalar::Null,
            1 => Scalar::Bool(Saved::load(from)),
            2 => Scalar::Int(Saved::load(from)),
            3 => Scalar::Float(Saved::load(from)),
            4 => Scalar::Decimal(Saved::load(from)),
            5 => Scalar::String(Arc::from(load_text(from))),
            6 => Scalar::Date(Saved::load(from)),
            7 => Scalar::Datetime(Saved::load(from)),
            8 => Scalar::Timestamp(Saved::load(from)),
            9 => Scalar::Duration(Saved::load(from)),
            10 => Scalar::Enum(Saved::load(from)),
            11 => Scalar::List(Saved::load(from)),
            12 => Scalar::Record(Saved::load(from)),
            tag => unreachable!("a state is read as it was written, not {tag}"),
        }
    }
}
