//! What a run may use of the machine, from flags or from what there is.

use super::args::Resources;
use crate::store::STATE;
use std::fs;
use std::path::{Path, PathBuf};

/// Of the machine's memory, the share that a run uses if nothing else is said.
const MEMORY_PERCENT: usize = 60;

/// With so much, what was freed need not be given back while a run goes on.
const MEMORY_AMPLE: usize = 4 << 30;

/// Where nothing can be found out.
const MEMORY_UNKNOWN: usize = 4 << 30;

impl Resources {
    /// The threads asked for; all cores otherwise.
    pub(super) fn threads(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.unwrap_or_else(cores)
    }

    /// The bytes asked for; a share of the machine's, or of the control group's, otherwise. When
    /// they are many, freed memory is kept, which is faster.
    pub(super) fn memory(&self) -> usize {
        let memory = self.memory.unwrap_or_else(|| {
            let least = machine_memory().into_iter().chain(group_memory()).min();
            least.unwrap_or(MEMORY_UNKNOWN) / 100 * MEMORY_PERCENT
        });
        if memory >= MEMORY_AMPLE {
            crate::memory::keep_freed();
        }
        memory
    }

    /// The folder asked for; one beside the pipeline otherwise.
    pub(super) fn temp_dir(&self, base: &Path) -> PathBuf {
        self.temp_dir.clone().unwrap_or_else(|| base.join(STATE).join("tmp"))
    }
}

fn machine_memory() -> Option<usize> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix(" kB")?.parse::<usize>().ok()?.checked_mul(1024)
}

/// The limit of the control group, of version 2 or 1; none if there is no limit.
fn group_memory() -> Option<usize> {
    let files = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    files.iter().find_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok())
}
