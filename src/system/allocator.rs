//! The allocator of a musl build. musl's own allocator gets only a few pages at a time from the kernel, which slows
//! every `get`.

use dlmalloc::GlobalDlmalloc;

#[global_allocator]
static ALLOCATOR: GlobalDlmalloc = GlobalDlmalloc;
