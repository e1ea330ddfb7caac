//! How outputs and state are written, and inputs read: every operation that changes a file or a
//! folder, and every reading of an input, goes through here, so that tests can have any of them fail,
//! tear or be the last one ([`faults`]).
//!
//! Nothing here knows what is written or read. The spool of what does not fit into memory, which
//! nobody looks at after its run, is no business of this module.

pub mod digest;
pub mod faults;

use digest::Digest;
use faults::{Act, Operation, before, before_reading};
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Permissions of files that nobody else may read; those of outputs follow the umask.
pub const PRIVATE: u32 = 0o600;

/// A new file that is being written.
#[derive(Debug)]
pub struct NewFile {
    file: File,
    path: PathBuf,
    /// Of what was written, if somebody may want to know whether it still is that.
    digest: Option<Digest>,
}

impl NewFile {
    /// Creates a file where there is none, with these permissions as far as the umask lets them.
    pub fn create(path: &Path, mode: u32) -> io::Result<NewFile> {
        before(Operation::Create(path))?;
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(mode).open(path)?;
        Ok(NewFile { file, path: path.to_owned(), digest: None })
    }

    /// Opens a file that a run has left, to write on behind the bytes that are known by this.
    pub fn go_on(path: &Path, seen: &Digest) -> io::Result<NewFile> {
        let file = OpenOptions::new().write(true).open(path)?;
        let mut file = NewFile { file, path: path.to_owned(), digest: None };
        file.truncate(seen.bytes())?;
        file.digest = Some(seen.clone());
        Ok(file)
    }

    /// Makes a digest of all that is written from its beginning on.
    pub fn watch(&mut self) {
        self.digest = Some(Digest::new());
    }

    /// The digest of what was written, if it is made.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// Has the file and its bytes survive a power cut. A failure is final, since the pages may be
    /// gone: the file has to be written anew.
    pub fn sync(&self) -> io::Result<()> {
        before(Operation::Sync(&self.path))?;
        self.file.sync_all()
    }

    /// Cuts off what was written behind so many bytes.
    pub fn truncate(&mut self, bytes: u64) -> io::Result<()> {
        before(Operation::Truncate(&self.path, bytes))?;
        // What is cut off was seen.
        self.digest = None;
        self.file.set_len(bytes)?;
        self.file.seek(SeekFrom::Start(bytes)).map(drop)
    }

    /// Who may read it.
    pub fn set_permissions(&self, permissions: Permissions) -> io::Result<()> {
        self.file.set_permissions(permissions)
    }

    /// What the system tells of it.
    pub fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }

    /// The same file again, to hold a lock of.
    pub fn handle(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match before(Operation::Write(&self.path, bytes))? {
            Act::All => {
                let written = self.file.write(bytes)?;
                self.digest.iter_mut().for_each(|digest| digest.see(&bytes[..written]));
                Ok(written)
            }
            Act::Part { bytes: part, dies } => {
                self.file.write_all(&bytes[..part])?;
                if dies { faults::die() } else { Err(faults::full()) }
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A file that is read as an input.
#[derive(Debug)]
pub struct Input(File);

impl Input {
    /// Opens it.
    pub fn open(path: &Path) -> io::Result<Input> {
        before_reading(0)?;
        File::open(path).map(Input)
    }

    /// The same file again, with the same place in it.
    pub fn again(&self) -> io::Result<Input> {
        self.0.try_clone().map(Input)
    }

    /// What the system tells of it.
    pub fn metadata(&self) -> io::Result<Metadata> {
        self.0.metadata()
    }

    /// Goes on at this byte.
    pub fn seek(&mut self, start: u64) -> io::Result<()> {
        self.0.seek(SeekFrom::Start(start)).map(drop)
    }

    /// Reads from this byte on, and leaves the place in it.
    pub fn read_at(&self, buffer: &mut [u8], start: u64) -> io::Result<usize> {
        let most = before_reading(buffer.len())?;
        self.0.read_at(&mut buffer[..most], start)
    }

    /// The same until the buffer is full.
    pub fn read_exact_at(&self, buffer: &mut [u8], start: u64) -> io::Result<()> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read_at(&mut buffer[filled..], start + filled as u64) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = before_reading(buffer.len())?;
        self.0.read(&mut buffer[..most])
    }
}

/// Makes a folder and those above it that are missing.
pub fn create_folders(path: &Path, mode: u32) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    before(Operation::CreateFolder(path))?;
    fs::DirBuilder::new().recursive(true).mode(mode).create(path)
}

/// Makes a folder that is not there.
pub fn create_folder(path: &Path) -> io::Result<()> {
    before(Operation::CreateFolder(path))?;
    fs::create_dir(path)
}

/// Has a file be found under another name as well; where one file cannot have two names, its bytes are
/// copied.
pub fn take_over(from: &Path, to: &Path) -> io::Result<()> {
    before(Operation::Link(from, to))?;
    match fs::hard_link(from, to) {
        Err(error) if is_no_link(&error) => {
            let mut new = NewFile::create(to, 0o666)?;
            io::copy(&mut File::open(from)?, &mut new)?;
            new.sync()
        }
        done => done,
    }
}

/// Does the file system know no further names of this file?
fn is_no_link(error: &io::Error) -> bool {
    let numbers = [libc::EPERM, libc::EXDEV, libc::EMLINK, libc::ENOTSUP, libc::ENOSYS];
    error.raw_os_error().is_some_and(|number| numbers.contains(&number))
}

/// Moves a file or a folder to another name in one step.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    before(Operation::Rename(from, to))?;
    fs::rename(from, to)
}

/// Exchanges two files or folders in one step.
pub fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    before(Operation::Exchange(one, other))?;
    swap(one, other)
}

/// Removes a file, or a folder with all that is in it.
pub fn remove(path: &Path) -> io::Result<()> {
    let is_folder = fs::symlink_metadata(path)?.is_dir();
    before(Operation::Remove(path))?;
    if is_folder { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

/// Has the names in a folder survive a power cut.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    before(Operation::Sync(folder))?;
    File::open(folder)?.sync_all()
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn swap(one: &Path, other: &Path) -> io::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    let one = std::ffi::CString::new(one.as_os_str().as_bytes())?;
    let other = std::ffi::CString::new(other.as_os_str().as_bytes())?;
    let (here, flags) = (libc::AT_FDCWD, libc::RENAME_EXCHANGE);
    // SAFETY: both are NUL-terminated strings that live until the call returns.
    let done = unsafe { libc::renameat2(here, one.as_ptr(), here, other.as_ptr(), flags) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(not(target_os = "linux"))]
fn swap(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
