//! The `qkdni` program: a thin main over [`qkdni::cli`].

fn main() -> std::process::ExitCode {
    qkdni::cli::main(&qkdni::cli::Simulator)
}
