//! The `qkdni` program: a thin main over [`qkdni::cli`].

fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
