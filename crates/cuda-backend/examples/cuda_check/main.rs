//! Compiles the kernels of every class for several GPUs, without one, and says what they take of a multiprocessor.
//!
//! ```text
//! cuda_check FOLDER...    folders below which NVIDIA's Python packages lie
//! ```
//!
//! It fails if a kernel does not compile, or if it takes more stack or spills more than the bounds of its class.

mod launches;
mod recorder;

use launches::Case;
use maniple_cuda::{At, Compiler, Cuda, Resources};
use maniple_runtime::{Backend, Binding, PointTask, ProcessorId};
use recorder::Recorder;
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::Instant;

/// The architecture that every kernel is compiled for.
const FIRST: u32 = 90;
/// Others, and which kernels are compiled for them: one of so many. What differs is the assembler's choice of
/// registers.
const OTHERS: [(u32, usize); 2] = [(80, 5), (100, 5)];

/// What kernels of a class may take beside registers.
struct Bound {
    class: &'static str,
    /// Bytes of stack apart from what is spilled, rounded up to eight. A loop over an array on the stack is several times slower than one
    /// over registers.
    stack: u32,
    /// Bytes stored because registers did not suffice.
    spills: u32,
    reason: &'static str,
}

/// The bounds. A few bytes that are spilled are the assembler's choice of more threads over more registers; many are a
/// kernel that waits for memory in the middle of its work.
#[rustfmt::skip]
const BOUNDS: [Bound; 12] = [
    Bound { class: "map", stack: 48, spills: 96, reason: "the reduction of large angles keeps 40 bytes, where it is called; packs of eight rows at once exceed 64 registers" },
    Bound { class: "reduce", stack: 48, spills: 32, reason: "complex powers reduce angles as above" },
    Bound { class: "fold", stack: 8, spills: 16, reason: "threads of the largest block have 64 registers" },
    Bound { class: "argreduce", stack: 8, spills: 16, reason: "the assembler's choice of more threads" },
    Bound { class: "scan", stack: 8, spills: 16, reason: "the assembler's choice of more threads" },
    Bound { class: "matmul", stack: 8, spills: 16, reason: "the assembler's choice of more threads" },
    Bound { class: "iota", stack: 0, spills: 0, reason: "" },
    Bound { class: "draw", stack: 0, spills: 0, reason: "" },
    Bound { class: "nonzero", stack: 0, spills: 0, reason: "" },
    Bound { class: "gather", stack: 0, spills: 0, reason: "" },
    Bound { class: "scatter", stack: 0, spills: 0, reason: "" },
    Bound { class: "sort", stack: 8, spills: 16, reason: "the assembler's choice of more threads" },
];

/// A kernel that was compiled.
struct Compiled {
    class: String,
    name: String,
    architecture: u32,
    milliseconds: u32,
    found: Result<Resources, String>,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == "--part") {
        let number = |word: usize| words[word].parse().expect("a number");
        return part(number(1), number(2), &words[3..]);
    }
    // The compiler works on one text at a time in a process, so that every core gets a process.
    let parts = std::thread::available_parallelism().map_or(1, usize::from);
    let program = std::env::current_exe().expect("this program is a file");
    let started = Instant::now();
    let children: Vec<_> = (0..parts)
        .map(|part| {
            let mut command = Command::new(&program);
            command.args(["--part", &part.to_string(), &parts.to_string()]).args(&words);
            command.stdout(Stdio::piped()).spawn().expect("this program starts")
        })
        .collect();
    let mut compiled = Vec::new();
    for child in children {
        let output = child.wait_with_output().expect("its output is text");
        if !output.status.success() {
            return ExitCode::FAILURE;
        }
        compiled.extend(String::from_utf8_lossy(&output.stdout).lines().map(read));
    }
    let problems = report(&compiled);
    println!(
        "{} kernels compiled in {:.0} s by {parts} processes, {} problems",
        compiled.len(),
        started.elapsed().as_secs_f64(),
        problems.len()
    );
    problems.iter().for_each(|problem| eprintln!("{problem}"));
    if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Compiles every `parts`-th kernel from number `part` on and prints a line for each.
fn part(part: usize, parts: usize, folders: &[String]) -> ExitCode {
    let folders: Vec<PathBuf> = folders.iter().map(PathBuf::from).collect();
    let compiler = match Compiler::find(&folders, None) {
        Ok(compiler) => compiler,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::FAILURE;
        }
    };
    for (number, (class, name, text)) in kernels().into_iter().enumerate() {
        let others = OTHERS.iter().filter(|(_, every)| number.is_multiple_of(*every));
        let targets = std::iter::once(FIRST).chain(others.map(|&(architecture, _)| architecture));
        for architecture in targets.filter(|_| number % parts == part) {
            let started = Instant::now();
            let found = compiler.resources(&text, architecture);
            let milliseconds = started.elapsed().as_millis() as u32;
            let name = name.clone();
            write(&Compiled { class: class.into(), name, architecture, milliseconds, found });
        }
    }
    ExitCode::SUCCESS
}

