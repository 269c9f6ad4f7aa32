//! What an identity must have (policies), and which requests fall under what (rules).

mod index;
mod requirement;
mod rules;

pub use requirement::{Condition, InvalidCondition, Requirement};
pub use rules::{PolicyRef, Rule, Rules, Ruling};
