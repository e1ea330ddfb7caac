//! The exactly rounded sum of floats, which does not depend on their order.
//!
//! Two fixed-point lanes of 128 bits take the values of everyday size. What fits neither lane,
//! and what overflows one, goes to a fixed-point number as wide as all floats together, made
//! when it is first needed. See `docs/design`: *Determinism*.

use super::saved::saved_struct;

/// The unit of the lane for values below 2^10 is 2^-93, of the lane for values below 2^60 2^-42.
const SMALL: Lane = Lane { unit: -93, limit: 10 };
const LARGE: Lane = Lane { unit: -42, limit: 60 };

struct Lane {
    unit: i32,
    limit: i32,
}

/// Digits of the wide number, 32 bits each: from 2^-1074 to 2^1024 and 2^62 times that.
const DIGITS: usize = 68;
const DIGIT_BITS: usize = 32;
/// What a bit 0 of the wide number is worth, as an exponent of two.
const WIDE_UNIT: i32 = -1074;
/// So many additions keep a digit of 64 bits from overflowing.
const ADDITIONS_MAX: u32 = 1 << 30;

/// A sum of floats.
#[derive(Clone, Default)]
pub struct ExactSum {
    small: i128,
    large: i128,
    rest: Option<Box<Rest>>,
}

/// What does not fit the lanes.
#[derive(Clone)]
struct Rest {
    /// Little-endian; digits may be negative or beyond 32 bits until they are normalised.
    digits: [i64; DIGITS],
    additions: u32,
    /// How many of them were added, so that they can be taken away again.
    infinities: i64,
    negative_infinities: i64,
    nans: i64,
}

impl Default for Rest {
    fn default() -> Rest {
        Rest { digits: [0; DIGITS], additions: 0, infinities: 0, negative_infinities: 0, nans: 0 }
    }
}

saved_struct!(ExactSum { small, large, rest });
saved_struct!(Rest { digits, additions, infinities, negative_infinities, nans });

/// A finite float is `mantissa * 2^exponent`.
#[inline(always)]
fn parts(value: f64) -> (i64, i32) {
    let bits = value.to_bits();
    let raw = (bits >> 52 & 0x7ff) as i32;
    let fraction = (bits & ((1 << 52) - 1)) as i64;
    let (mantissa, exponent) =
        if raw == 0 { (fraction, -1074) } else { (fraction | 1 << 52, raw - 1075) };
    (if bits >> 63 == 1 { -mantissa } else { mantissa }, exponent)
}

impl ExactSum {
    /// Adds a value.
    #[inline(always)]
    pub fn add(&mut self, value: f64) {
        let (mantissa, exponent) = parts(value);
        // A value is below 2^(exponent + 53).
        if exponent >= SMALL.unit && exponent + 53 <= SMALL.limit {
            let shifted = i128::from(mantissa) << (exponent - SMALL.unit);
            match self.small.checked_add(shifted) {
                Some(sum) => self.small = sum,
                None => self.carry(shifted, SMALL),
            }
        } else if exponent >= LARGE.unit && exponent + 53 <= LARGE.limit {
            let shifted = i128::from(mantissa) << (exponent - LARGE.unit);
            match self.large.checked_add(shifted) {
                Some(sum) => self.large = sum,
                None => self.carry(shifted, LARGE),
            }
        } else if mantissa != 0 {
            self.spill(value);
        }
    }

    /// Takes away a value that was added.
    #[inline(always)]
    pub fn remove(&mut self, value: f64) {
        match value.is_finite() {
            true => self.add(-value),
            false => self.rest.get_or_insert_default().count_special(value, -1),
        }
        if self.rest.is_some() {
            self.drop_empty_rest();
        }
    }

    /// Without a rest everything is faster.
    #[cold]
    fn drop_empty_rest(&mut self) {
        if let Some(rest) = &mut self.rest {
            rest.normalise();
            if rest.is_zero() {
                self.rest = None;
            }
        }
    }

    /// Empties a full lane.
    #[cold]
    fn carry(&mut self, value: i128, lane: Lane) {
        self.rest.get_or_insert_default().add(value, lane.unit);
        let full = if lane.unit == SMALL.unit { &mut self.small } else { &mut self.large };
        let full = std::mem::take(full);
        self.rest.get_or_insert_default().add(full, lane.unit);
    }