/// The class, the name and the text of every kernel.
fn kernels() -> Vec<(&'static str, String, String)> {
    let recorder = Arc::new(Recorder::new());
    let cuda = Cuda::new(recorder.clone(), At { backend: 0, memory: 0, processor: 0 }, None);
    let mut known = HashSet::new();
    let mut kernels = Vec::new();
    for Case { class, name, launch, scalars, first } in launches::all() {
        assert!(launch.prepared_by(0, &cuda).is_some(), "{class} {name} is not supported: {launch}");
        let bases = launch.args.iter().map(|arg| (u64::from(arg.role) + 1) << 32).collect();
        let scalars = scalars.into();
        let binding = Arc::new(Binding { bases, scalars, ..Binding::default() });
        let point = PointTask { launch: &launch, binding: &binding, first, last: launch.extent };
        let event = cuda.run(ProcessorId(0), point, maniple_runtime::Handoff::Queue, &[]);
        cuda.wait(event).expect("nothing runs");
        let texts = recorder.take();
        assert!(!texts.is_empty(), "{class} {name} has no kernel");
        for (stage, text) in texts.iter().enumerate().filter(|(_, text)| known.insert((*text).clone())) {
            let name = if texts.len() > 1 { format!("{name}, {stage}") } else { name.clone() };
            kernels.push((class, name, text.clone()));
        }
    }
    kernels
}

/// Prints what was compiled as one line that [`read`] understands.
fn write(compiled: &Compiled) {
    let Compiled { class, name, architecture, milliseconds, found } = compiled;
    let found = match found {
        Ok(Resources { registers, stack, spills }) => format!("{registers}\t{stack}\t{spills}"),
        Err(problem) => format!("{problem:?}"),
    };
    println!("{class}\t{name}\t{architecture}\t{milliseconds}\t{found}");
}

fn read(line: &str) -> Compiled {
    let words: Vec<&str> = line.split('\t').collect();
    let number = |word: usize| words[word].parse().expect("a number");
    let found = match words.len() {
        7 => Ok(Resources { registers: number(4), stack: number(5), spills: number(6) }),
        _ => Err(words[4..].join("\t")),
    };
    let (class, name) = (words[0].into(), words[1].into());
    Compiled { class, name, architecture: number(2), milliseconds: number(3), found }
}

/// Prints a table of all kernels, and returns what is wrong with them.
fn report(compiled: &[Compiled]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut rows: BTreeMap<(&str, &str), BTreeMap<u32, &Compiled>> = BTreeMap::new();
    for kernel in compiled {
        rows.entry((&kernel.class, &kernel.name)).or_default().insert(kernel.architecture, kernel);
    }
    let mut architectures: Vec<u32> = OTHERS.iter().map(|&(architecture, _)| architecture).collect();
    architectures.push(FIRST);
    architectures.sort_unstable();
    println!("registers, bytes of stack, bytes spilled");
    let headings: String =
        architectures.iter().map(|number| format!(" {:>16}", format!("sm_{number}"))).collect();
    println!("{:<80}{headings}", "kernel");
    for ((class, name), by_architecture) in &rows {
        let mut line = format!("{:<80}", format!("{class}: {name}"));
        for architecture in &architectures {
            let cell = match by_architecture.get(architecture).map(|kernel| &kernel.found) {
                None => String::new(),
                Some(Ok(Resources { registers, stack, spills })) => {
                    format!("{registers} {stack:>5} {spills:>5}")
                }
                Some(Err(_)) => "FAILED".into(),
            };
            line.push_str(&format!(" {cell:>16}"));
        }
        println!("{line}");
    }
    for Compiled { class, name, architecture, found, .. } in compiled {
        let bound = BOUNDS.iter().find(|bound| bound.class == class).expect("every class has a bound");
        match found {
            Err(problem) => problems.push(format!("{class}: {name} for sm_{architecture}: {problem}")),
            Ok(found)
                if found.spills > bound.spills || found.stack.saturating_sub(found.spills) > bound.stack =>
            {
                problems.push(format!(
                    "{class}: {name} for sm_{architecture} spills {} of {} bytes of stack, more than {} and {} beside \
                     them ({})",
                    found.spills, found.stack, bound.spills, bound.stack, bound.reason
                ))
            }
            Ok(_) => {}
        }
    }
    let slow = compiled.iter().map(|kernel| kernel.milliseconds).max().unwrap_or(0);
    let total: u32 = compiled.iter().map(|kernel| kernel.milliseconds).sum();
    println!("the slowest took {slow} ms, all together {} s", total / 1000);
    problems
}
