//! The smallest usual Rust program.

fn main() {
    println!("hello");
}
