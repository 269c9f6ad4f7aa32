//! Several nodes behind one nginx, with the files of `deploy/compose/`.
//!
//! Nothing here needs Docker: `stack` runs the shipped files of nginx and htgate without it, `file`
//! reads what `compose.yaml` says.

mod file;
mod nodes;
mod stack;
