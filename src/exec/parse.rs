//! `parse column with r"..." { fields }`: the named parts of a text become columns.
//!
//! A row whose text does not match, or of which a part is not a value of its column's type, fails. All new
//! columns are null in one that does not match, and those of the parts that are no values in another.

use crate::data::parse::{Clock, date, datetime, refuse, scalar, timestamp};
use crate::data::{Batch, TextBuilder, array_of};
use crate::exec::gather::expand;
use crate::functions::kernel::{Failure, Operand};
use crate::functions::regex::{Groups, Places};
use crate::functions::template::{Misfit, Template};
use crate::ir::{self, Parse, Pattern};
use crate::text::Span;
use crate::types::{DataType, Scalar};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, StringViewArray};
use regex::Regex;
use std::sync::Arc;

/// A compiled `parse`.
pub struct ParseStep {
    pattern: Reader,
    column: usize,
    fields: Vec<Field>,
    span: Span,
}

/// What finds the parts of a text.
enum Reader {
    Groups(Groups),
    Template { template: Template, of: Arc<ir::Template> },
}

struct Field {
    name: Arc<str>,
    group: usize,
    ty: crate::types::Type,
    clock: Option<Clock>,
    span: Span,
}

/// A column as it grows: texts at once, all else value by value.
enum Growing {
    Texts(TextBuilder),
    Values(Vec<Scalar>),
}

impl ParseStep {
    /// Compiles the pattern, which was checked before.
    pub fn compile(parse: &Parse) -> ParseStep {
        let fields: Vec<Field> = parse
            .fields
            .iter()
            .map(|field| Field {
                name: field.name.clone(),
                group: field.group,
                ty: field.ty.clone(),
                clock: field
                    .format
                    .as_ref()
                    .map(|format| Clock { format: Some(format.clone()), zone: None }),
                span: field.span,
            })
            .collect();
        let pattern = match &parse.pattern {
            Pattern::Regex(pattern) => {
                let regex = Regex::new(pattern).expect("the pattern was compiled by the checker");
                Reader::Groups(Groups::new(regex))
            }
            Pattern::Template(of) => {
                Reader::Template { template: Template::new(&of.texts), of: of.clone() }
            }
        };
        ParseStep { pattern, column: parse.column, fields, span: parse.span }
    }

    /// The new columns, for all rows of the batch. Site 0 of a failure is the pattern, site `n`
    /// the n-th field.
    pub fn eval(&self, batch: &Batch, failures: &mut Vec<Failure>) -> Vec<ArrayRef> {
        let text = expand(&Operand::column(batch.columns[self.column].clone()), batch.rows);
        let text: &StringViewArray = text.as_string_view();
        let mut columns: Vec<Growing> = self.fields.iter().map(|field| field.start(text)).collect();
        let mut places = self.pattern.places();
        for row in 0..batch.rows {
            let failed = self.row(text, row, &mut places, &mut columns);
            if let Err((site, reason)) = failed {
                failures.push(Failure { row: row as u32, site, reason });
                for column in &mut columns {
                    column.make_null(row);
                }
            }
        }
        let finish = |(field, column): (&Field, Growing)| column.finish(&field.ty.data);
        self.fields.iter().zip(columns).map(finish).collect()
    }

