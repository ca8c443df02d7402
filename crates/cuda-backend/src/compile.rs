//! CUDA C++ to machine code by NVRTC, and what was compiled before from disk.

use cudarc::nvrtc::sys as nvrtc;
use rustc_hash::FxHasher;
use std::ffi::{CStr, CString};
use std::fs;
use std::hash::Hasher;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::{Mutex, OnceLock};

/// What a kernel takes of a multiprocessor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// Registers of a thread.
    pub registers: u32,
    /// Bytes of a thread's stack: arrays that are indexed by numbers known only at run time, and what calls keep.
    pub stack: u32,
    /// Bytes that a thread stores because registers did not suffice.
    pub spills: u32,
}

/// Makes cubins. One text is compiled at a time; NVRTC serialises its work anyhow.
pub struct Compiler {
    cache: Option<PathBuf>,
    /// The library in NVIDIA's Python packages, if it is there.
    packaged: Option<PathBuf>,
    /// NVRTC's version, once it is loaded.
    version: OnceLock<Result<(i32, i32), String>>,
    one: Mutex<()>,
}

impl Compiler {
    /// NVRTC where the system finds it, or in the folders of NVIDIA's Python packages below `search`. Compiled texts are
    /// kept in the folder `cache`.
    ///
    /// # Errors
    /// What was looked for, and how to get it.
    pub fn find(search: &[PathBuf], cache: Option<PathBuf>) -> Result<Compiler, String> {
        let packaged = packaged(search).into_iter().next();
        let compiler = Compiler { cache, packaged, version: OnceLock::new(), one: Mutex::new(()) };
        // Loading the library takes a fifth of a second, so it waits for the first kernel where it is certain to be there.
        if compiler.packaged.is_none() {
            compiler.version()?;
        }
        Ok(compiler)
    }

    /// NVRTC's version; loads it.
    ///
    /// # Errors
    /// That there is none, and how to get it.
    pub fn version(&self) -> Result<(i32, i32), String> {
        self.version.get_or_init(|| load(self.packaged.as_deref())).clone()
    }

    /// The cubin of a text for an architecture, such as 90.
    ///
    /// # Errors
    /// The compiler's log.
    pub fn cubin(&self, text: &str, architecture: u32) -> Result<Vec<u8>, String> {
        let heading = format!(
            "maniple {} {} sm_{architecture}\n",
            env!("CARGO_PKG_VERSION"),
            self.packaged.as_deref().map_or("system".into(), |path| path.to_string_lossy()),
        );
        let path = self.cache.as_deref().map(|folder| file(folder, &heading, text));
        let key = format!("{heading}{}\n{text}", text.len());
        if let Some(bytes) = path.as_deref().and_then(|path| fs::read(path).ok())
            && let Some(cubin) = bytes.strip_prefix(key.as_bytes())
        {
            return Ok(cubin.to_vec());
        }
        let (cubin, _) = self.compile(text, architecture, &[])?;
        if let Some(path) = path {
            // A cache that cannot be written costs time, nothing else.
            let _ = keep(&path, &[key.as_bytes(), &cubin].concat());
        }
        Ok(cubin)
    }

    /// What the kernel of a text takes on an architecture.
    ///
    /// # Errors
    /// The compiler's log.
    pub fn resources(&self, text: &str, architecture: u32) -> Result<Resources, String> {
        let (_, log) = self.compile(text, architecture, &["--ptxas-options=-v"])?;
        resources_of(&log).ok_or_else(|| format!("the compiler does not say what a kernel takes: {log}"))
    }

    /// The cubin and the compiler's log.
    fn compile(&self, text: &str, architecture: u32, more: &[&str]) -> Result<(Vec<u8>, String), String> {
        let version = self.version()?;
        let _one = self.one.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let source = CString::new(text).map_err(|_| "the text of a kernel holds a zero byte".to_string())?;
        // No contraction: `a * b + c` rounds twice, as NumPy does.
        let mut options = vec![
            format!("--gpu-architecture=sm_{architecture}"),
            "--fmad=false".into(),
            "-default-device".into(),
        ];
        // Leaves out what no kernel here uses, which saves half the time of a small one.
        if version >= (13, 0) {
            options.push("--minimal".into());
        }
        options.extend(more.iter().map(|&option| option.to_string()));
        let options: Vec<CString> =
            options.into_iter().map(|option| CString::new(option).expect("no zero byte")).collect();
        let options: Vec<*const _> = options.iter().map(|option| option.as_ptr()).collect();
        let mut program = ptr::null_mut();
        let good = nvrtc::nvrtcResult::NVRTC_SUCCESS;
        // SAFETY: all pointers are to live values of the sizes that NVRTC documents, and the program is destroyed last.
        unsafe {
            let name = c"maniple.cu";
            let made = nvrtc::nvrtcCreateProgram(
                &mut program,
                source.as_ptr(),
                name.as_ptr(),
                0,
                ptr::null(),
                ptr::null(),
            );
            if made != good {
                return Err(message(made));
            }
            let compiled = nvrtc::nvrtcCompileProgram(program, options.len() as i32, options.as_ptr());
            let mut bytes = 0;
            nvrtc::nvrtcGetProgramLogSize(program, &mut bytes);
            let mut log = vec![0u8; bytes];
            nvrtc::nvrtcGetProgramLog(program, log.as_mut_ptr().cast());
            let log = String::from_utf8_lossy(&log).trim_end_matches('\0').to_string();
            let result = if compiled != good {
                Err(format!("{}: {log}", message(compiled)))
            } else {
                let mut bytes = 0;
                nvrtc::nvrtcGetCUBINSize(program, &mut bytes);
                let mut cubin = vec![0u8; bytes];
                match nvrtc::nvrtcGetCUBIN(program, cubin.as_mut_ptr().cast()) {
                    got if got == good => Ok((cubin, log)),
                    got => Err(message(got)),
                }
            };
            nvrtc::nvrtcDestroyProgram(&mut program);
            result
        }
    }
}

