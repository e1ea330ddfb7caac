//! What `dedupe` and `distinct` do when memory is used up: the best rows so far go to disk, parted
//! by the hash of their key, and the thread begins again with nothing. In the end each part is
//! deduplicated by itself, again in parts if it is too large, and what is left is put in the order
//! of the input by [`crate::exec::operators::runs`].

use super::{BestRows, Plan};
use crate::data::{Batch, Positions};
use crate::exec::gather::{RowRef, gather_batches};
use crate::exec::operators::collected::compact_batch;
use crate::exec::operators::parted::{LEVELS_MAX, PARTS, PartedFile, part_of};
use crate::exec::operators::runs::{
    BLOCK_ROWS, Run, RunWriter, SortedRuns, by_position, stored_positions, with_positions,
};
use crate::exec::operators::{Output, State};
use crate::exec::{Error, go_on};
use crate::functions::kernel::Operand;
use crate::store::spool::Spool;
use arrow_array::{Array, ArrayRef};
use rayon::prelude::*;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Writes the best rows of a thread and forgets them.
pub(super) fn write(
    state: &mut BestRows,
    spool: &Arc<Spool>,
    stop: &AtomicBool,
) -> Result<(), Error> {
    if state.best.is_empty() {
        return Ok(());
    }
    let mut parts: Vec<Vec<RowRef>> = vec![vec![]; PARTS];
    for (hash, best) in state.table.hashes().zip(&state.best) {
        parts[part_of(hash, state.level)].push(best.1);
    }
    let kept: Vec<Batch> = state.kept.batches().iter().map(with_positions).collect();
    let mut spilled = match state.spilled.take() {
        Some(spilled) => spilled,
        None => PartedFile::new(spool)?,
    };
    for (part, rows) in parts.iter_mut().enumerate() {
        // In the order in which they came: what stands at one position keeps its order.
        rows.sort_unstable();
        for rows in rows.chunks(BLOCK_ROWS) {
            go_on(stop)?;
            let (block, _) = compact_batch(gather_batches(&kept, rows).remove(0), vec![]);
            spilled.append(part, &block.columns, block.rows)?;
        }
    }
    let (plan, level) = (state.plan.clone(), state.level);
    *state = BestRows { spilled: Some(spilled), level, ..BestRows::new(plan) };
    Ok(())
}

/// The best rows of all threads, in the order of the input.
pub(super) fn finish(
    plan: &Arc<Plan>,
    mut states: Vec<BestRows>,
    spool: &Arc<Spool>,
    stop: &AtomicBool,
) -> Result<Output, Error> {
    states.iter_mut().try_for_each(|state| write(state, spool, stop))?;
    let spilled: Vec<PartedFile> = states.into_iter().filter_map(|state| state.spilled).collect();
    let parts_of_thread = PARTS.div_ceil(rayon::current_num_threads());
    let parts: Vec<usize> = (0..PARTS).collect();
    let runs: Vec<Vec<Run>> = parts
        .par_chunks(parts_of_thread)
        .map(|parts| {
            let mut best = RunWriter::new(by_position(), spool, stop);
            for &part in parts {
                add_best(&mut best, plan, &spilled, (part, 1), stop)?;
            }
            best.finish()
        })
        .collect::<Result<_, Error>>()?;
    let runs = SortedRuns::new(by_position(), runs.into_iter().flatten().collect(), stop)?;
    Ok(Output::Pieces(Arc::new(runs)))
}

/// Adds the best rows of a part, which was parted `level` times. Every part has rows from everywhere
/// in the input, so those of many parts are put into one run: the fewer runs there are, the less is
/// read in vain.
fn add_best(
    best: &mut RunWriter,
    plan: &Arc<Plan>,
    spilled: &[PartedFile],
    (part, level): (usize, u32),
    stop: &AtomicBool,
) -> Result<(), Error> {
    let spool = best.spool();
    let mut state = BestRows { level, ..BestRows::new(plan.clone()) };
    for block in spilled.iter().flat_map(|file| file.read(part)) {
        go_on(stop)?;
        push_stored(&mut state, block?)?;
        if state.bytes() > spool.part_bytes() && level < LEVELS_MAX {
            write(&mut state, spool, stop)?;
        }
    }
    if state.spilled.is_some() {
        write(&mut state, spool, stop)?;
        let spilled: Vec<PartedFile> = state.spilled.into_iter().collect();
        let mut parts = 0..PARTS;
        return parts.try_for_each(|part| add_best(best, plan, &spilled, (part, level + 1), stop));
    }
    state.into_result().into_iter().try_for_each(|batch| best.push_at_positions(batch))
}

/// Takes in rows that were written: the columns, what is hidden behind them, and the positions.
fn push_stored(state: &mut BestRows, stored: Vec<ArrayRef>) -> Result<(), Error> {
    let plan = state.plan.clone();
    let rows = stored.first().map_or(0, |column| column.len());
    let own = stored.len() - 1 - plan.hidden();
    let mut hidden = stored[own..].iter();
    let mut next = || hidden.next().expect("keys and values are stored").clone();
    let mut values: Vec<ArrayRef> = plan
        .columns
        .iter()
        .map(|column| column.map_or_else(&mut next, |column| stored[column].clone()))
        .collect();
    if plan.compares_values() {
        values.push(next());
    }
    let positions = Positions::At(stored_positions(&stored[stored.len() - 1]));
    let batch = Batch { columns: stored[..own].to_vec(), rows, positions };
    state.push(batch, values.into_iter().map(Operand::column).collect())
}
