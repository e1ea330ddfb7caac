//! Where the bytes of a block of 64 equal a given byte, for each instruction set: the only
//! `unsafe` code of the CSV reader apart from `views`.
//!
//! [`Isa`] is what the loops of `index` are written against; [`with_isa!`] runs such a loop with
//! the best set that the machine has. Measured on a file of 89-byte records of 7 fields, one core:
//! see `benches/csv_scan.rs`. `portable` is the definition, the others are tested against it.
#![allow(unsafe_code)]

/// An instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Words of 64 bits.
    Portable,
    /// AVX2.
    Avx2,
    /// AVX-512 with VBMI2.
    Avx512,
}

impl Level {
    /// The best one of this machine.
    pub fn best() -> Level {
        Level::all().last().copied().unwrap_or(Level::Portable)
    }

    /// Those that this machine has, the best one last.
    pub fn all() -> Vec<Level> {
        let mut levels = vec![Level::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi1");
            if avx2 && is_x86_feature_detected!("popcnt") {
                levels.push(Level::Avx2);
                let avx512 = is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vbmi2");
                if avx512 {
                    levels.push(Level::Avx512);
                }
            }
        }
        levels
    }
}

/// Work on blocks of 64 bytes.
///
/// # Safety
/// The methods may be called only where the instruction set is there, which is inside a
/// `target_feature` function that was reached after detection.
pub unsafe trait Isa {
    /// 64 bytes.
    type Block: Copy;

    /// Takes a block.
    ///
    /// # Safety
    /// See the trait.
    unsafe fn load(bytes: &[u8; 64]) -> Self::Block;

    /// Bit `i` says whether byte `i` equals `byte`.
    ///
    /// # Safety
    /// See the trait.
    unsafe fn equal(block: Self::Block, byte: u8) -> u64;

    /// Writes `base + i` for every set bit `i`, in order, to the beginning of `out`; what stands
    /// after them is then undefined.
    ///
    /// # Safety
    /// See the trait.
    unsafe fn positions(mask: u64, base: u32, out: &mut [u32; 64]);
}

/// Plain Rust.
pub struct Portable;

// SAFETY: no instruction set is needed.
unsafe impl Isa for Portable {
    type Block = [u64; 8];

    #[inline(always)]
    unsafe fn load(bytes: &[u8; 64]) -> [u64; 8] {
        std::array::from_fn(|at| {
            u64::from_le_bytes(bytes[8 * at..8 * at + 8].try_into().expect("eight bytes"))
        })
    }

