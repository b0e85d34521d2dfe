//! Docker's own files.
