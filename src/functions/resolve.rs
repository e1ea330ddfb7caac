//! Which overload a call means, what each parameter gets, and the type of the result.
//!
//! Pure: from declarations and the types of the arguments to a [`Resolved`] or a [`Mismatch`].
//! Making kernels is [`super::registry`]'s.

use super::bindings::Bindings;
use super::declaration::{Constraint, DataPattern, Declaration, Digits, TypePattern};
use super::{Argument, ArgumentValue, Bound, FunctionId, Mismatch, Resolved, Shape};
use crate::syntax::ast::Native;
use crate::types::{DataType, Scalar, Type};

/// A parameter, and the position of the argument that it gets; none: its default.
struct Place {
    parameter: usize,
    given: Option<usize>,
}

/// Chooses among the overloads of a name: the one that needs the least widening, of equals the
/// first declared.
pub fn resolve<'d>(
    overloads: impl Iterator<Item = (FunctionId, &'d Declaration)> + Clone,
    arguments: &[Argument],
) -> Result<Resolved, Mismatch> {
    let mut best: Option<(u32, Resolved)> = None;
    let mut fitting = 0;
    let mut misfits = Vec::new();
    for (id, declaration) in overloads.clone() {
        match fit(id, declaration, arguments) {
            Ok((cost, resolved)) => {
                fitting += 1;
                if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                    best = Some((cost, resolved));
                }
            }
            Err(misfit) => misfits.push(misfit),
        }
    }
    let Some((_, mut resolved)) = best else {
        return Err(explain(overloads.map(|(_, declaration)| declaration), misfits));
    };
    let unknown = |argument: &Argument| match &argument.value {
        ArgumentValue::Value { ty, .. } => ty.is_unknown(),
        ArgumentValue::Lambda { .. } => false,
    };
    // Which overload is meant depends on what could not be checked.
    if fitting > 1 && arguments.iter().any(unknown) {
        resolved.result = Type::UNKNOWN;
    }
    Ok(resolved)
}

/// The type of the result of a call with a lambda whose expression has type `body`.
pub fn result_with_lambda(
    declaration: &Declaration,
    resolved: &Resolved,
    body: &Type,
) -> Result<Type, Mismatch> {
    let mut bindings = Bindings::new(declaration);
    let mut nullable = false;
    let mut wanted = None;
    for (at, bound) in resolved.arguments.iter().enumerate() {
        let pattern = &declaration.parameters[at.min(declaration.parameters.len() - 1)].ty;
        match bound {
            Bound::Given(_, ty) | Bound::Default(_, ty) => {
                bindings.bind(pattern, ty);
                nullable |= ty.nullable && !pattern.nullable;
            }
            Bound::Lambda(position, _) => wanted = Some((*position, pattern)),
        }
    }
    if let Some((argument, TypePattern { data: DataPattern::Function(_, result), .. })) = wanted {
        let fits = bindings.bind(result, body).is_some() && bindings.fits(result, body);
        if !fits && !body.is_unknown() {
            return Err(Mismatch::Type { argument, wanted: result.to_string() });
        }
    }
    let result = bindings.apply(&declaration.result).unwrap_or(Type::UNKNOWN);
    Ok(result.with_nullable(result.nullable || nullable))
}

/// Why one overload does not fit.
enum Misfit {
    Count,
    Name(usize),
    Type(usize, String),
    Literal(usize, String),
}

