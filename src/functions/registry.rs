//! All functions of the language: the declarations of the standard library joined to their
//! kernels.
//!
//! The texts in `stdlib/` are the one statement of what there is; a declaration without a kernel
//! or a kernel without a declaration fails a test.

use super::declaration::{DataPattern, Declaration};
use super::kernel::{Call, LiteralError, NewAccumulator, ScalarKernel, WindowKernel};
use super::{Argument, FunctionId, Kernel, Mismatch, Resolved, resolve};
use crate::diagnostics::Diagnostics;
use crate::syntax;
use crate::syntax::ast::{DeclarationKind, Expr, Native};
use crate::text::Files;
use crate::types::Type;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::LazyLock;

/// The standard library, file by file.
const STDLIB: &[(&str, &str)] = &[
    ("stdlib/strings.batch", include_str!("../../stdlib/strings.batch")),
    ("stdlib/math.batch", include_str!("../../stdlib/math.batch")),
    ("stdlib/times.batch", include_str!("../../stdlib/times.batch")),
    ("stdlib/regex.batch", include_str!("../../stdlib/regex.batch")),
    ("stdlib/conditionals.batch", include_str!("../../stdlib/conditionals.batch")),
    ("stdlib/convert.batch", include_str!("../../stdlib/convert.batch")),
    ("stdlib/hashing.batch", include_str!("../../stdlib/hashing.batch")),
    ("stdlib/lists.batch", include_str!("../../stdlib/lists.batch")),
    ("stdlib/maps.batch", include_str!("../../stdlib/maps.batch")),
    ("stdlib/json.batch", include_str!("../../stdlib/json.batch")),
    ("stdlib/addresses.batch", include_str!("../../stdlib/addresses.batch")),
    ("stdlib/logs.batch", include_str!("../../stdlib/logs.batch")),
    ("stdlib/quality.batch", include_str!("../../stdlib/quality.batch")),
    ("stdlib/cleaning.batch", include_str!("../../stdlib/cleaning.batch")),
    ("stdlib/calendars.batch", include_str!("../../stdlib/calendars.batch")),
    ("stdlib/features.batch", include_str!("../../stdlib/features.batch")),
    ("stdlib/money.batch", include_str!("../../stdlib/money.batch")),
    ("stdlib/aggregates.batch", include_str!("../../stdlib/aggregates.batch")),
    ("stdlib/windows.batch", include_str!("../../stdlib/windows.batch")),
];

/// Parts of the library that a file sees only where it says `use std.NAME`.
pub const MODULES: &[&str] = &["calendars", "cleaning", "features", "money", "quality"];

/// The name of `??`.
const COALESCE: &str = "coalesce";

/// The functions there are. [`Registry::standard`] is the only one.
pub struct Registry {
    declarations: Vec<Declaration>,
    kernels: Vec<Kernel>,
    by_name: BTreeMap<String, Vec<FunctionId>>,
}

/// An `Example:` line of a declaration's documentation: an expression that is true.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// The overload that it documents.
    pub function: FunctionId,
    /// The expression: `lower("ÀB") == "àb"`.
    pub expression: String,
    /// The columns that an aggregate runs over, as written: `x: int? = [1, 2, null, 3]`.
    pub over: Vec<String>,
}

