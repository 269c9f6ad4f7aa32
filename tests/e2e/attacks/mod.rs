//! Runs the cases of `tests/data/attacks`: requests that a correct service must get right.
//!
//! The file's head describes the world and the rules of judging; here both are put in terms of
//! htgate. Direct and Traefik cases ask `/forward-auth`, nginx ones `/auth-request` through the
//! shipped files.

mod accounts;
mod judge;
mod send;
mod world;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::harness::Failures;

use self::{
    judge::{Outcome, describe, judge},
    send::{send, send_control},
    world::World,
};

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn every_case_gets_an_answer_that_a_correct_service_may_give() {
    let file: Value = serde_json::from_str(include_str!("../../data/attacks/cases.json")).unwrap();
    let cases = file["cases"].as_array().unwrap();
    let mut failures = Failures::default();
    let mut groups: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for name in ["base", "query-keys", "hostile-names"] {
        let mut world = World::create(&file["head"], name);
        for case in cases.iter().filter(|case| case["world"] == name) {
            let verdict = run(&mut world, case);
            let (passed, all) = groups.entry(text(&case["group"])).or_default();
            *all += 1;
            *passed += usize::from(verdict.is_ok());
            if let Err(reason) = verdict {
                failures.add(reason);
            }
            if case["restore"] == true {
                world = World::create(&file["head"], name);
            }
        }
    }
    let counted: usize = groups.values().map(|(_, all)| all).sum();
    for (group, (passed, all)) in groups {
        eprintln!("{group:16} {passed:3} of {all:3}");
    }
    failures.report();
    assert_eq!(counted, cases.len(), "every case belongs to a world");
}

/// Runs one case and the request that has to be served after it.
fn run(world: &mut World, case: &Value) -> Result<(), String> {
    for step in case["before"].as_array().into_iter().flatten() {
        if step["action"].is_object() {
            world.act(&step["action"]);
        } else {
            let outcome = send(world, case, &step["request"]);
            let expected = numbers(&step["status_in"]);
            if !matches!(&outcome, Outcome::Answer(answer) if expected.contains(&answer.status)) {
                return Err(describe(
                    case,
                    &step["request"],
                    &outcome,
                    "a request before it goes wrong",
                ));
            }
        }
    }
    let outcome = send(world, case, &case["request"]);
    judge(case, &outcome).map_err(|reason| describe(case, &case["request"], &outcome, &reason))?;
    match send_control(world, case) {
        Outcome::Answer(answer) if answer.status == 200 => Ok(()),
        outcome => Err(describe(
            case,
            &Value::Null,
            &outcome,
            "the open page is not served after it",
        )),
    }
}

fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("not a string: {value}"))
}

fn numbers(value: &Value) -> Vec<u16> {
    serde_json::from_value(value.clone()).unwrap()
}
