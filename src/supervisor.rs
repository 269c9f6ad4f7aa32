//! What the service manager is told (`sd_notify(3)`): when we answer, when we stop, what became of the
//! last reload, and that decisions still come out right. Where there is no service manager, none of
//! it happens.

use std::fmt::Display;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use actix_rt::signal::unix::{SignalKind, signal};
use actix_rt::time::{sleep, timeout};
use futures_util::FutureExt as _;
use jiff::{Timestamp, Unit};
use sd_notify::{NotifyState, notify, watchdog_enabled};
use tracing::{error, warn};

use crate::decision::Forbidden;
use crate::endpoint::{Answer, Endpoint, Route, Trouble};
use crate::gate::{Gate, Question};

/// The service answers.
pub(crate) fn ready() {
    let status = format!("Answers since {}", now());
    tell(&[NotifyState::Ready, NotifyState::Status(&status)]);
}

/// Everything was read anew, or nothing was.
pub(crate) fn reloaded(problem: Option<&impl Display>) {
    let status = match problem {
        None => format!("Answers; reloaded at {}", now()),
        Some(problem) => {
            let problem = problem.to_string();
            let first = problem.lines().next().unwrap_or_default();
            format!(
                "Answers by the state before; the reload at {} failed: {first}",
                now()
            )
        }
    };
    tell(&[NotifyState::Status(&status)]);
}

/// Tells of the end, and feeds the watchdog until then: three times in the time that it waits, each
/// time after a few decisions came out as they must. Where one doesn't, it goes hungry, and the
/// service manager starts the service anew.
pub(crate) async fn watch(gate: Arc<Gate>) {
    actix_rt::spawn(async {
        if let Ok(mut end) = signal(SignalKind::terminate()) {
            end.recv().await;
            tell(&[NotifyState::Stopping]);
        }
    });
    let Some(limit) = watchdog_enabled() else {
        return;
    };
    loop {
        match timeout(limit / 3, decides_rightly(&gate)).await {
            Ok(true) => tell(&[NotifyState::Watchdog]),
            Ok(false) | Err(_) => error!("a decision came out wrong; the watchdog isn't fed"),
        }
        sleep(limit / 3).await;
    }
}

/// Whether the gate decides as it must, whatever the configuration: `open` passes, `closed`
/// doesn't, nor does a policy that isn't there; what nobody described is trouble; and nobody passes
/// who shows nothing.
async fn decides_rightly(gate: &Gate) -> bool {
    let world = gate.world();
    let mut expected: Vec<(Option<&str>, Judge)> = vec![
        (Some("open"), |answer| {
            matches!(answer, Answer::Allow { .. })
        }),
        (Some("closed"), |answer| {
            is_forbidden(answer, &Forbidden::Closed)
        }),
        (Some(""), |answer| {
            is_forbidden(answer, &Forbidden::NoPolicy)
        }),
        (None, |answer| {
            matches!(answer, Answer::Trouble(Trouble::Description(_)))
        }),
    ];
    for policy in world.policies.iter() {
        expected.push((Some(&policy.name), |answer| {
            !matches!(answer, Answer::Allow { .. })
        }));
    }
    for endpoint in Endpoint::ALL {
        for (policy, right) in &expected {
            let question = Question {
                route: Route::new(endpoint, *policy),
                headers: &NOTHING,
            };
            let answer = AssertUnwindSafe(world.answer(&question))
                .catch_unwind()
                .await;
            if !answer.is_ok_and(|answered| right(&answered.answer)) {
                return false;
            }
        }
    }
    true
}

/// Whether an answer is right.
type Judge = fn(&Answer<'_>) -> bool;

const NOTHING: &[(&str, &str)] = &[];

fn is_forbidden(answer: &Answer<'_>, why: &Forbidden) -> bool {
    matches!(answer, Answer::Forbid { forbidden, .. } if forbidden == why)
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = notify(state) {
        warn!(%error, "the service manager can't be told");
    }
}

/// To the second.
fn now() -> Timestamp {
    let now = Timestamp::now();
    now.round(Unit::Second).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::faulty;

    #[actix_rt::test]
    async fn a_gate_that_decides_is_told_from_one_that_fails() {
        assert!(decides_rightly(&faulty::sound()).await);
        assert!(!decides_rightly(&faulty::gate()).await);
    }
}
