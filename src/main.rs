//! The program `docker-credential-ensign`. Links run it under other names.

fn main() -> std::process::ExitCode {
    ensign::main()
}
