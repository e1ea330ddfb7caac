//! The digest of a file: XXH3 of its blocks, and of their digests and the length of all. So it can be
//! made while bytes pass by, gone on with, and made of many blocks at once.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::thread;
use twox_hash::XxHash3_128;

/// Bytes of a block: it fits into a cache, and its digest costs nothing beside it.
const BLOCK: usize = 1 << 20;

/// Fewer blocks are not worth a thread.
const BLOCKS_MIN: u64 = 8;

/// More threads wait for memory.
const THREADS_MAX: usize = 8;

/// What makes a digest.
#[derive(Clone, Default)]
pub struct Digest {
    /// Of the digests of whole blocks.
    blocks: XxHash3_128,
    /// Of the block that is not yet whole.
    block: XxHash3_128,
    bytes: u64,
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} of {} bytes", self.value(), self.bytes)
    }
}

impl Digest {
    /// Of no bytes.
    pub fn new() -> Digest {
        Digest::default()
    }

    /// How many bytes it has seen.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Sees the next bytes.
    pub fn see(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = BLOCK - (self.bytes % BLOCK as u64) as usize;
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.block.write(now);
            self.bytes += now.len() as u64;
            if now.len() == room {
                self.blocks.write(&self.block.finish_128().to_le_bytes());
                self.block = XxHash3_128::new();
            }
            bytes = later;
        }
    }

    /// Of all that it has seen.
    pub fn value(&self) -> String {
        let mut all = self.blocks.clone();
        all.write(&self.block.finish_128().to_le_bytes());
        all.write(&self.bytes.to_le_bytes());
        format!("{:032x}", all.finish_128())
    }

    /// Of so many first bytes of a file, which all cores read.
    pub fn of_file(file: &File, bytes: u64) -> io::Result<Digest> {
        Ok(Digest::of_file_and_beginning(file, bytes, bytes)?.0)
    }

    /// The same, and that of fewer first bytes.
    pub fn of_file_and_beginning(
        file: &File,
        bytes: u64,
        fewer: u64,
    ) -> io::Result<(Digest, Digest)> {
        let mut digest = Digest::new();
        let mut beginning = None;
        for block in of_blocks(file, bytes / BLOCK as u64)? {
            if digest.bytes + BLOCK as u64 > fewer {
                beginning.get_or_insert_with(|| digest.clone());
            }
            digest.blocks.write(&block.to_le_bytes());
            digest.bytes += BLOCK as u64;
        }
        let mut beginning = beginning.unwrap_or_else(|| digest.clone());
        digest.see_rest(file, bytes)?;
        beginning.see_rest(file, fewer)?;
        Ok((digest, beginning))
    }

    /// Sees a file from there on to this place, less than a block further.
    fn see_rest(&mut self, file: &File, end: u64) -> io::Result<()> {
        let mut rest = vec![0; (end - self.bytes) as usize];
        file.read_exact_at(&mut rest, self.bytes)?;
        self.see(&rest);
        Ok(())
    }
}

/// The digests of so many first blocks.
fn of_blocks(file: &File, blocks: u64) -> io::Result<Vec<u128>> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX) as u64;
    let threads = threads.min(blocks / BLOCKS_MIN).max(1);
    let share = blocks.div_ceil(threads);
    let of_share = |first: u64| {
        let mut buffer = vec![0; BLOCK];
        let of_block = |at: u64| {
            file.read_exact_at(&mut buffer, at * BLOCK as u64)?;
            Ok(XxHash3_128::oneshot(&buffer))
        };
        (first..blocks.min(first + share)).map(of_block).collect::<io::Result<Vec<u128>>>()
    };
    let shares = thread::scope(|scope| {
        let others = (1..threads).map(|at| scope.spawn(move || of_share(at * share)));
        let others: Vec<_> = others.collect();
        let panicked = |_| Err(io::Error::other("a thread has panicked"));
        let own = of_share(0);
        let others = others.into_iter().map(|other| other.join().unwrap_or_else(panicked));
        std::iter::once(own).chain(others).collect::<io::Result<Vec<_>>>()
    });
    Ok(shares?.concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn it_is_the_same_however_it_is_made() {
        let bytes: Vec<u8> = (0..20 * BLOCK + 77).map(|at| (at * at % 251) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        for length in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 17 * BLOCK, bytes.len()] {
            let mut seen = Digest::new();
            bytes[..length].chunks(300_007).for_each(|piece| seen.see(piece));
            let of_file = Digest::of_file(&file, length as u64).unwrap();
            assert_eq!(seen.value(), of_file.value(), "{length}");
            // And it goes on in the same way.
            let (mut one, mut other) = (seen, of_file);
            [&mut one, &mut other].into_iter().for_each(|digest| digest.see(&bytes[..BLOCK / 2]));
            assert_eq!(one.value(), other.value());
            assert_eq!(one.bytes(), (length + BLOCK / 2) as u64);
        }
        for fewer in [0, 5, BLOCK, 3 * BLOCK + 1, 20 * BLOCK, bytes.len()] {
            let both = Digest::of_file_and_beginning(&file, bytes.len() as u64, fewer as u64);
            let (all, beginning) = both.unwrap();
            let value = |bytes: usize| Digest::of_file(&file, bytes as u64).unwrap().value();
            assert_eq!((all.value(), beginning.value()), (value(bytes.len()), value(fewer)));
        }
        assert_ne!(
            Digest::of_file(&file, 0).unwrap().value(),
            Digest::of_file(&file, 1).unwrap().value()
        );
        assert!(Digest::of_file(&file, bytes.len() as u64 + 1).is_err());
    }
}