impl Registry {
    /// The standard library; parsed once a process, in a few milliseconds.
    ///
    /// # Panics
    /// When a text of `stdlib/` is wrong, which a test of this module excludes.
    pub fn standard() -> &'static Registry {
        static STANDARD: LazyLock<Registry> =
            LazyLock::new(|| load().expect("the standard library is right"));
        &STANDARD
    }

    /// The families of functions, in the order of the standard library: its name and what it is
    /// about.
    pub fn families() -> impl Iterator<Item = (&'static str, String)> {
        STDLIB.iter().map(|(path, text)| {
            let about: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("# ")).collect();
            (family_of(path), about.join("\n"))
        })
    }

    /// The names of all functions, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// The functions of this name, in the order of declaration.
    pub fn overloads(&self, name: &str) -> &[FunctionId] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// The module of the library that a function is of, if it is of one.
    pub fn module_of(&self, name: &str) -> Option<&'static str> {
        let family = self.declaration(*self.overloads(name).first()?).family;
        MODULES.contains(&family).then_some(family)
    }

    /// Every function.
    pub fn functions(&self) -> impl Iterator<Item = (FunctionId, &Declaration)> + Clone {
        self.declarations.iter().enumerate().map(|(at, found)| (FunctionId(at as u32), found))
    }

    /// What is said of a function.
    pub fn declaration(&self, function: FunctionId) -> &Declaration {
        &self.declarations[function.0 as usize]
    }

    /// Has a function of this name a parameter of that one?
    pub fn has_parameter(&self, name: &str, parameter: &str) -> bool {
        let parameters =
            self.overloads(name).iter().flat_map(|id| &self.declaration(*id).parameters);
        parameters.into_iter().any(|one| one.name == parameter)
    }

    /// Has the name only functions from many rows to one value?
    pub fn is_aggregate(&self, name: &str) -> bool {
        let overloads = self.overloads(name);
        let aggregate = |id: &FunctionId| self.declaration(*id).is_aggregate();
        !overloads.is_empty() && overloads.iter().all(aggregate)
    }

    /// Has the name only functions that look at the neighbours of a row?
    pub fn is_window(&self, name: &str) -> bool {
        let overloads = self.overloads(name);
        let is_window = |id: &FunctionId| self.declaration(*id).kind == Native::Window;
        !overloads.is_empty() && overloads.iter().all(is_window)
    }

    /// The overload that a call means, with what its parameters get and the type of its result.
    pub fn resolve(&self, name: &str, arguments: &[Argument]) -> Result<Resolved, Mismatch> {
        let overloads = self.overloads(name);
        if overloads.is_empty() {
            return Err(Mismatch::NoFunction);
        }
        let overloads = overloads.iter().map(|id| (*id, self.declaration(*id)));
        resolve::resolve(overloads, arguments)
    }

    /// The type of the result once the type of the lambda's expression is known. An error says
    /// what the lambda has to give.
    pub fn result_with_lambda(&self, resolved: &Resolved, body: &Type) -> Result<Type, Mismatch> {
        resolve::result_with_lambda(self.declaration(resolved.function), resolved, body)
    }

    /// The kernel of a function from row to row.
    ///
    /// # Panics
    /// When the function is no function of rows.
    pub fn scalar(
        &self,
        function: FunctionId,
        call: &Call,
    ) -> Result<Box<dyn ScalarKernel>, LiteralError> {
        match self.kernels[function.0 as usize] {
            Kernel::Scalar(prepare) => prepare(call),
            Kernel::Aggregate(_) | Kernel::Window(_) => {
                unreachable!("what looks at many rows has no scalar kernel")
            }
            Kernel::Operator => unreachable!("an operator is computed as one"),
            Kernel::Written => unreachable!("the checker puts its expression in its place"),
        }
    }

    /// Is it an operator under a name? It takes its arguments as the operator does, which need not
    /// compute all of them.
    pub fn is_operator(&self, function: FunctionId) -> bool {
        matches!(self.kernels[function.0 as usize], Kernel::Operator)
    }

    /// The expression that a call stands for, of a function that is said in the language itself;
    /// the names in it are those of the parameters.
    pub fn written(&self, function: FunctionId) -> Option<&Expr> {
        self.declaration(function).body.as_ref()
    }

    /// What makes the accumulators of an aggregate.
    ///
    /// # Panics
    /// When the function is not an aggregate.
    pub fn aggregate(
        &self,
        function: FunctionId,
        call: &Call,
    ) -> Result<NewAccumulator, LiteralError> {
        let (arguments, result) = laid_out(call);
        let call = &Call { arguments: &arguments, literals: call.literals, result: &result };
        match self.kernels[function.0 as usize] {
            Kernel::Aggregate(prepare) => prepare(call),
            Kernel::Scalar(_) | Kernel::Window(_) | Kernel::Operator | Kernel::Written => {
                unreachable!("only an aggregate has an accumulator")
            }
        }
    }

    /// The kernel of a function of windows, or of an aggregate over the frame of each row.
    ///
    /// # Panics
    /// When the function is neither.
    pub fn window(
        &self,
        function: FunctionId,
        call: &Call,
    ) -> Result<Box<dyn WindowKernel>, LiteralError> {
        let (arguments, result) = laid_out(call);
        let call = &Call { arguments: &arguments, literals: call.literals, result: &result };
        match self.kernels[function.0 as usize] {
            Kernel::Window(prepare) => prepare(call),
            Kernel::Aggregate(prepare) => {
                super::aggregates::over_frames(&self.declaration(function).name, call, prepare)
            }
            Kernel::Scalar(_) | Kernel::Operator | Kernel::Written => {
                unreachable!("a scalar function has no neighbours")
            }
        }
    }

    /// The examples of all declarations, in their order.
    pub fn examples(&self) -> Vec<Example> {
        let of = |(function, declaration): (FunctionId, &Declaration)| {
            declaration
                .doc
                .lines()
                .filter_map(|line| line.trim().strip_prefix("Example: "))
                .map(|line| example(function, line))
                .collect::<Vec<_>>()
        };
        self.functions().flat_map(of).collect()
    }
}

