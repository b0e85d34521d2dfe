//! Running another program.
