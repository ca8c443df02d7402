//! The automation: `cargo ci COMMAND` sets up what is missing and runs it.

mod cuda;
mod device;
mod generate;
mod replay;
mod setup;
mod shell;
mod steps;
mod tidy;
mod wgpu;

use std::process::ExitCode;

const HELP: &str = "\
cargo ci COMMAND

  setup      install what is missing and leave the release wheel in .venv
  demo       setup, then the terrain study of examples/ on real data, beside NumPy
  test       setup, then everything that .ci/run runs
  fast       format, clippy, tidy and the Rust tests, within a minute when warm
  fuzz       random programs against NumPy under hostile settings: cargo ci fuzz --seeds 0-2000
  cuda-check every kind of CUDA kernel compiled for three GPUs, without one, with the registers that it takes
  emulated   Python tests, examples and random programs on GPUs that the host's processor plays
  wgpu       launches, Python tests and random programs on lavapipe, a Vulkan driver for the host's processor
  bench      measured comparisons: cargo ci bench [overhead|array|kernels|linear|scale] [--peers numpy,maniple,jax,c]
             [--case NAME] [--quick] [--json FILE]
  device     everything that needs a GPU: a folder to carry to one, run here if this machine has one
  upstream   the installed NumPy's own tests: cargo ci upstream numpy [FILES]
  gen        write the generated pages again
  tidy       the rules of the house, as a test
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match words.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("--help", &[][..]),
    };
    let result = match command {
        "setup" => setup::setup().map(|_| ()),
        "demo" => steps::demo(rest),
        "test" => steps::test(),
        "fast" => steps::fast(),
        "fuzz" => steps::fuzz(rest),
        "cuda-check" => cuda::check(),
        "emulated" => cuda::emulated(),
        "wgpu" => setup::setup().and_then(|python| wgpu::check(&python)),
        "bench" => steps::bench(rest),
        "device" => device::device(rest),
        "upstream" => steps::upstream(rest),
        "gen" => generate::write(),
        "tidy" => tidy::check(),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        other => Err(format!("{other} is not a command\n\n{HELP}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("cargo ci {command}: {problem}");
            ExitCode::FAILURE
        }
    }
}