    #[cold]
    fn spill(&mut self, value: f64) {
        let rest = self.rest.get_or_insert_default();
        if value.is_finite() {
            let (mantissa, exponent) = parts(value);
            rest.add(i128::from(mantissa), exponent);
        } else {
            rest.count_special(value, 1);
        }
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: &ExactSum) {
        let lanes = [
            (&mut self.small, other.small, SMALL.unit),
            (&mut self.large, other.large, LARGE.unit),
        ];
        for (lane, value, unit) in lanes {
            match lane.checked_add(value) {
                Some(sum) => *lane = sum,
                None => self.rest.get_or_insert_default().add(value, unit),
            }
        }
        if let Some(other) = &other.rest {
            self.rest.get_or_insert_default().merge(other);
        }
    }

    /// The float nearest to the sum, ties to even; +0.0 when it is zero.
    pub fn value(&self) -> f64 {
        if self.rest.is_none() {
            // Converting an integer rounds to nearest even, scaling by a power of two is exact.
            if self.large == 0 {
                return self.small as f64 * exp2(SMALL.unit);
            }
            if self.small == 0 {
                return self.large as f64 * exp2(LARGE.unit);
            }
            if let Some(both) = self.both_lanes() {
                return both;
            }
        }
        self.special().unwrap_or_else(|| self.all().round(0))
    }

    /// The sum of the lanes, rounded once; none if it is too large.
    fn both_lanes(&self) -> Option<f64> {
        const FINER: i32 = LARGE.unit - SMALL.unit;
        let whole = self.large.checked_add(self.small >> FINER)?;
        let rest = self.small & ((1 << FINER) - 1);
        if whole.unsigned_abs() < 1 << 60 {
            return Some(((whole << FINER) | rest) as f64 * exp2(SMALL.unit));
        }
        // More than a float's digits are in the whole, so of the rest it only matters that it is there.
        let whole = whole.checked_mul(2)?;
        Some((whole | i128::from(rest != 0)) as f64 * exp2(LARGE.unit - 1))
    }

    /// The sum divided by `count`, without an overflow on the way.
    pub fn average(&self, count: i64) -> f64 {
        let sum = self.value();
        if sum.is_infinite() && self.special().is_none() {
            // Beyond the largest float, though the average is not.
            return self.all().round(-64) / count as f64 * exp2(64);
        }
        sum / count as f64
    }

    /// The sum as two floats: the nearest, and the nearest to what is left.
    pub fn pair(&self) -> (f64, f64) {
        let high = self.value();
        if !high.is_finite() {
            return (high, 0.0);
        }
        let mut left = self.clone();
        left.add(-high);
        (high, left.value())
    }

    /// The sum when it is no finite number.
    fn special(&self) -> Option<f64> {
        let rest = self.rest.as_ref()?;
        match (rest.infinities > 0, rest.negative_infinities > 0) {
            _ if rest.nans > 0 => Some(f64::NAN),
            (true, true) => Some(f64::NAN),
            (true, false) => Some(f64::INFINITY),
            (false, true) => Some(f64::NEG_INFINITY),
            (false, false) => None,
        }
    }

    /// Lanes and rest in one number.
    fn all(&self) -> Rest {
        let mut all = self.rest.as_deref().cloned().unwrap_or_default();
        all.add(self.small, SMALL.unit);
        all.add(self.large, LARGE.unit);
        all
    }
}

impl Rest {
    /// Counts a number that is not finite.
    fn count_special(&mut self, value: f64, times: i64) {
        if value.is_nan() {
            self.nans += times;
        } else if value > 0.0 {
            self.infinities += times;
        } else {
            self.negative_infinities += times;
        }
    }

    fn is_zero(&self) -> bool {
        let specials = self.infinities | self.negative_infinities | self.nans;
        specials == 0 && self.digits.iter().all(|digit| *digit == 0)
    }

    /// Adds `value * 2^exponent`.
    fn add(&mut self, value: i128, exponent: i32) {
        self.make_room();
        let bit = (exponent - WIDE_UNIT) as usize;
        let (digit, shift) = (bit / DIGIT_BITS, bit % DIGIT_BITS);
        let negative = value < 0;
        let magnitude = value.unsigned_abs();
        // 128 bits shifted by up to 31 touch five digits.
        let low = magnitude << shift;
        let high = if shift == 0 { 0 } else { magnitude >> (128 - shift) };
        for at in 0..5 {
            let piece = if at < 4 { low >> (at * DIGIT_BITS) } else { high };
            let piece = i64::from(piece as u32);
            if piece != 0 {
                self.digits[digit + at] += if negative { -piece } else { piece };
            }
        }
    }

