//! The `nano4m` program.

fn main() -> std::process::ExitCode {
    nano4m::cli::main()
}