/// Loads NVRTC, from a path or from where the system finds it.
fn load(packaged: Option<&Path>) -> Result<(i32, i32), String> {
    if let Some(library) = packaged {
        // SAFETY: NVIDIA's library; loading it runs its own initialisation only. It stays loaded, so that it is found by
        // its name afterwards.
        if let Ok(found) = unsafe { libloading::Library::new(library) } {
            std::mem::forget(found);
        }
    }
    // SAFETY: only asks whether the library can be loaded.
    if !unsafe { nvrtc::is_culib_present() } {
        return Err("CUDA's run-time compiler (libnvrtc) was not found; `pip install nvidia-cuda-nvrtc` brings it, and \
                    so does NVIDIA's toolkit"
            .into());
    }
    let mut version = (0, 0);
    // SAFETY: both pointers are to live integers.
    unsafe { nvrtc::nvrtcVersion(&mut version.0, &mut version.1) };
    Ok(version)
}

/// What the assembler says of an entry function and of the functions that it calls.
fn resources_of(log: &str) -> Option<Resources> {
    let number = |line: &str, before: &str| {
        let words = line.split(before).next()?.split_whitespace();
        words.last()?.parse::<u32>().ok()
    };
    let used = log.lines().find(|line| line.contains(" registers"))?;
    let mut resources = Resources { registers: number(used, " registers")?, stack: 0, spills: 0 };
    // A line that leaves the stack out means none.
    resources.stack = number(used, " bytes cumulative stack size").unwrap_or(0);
    for line in log.lines().filter(|line| line.contains(" bytes spill stores")) {
        resources.spills += number(line, " bytes spill stores")?;
    }
    Some(resources)
}

fn message(result: nvrtc::nvrtcResult) -> String {
    // SAFETY: NVRTC answers with a string of its own that lives as long as the library.
    unsafe { CStr::from_ptr(nvrtc::nvrtcGetErrorString(result)) }.to_string_lossy().into_owned()
}

/// Where NVIDIA's Python packages keep NVRTC, newest first.
fn packaged(search: &[PathBuf]) -> Vec<PathBuf> {
    let places = [
        "nvidia/cu13/lib/libnvrtc.so.13",
        "nvidia/cuda_nvrtc/lib/libnvrtc.so.13",
        "nvidia/cuda_nvrtc/lib/libnvrtc.so.12",
    ];
    let all = places.iter().flat_map(|place| search.iter().map(move |folder| folder.join(place)));
    all.filter(|path| path.exists()).collect()
}

fn file(folder: &Path, heading: &str, text: &str) -> PathBuf {
    let mut hasher = FxHasher::default();
    hasher.write(heading.as_bytes());
    hasher.write(text.as_bytes());
    folder.join(format!("{:016x}.cubin", hasher.finish()))
}

/// Writes a file that other processes see whole or not at all.
fn keep(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().expect("a file in a folder");
    fs::create_dir_all(folder)?;
    let partial = path.with_extension(format!("{}.partial", std::process::id()));
    fs::write(&partial, bytes)?;
    fs::rename(&partial, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_kernel_takes_is_read_from_the_log() {
        let log = "\
ptxas info    : 272 bytes gmem
ptxas info    : Compiling entry function 'kernel' for 'sm_90'
ptxas info    : Function properties for kernel
ptxas         .     40 bytes stack frame, 8 bytes spill stores, 12 bytes spill loads
ptxas info    : Used 34 registers, used 0 barriers, 40 bytes cumulative stack size
ptxas info    : Function properties for __internal_accurate_pow
ptxas         .     0 bytes stack frame, 4 bytes spill stores, 0 bytes spill loads
";
        let plain = "ptxas info    : Used 10 registers, used 0 barriers, 380 bytes cmem[0]\n";
        for (log, expected) in [
            (log, Some(Resources { registers: 34, stack: 40, spills: 12 })),
            (plain, Some(Resources { registers: 10, stack: 0, spills: 0 })),
            ("", None),
        ] {
            assert_eq!(resources_of(log), expected);
        }
    }
}
