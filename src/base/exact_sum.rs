//! The sum of floats, exactly, and rounded once when it is read.
//!
//! A sum that is rounded at every step depends on the order of its terms, and taking a term out again
//! leaves dust behind. Answers here must depend on the *set* of messages, and windows let events leave,
//! so the sum is kept as Shewchuk's non-overlapping expansion (Adaptive Precision Floating-Point
//! Arithmetic, 1997; Python's `math.fsum` is the same): a few floats whose exact sum is the total.
//! Compensated (Kahan) sums were rejected because they are only nearly independent of order; fixed-point
//! superaccumulators because they take 300 bytes and more where two floats nearly always do.
//!
//! Cost: 32 bytes inline; `add` is some six additions per partial, of which money has one or two.
//!
//! Invariants:
//! 1. The partials are finite, none is zero, and their magnitudes increase.
//! 2. They do not overlap: the lowest bit set in one is above the highest bit of the one before. So
//!    there are at most 40, and the total is zero exactly if there are none.
//! 3. The total is exactly the sum of all terms added less all terms subtracted (see [`ExactSum::scale`]
//!    for the one exception).

use smallvec::SmallVec;

use super::limits::MAX_FLOAT;

/// The exact sum of floats within [`MAX_FLOAT`].
#[derive(Clone, Debug, Default)]
pub(crate) struct ExactSum {
    partials: SmallVec<[f64; 2]>,
}

impl ExactSum {
    /// The floats whose exact sum is the total.
    pub(crate) fn partials(&self) -> &[f64] {
        &self.partials
    }

    /// The sum with these partials, which were another sum's.
    pub(crate) fn from_partials(partials: impl Iterator<Item = f64>) -> ExactSum {
        let sum = ExactSum { partials: partials.collect() };
        debug_assert!(sum.is_valid(), "{:?}", sum.partials);
        sum
    }

    /// Adds one term.
    pub(crate) fn add(&mut self, term: f64) {
        debug_assert!(term.abs() <= MAX_FLOAT, "{term} is no accepted float");
        self.grow(term);
        debug_assert!(self.is_valid(), "{:?}", self.partials);
    }

    /// Adds the product of two floats exactly, as long as no bit of it falls below the smallest float.
    pub(crate) fn add_product(&mut self, a: f64, b: f64) {
        let product = a * b;
        let error = libm::fma(a, b, -product);
        if error != 0.0 {
            self.grow(error);
        }
        self.grow(product);
        debug_assert!(self.is_valid(), "{:?}", self.partials);
    }

    /// Adds so many times another sum.
    pub(crate) fn add_times(&mut self, other: &ExactSum, times: f64) {
        other.partials.iter().for_each(|partial| self.add_product(*partial, times));
    }

    /// Takes one term out again.
    #[cfg(test)]
    pub(crate) fn subtract(&mut self, term: f64) {
        self.add(-term);
    }

    /// Adds all terms of another sum.
    pub(crate) fn add_all(&mut self, other: &ExactSum) {
        for &partial in &other.partials {
            self.grow(partial);
        }
        debug_assert!(self.is_valid(), "{:?}", self.partials);
    }

    /// Whether the total is exactly zero.
    pub(crate) fn is_zero(&self) -> bool {
        self.partials.is_empty()
    }

    /// The float nearest to the total; of two equally near the even one, and never -0.0.
    pub(crate) fn value(&self) -> f64 {
        let Some((&largest, mut below)) = self.partials.split_last() else { return 0.0 };
        let mut high = largest;
        while let Some((&next, rest)) = below.split_last() {
            let (sum, error) = sum_with_error(high, next);
            high = sum;
            below = rest;
            if error == 0.0 {
                continue;
            }
            // What is left of the smaller partials cannot change `high`, unless `error` is exactly half
            // a unit of it: then half-even rounding may have gone away from where they lie.
            let further = below.last().copied().unwrap_or(0.0);
            if (error < 0.0) == (further < 0.0) && further != 0.0 {
                let twice = error * 2.0;
                let moved = high + twice;
                if moved - high == twice {
                    high = moved;
                }
            }
            break;
        }
        high + 0.0
    }

    /// The float nearest to the total, the float nearest to what is left then, and so on: the same floats whatever
    /// expansion holds the total. Of two totals the greater has the greater float where they differ first.
    pub(crate) fn nearest_floats(&self) -> impl Iterator<Item = f64> + use<> {
        let mut rest = self.clone();
        std::iter::from_fn(move || {
            let nearest = rest.value();
            rest.grow(-nearest);
            (nearest != 0.0).then_some(nearest)
        })
    }

