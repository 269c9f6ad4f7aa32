//! More of everything than anybody can take: the known are served as ever, memory has a bound, and
//! when it is over, it is over.

mod connections;
mod descriptors;
mod guesses;
mod heads;
mod slow;
mod world;
