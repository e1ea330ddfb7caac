//! Code of libraries that may panic on a file which is damaged: that is an error of the file, and
//! nothing of the panic reaches the user.

use super::ConnectError;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    /// Is what this thread runs guarded?
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Runs code of a library over the file of this name.
pub fn guarded<T>(
    name: &str,
    work: impl FnOnce() -> Result<T, ConnectError>,
) -> Result<T, ConnectError> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |what| {
            if !GUARDED.get() {
                before(what);
            }
        }));
    });
    let outer = GUARDED.replace(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(outer);
    done.unwrap_or_else(|_| {
        Err(ConnectError::new(format!("{name} is damaged")).help("make it anew, or take it out"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_of_the_file() {
        let done: Result<(), ConnectError> = guarded("a.avro", || panic!("a bug of a library"));
        assert_eq!(done.unwrap_err().message, "a.avro is damaged");
        assert_eq!(guarded("a.avro", || Ok(1)).unwrap(), 1);
    }
}
