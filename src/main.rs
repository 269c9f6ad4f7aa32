//! The htgate program: see `htgate --help`.

use std::alloc::System;
use std::process::ExitCode;

use zeroizing_alloc::ZeroAlloc;

/// SECURITY: wipes what is freed. Passwords and keys come in by buffers that are not ours to wipe.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    htgate::cli::run(std::env::args_os())
}
