//! No password, key, hash or pepper is told to anybody: not by an answer, the log, a command,
//! /proc, a core file, nor by memory once nothing needs it.

mod left_behind;
mod presented;
mod told;
mod world;
