//! Where to cut a population into equal parts, so that cuts stay where they are while they are good enough.
//!
//! A cut belongs to those above it, so values that are equal are never parted: at many equal values a cut is
//! before or behind all of them, wherever the part below is nearer to what it should be. What is computed is a
//! function of the set of values, of nothing else: sketches that throw coins (KLL, REQ) or depend on the order
//! in which values come (t-digest) would give every node other cuts of the same customers.
//!
//! Invariants:
//! 1. Cuts ascend.
//! 2. A cut that stays has a share of the population below it that is within the tolerance of its target, or
//!    as near to that as values allow.

/// The cuts of sorted `values` into so many parts; those of `before` stay that are off by `tolerance`, a
/// share, at most. None if there are no values.
pub(crate) fn cuts(values: &[i64], parts: u32, tolerance: f64, before: Option<&[i64]>) -> Option<Vec<i64>> {
    let many = values.len();
    let last = values.last()?;
    // In whole numbers: how many are below, and are to be below, times the parts.
    let below = |cut: i64| values.partition_point(|value| *value < cut) as u64 * u64::from(parts);
    let tolerated = tolerance * many as f64 * f64::from(parts);
    let mut cuts: Vec<i64> = Vec::with_capacity(parts as usize - 1);
    for part in 1..parts {
        let target = u64::from(part) * many as u64;
        let off = |cut: i64| below(cut).abs_diff(target);
        let here = values[(target / u64::from(parts)) as usize];
        let behind = values[values.partition_point(|value| *value <= here).min(many - 1)];
        // Behind all values nobody is: a part may be empty.
        let behind = if here == *last { here.saturating_add(1) } else { behind };
        let best = if off(behind) < off(here) { behind } else { here };
        let stays = before.map(|before| before[part as usize - 1]);
        let cut = match stays {
            Some(cut) if off(cut) <= off(best) || off(cut) as f64 <= tolerated => cut,
            _ => best,
        };
        cuts.push(cut.max(cuts.last().copied().unwrap_or(i64::MIN)));
    }
    Some(cuts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_equal_where_values_differ() {
        let values: Vec<i64> = (0..1_000).collect();
        assert_eq!(cuts(&values, 5, 0.0, None), Some(vec![200, 400, 600, 800]));
        assert_eq!(cuts(&values[..3], 2, 0.0, None), Some(vec![1]));
        assert_eq!(cuts(&[7], 2, 0.0, None), Some(vec![7]));
        assert_eq!(cuts(&[], 2, 0.0, None), None);
    }

    #[test]
    fn equal_values_stay_together_on_the_nearer_side() {
        let mut values = vec![1; 60];
        values.extend(vec![2; 30]);
        values.extend(vec![3; 10]);
        // Below 1 there is nobody, below 2 there are 60 %, below 3 90 %.
        assert_eq!(cuts(&values, 5, 0.0, None), Some(vec![1, 2, 2, 3]));
        assert_eq!(cuts(&[4; 9], 5, 0.0, None), Some(vec![4, 4, 5, 5]));
    }

    #[test]
    fn cuts_move_only_when_they_are_off_by_more_than_the_tolerance() {
        let values: Vec<i64> = (0..1_000).collect();
        let before = [219, 381, 600, 821];
        let moved = cuts(&values, 5, 0.02, Some(&before));
        assert_eq!(moved, Some(vec![219, 381, 600, 800]));
        // Values that do not allow better keep the cut as well.
        let coarse = [1, 1, 1, 1, 1, 1, 2, 2, 2, 2];
        assert_eq!(cuts(&coarse, 2, 0.0, Some(&[2])), Some(vec![2]));
    }

    #[test]
    fn shares_are_as_near_as_values_allow_for_any_values() {
        for seed in 0..300_u64 {
            let random = |n: u64| crate::base::frozen_hash::hash64(&(seed * 1_000 + n).to_le_bytes());
            let many = 1 + random(0) % 200;
            let spread = 1 + random(1) % 60;
            let mut values: Vec<i64> = (0..many).map(|n| (random(n + 2) % spread) as i64).collect();
            values.sort_unstable();
            let parts = 2 + (random(500) % 9) as u32;
            let cuts = cuts(&values, parts, 0.0, None).unwrap();
            assert!(cuts.is_sorted());
            for (place, cut) in cuts.iter().enumerate() {
                let target = (place + 1) as f64 / f64::from(parts);
                let off = |cut: i64| {
                    let below = values.iter().filter(|value| **value < cut).count();
                    (below as f64 / many as f64 - target).abs()
                };
                let behind_all = values[values.len() - 1] + 1;
                let best = values.iter().chain([&behind_all]).map(|cut| off(*cut));
                let best = best.fold(f64::INFINITY, f64::min);
                assert!(off(*cut) <= best + 1e-12, "seed {seed}: {cut} of {values:?}");
            }
        }
    }
}
