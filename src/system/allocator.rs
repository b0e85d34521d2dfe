//! The allocator of a program for musl. Its own one asks the kernel for a few pages at a time, which costs every `get`.

use dlmalloc::GlobalDlmalloc;

#[global_allocator]
static ALLOCATOR: GlobalDlmalloc = GlobalDlmalloc;
