//! The process that asks.