    fn merge(&mut self, other: &Rest) {
        self.make_room();
        let mut other = other.clone();
        other.normalise();
        for (digit, more) in self.digits.iter_mut().zip(other.digits) {
            *digit += more;
        }
        self.infinities += other.infinities;
        self.negative_infinities += other.negative_infinities;
        self.nans += other.nans;
    }

    fn make_room(&mut self) {
        self.additions += 1;
        if self.additions >= ADDITIONS_MAX {
            self.normalise();
            self.additions = 1;
        }
    }

    /// Carries, so that all digits but the last are within 0..2^32; the last has the sign.
    fn normalise(&mut self) {
        let mut carry = 0;
        for digit in &mut self.digits[..DIGITS - 1] {
            let sum = *digit + carry;
            *digit = sum & 0xffff_ffff;
            carry = sum >> DIGIT_BITS;
        }
        self.digits[DIGITS - 1] += carry;
    }

    /// The float nearest to this number times `2^scale`, ties to even.
    fn round(mut self, scale: i32) -> f64 {
        self.normalise();
        let negative = self.digits[DIGITS - 1] < 0;
        if negative {
            self.digits.iter_mut().for_each(|digit| *digit = -*digit);
            self.normalise();
        }
        let Some(top) = self.digits.iter().rposition(|&digit| digit != 0) else { return 0.0 };
        let bits = top * DIGIT_BITS + 63 - self.digits[top].leading_zeros() as usize;
        // Where the last of 53 bits stands; below it are only bits to round by. Subnormal
        // results have fewer bits.
        let smallest = (-1074 - scale - WIDE_UNIT).max(0) as usize;
        let last = bits.saturating_sub(52).max(smallest);
        let mut mantissa = self.bits_from(last);
        if last > 0 && self.bit(last - 1) {
            let exactly_half = (0..last - 1).all(|at| !self.bit(at));
            mantissa += u64::from(!exactly_half || mantissa & 1 == 1);
        }
        let value = scale_exactly(mantissa as f64, last as i32 + WIDE_UNIT + scale);
        if negative { -value } else { value }
    }

    fn bit(&self, at: usize) -> bool {
        self.digits[at / DIGIT_BITS] >> (at % DIGIT_BITS) & 1 == 1
    }

    /// The 54 bits from bit `at` on.
    fn bits_from(&self, at: usize) -> u64 {
        (0..54)
            .filter(|bit| (at + bit) / DIGIT_BITS < DIGITS && self.bit(at + bit))
            .fold(0, |bits, bit| bits | 1 << bit)
    }
}

/// 2^exponent, of a normal float.
fn exp2(exponent: i32) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