    /// Multiplies the total by `2^exponent`, exactly as long as no bit falls below 2^-1074, the smallest
    /// float. If one does, the total is cut towards zero at that bit, whatever the order in which the
    /// terms came; so a sum that is scaled down often enough becomes zero.
    ///
    /// The scaled total must be within range: callers scale up only what they scaled down.
    pub(crate) fn scale(&mut self, exponent: i32) {
        let total_is_positive = self.partials.last().is_some_and(|largest| *largest > 0.0);
        let mut scaled = ExactSum::default();
        let mut lost = ExactSum::default();
        for &partial in &self.partials {
            let kept = libm::scalbn(partial, exponent);
            scaled.grow(kept);
            lost.grow(partial - libm::scalbn(kept, -exponent));
        }
        // Partials were each rounded to nearest, together by less than the smallest float; rounded away
        // from zero, they are one such float too far.
        let lost = lost.partials.last().copied().unwrap_or(0.0);
        if total_is_positive && lost < 0.0 {
            scaled.grow(-SMALLEST);
        } else if !total_is_positive && lost > 0.0 {
            scaled.grow(SMALLEST);
        }
        debug_assert!(scaled.is_valid(), "{:?}", scaled.partials);
        *self = scaled;
    }

    /// Shewchuk's GROW-EXPANSION with zeros left out.
    fn grow(&mut self, term: f64) {
        let mut carried = term;
        let mut kept = 0;
        for place in 0..self.partials.len() {
            let (sum, error) = sum_with_error(carried, self.partials[place]);
            carried = sum;
            if error != 0.0 {
                self.partials[kept] = error;
                kept += 1;
            }
        }
        self.partials.truncate(kept);
        if carried != 0.0 {
            self.partials.push(carried);
        }
    }

    /// Invariants 1 and 2.
    fn is_valid(&self) -> bool {
        let sound = self.partials.iter().all(|partial| partial.is_finite() && *partial != 0.0);
        sound && self.partials.windows(2).all(|pair| pair[0].abs() < lowest_bit(pair[1]))
    }
}

/// Equal totals, whatever expansion holds them.
impl PartialEq for ExactSum {
    fn eq(&self, other: &ExactSum) -> bool {
        let mut difference = self.clone();
        for &partial in &other.partials {
            difference.grow(-partial);
        }
        difference.is_zero()
    }
}

/// The smallest positive float, 2^-1074.
const SMALLEST: f64 = f64::from_bits(1);

/// The rounded sum of two floats, and exactly what rounding left out (Dekker's FAST-TWO-SUM).
fn sum_with_error(a: f64, b: f64) -> (f64, f64) {
    let (larger, smaller) = if a.abs() < b.abs() { (b, a) } else { (a, b) };
    let sum = larger + smaller;
    (sum, smaller - (sum - larger))
}

