//! The program `somnium`; everything it does is in [`somnium::app`].

#[global_allocator]
static ALLOCATOR: somnium::app::alloc::Counting = somnium::app::alloc::Counting;

fn main() -> std::process::ExitCode {
    somnium::app::main()
}
