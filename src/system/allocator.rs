//! The allocator of a musl build. musl's own one asks the kernel for a few pages at a time, which slows every `get`.

use dlmalloc::GlobalDlmalloc;

#[global_allocator]
static ALLOCATOR: GlobalDlmalloc = GlobalDlmalloc;