    /// One row; null, or a failed one, leaves every column with a value less.
    fn row(
        &self,
        text: &StringViewArray,
        row: usize,
        places: &mut Places,
        columns: &mut [Growing],
    ) -> Result<(), (u32, String)> {
        if text.is_null(row) {
            return Err((0, "null does not match the pattern".into()));
        }
        let line = text.value(row);
        self.pattern.read(line, places).map_err(|more| {
            let shown = crate::diagnostics::shown(line);
            (0, format!("\"{shown}\" does not match the pattern{more}"))
        })?;
        let mut failed = None;
        for (at, (field, column)) in self.fields.iter().zip(columns).enumerate() {
            let part = places.get(field.group).map(|(start, end)| &line[start..end]);
            if let Err(reason) = column.push(field, part, (text, row)) {
                // Where the row stays, so do the parts that are values.
                column.make_null(row);
                failed.get_or_insert((at as u32 + 1, format!("{}: {reason}", field.name)));
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// The place of a failure's site.
    pub fn span(&self, site: u32) -> Span {
        match site.checked_sub(1) {
            Some(field) => self.fields[field as usize].span,
            None => self.span,
        }
    }
}

impl Reader {
    fn places(&self) -> Places {
        match self {
            Reader::Groups(groups) => groups.places(),
            Reader::Template { template, .. } => Places::of(template.parts()),
        }
    }

    /// Finds the parts of a text; an error goes on to say why they are not there.
    fn read(&self, text: &str, places: &mut Places) -> Result<(), String> {
        match self {
            Reader::Groups(groups) => match groups.read(text, places) {
                true => Ok(()),
                false => Err(String::new()),
            },
            Reader::Template { template, of } => {
                template.read(text, places).map_err(|misfit| of_template(of, &misfit))
            }
        }
    }
}

/// Goes on to say why a text does not match a template.
fn of_template(of: &ir::Template, misfit: &Misfit) -> String {
    let is_missing = |at: usize| crate::diagnostics::shown(&of.texts[at]);
    match *misfit {
        Misfit::Start => format!(": it does not begin with \"{}\"", is_missing(0)),
        Misfit::Behind(part) if part == of.names.len() => {
            format!(": it does not end with \"{}\"", is_missing(part))
        }
        Misfit::Behind(part) => {
            format!(": there is no \"{}\" behind `{}`", is_missing(part), of.names[part - 1])
        }
    }
}

impl Field {
    fn start(&self, text: &StringViewArray) -> Growing {
        match self.ty.data {
            DataType::String => Growing::Texts(TextBuilder::of_pieces(text, text.len())),
            _ => Growing::Values(Vec::with_capacity(text.len())),
        }
    }

    fn value(&self, text: &str) -> Result<Scalar, String> {
        let Some(clock) = &self.clock else { return scalar(text, &self.ty) };
        let bytes = text.as_bytes();
        let value = match self.ty.data {
            DataType::Date => date(bytes, clock).map(Scalar::Date),
            DataType::Datetime => datetime(bytes, clock).map(Scalar::Datetime),
            _ => timestamp(bytes, clock).map(Scalar::Timestamp),
        };
        value.map_err(|reason| refuse(text, &reason))
    }
}

impl Growing {
    /// The next value, of a part of the text in `row` of `whole`.
    fn push(
        &mut self,
        field: &Field,
        part: Option<&str>,
        (whole, row): (&StringViewArray, usize),
    ) -> Result<(), String> {
        match (part, self) {
            (None, _) if !field.ty.nullable => Err("the group takes no part in the match".into()),
            (None, Growing::Texts(column)) => {
                column.push_null();
                Ok(())
            }
            (None, Growing::Values(column)) => {
                column.push(Scalar::Null);
                Ok(())
            }
            (Some(part), Growing::Texts(column)) => {
                column.push_piece(whole, row, part);
                Ok(())
            }
            (Some(part), Growing::Values(column)) => {
                column.push(field.value(part)?);
                Ok(())
            }
        }
    }

    /// Fills up to `row` with null where the row failed before this column.
    fn make_null(&mut self, row: usize) {
        match self {
            Growing::Texts(column) if column.len() <= row => {
                column.push_null();
            }
            Growing::Values(column) if column.len() <= row => column.push(Scalar::Null),
            Growing::Texts(_) | Growing::Values(_) => {}
        }
    }

    fn finish(self, ty: &DataType) -> ArrayRef {
        match self {
            Growing::Texts(column) => Arc::new(column.finish()),
            Growing::Values(column) => array_of(ty, &column),
        }
    }
}