    #[inline(always)]
    unsafe fn equal(block: [u64; 8], byte: u8) -> u64 {
        let splat = u64::from(byte) * 0x0101_0101_0101_0101;
        let low = 0x7F7F_7F7F_7F7F_7F7F;
        let mut mask = 0;
        for (at, word) in block.into_iter().enumerate() {
            let differs = word ^ splat;
            // The highest bit of every byte that is zero, exactly; then those bits side by side.
            let zero = !(((differs & low) + low) | differs | low);
            mask |= ((zero >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * at);
        }
        mask
    }

    #[inline(always)]
    unsafe fn positions(mut mask: u64, base: u32, out: &mut [u32; 64]) {
        let count = mask.count_ones() as usize;
        for group in out.chunks_exact_mut(8).take(count.div_ceil(8)) {
            for slot in group {
                *slot = base + mask.trailing_zeros();
                mask &= mask.wrapping_sub(1);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
pub use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Isa, Portable};
    use std::arch::x86_64::*;

    /// AVX2 and BMI1.
    pub struct Avx2;

    // SAFETY: the caller has AVX2; the pointers come from references to 64 bytes.
    unsafe impl Isa for Avx2 {
        type Block = (__m256i, __m256i);

        #[inline(always)]
        unsafe fn load(bytes: &[u8; 64]) -> Self::Block {
            let from = bytes.as_ptr();
            unsafe { (_mm256_loadu_si256(from.cast()), _mm256_loadu_si256(from.add(32).cast())) }
        }

        #[inline(always)]
        unsafe fn equal((low, high): Self::Block, byte: u8) -> u64 {
            unsafe {
                let splat = _mm256_set1_epi8(byte as i8);
                let low = _mm256_movemask_epi8(_mm256_cmpeq_epi8(low, splat)) as u32;
                let high = _mm256_movemask_epi8(_mm256_cmpeq_epi8(high, splat)) as u32;
                u64::from(low) | u64::from(high) << 32
            }
        }

        #[inline(always)]
        unsafe fn positions(mask: u64, base: u32, out: &mut [u32; 64]) {
            unsafe { Portable::positions(mask, base, out) }
        }
    }

    /// AVX-512 F, BW and VBMI2.
    pub struct Avx512;

    // SAFETY: the caller has the features; the pointers come from references to 64 bytes and to
    // 64 words, of which groups of 16 are written whole.
    unsafe impl Isa for Avx512 {
        type Block = __m512i;

        #[inline(always)]
        unsafe fn load(bytes: &[u8; 64]) -> __m512i {
            unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
        }

        #[inline(always)]
        unsafe fn equal(block: __m512i, byte: u8) -> u64 {
            unsafe { _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8(byte as i8)) }
        }

        #[inline(always)]
        unsafe fn positions(mask: u64, base: u32, out: &mut [u32; 64]) {
            const COUNTING: [u8; 64] = {
                let mut numbers = [0; 64];
                let mut at = 0;
                while at < 64 {
                    numbers[at] = at as u8;
                    at += 1;
                }
                numbers
            };
            unsafe {
                let counting = _mm512_loadu_si512(COUNTING.as_ptr().cast());
                let packed = _mm512_maskz_compress_epi8(mask, counting);
                let base = _mm512_set1_epi32(base as i32);
                let count = mask.count_ones();
                let to = out.as_mut_ptr();
                let first = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(packed));
                _mm512_storeu_si512(to.cast(), _mm512_add_epi32(first, base));
                if count > 16 {
                    let group = _mm512_extracti32x4_epi32::<1>(packed);
                    let group = _mm512_add_epi32(_mm512_cvtepu8_epi32(group), base);
                    _mm512_storeu_si512(to.add(16).cast(), group);
                }
                if count > 32 {
                    let group = _mm512_extracti32x4_epi32::<2>(packed);
                    let group = _mm512_add_epi32(_mm512_cvtepu8_epi32(group), base);
                    _mm512_storeu_si512(to.add(32).cast(), group);
                    let group = _mm512_extracti32x4_epi32::<3>(packed);
                    let group = _mm512_add_epi32(_mm512_cvtepu8_epi32(group), base);
                    _mm512_storeu_si512(to.add(48).cast(), group);
                }
            }
        }
    }
}

/// Defines `$name(level, ..)`, which runs the generic `$loop` with the instruction set of a level.
macro_rules! with_isa {
    ($(#[$doc:meta])* $vis:vis fn $name:ident => $loop:ident($($arg:ident: $ty:ty),*) -> $out:ty) => {
        $(#[$doc])*
        $vis fn $name(level: $crate::connect::csv::simd::Level, $($arg: $ty),*) -> $out {
            use $crate::connect::csv::simd::{self, Level};
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,bmi1,popcnt")]
            fn avx2($($arg: $ty),*) -> $out {
                $loop::<simd::Avx2>($($arg),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,bmi1,popcnt")]
            fn avx512($($arg: $ty),*) -> $out {
                $loop::<simd::Avx512>($($arg),*)
            }
            match level {
                // SAFETY: `Level::all` gives a level only after detection of its features.
                #[cfg(target_arch = "x86_64")]
                Level::Avx2 => unsafe { avx2($($arg),*) },
                #[cfg(target_arch = "x86_64")]
                Level::Avx512 => unsafe { avx512($($arg),*) },
                _ => $loop::<simd::Portable>($($arg),*),
            }
        }
    };
}
pub(super) use with_isa;
