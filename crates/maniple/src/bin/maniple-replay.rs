//! Runs a recorded program's stream again, without Python, and compares every value that the program read.

use std::fs::File;
use std::io::BufReader;
use std::process::ExitCode;
use std::time::Instant;

const HELP: &str = "\
maniple-replay FILE

Runs the stream that `python -m maniple --record FILE prog.py` wrote, with the settings of the environment
(see docs/settings.md; MANIPLE_MAPPER, MANIPLE_PIECES, MANIPLE_MACHINE, MANIPLE_DEBUG and the others), and compares
every value that the program read, bit for bit. Ends with status 1 if one differs, 2 if the file cannot be run.
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let path = match words.as_slice() {
        [word] if word == "--help" || word == "-h" => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        [path] => path,
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    let started = Instant::now();
    let replayed = (maniple_array::start())
        .and_then(|runtime| Ok((runtime, File::open(path).map_err(|error| format!("{path}: {error}"))?)))
        .and_then(|(runtime, file)| runtime.replay(BufReader::new(file)));
    match replayed {
        Err(problem) => {
            eprintln!("maniple-replay: {problem}");
            ExitCode::from(2)
        }
        Ok(replayed) => {
            println!(
                "{} windows, {} tasks, {} values compared, {} different, {:.3} s",
                replayed.windows,
                replayed.tasks,
                replayed.compared,
                replayed.different.len(),
                started.elapsed().as_secs_f64()
            );
            for region in replayed.different.iter().take(10) {
                println!("region {region} differs from what the program read");
            }
            if replayed.different.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
    }
}
