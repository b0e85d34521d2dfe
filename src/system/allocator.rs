//! Replaces the allocator in a musl build. The allocator of musl requests only a few pages at a time from the kernel,
//! which slows every `get`.

use dlmalloc::GlobalDlmalloc;

#[global_allocator]
static ALLOCATOR: GlobalDlmalloc = GlobalDlmalloc;