/// The value of the lowest bit set in a float.
fn lowest_bit(float: f64) -> f64 {
    let (fraction, exponent) = libm::frexp(float);
    let mantissa = libm::scalbn(fraction.abs(), 53) as u64;
    libm::scalbn(1.0, exponent - 53 + mantissa.trailing_zeros() as i32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::frozen_hash::hash64;

    /// The float nearest to `integer * 2^exponent`, by integer arithmetic alone.
    fn nearest_float(integer: i128, exponent: i32) -> f64 {
        let magnitude = integer.unsigned_abs();
        let length = 128 - magnitude.leading_zeros() as i32;
        // Normal numbers keep 53 bits; none may lie below 2^-1074.
        let cut = (length - 53).max(-1074 - exponent).max(0);
        let kept = if cut < 128 { magnitude >> cut } else { 0 };
        let rest = magnitude - if cut < 128 { kept << cut } else { 0 };
        let half = if (1..=128).contains(&cut) { 1_u128 << (cut - 1) } else { u128::MAX };
        let up = cut > 0 && (rest > half || (rest == half && kept % 2 == 1));
        let rounded = libm::scalbn((kept + u128::from(up)) as f64, exponent + cut);
        if integer < 0 { -rounded } else { rounded }
    }

    #[test]
    fn products_are_added_exactly() {
        let mut next = random(7);
        for _ in 0..2_000 {
            let (mut sum, mut times_sum, mut exact) = (ExactSum::default(), ExactSum::default(), 0_i128);
            let times = (next() >> 44) as i64 - (1 << 19);
            for _ in 0..5 {
                let (a, b) = ((next() >> 11) as i64 - (1 << 52), (next() >> 24) as i64);
                sum.add_product(a as f64, b as f64);
                exact += i128::from(a) * i128::from(b);
            }
            assert_eq!(sum.value().to_bits(), nearest_float(exact, 0).to_bits());
            times_sum.add_times(&sum, times as f64);
            assert_eq!(times_sum.value(), nearest_float(exact * i128::from(times), 0));
        }
    }

    /// A stream of frozen pseudo-random numbers.
    fn random(seed: u64) -> impl FnMut() -> u64 {
        let mut state = seed;
        move || {
            state = hash64(&state.to_le_bytes());
            state
        }
    }

    fn sum_of(terms: &[f64]) -> ExactSum {
        let mut sum = ExactSum::default();
        terms.iter().for_each(|term| sum.add(*term));
        sum
    }

    fn permutations(terms: &mut Vec<f64>, fixed: usize, seen: &mut impl FnMut(&[f64])) {
        if fixed == terms.len() {
            seen(terms);
        }
        for place in fixed..terms.len() {
            terms.swap(fixed, place);
            permutations(terms, fixed + 1, seen);
            terms.swap(fixed, place);
        }
    }

    #[test]
    fn sums_agree_with_integers() {
        for seed in 0..2_000 {
            let mut next = random(seed);
            let exponent = [-1_074, -1_060, -40, 0, 870][seed as usize % 5];
            let mut terms = Vec::new();
            let mut total = 0_i128;
            for _ in 0..next() % 24 {
                // At most 53 bits, placed anywhere in the lower 116.
                let bits = (next() >> (11 + next() % 53)) as i128;
                let integer = (bits << (next() % 64)) * if next().is_multiple_of(2) { 1 } else { -1 };
                terms.push(libm::scalbn(integer as f64, exponent));
                total += integer;
            }
            let mut sum = sum_of(&terms);
            assert_eq!(sum.value(), nearest_float(total, exponent), "seed {seed}");
            assert_eq!(sum.is_zero(), total == 0, "seed {seed}");

            // Half of them leave again, and the others come by another way.
            let (left, stayed) = terms.split_at(terms.len() / 2);
            left.iter().for_each(|term| sum.subtract(*term));
            assert!(sum == sum_of(stayed), "seed {seed}");
            sum.add_all(&sum_of(left));
            assert_eq!(sum.value(), nearest_float(total, exponent), "seed {seed}");
        }
    }

    #[test]
    fn the_order_of_terms_is_not_seen() {
        let tiny = libm::scalbn(1.0, -60);
        let sets: [&[f64]; 6] = [
            &[1e16, 1.0, -1e16, tiny],
            &[1e16, 1.0, tiny, -tiny, 1e-300],
            &[1.0, libm::scalbn(1.0, -53), libm::scalbn(1.0, -106)],
            &[1.0, -libm::scalbn(1.0, -54), -libm::scalbn(1.0, -110), 3.0],
            &[MAX_FLOAT, 1.0, -MAX_FLOAT, SMALLEST, MAX_FLOAT, -MAX_FLOAT],
            &[0.1, 0.2, 0.3, -0.6, -0.0],
        ];
        for set in sets {
            let expected = sum_of(set).value();
            permutations(&mut set.to_vec(), 0, &mut |terms| {
                assert_eq!(sum_of(terms).value().to_bits(), expected.to_bits(), "{terms:?}");
            });
        }
        assert_eq!(sum_of(sets[0]).value(), 1.0);
        assert_eq!(sum_of(sets[1]).value(), 1e16 + 2.0);
        assert_eq!(sum_of(sets[2]).value(), 1.0 + f64::EPSILON);
        assert_eq!(sum_of(sets[4]).value(), 1.0);
        assert_eq!(sum_of(&[0.1; 10]).value(), 1.0);
    }

    #[test]
    fn what_leaves_leaves_nothing_behind() {
        let mut sum = sum_of(&[0.1, 0.2]);
        sum.add(1e300);
        sum.add(1e-300);
        sum.subtract(1e300);
        sum.subtract(1e-300);
        assert_eq!(sum.value(), 0.1 + 0.2);
        sum.subtract(0.2);
        sum.subtract(0.1);
        assert!(sum.is_zero());
        assert_eq!(sum.value().to_bits(), 0.0_f64.to_bits());
        assert_eq!(sum_of(&[-0.0]).value().to_bits(), 0.0_f64.to_bits());
    }

    #[test]
    fn many_large_floats_are_still_finite() {
        let mut sum = sum_of(&[MAX_FLOAT]);
        for _ in 0..22 {
            let same = sum.clone();
            sum.add_all(&same);
        }
        assert_eq!(sum.value(), MAX_FLOAT * 4_194_304.0);
        assert!(size_of::<ExactSum>() <= 32);
    }

    #[test]
    fn scaling_is_exact_and_cuts_only_below_the_smallest_float() {
        let mut sum = sum_of(&[1e16, 1.0, 0.1]);
        let before = sum.clone();
        sum.scale(-700);
        sum.scale(700);
        assert!(sum == before);

        for seed in 0..2_000 {
            let mut next = random(seed);
            let mut integers = Vec::new();
            for _ in 0..1 + next() % 8 {
                let bits = (next() >> (11 + next() % 53)) as i128;
                integers.push((bits << (next() % 64)) * if next().is_multiple_of(2) { 1 } else { -1 });
            }
            let total: i128 = integers.iter().sum();
            let cut = (next() % 130) as i32;
            let terms: Vec<f64> =
                integers.iter().map(|integer| libm::scalbn(*integer as f64, -1_000)).collect();
            let mut sum = sum_of(&terms);
            sum.scale(-74 - cut);
            // Division of integers cuts towards zero, too.
            let expected = if cut < 127 { total / (1_i128 << cut) } else { 0 };
            assert_eq!(sum.value(), nearest_float(expected, -1_074), "seed {seed}");
        }
        sum.scale(-5_000);
        assert!(sum.is_zero());
    }
}
