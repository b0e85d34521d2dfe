//! One request to a registry. The home of `ureq`.
