//! The program `docker-credential-ensign`. Links run this program under other names.

fn main() -> std::process::ExitCode {
    ensign::main()
}
