//! What a run may use of the machine, from flags or from what there is.

use super::args::Resources;
use std::fs;
use std::path::{Path, PathBuf};

/// Of the machine's memory, the share that a run uses if nothing else is said.
const MEMORY_PERCENT: usize = 60;

/// With so much, what was freed need not be given back while a run goes on.
const MEMORY_AMPLE: usize = 4 << 30;

/// With so much, it need not be given back at once.
const MEMORY_FAIR: usize = 256 << 20;

/// Where nothing can be found out.
const MEMORY_UNKNOWN: usize = 4 << 30;

/// What a thread needs, whatever the pipeline: a piece of the input, and columns made of it.
const MEMORY_OF_THREAD: usize = 32 << 20;

impl Resources {
    /// The threads asked for; otherwise all cores, as far as the memory is enough for them.
    pub(super) fn threads(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.unwrap_or_else(|| cores().min(self.bytes() / MEMORY_OF_THREAD).max(1))
    }

    /// The bytes to be used. The more they are, the longer freed memory is kept, which is faster.
    pub(super) fn memory(&self) -> usize {
        let memory = self.bytes();
        match memory {
            MEMORY_AMPLE.. => crate::memory::keep_freed(),
            MEMORY_FAIR.. => crate::memory::give_back_freed(1000),
            _ => {}
        }
        memory
    }

    /// The bytes asked for; a share of the machine's, or of the control group's, otherwise.
    fn bytes(&self) -> usize {
        self.memory.unwrap_or_else(|| {
            let root = Path::new("/");
            let least = machine_memory(root).into_iter().chain(group_memory(root)).min();
            least.unwrap_or(MEMORY_UNKNOWN) / 100 * MEMORY_PERCENT
        })
    }

    /// The folder asked for; one in the state folder otherwise.
    pub(super) fn temp_dir(&self, state: &Path) -> PathBuf {
        self.temp_dir.clone().unwrap_or_else(|| state.join("tmp"))
    }
}

fn machine_memory(root: &Path) -> Option<usize> {
    let text = fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix(" kB")?.parse::<usize>().ok()?.checked_mul(1024)
}

/// The least limit of the control groups that the process is in, of version 2 or 1; none if none
/// has one. A group is within others, whose limits hold for it too; in a container the path of its
/// group may be that of the world outside, and only the outermost folder be there.
fn group_memory(root: &Path) -> Option<usize> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let group = |line: &str| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        let (folder, file) = match controllers {
            "" => ("sys/fs/cgroup", "memory.max"),
            v1 if v1.split(',').any(|one| one == "memory") => {
                ("sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => return None,
        };
        let limit = |group: &Path| {
            let file = root.join(folder).join(group).join(file);
            fs::read_to_string(file).ok()?.trim().parse().ok()
        };
        Path::new(path.trim_start_matches('/')).ancestors().filter_map(limit).min()
    };
    groups.lines().filter_map(group).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine with these files.
    fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn the_least_limit_of_all_control_groups_holds() {
        let v2 = [
            ("proc/self/cgroup", "0::/a/b\n"),
            ("sys/fs/cgroup/a/memory.max", "1000\n"),
            ("sys/fs/cgroup/a/b/memory.max", "max\n"),
        ];
        assert_eq!(group_memory(machine(&v2).path()), Some(1000));
        assert_eq!(group_memory(machine(&v2[..1]).path()), None);
        let v1 = [
            ("proc/self/cgroup", "7:cpu:/x\n4:cpu,memory:/of/the/host\n0::/\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "2000\n"),
            ("sys/fs/cgroup/memory.max", "3000\n"),
        ];
        assert_eq!(group_memory(machine(&v1).path()), Some(2000));
        assert_eq!(group_memory(machine(&[]).path()), None);
    }

    #[test]
    fn the_memory_of_the_machine_is_read() {
        let root = machine(&[("proc/meminfo", "MemFree: 1 kB\nMemTotal:       24 kB\n")]);
        assert_eq!(machine_memory(root.path()), Some(24 * 1024));
        assert!(machine_memory(Path::new("/")).is_some_and(|bytes| bytes > 1 << 20));
    }

    #[test]
    fn little_memory_is_for_few_threads() {
        let threads = |threads, memory| {
            let chunk = crate::connect::CHUNK_BYTES;
            Resources { threads, memory: Some(memory), temp_dir: None, chunk }.threads()
        };
        assert_eq!(threads(None, 1), 1);
        assert_eq!(threads(Some(8), 1), 8);
        assert!(threads(None, usize::MAX) >= threads(None, 64 << 20));
    }
}
