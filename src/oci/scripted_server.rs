//! A server on the loopback for tests: it answers as a function says.
