//! Samples of several classes, and whether they can be told apart.

use std::fmt;

/// Two medians may differ by this share,
const MARGIN: f64 = 0.01;
/// and two means by so many standard errors.
const T: f64 = 4.5;

/// What was measured of one class, in microseconds.
pub(super) struct Class {
    pub(super) name: String,
    pub(super) samples: Vec<f64>,
}

/// The two classes that differ most.
pub(super) struct Difference {
    names: String,
    medians: f64,
    t: f64,
    /// What the medians may differ by: with few samples, chance alone does more than the margin.
    allowed: f64,
}

impl Class {
    pub(super) fn new(name: &str) -> Self {
        let name = name.to_owned();
        let samples = Vec::new();
        Self { name, samples }
    }
}

impl Difference {
    pub(super) fn is_none(&self) -> bool {
        self.medians <= self.allowed && self.t < T
    }

    /// How bad it is: 1 is the limit.
    fn badness(&self) -> f64 {
        (self.medians / self.allowed).max(self.t / T)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = self.medians * 100.0;
        write!(f, "{} {percent:.2} %, t {:.1}", self.names, self.t)
    }
}

/// The pair of classes that differs most; there are at least two.
pub(super) fn difference(classes: &[Class]) -> Difference {
    let pairs = classes.iter().enumerate();
    let pairs = pairs.flat_map(|(at, one)| classes[..at].iter().map(move |other| (other, one)));
    pairs
        .map(|(one, other)| between(one, other))
        .max_by(|one, other| one.badness().total_cmp(&other.badness()))
        .unwrap()
}

fn between(one: &Class, other: &Class) -> Difference {
    // What the machine did meanwhile to some samples of either is no property of a class.
    let all = [one.samples.as_slice(), &other.samples].concat();
    let slow = quantile(&all, 0.95);
    let kept = |class: &Class| -> Vec<f64> {
        let quick = class.samples.iter().copied().filter(|took| *took <= slow);
        quick.collect()
    };
    let (first, second) = (Moments::of(&kept(one)), Moments::of(&kept(other)));
    let error = (first.error + second.error).sqrt();
    let medians = [one, other].map(|class| quantile(&class.samples, 0.5));
    let smaller = medians[0].min(medians[1]);
    // The median of a normal distribution spreads 1.25 times as far as its mean.
    let chance = 1.25 * T * error / smaller;
    Difference {
        names: format!("{} and {}", one.name, other.name),
        medians: (medians[0] - medians[1]).abs() / smaller,
        t: (first.mean - second.mean).abs() / error,
        allowed: chance.max(MARGIN),
    }
}

struct Moments {
    mean: f64,
    /// The variance of the mean.
    error: f64,
}

impl Moments {
    fn of(samples: &[f64]) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "far less than 2^52 samples")]
        let count = samples.len() as f64;
        let mean = samples.iter().sum::<f64>() / count;
        let squares: f64 = samples.iter().map(|took| (took - mean).powi(2)).sum();
        let error = squares / (count - 1.0) / count;
        Self { mean, error }
    }
}

/// The value below which such a share of the samples lies.
pub(super) fn quantile(samples: &[f64], share: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index"
    )]
    let at = (sorted.len() as f64 * share) as usize;
    sorted[at.min(sorted.len() - 1)]
}

#[test]
fn classes_that_differ_are_told_apart_and_equal_ones_are_not() {
    let mut random = fastrand::Rng::with_seed(7);
    let mut class = |name: &str, mean: f64, spread: f64| {
        let mut class = Class::new(name);
        let mut draw = || random.f64();
        class.samples = (0..4000)
            .map(|_| mean + spread * (draw() + draw() - 1.0))
            .collect();
        class
    };
    for (mean, spread, equal) in [
        (100.0, 20.0, true),
        (100.2, 20.0, true),
        (103.0, 20.0, false),
        (102.0, 200.0, true), // one cannot tell
    ] {
        let found = difference(&[class("one", 100.0, spread), class("other", mean, spread)]);
        assert_eq!(found.is_none(), equal, "{mean} ± {spread}: {found}");
    }
}
