#![doc = "placeholder"]
#![allow(dead_code)]
mod caller;
mod docker;
pub mod model;
mod oci;
mod system;
