//! Functions of `window` that are no aggregates. Which rows are neighbours, and what is a frame, is
//! decided by who calls them.

mod others;
mod ranks;

pub(super) use others::values_at;

use super::kernel::{
    KernelContext, LiteralError, Neighbours, Operand, PrepareWindow, WindowKernel,
};
use arrow_array::ArrayRef;

/// The kernel of each.
pub(super) const KERNELS: &[(&str, PrepareWindow)] = &[
    ("row_number", ranks::row_number),
    ("rank", ranks::rank),
    ("dense_rank", ranks::dense_rank),
    ("percent_rank", ranks::percent_rank),
    ("ntile", ranks::ntile),
    ("lag", others::lag),
    ("lead", others::lead),
    ("first_value", others::first_value),
    ("last_value", others::last_value),
    ("nth_value", others::nth_value),
    ("fill_forward", others::fill_forward),
];

struct Closure<F>(F);

impl<F> WindowKernel for Closure<F>
where
    F: Fn(&mut KernelContext, &Neighbours, &[Operand]) -> ArrayRef + Send + Sync,
{
    fn eval(
        &self,
        context: &mut KernelContext,
        rows: &Neighbours,
        arguments: &[Operand],
    ) -> ArrayRef {
        (self.0)(context, rows, arguments)
    }
}

/// The kernel that runs `eval`.
pub(super) fn window_kernel<F>(eval: F) -> Result<Box<dyn WindowKernel>, LiteralError>
where
    F: Fn(&mut KernelContext, &Neighbours, &[Operand]) -> ArrayRef + Send + Sync + 'static,
{
    Ok(Box::new(Closure(eval)))
}
