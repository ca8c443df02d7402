//! CUDA C++ to libraries for the host by g++, with a header that makes the one out of the other.
//!
//! Everything is kept in a folder whose name covers the header, the flags and the compiler: the header precompiled with
//! and without the op table's functions, the scheduler, and every kernel with its text.

use crate::command::OPERATIONS_END;
use rustc_hash::FxHasher;
use std::fs;
use std::hash::Hasher;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

const INTERFACE: &str = include_str!("../../../../kernels/emulate/launch.h");
const HEADER: &str = include_str!("../../../../kernels/emulate/cuda.h");
const SCHEDULER: &str = include_str!("../../../../kernels/emulate/run.cpp");

/// What the header and the kernels are compiled with. Products and sums are not contracted, as on the device, and every
/// access announces itself.
const FLAGS: &[&str] = &[
    "-O1",
    "-fPIC",
    "-std=c++17",
    "-ffp-contract=off",
    "-fno-strict-aliasing",
    "-fwrapv",
    "-fno-exceptions",
    "-fno-rtti",
    "-fno-asynchronous-unwind-tables",
    "-fno-stack-protector",
    "-w",
    "-fsanitize=kernel-address,alignment,bounds,integer-divide-by-zero",
    "--param=asan-instrumentation-with-call-threshold=0",
];
const SCHEDULER_FLAGS: &[&str] = &["-O2", "-shared", "-fPIC", "-std=c++17", "-fno-exceptions", "-include"];

/// Makes libraries, in a folder.
pub(super) struct Compiler {
    folder: PathBuf,
}

impl Compiler {
    /// A compiler that keeps what it makes below `cache`.
    pub(super) fn find(cache: &Path) -> Result<Compiler, String> {
        let version = run(Command::new("g++").arg("--version"))
            .map_err(|why| format!("emulated devices need g++: {why}"))?;
        let operations = maniple_ops::cuda::prelude();
        let key = hash(&[INTERFACE, HEADER, SCHEDULER, operations, &FLAGS.join(" "), &version]);
        let folder = cache.join(format!("emulated-{key:016x}"));
        if !folder.is_dir() {
            let partial = unique(&folder);
            let made = make_folder(&partial, operations);
            // Another process may have been faster; what it made is the same.
            let moved = made.and_then(|()| fs::rename(&partial, &folder).map_err(|error| error.to_string()));
            if let Err(why) = moved
                && !folder.is_dir()
            {
                return Err(format!("preparing {}: {why}", folder.display()));
            }
            let _ = fs::remove_dir_all(&partial);
        }
        Ok(Compiler { folder })
    }

    /// The library that runs kernels.
    pub(super) fn scheduler(&self) -> PathBuf {
        self.folder.join("run.so")
    }

    /// The library of a kernel's text.
    pub(super) fn library(&self, text: &str) -> Result<PathBuf, String> {
        let path = self.folder.join(format!("{:016x}.so", hash(&[text])));
        let kept = path.with_extension("cu");
        if fs::read_to_string(&kept).is_ok_and(|known| known == text) && path.exists() {
            return Ok(path);
        }
        let source = unique(&kept);
        let library = unique(&path);
        // A kernel's text begins with as much of the op table's functions as it needs; all of them are compiled already.
        let (header, rest) = match text.split_once(OPERATIONS_END) {
            Some((_, rest)) => ("operations.h", rest),
            None => ("bare.h", text),
        };
        let whole = format!("#line 1 \"kernel\"\n{rest}\nEMULATED_ENTRY\n");
        let made = fs::write(&source, whole).map_err(|error| error.to_string()).and_then(|()| {
            let mut command = Command::new("g++");
            command.args(FLAGS).args(["-shared", "-nostdlib", "-x", "c++", "-include"]);
            command.arg(self.folder.join(header)).arg(&source).arg("-o").arg(&library).arg("-lgcc");
            run(&mut command)
        });
        let _ = fs::remove_file(&source);
        made?;
        // The text goes last: whoever finds it finds its library.
        let _ = fs::remove_file(&kept);
        let text_file = unique(&kept);
        fs::rename(&library, &path)
            .and_then(|()| fs::write(&text_file, text))
            .and_then(|()| fs::rename(&text_file, &kept))
            .map_err(|error| error.to_string())?;
        Ok(path)
    }
}

fn make_folder(folder: &Path, operations: &str) -> Result<(), String> {
    let write = |name: &str, parts: &[&str]| {
        fs::write(folder.join(name), parts.concat()).map_err(|error| error.to_string())
    };
    fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    write("launch.h", &[INTERFACE])?;
    write("run.cpp", &[SCHEDULER])?;
    write("bare.h", &[INTERFACE, HEADER])?;
    write("operations.h", &[INTERFACE, HEADER, operations])?;
    for header in ["bare.h", "operations.h"] {
        run(Command::new("g++").args(FLAGS).args(["-x", "c++-header"]).arg(folder.join(header)))?;
    }
    let mut command = Command::new("g++");
    command.args(SCHEDULER_FLAGS).arg(folder.join("launch.h")).arg(folder.join("run.cpp"));
    run(command.arg("-o").arg(folder.join("run.so")).arg("-lm")).map(drop)
}

/// What a command prints; the error is what it complains of.
fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn hash(parts: &[&str]) -> u64 {
    let mut hasher = FxHasher::default();
    for part in parts {
        hasher.write_usize(part.len());
        hasher.write(part.as_bytes());
    }
    hasher.finish()
}

/// A name beside `path` that nobody else uses.
fn unique(path: &Path) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.{number}", std::process::id()));
    // g++ tells by the ending what a file is.
    if let Some(ending) = path.extension() {
        name.push(".");
        name.push(ending);
    }
    path.with_file_name(name)
}