fn explain<'d>(
    overloads: impl Iterator<Item = &'d Declaration> + Clone,
    misfits: Vec<Misfit>,
) -> Mismatch {
    // The types fit there, so this one is meant.
    for misfit in &misfits {
        if let Misfit::Literal(argument, reason) = misfit {
            return Mismatch::Literal { argument: *argument, reason: reason.clone() };
        }
    }
    let furthest = misfits
        .iter()
        .filter_map(|misfit| if let Misfit::Type(at, _) = misfit { Some(*at) } else { None })
        .max();
    if let Some(argument) = furthest {
        let mut wanted: Vec<String> = Vec::new();
        for misfit in &misfits {
            if let Misfit::Type(at, text) = misfit
                && *at == argument
                && !wanted.contains(text)
            {
                wanted.push(text.clone());
            }
        }
        return Mismatch::Type { argument, wanted: one_of(&wanted) };
    }
    let mut named = None;
    for misfit in misfits {
        match misfit {
            Misfit::Name(argument) => named = Some(argument),
            Misfit::Count | Misfit::Type(..) | Misfit::Literal(..) => {}
        }
    }
    if let Some(argument) = named {
        let mut names = Vec::new();
        for parameter in overloads.flat_map(|declaration| &declaration.parameters) {
            if !names.contains(&parameter.name) {
                names.push(parameter.name.clone());
            }
        }
        return Mismatch::Name { argument, names };
    }
    Mismatch::Count { signatures: overloads.map(|d| d.signature.clone()).collect() }
}

/// `int, float or decimal`
fn one_of(words: &[String]) -> String {
    match words {
        [all @ .., last] if !all.is_empty() => format!("{} or {last}", all.join(", ")),
        _ => words.concat(),
    }
}

fn fit(
    function: FunctionId,
    declaration: &Declaration,
    arguments: &[Argument],
) -> Result<(u32, Resolved), Misfit> {
    let places = place(declaration, arguments)?;
    let mut bindings = Bindings::new(declaration);
    let mut cost = 0;
    // Number literals take the type that the others want, so they come last.
    for wants_adaptable in [false, true] {
        for place in &places {
            let pattern = &declaration.parameters[place.parameter].ty;
            let Some(argument) = place.given else { continue };
            let ArgumentValue::Value { ty, literal, adaptable } = &arguments[argument].value else {
                continue;
            };
            if *adaptable != wants_adaptable {
                continue;
            }
            let misfit = || Misfit::Type(argument, bindings_text(declaration, pattern));
            cost += if *adaptable {
                bindings.adapt(pattern, ty, literal.as_ref()).ok_or_else(misfit)?
            } else {
                bindings.bind(pattern, ty).ok_or_else(misfit)?
            };
        }
    }
    bind_literals(declaration, &places, arguments, &mut bindings);
    check_constraints(declaration, &places, arguments, &bindings)?;
    let mut bound = Vec::with_capacity(places.len());
    for place in &places {
        bound.push(give(declaration, place, arguments, &bindings)?);
    }
    let mut result = result(declaration, &bound, &bindings, &places)?;
    if let Some(shape) = declaration.shape {
        result.data = shaped(shape, &places, declaration, arguments)?;
    }
    let fallible = declaration.fallible;
    Ok((cost, Resolved { function, arguments: bound, result, fallible }))
}

/// Which argument goes where: by name, else in order; a variadic parameter takes the rest.
fn place(declaration: &Declaration, arguments: &[Argument]) -> Result<Vec<Place>, Misfit> {
    let parameters = &declaration.parameters;
    let mut given: Vec<Vec<usize>> = vec![Vec::new(); parameters.len()];
    for (position, argument) in arguments.iter().enumerate() {
        let parameter = match argument.name {
            Some(name) => parameters
                .iter()
                .position(|parameter| parameter.name == name)
                .ok_or(Misfit::Name(position))?,
            None => given
                .iter()
                .zip(parameters)
                .position(|(given, parameter)| given.is_empty() || parameter.variadic)
                .ok_or(Misfit::Count)?,
        };
        if !given[parameter].is_empty() && !parameters[parameter].variadic {
            return Err(Misfit::Count);
        }
        given[parameter].push(position);
    }
    let mut places = Vec::with_capacity(arguments.len());
    for (at, (given, parameter)) in given.into_iter().zip(parameters).enumerate() {
        if given.is_empty() && !parameter.variadic {
            if parameter.default.is_none() {
                return Err(Misfit::Count);
            }
            places.push(Place { parameter: at, given: None });
        }
        places.extend(given.into_iter().map(|given| Place { parameter: at, given: Some(given) }));
    }
    Ok(places)
}