/// What stands between backquotes: the expression, then the columns.
fn example(function: FunctionId, line: &str) -> Example {
    let mut quoted = line.split('`').skip(1).step_by(2).map(str::to_owned);
    let expression = quoted.next().unwrap_or_default();
    Example { function, expression, over: quoted.collect() }
}

/// `stdlib/strings.batch` is the family `strings`.
fn family_of(path: &'static str) -> &'static str {
    path.trim_start_matches("stdlib/").trim_end_matches(".batch")
}

fn load() -> Result<Registry, String> {
    let scalars: HashMap<_, _> = super::scalar_kernels().collect();
    let aggregates: HashMap<_, _> = super::aggregates::KERNELS.iter().copied().collect();
    let windows: HashMap<_, _> = super::windows::KERNELS.iter().copied().collect();
    let mut registry = Registry { declarations: vec![], kernels: vec![], by_name: BTreeMap::new() };
    let mut files = Files::default();
    let mut found = Diagnostics::new();
    for (path, text) in STDLIB {
        let id = files.add(*path, *text);
        let file = syntax::parse(&files, id, &mut found);
        let family = family_of(path);
        // Nobody else has them.
        for declaration in file.declarations.into_iter().filter_map(Arc::into_inner) {
            let DeclarationKind::Function(function) = declaration.kind else {
                let wrong = found.iter().next().map(|wrong| {
                    format!(" line {}: {}", files.position(wrong.span()).line, wrong.message)
                });
                return Err(format!("{path} is no list of functions{}", wrong.unwrap_or_default()));
            };
            let doc = declaration.doc.as_deref();
            let mut lowered = Declaration::lower(&files, function, doc, family)?;
            if let DataPattern::Shaped = lowered.result.data {
                let shape = super::shapes().find(|(name, _)| *name == lowered.name);
                let missing = || format!("nothing says what the fields of `{}` are", lowered.name);
                lowered.shape = Some(shape.ok_or_else(missing)?.1);
            }
            let missing = || format!("`{}` has no kernel", lowered.name);
            let name = lowered.name.as_str();
            registry.kernels.push(match lowered.kind {
                _ if lowered.body.is_some() => Kernel::Written,
                Native::Scalar if name == COALESCE => Kernel::Operator,
                Native::Scalar => Kernel::Scalar(*scalars.get(name).ok_or_else(missing)?),
                Native::Aggregate => Kernel::Aggregate(*aggregates.get(name).ok_or_else(missing)?),
                Native::Window => Kernel::Window(*windows.get(name).ok_or_else(missing)?),
            });
            let id = FunctionId(registry.declarations.len() as u32);
            registry.by_name.entry(lowered.name.clone()).or_default().push(id);
            registry.declarations.push(lowered);
        }
    }
    match found.iter().next() {
        Some(wrong) => {
            let line = files.position(wrong.span()).line;
            Err(format!("{} line {line}: {}", files.get(wrong.span().file).path, wrong.message))
        }
        None => Ok(registry),
    }
}

/// The types of a call as their values are laid out: what looks at many rows does not care what they
/// mean.
fn laid_out(call: &Call) -> (Vec<Type>, Type) {
    let of = |ty: &Type| Type { data: ty.data.laid_out(), nullable: ty.nullable };
    (call.arguments.iter().map(of).collect(), of(call.result))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_kernel_is_declared() {
        let registry = load().expect("the standard library is right");
        let declared: BTreeSet<&str> = registry.names().collect();
        let scalars = crate::functions::scalar_kernels().map(|(name, _)| name);
        let aggregates = crate::functions::aggregates::KERNELS.iter().map(|(name, _)| *name);
        let windows = crate::functions::windows::KERNELS.iter().map(|(name, _)| *name);
        for name in scalars.chain(aggregates).chain(windows) {
            assert!(declared.contains(name), "`{name}` has a kernel and no declaration");
        }
    }

    #[test]
    fn every_function_is_documented_with_an_example() {
        let registry = Registry::standard();
        let examples = registry.examples();
        for (id, declaration) in registry.functions() {
            assert!(!declaration.doc.is_empty(), "{}", declaration.signature);
            let mut own = examples.iter().filter(|example| example.function == id).peekable();
            assert!(own.peek().is_some(), "{} has no example", declaration.signature);
            for example in own {
                assert!(example.expression.contains(&declaration.name), "{example:?}");
                let is_scalar = declaration.kind == Native::Scalar;
                assert!(is_scalar == example.over.is_empty(), "{example:?}");
            }
        }
    }
}