/// `mantissa * 2^exponent`, where the result is a float or beyond all floats: in two steps, as
/// 2^exponent alone may be beyond them.
fn scale_exactly(mantissa: f64, exponent: i32) -> f64 {
    let half = (exponent / 2).clamp(-1000, 1000);
    mantissa * exp2(half) * exp2((exponent - half).clamp(-1000, 1023))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pseudo-random numbers, the same in every run (splitmix64).
    struct Numbers(u64);

    impl Numbers {
        fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ mixed >> 31
        }

        fn shuffle(&mut self, values: &mut [f64]) {
            for at in (1..values.len()).rev() {
                values.swap(at, self.next() as usize % (at + 1));
            }
        }
    }

    /// Shewchuk's method: partial sums that do not overlap, rounded once at the end. It has
    /// nothing in common with fixed point. Source: "Adaptive Precision Floating-Point Arithmetic
    /// and Fast Robust Geometric Predicates", 1997, and the rounding of Python's `math.fsum`.
    fn reference(values: &[f64]) -> f64 {
        let mut partials: Vec<f64> = Vec::new();
        for &value in values {
            let mut x = value;
            let mut kept = 0;
            for at in 0..partials.len() {
                let mut y = partials[at];
                if x.abs() < y.abs() {
                    std::mem::swap(&mut x, &mut y);
                }
                let high = x + y;
                let low = y - (high - x);
                if low != 0.0 {
                    partials[kept] = low;
                    kept += 1;
                }
                x = high;
            }
            partials.truncate(kept);
            partials.push(x);
        }
        let Some(mut high) = partials.pop() else { return 0.0 };
        let mut low = 0.0;
        while let Some(y) = partials.pop() {
            let x = high;
            high = x + y;
            low = y - (high - x);
            if low != 0.0 {
                break;
            }
        }
        if let Some(&next) = partials.last()
            && (low < 0.0 && next < 0.0 || low > 0.0 && next > 0.0)
        {
            let y = low * 2.0;
            let x = high + y;
            if y == x - high {
                high = x;
            }
        }
        high
    }

    fn sum(values: &[f64]) -> f64 {
        let mut sum = ExactSum::default();
        values.iter().for_each(|&value| sum.add(value));
        sum.value()
    }

    fn merged(values: &[f64], pieces: usize) -> f64 {
        let mut whole = ExactSum::default();
        for piece in values.chunks(values.len().div_ceil(pieces).max(1)) {
            let mut part = ExactSum::default();
            piece.iter().for_each(|&value| part.add(value));
            whole.merge(&part);
        }
        whole.value()
    }

    #[test]
    fn sums_are_exact_in_any_order_and_however_they_are_merged() {
        let mut numbers = Numbers(1);
        for round in 0..400u64 {
            // Exponents around a centre: tiny, everyday or huge, narrow or wide apart.
            let (center, spread) =
                (numbers.next() % 2000, 1 + numbers.next() % (1 << (round % 11)));
            let mut values: Vec<f64> = (0..1 + numbers.next() % 60)
                .map(|_| {
                    let exponent = (center + numbers.next() % spread).min(2040);
                    f64::from_bits((numbers.next() & 0x800f_ffff_ffff_ffff) | (exponent << 52))
                })
                .collect();
            if round % 3 == 0 {
                let negatives: Vec<f64> = values.iter().skip(1).map(|value| -value).collect();
                values.extend(negatives);
            }
            numbers.shuffle(&mut values);
            let expected = reference(&values);
            assert_eq!(sum(&values), expected, "{values:?}");
            assert_eq!(merged(&values, 1 + round as usize % 5), expected);
            numbers.shuffle(&mut values);
            assert_eq!(sum(&values), expected);
        }
    }

    #[test]
    fn extremes_are_summed() {
        let tiny = f64::from_bits(1);
        assert_eq!(sum(&[tiny; 3]), 3.0 * tiny);
        assert_eq!(sum(&[f64::MAX, f64::MAX, -f64::MAX, -f64::MAX, tiny]), tiny);
        assert_eq!(sum(&[f64::MAX, f64::MAX]), f64::INFINITY);
        assert_eq!(sum(&[1e300, 1.0, -1e300, tiny, -1.0]), tiny);
        assert_eq!(sum(&[f64::INFINITY, 1.0]), f64::INFINITY);
        assert!(sum(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
        assert!(sum(&[1.0, f64::NAN, f64::INFINITY]).is_nan());
        assert_eq!(sum(&[-0.0, -0.0]).to_bits(), 0);
        assert_eq!(sum(&[]), 0.0);
        // Ties to even: 2^53 + 1 lies between two floats.
        assert_eq!(sum(&[9_007_199_254_740_992.0, 1.0]), 9_007_199_254_740_992.0);
        assert_eq!(sum(&[9_007_199_254_740_992.0, 1.0, 1e-30]), 9_007_199_254_740_994.0);
    }

    #[test]
    fn a_full_lane_is_emptied() {
        let mut doubled = ExactSum::default();
        doubled.add(1000.0);
        for _ in 0..40 {
            let same = doubled.clone();
            doubled.merge(&same);
        }
        doubled.add(1000.0);
        assert_eq!(doubled.value(), 1000.0 * (2f64.powi(40) + 1.0));
    }

    #[test]
    fn an_average_does_not_overflow() {
        let mut sum = ExactSum::default();
        (0..4).for_each(|_| sum.add(f64::MAX));
        assert_eq!(sum.average(4), f64::MAX);
        assert_eq!(sum.pair(), (f64::INFINITY, 0.0));
    }
}