fn bind_literals(
    declaration: &Declaration,
    places: &[Place],
    arguments: &[Argument],
    bindings: &mut Bindings,
) {
    for place in places {
        let parameter = &declaration.parameters[place.parameter];
        let value = match place.given.map(|given| &arguments[given].value) {
            Some(ArgumentValue::Value { literal, .. }) => literal.as_ref(),
            Some(ArgumentValue::Lambda { .. }) => None,
            None => parameter.default.as_ref(),
        };
        if let Some(Scalar::Int(value)) = value {
            bindings.digits.insert(parameter.name.clone(), *value);
        }
    }
}

fn check_constraints(
    declaration: &Declaration,
    places: &[Place],
    arguments: &[Argument],
    bindings: &Bindings,
) -> Result<(), Misfit> {
    for (at, variable) in declaration.variables.iter().enumerate() {
        let Some(Some(ty)) = bindings.variables.get(at) else { continue };
        let silent = matches!(ty.data, DataType::Unknown | DataType::Null);
        let fits = match variable.constraint {
            Constraint::Any => true,
            Constraint::Ordered => ty.data.is_ordered(),
            Constraint::Number => ty.data.is_number(),
        };
        if fits || silent {
            continue;
        }
        let is_of = |place: &&Place| {
            let pattern = &declaration.parameters[place.parameter].ty;
            place.given.is_some_and(|given| given < arguments.len()) && mentions(pattern, at)
        };
        let argument = places.iter().find(is_of).and_then(|place| place.given).unwrap_or(0);
        let pattern = places
            .iter()
            .find(|place| place.given == Some(argument))
            .map(|place| &declaration.parameters[place.parameter].ty);
        let wanted = pattern.map_or(String::new(), |ty| bindings_text(declaration, ty));
        return Err(Misfit::Type(argument, wanted));
    }
    Ok(())
}

fn mentions(pattern: &TypePattern, variable: usize) -> bool {
    match &pattern.data {
        DataPattern::Variable(at, _) => *at == variable,
        DataPattern::List(item) => mentions(item, variable),
        DataPattern::Map(key, value) => mentions(key, variable) || mentions(value, variable),
        DataPattern::Record(fields) => fields.iter().any(|(_, ty)| mentions(ty, variable)),
        DataPattern::Exact(_)
        | DataPattern::Decimal(..)
        | DataPattern::Shaped
        | DataPattern::Function(..) => false,
    }
}

/// What a parameter wants, in words: its type, or what its variable must be.
fn bindings_text(declaration: &Declaration, pattern: &TypePattern) -> String {
    match &pattern.data {
        DataPattern::Variable(at, _) => match declaration.variables[*at].constraint {
            Constraint::Any => "a value of the same type as the others".into(),
            Constraint::Ordered => "a value that has an order".into(),
            Constraint::Number => "int, float or decimal".into(),
        },
        DataPattern::List(item) if matches!(item.data, DataPattern::Variable(..)) => "list".into(),
        DataPattern::Map(key, _) if matches!(key.data, DataPattern::Variable(..)) => "map".into(),
        _ => TypePattern { nullable: false, ..pattern.clone() }.to_string(),
    }
}

