//! What an identity must have (policies), and which requests fall under what (rules).

mod index;
mod requirement;
mod rules;

pub use requirement::{Condition, InvalidCondition, Part, Requirement};
pub use rules::{Miss, PolicyRef, Rule, Rules, Ruling};
