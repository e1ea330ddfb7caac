//! The operations of a program as it is built: which values are known, in which branch one
//! stands, and which operations make a value fail.
//!
//! There is one frame for the rows and one for the body of each lambda; what expressions mean is
//! not known here.

use super::program::{Action, Code, LambdaCode, MaskRule, Operation, Place, Value};
use crate::data::{array_of, scalar_at};
use crate::functions::FunctionId;
use crate::functions::kernel::{KernelContext, Operand, ScalarKernel};
use crate::ir::{Arithmetic, Comparison, Slot};
use crate::types::{DataType, Scalar};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// An operation about to be added.
pub(super) struct Emit {
    pub kind: Kind,
    pub kernel: Box<dyn ScalarKernel>,
    /// May a row fail?
    pub fallible: bool,
    pub operands: Vec<Value>,
}

/// What an operation computes, to find equal ones; with operands and type it says all.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Function(FunctionId),
    Not,
    And,
    Or,
    Negate,
    Arithmetic(Arithmetic),
    Compare(Comparison),
    Conversion,
    IsNull,
    /// The constants looked for, as text.
    In(String),
    InList,
    Matches(Arc<str>),
    Case,
    Coalesce,
    Field(usize),
    Index,
    List,
    Record,
    Concat,
}

/// Where an expression stands: in a branch, inside a `try`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Scope {
    pub branch: usize,
    pub catch: Option<usize>,
}

impl Scope {
    /// All rows, in no `try`.
    pub(super) const WHOLE: Scope = Scope { branch: 0, catch: None };
}

/// What an expression can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Name {
    Column(usize),
    Slot(Slot),
}

/// A part of the rows; its mask is computed when an operation first needs it.
struct Branch {
    parent: usize,
    rule: MaskRule,
    value: Value,
    mask: Option<usize>,
}

/// An operation, its operands and its type; and its scope, if it may fail.
type Key = (Kind, Vec<Value>, DataType, Option<Scope>);

pub(super) struct Frame {
    code: Code,
    known: HashMap<Key, Value>,
    /// Constants by their spelling, which tells `-0.0` from `0.0`.
    interned: HashMap<(String, DataType), usize>,
    scalars: Vec<Scalar>,
    /// For each register the operations that make it fail.
    sites: Vec<BTreeSet<u32>>,
    /// The first is the whole.
    branches: Vec<Option<Branch>>,
    /// Those there are, to find equal ones: of which part, by which rule, of which value.
    parts: HashMap<(usize, MaskRule, Value), usize>,
    /// The mask of the whole: that of the body of a lambda is given from outside.
    whole: Option<usize>,
    bindings: HashMap<Name, Value>,
    captures: Vec<Value>,
    /// The catches into which something may fail.
    catching: HashSet<usize>,
}

impl Frame {
    /// The frame of rows: a column is that of the input until it is bound to something else.
    pub fn of_rows() -> Frame {
        Frame {
            code: Code::default(),
            known: HashMap::new(),
            interned: HashMap::new(),
            scalars: Vec::new(),
            sites: Vec::new(),
            branches: vec![None],
            parts: HashMap::new(),
            whole: None,
            bindings: HashMap::new(),
            captures: Vec::new(),
            catching: HashSet::new(),
        }
    }

    /// The frame of the body of a lambda: its first column is the item, the others are captured.
    pub fn of_lambda(slot: Slot) -> Frame {
        let mut frame = Frame::of_rows();
        frame.bindings.insert(Name::Slot(slot), Value::Column(0));
        frame.whole = Some(0);
        frame.code.masks = 1;
        frame
    }

    /// What a name stands for, if it is known here.
    pub fn binding(&self, name: Name) -> Option<Value> {
        let bound = self.bindings.get(&name).copied();
        match name {
            Name::Column(column) if self.whole.is_none() => bound.or(Some(Value::Column(column))),
            _ => bound,
        }
    }

    /// Lets a name stand for a value from here on.
    pub fn bind(&mut self, name: Name, value: Value) {
        self.bindings.insert(name, value);
    }

    /// Makes `outer`, a value of the frame around this one, the next column of this one.
    pub fn capture(&mut self, name: Name, outer: Value) -> Value {
        self.captures.push(outer);
        let value = Value::Column(self.captures.len());
        self.bindings.insert(name, value);
        value
    }

    /// The values captured, of the frame around.
    pub fn captures(&self) -> &[Value] {
        &self.captures
    }

    /// The operations that make a value fail.
    pub fn sites_of(&self, value: Value) -> BTreeSet<u32> {
        match value {
            Value::Register(register) => self.sites[register].clone(),
            Value::Column(_) | Value::Constant(_) => BTreeSet::new(),
        }
    }

    /// The value, if it is constant.
    pub fn scalar(&self, value: Value) -> Option<&Scalar> {
        match value {
            Value::Constant(constant) => Some(&self.scalars[constant]),
            Value::Column(_) | Value::Register(_) => None,
        }
    }

    /// A constant.
    pub fn constant(&mut self, scalar: Scalar, ty: &DataType) -> Value {
        let key = (format!("{scalar:?}"), ty.clone());
        let constant = *self.interned.entry(key).or_insert_with(|| {
            let array = array_of(ty, std::slice::from_ref(&scalar));
            self.code.constants.push(Operand::constant(array));
            self.scalars.push(scalar);
            self.scalars.len() - 1
        });
        Value::Constant(constant)
    }