fn give(
    declaration: &Declaration,
    place: &Place,
    arguments: &[Argument],
    bindings: &Bindings,
) -> Result<Bound, Misfit> {
    let parameter = &declaration.parameters[place.parameter];
    let Some(position) = place.given else {
        let value = parameter.default.clone().unwrap_or(Scalar::Null);
        let ty = bindings.apply(&parameter.ty).unwrap_or(Type::UNKNOWN);
        return Ok(Bound::Default(value, ty));
    };
    match (&arguments[position].value, &parameter.ty.data) {
        (ArgumentValue::Lambda { parameters: given }, DataPattern::Function(wanted, _)) => {
            if *given != wanted.len() {
                return Err(Misfit::Type(position, parameter.ty.to_string()));
            }
            let types =
                wanted.iter().map(|ty| bindings.apply(ty).unwrap_or(Type::UNKNOWN)).collect();
            Ok(Bound::Lambda(position, types))
        }
        (ArgumentValue::Lambda { .. }, _) => {
            Err(Misfit::Type(position, bindings_text(declaration, &parameter.ty)))
        }
        (ArgumentValue::Value { .. }, DataPattern::Function(..)) => {
            Err(Misfit::Type(position, format!("a function {}", parameter.ty)))
        }
        (ArgumentValue::Value { ty, .. }, _) => {
            let wanted = bindings.apply(&parameter.ty).unwrap_or_else(|| ty.clone());
            let nullable = ty.nullable || ty.data == DataType::Null;
            Ok(Bound::Given(position, wanted.with_nullable(nullable)))
        }
    }
}

fn result(
    declaration: &Declaration,
    bound: &[Bound],
    bindings: &Bindings,
    places: &[Place],
) -> Result<Type, Misfit> {
    let known = bindings.apply(&declaration.result);
    if known.is_none() {
        unknown_digits(declaration, bindings, places)?;
    }
    let mut result = known.unwrap_or(Type::UNKNOWN);
    if declaration.kind != Native::Scalar {
        // What is left of the rows decides.
        result.nullable = declaration.result.nullable;
        return Ok(result);
    }
    let patterns = places.iter().map(|place| &declaration.parameters[place.parameter].ty);
    let nulls: Vec<bool> = bound
        .iter()
        .map(|bound| match bound {
            Bound::Given(_, ty) => ty.nullable,
            Bound::Default(value, _) => value.is_null(),
            Bound::Lambda(..) => false,
        })
        .collect();
    let sees_nulls = patterns.clone().all(|pattern| pattern.nullable);
    if declaration.result.nullable && sees_nulls && !places.is_empty() {
        // The first of them that is not null: `coalesce`.
        result.nullable = nulls.iter().all(|null| *null);
    } else {
        let strict = patterns.zip(&nulls).any(|(pattern, null)| *null && !pattern.nullable);
        result.nullable |= strict;
    }
    Ok(result)
}

/// The fields of a result that literal arguments decide.
fn shaped(
    shape: Shape,
    places: &[Place],
    declaration: &Declaration,
    arguments: &[Argument],
) -> Result<DataType, Misfit> {
    let literal = |place: &Place| match place.given.map(|given| &arguments[given].value) {
        Some(ArgumentValue::Value { literal, .. }) => literal.clone(),
        Some(ArgumentValue::Lambda { .. }) => None,
        None => declaration.parameters[place.parameter].default.clone(),
    };
    let literals: Vec<Option<Scalar>> = places.iter().map(literal).collect();
    shape(&literals).map_err(|error| {
        let given = places.get(error.argument).and_then(|place| place.given);
        Misfit::Literal(given.unwrap_or_default(), error.reason)
    })
}

/// Complains of an argument that decides the digits of the result and is not a literal.
fn unknown_digits(
    declaration: &Declaration,
    bindings: &Bindings,
    places: &[Place],
) -> Result<(), Misfit> {
    let DataPattern::Decimal(precision, scale) = &declaration.result.data else { return Ok(()) };
    let mut names = [precision, scale].into_iter().flat_map(Digits::names);
    let Some(name) = names.find(|name| !bindings.digits.contains_key(*name)) else { return Ok(()) };
    let of = |place: &&Place| declaration.parameters[place.parameter].name == name;
    match places.iter().find(of).and_then(|place| place.given) {
        Some(given) => Err(Misfit::Literal(
            given,
            format!("`{name}` must be a literal, as it decides the type of the result"),
        )),
        None => Ok(()),
    }
}
