//! The program `somnium`; everything it does is in [`somnium::app`].

fn main() -> std::process::ExitCode {
    somnium::app::main()
}
