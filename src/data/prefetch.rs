//! Memory that will soon be needed, asked for before it is: a read that is not in the caches
//! holds up all that comes behind it, and this does not.
#![allow(unsafe_code)]

/// Has the line of memory in which `value` begins fetched into the caches. Nothing else happens.
#[inline(always)]
pub fn prefetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: it is a hint, which reads nothing, for any address; and every processor of
        // this architecture has it.
        unsafe { _mm_prefetch(std::ptr::from_ref(value).cast(), _MM_HINT_T0) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    std::hint::black_box(value);
}
