//! The program `docker-credential-ensign`. Links start this program under other names.

fn main() -> std::process::ExitCode {
    ensign::main()
}
