//! The least that a Rust program can cost.

fn main() {
    println!("hello");
}
