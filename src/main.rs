//! The program `docker-credential-ensign`, and whatever other name it is linked under.

fn main() -> std::process::ExitCode {
    ensign::main()
}