    /// The part of `scope` in which `value` is as `rule` says.
    pub fn branch(&mut self, scope: Scope, rule: MaskRule, value: Value) -> Scope {
        let Frame { branches, parts, .. } = self;
        let branch = *parts.entry((scope.branch, rule, value)).or_insert_with(|| {
            branches.push(Some(Branch { parent: scope.branch, rule, value, mask: None }));
            branches.len() - 1
        });
        Scope { branch, ..scope }
    }

    /// A new `try`.
    pub fn new_catch(&mut self) -> usize {
        self.code.catches += 1;
        self.code.catches - 1
    }

    /// `value`, null where something failed into the catch.
    pub fn caught(&mut self, catch: usize, value: Value) -> Value {
        if !self.catching.contains(&catch) {
            return value;
        }
        let out = self.register(self.sites_of(value));
        self.push(Action::Caught { catch, out }, vec![value]);
        Value::Register(out)
    }

    /// Adds an operation, unless it is known or constant. `site` numbers one that may fail.
    pub fn emit(
        &mut self,
        emit: Emit,
        ty: &DataType,
        scope: Scope,
        site: impl FnOnce() -> u32,
    ) -> Value {
        let Emit { kind, kernel, fallible, operands } = emit;
        let key = (kind, operands, ty.clone(), fallible.then_some(scope));
        if let Some(&value) = self.known.get(&key) {
            return value;
        }
        let operands = key.1.clone();
        let value = match self.fold(&*kernel, &operands, ty) {
            Some(constant) => constant,
            None => {
                let place = if fallible { self.place(scope, site()) } else { Place::INFALLIBLE };
                let out = self.register(self.sites_at(place, &operands));
                self.push(Action::Kernel { kernel, out, place }, operands);
                Value::Register(out)
            }
        };
        self.known.insert(key, value);
        value
    }

    /// Adds a call with a lambda; `site` if it may fail, `inner` the places where its body may.
    pub fn emit_lambda(
        &mut self,
        lambda: Box<LambdaCode>,
        operands: Vec<Value>,
        scope: Scope,
        site: Option<u32>,
        inner: BTreeSet<u32>,
    ) -> Value {
        let place = match site {
            Some(site) => self.place(scope, site),
            None => Place::INFALLIBLE,
        };
        let mut sites = self.sites_at(place, &operands);
        if place.catch.is_none() {
            sites.extend(inner);
        }
        let out = self.register(sites);
        self.push(Action::Lambda { lambda, out, place }, operands);
        Value::Register(out)
    }

    /// The finished program; `results` are read after it has run.
    pub fn finish(mut self, results: &[Value]) -> Code {
        let mut used: BTreeSet<usize> = results.iter().filter_map(Value::register).collect();
        for operation in self.code.operations.iter_mut().rev() {
            let registers = operation.operands.iter().filter_map(Value::register);
            operation.frees = registers.filter(|&register| used.insert(register)).collect();
        }
        self.code
    }

    /// The constant that the operation gives, if its operands are constant and it does not fail.
    fn fold(
        &mut self,
        kernel: &dyn ScalarKernel,
        operands: &[Value],
        ty: &DataType,
    ) -> Option<Value> {
        let operands: Option<Vec<Operand>> = operands
            .iter()
            .map(|operand| match operand {
                Value::Constant(constant) => Some(self.code.constants[*constant].clone()),
                Value::Column(_) | Value::Register(_) => None,
            })
            .collect();
        let mut failures = Vec::new();
        let mut context = KernelContext { rows: 1, active: None, site: 0, failures: &mut failures };
        let array = kernel.eval(&mut context, &operands?);
        failures.is_empty().then(|| self.constant(scalar_at(&array, ty, 0), ty))
    }

    fn place(&mut self, scope: Scope, site: u32) -> Place {
        self.catching.extend(scope.catch);
        Place { site, mask: self.mask(scope.branch), catch: scope.catch }
    }

    /// The mask of a branch, computed at this point of the program if it was not before.
    fn mask(&mut self, branch: usize) -> Option<usize> {
        let Some(Branch { parent, rule, value, mask }) = &self.branches[branch] else {
            return self.whole;
        };
        let (parent, rule, value) = (*parent, *rule, *value);
        if mask.is_some() {
            return *mask;
        }
        let parent = self.mask(parent);
        let out = self.code.masks;
        self.code.masks += 1;
        self.push(Action::Mask { rule, parent, out }, vec![value]);
        if let Some(branch) = &mut self.branches[branch] {
            branch.mask = Some(out);
        }
        Some(out)
    }

    fn sites_at(&self, place: Place, operands: &[Value]) -> BTreeSet<u32> {
        let mut sites: BTreeSet<u32> =
            operands.iter().flat_map(|&operand| self.sites_of(operand)).collect();
        if place.catch.is_none() && place.site != Place::INFALLIBLE.site {
            sites.insert(place.site);
        }
        sites
    }

    fn register(&mut self, sites: BTreeSet<u32>) -> usize {
        self.sites.push(sites);
        self.code.registers += 1;
        self.code.registers - 1
    }

    fn push(&mut self, action: Action, operands: Vec<Value>) {
        self.code.operations.push(Operation { action, operands, frees: Vec::new() });
    }
}
