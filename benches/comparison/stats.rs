//! What is left of many figures: the one in the middle, and how far they lie apart.

use std::time::Duration;

/// Median, smallest and largest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Of at least one figure.
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = figures.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (sorted[0], sorted[sorted.len() - 1]);
        // The same one twice, where their number is odd.
        let middle = [(sorted.len() - 1) / 2, sorted.len() / 2].map(|at| sorted[at]);
        let median = f64::midpoint(middle[0], middle[1]);
        Self { median, min, max }
    }

    /// Of the ratios of two figures taken side by side, so that what drifts with time cancels out.
    pub(crate) fn of_ratios(upper: &[f64], lower: &[f64]) -> Self {
        assert_eq!(upper.len(), lower.len(), "taken side by side");
        Self::of(upper.iter().zip(lower).map(|(upper, lower)| upper / lower))
    }
}

/// The time within which 99 of 100 were done, in milliseconds.
pub(crate) fn p99(mut times: Vec<Duration>) -> f64 {
    percentile(&mut times, 99)
}

/// The time within which so many of 100 were done, in milliseconds.
pub(crate) fn percentile(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    assert!(times.len() >= 100, "too few for a hundredth of them");
    milliseconds(times[times.len() * percent / 100])
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
