//! The one table of settings and the only reader of the environment.

use std::fmt::Write;
use std::path::PathBuf;

/// One setting as users see it.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Name of the environment variable.
    pub name: &'static str,
    /// What an unset variable means.
    pub default: &'static str,
    /// What it does.
    pub help: &'static str,
}

/// The names of the backends there are, in some build or other.
const BACKENDS: [&str; 3] = ["cpu", "cuda", "wgpu"];

/// Every setting there is.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "MANIPLE_BACKENDS",
        default: "cpu,cuda",
        help: "Comma-separated backends to use, in order; what is not there is left out, and the host's processors are \
               always used.",
    },
    Setting {
        name: "MANIPLE_BLOCK",
        default: "512k",
        help: "Bytes that launches over the same rows touch at a time, one after the other; 0 runs each by itself.",
    },
    Setting {
        name: "MANIPLE_CACHE",
        default: "`maniple` in the user's cache folder",
        help: "Folder for compiled kernels; `none` keeps none.",
    },
    Setting {
        name: "MANIPLE_CHECK",
        default: "0",
        help: "1 verifies the value of every stage; for tests and bug reports.",
    },
    Setting {
        name: "MANIPLE_CUBLAS",
        default: "0",
        help: "Multiply-adds from which NVIDIA's cuBLAS computes a product of two matrices on a GPU, where it is installed; 0 \
               for never. Its last bits are not those of other processors, depend on the pieces, and it notes no floating \
               point events.",
    },
    Setting {
        name: "MANIPLE_DEBUG",
        default: "0",
        help: "1 the machine; 2 a line per command; 3 launches before and after fusion; 4 bodies; 5 edges, mappings, \
               copies; 6 every span.",
    },
    Setting {
        name: "MANIPLE_DEVICE_MEMORY",
        default: "all that a device has",
        help: "Bytes of each device's memory that may be taken; k, M and G are understood. What has no room there is moved \
               to the host, least recently used first.",
    },
    Setting {
        name: "MANIPLE_EMULATED",
        default: "0",
        help: "Devices that the host's processor plays in place of GPUs, under the name cuda; for tests, in builds that \
               hold them.",
    },
    Setting {
        name: "MANIPLE_EMULATED_SCHEDULE",
        default: "turns",
        help: "Order in which an emulated device runs blocks and lanes: in-order, reversed, random, or turns for one \
               after the other.",
    },
    Setting {
        name: "MANIPLE_FALLBACK",
        default: "quiet",
        help: "warn, error or quiet when a call falls back to NumPy.",
    },
    Setting { name: "MANIPLE_FUSE", default: "1", help: "0 launches every task alone." },
    Setting {
        name: "MANIPLE_JIT",
        default: "1",
        help: "1 compiles steps that many elements go through to machine code, where the processor is an x86-64 with \
               AVX2; 0 runs a loop per step; always compiles at once, for tests. The results are the same bits.",
    },
    Setting {
        name: "MANIPLE_MACHINE",
        default: "detected",
        help: "Host memories to pretend, as workers per memory: `2` is one memory with two workers, `1,1,1` three \
               memories with a worker each.",
    },
    Setting {
        name: "MANIPLE_MAPPER",
        default: "default",
        help: "default (cost model), serial, or random:SEED (for tests).",
    },
    Setting {
        name: "MANIPLE_MEMORY_LIMIT",
        default: "none",
        help: "Bytes that arrays may take in the host's memory, and in each device's unless MANIPLE_DEVICE_MEMORY says \
               another number; k, M and G are understood.",
    },
    Setting {
        name: "MANIPLE_ON",
        default: "chosen by the mapper",
        help: "Backend that gets everything it supports, such as cuda or wgpu.",
    },
    Setting {
        name: "MANIPLE_PIECES",
        default: "chosen by the mapper",
        help: "Number of pieces of every launch.",
    },
    Setting {
        name: "MANIPLE_RECORD",
        default: "none",
        help: "File to which the stream is recorded for maniple-replay.",
    },
    Setting {
        name: "MANIPLE_RENAME",
        default: "1M",
        help: "Bytes from which an array that is computed from its own neighbouring elements is written to other memory, \
               which becomes its own, instead of through a copy; k, M and G are understood.",
    },
    Setting {
        name: "MANIPLE_SMALL",
        default: "8192",
        help: "Elements up to which a function that NumPy writes in Python runs there; 0 for never, and to have \
               operations on small arrays recorded as tasks too, which are computed at once otherwise.",
    },
    Setting {
        name: "MANIPLE_TRACE",
        default: "none",
        help: "File to which a timeline is written, for chrome://tracing or Perfetto.",
    },
    Setting {
        name: "MANIPLE_WINDOW",
        default: "256",
        help: "Number of tasks after which the window is flushed; 64 are enough if they are little work.",
    },
];

/// The settings in force.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Backends to use.
    pub backends: Vec<String>,
    /// Bytes that launches over the same rows touch at a time; 0 for all.
    pub block: usize,
    /// Folder for compiled kernels.
    pub cache: Option<PathBuf>,
    /// Whether stages are verified.
    pub check: bool,
    /// Multiply-adds from which NVIDIA's library computes products of matrices; 0 for never.
    pub cublas: usize,
    /// How much is printed.
    pub debug: u8,
    /// Bytes that may be taken of each device's memory.
    pub device_memory: Option<usize>,
    /// How many devices the host's processor plays.
    pub emulated: usize,
    /// The order in which emulated devices run blocks and lanes: `in-order`, `reversed`, `random` or `turns`.
    pub emulated_schedule: String,
    /// What a fallback to NumPy does: `warn`, `error` or `quiet`.
    pub fallback: String,
    /// Whether neighbouring tasks are fused.
    pub fuse: bool,
    /// When steps are compiled: `0` for never, `1` once it pays, `always`.
    pub jit: String,
    /// Workers of each host memory to describe; empty for the machine as it is.
    pub machine: Vec<usize>,
    /// The mapper's name.
    pub mapper: String,
    /// Bytes that arrays may take.
    pub memory_limit: Option<usize>,
    /// Backend that gets everything it supports.
    pub on: Option<String>,
    /// Fixed number of pieces.
    pub pieces: Option<u32>,
    /// Where the stream is recorded.
    pub record: Option<String>,
    /// Bytes from which an array is written to other memory instead of through a copy.
    pub rename: usize,
    /// Elements up to which a function that NumPy writes in Python runs there.
    pub small: usize,
    /// Where a timeline is written.
    pub trace: Option<String>,
    /// Tasks per window.
    pub window: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            backends: vec!["cpu".into(), "cuda".into()],
            block: 512 << 10,
            cache: None,
            check: false,
            cublas: 0,
            debug: 0,
            device_memory: None,
            emulated: 0,
            emulated_schedule: "turns".into(),
            fallback: "quiet".into(),
            fuse: true,
            jit: "1".into(),
            machine: Vec::new(),
            mapper: "default".into(),
            memory_limit: None,
            on: None,
            pieces: None,
            record: None,
            rename: 1 << 20,
            small: 8192,
            trace: None,
            window: 256,
        }
    }
}

impl Settings {
    /// The settings of the environment.
    ///
    /// # Errors
    /// A sentence that names the variable and what it may be.
    pub fn from_environment() -> Result<Settings, String> {
        let mut settings = Settings { cache: user_cache(), ..Settings::default() };
        for setting in SETTINGS {
            #[allow(clippy::disallowed_methods, reason = "this file is the one reader of the environment")]
            if let Ok(value) = std::env::var(setting.name)
                && !value.is_empty()
            {
                settings.set(setting.name, &value)?;
            }
        }
        Ok(settings)
    }

    /// Bytes that may be taken of each device's memory, if anything bounds them but the device.
    pub fn device_limit(&self) -> Option<usize> {
        self.device_memory.or(self.memory_limit)
    }

    /// Sets one setting from its text.
    ///
    /// # Errors
    /// A sentence that names the variable and what it may be.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let wrong = |expected: &str| Err(format!("{name}={value}: expected {expected}"));
        let flag = |value: &str| match value {
            "0" => Some(false),
            "1" => Some(true),
            _ => None,
        };
        match name {
            "MANIPLE_BACKENDS" => {
                let names: Vec<&str> = value.split(',').map(str::trim).collect();
                if !names.iter().all(|name| BACKENDS.contains(name)) {
                    return wrong("cpu, cuda and wgpu, separated by commas");
                }
                self.backends = names.into_iter().map(String::from).collect();
            }
            "MANIPLE_BLOCK" => match parse_bytes(value) {
                Some(bytes) => self.block = bytes,
                None => return wrong("a number of bytes, such as 512k"),
            },
            "MANIPLE_CACHE" => self.cache = (value != "none").then(|| value.into()),
            "MANIPLE_CHECK" => match flag(value) {
                Some(on) => self.check = on,
                None => return wrong("0 or 1"),
            },
            "MANIPLE_CUBLAS" => match value.parse() {
                Ok(least) => self.cublas = least,
                Err(_) => return wrong("a number of multiply-adds"),
            },
            "MANIPLE_DEBUG" => match value.parse() {
                Ok(level @ 0..=6) => self.debug = level,
                _ => return wrong("a number from 0 to 6"),
            },
            "MANIPLE_DEVICE_MEMORY" => match parse_bytes(value) {
                Some(bytes) => self.device_memory = Some(bytes),
                None => return wrong("a number of bytes, such as 500000000, 500M or 2G"),
            },
            "MANIPLE_EMULATED" => match value.parse() {
                Ok(count @ 0..=16) => self.emulated = count,
                _ => return wrong("a number of devices from 0 to 16"),
            },
            "MANIPLE_EMULATED_SCHEDULE" if ["in-order", "reversed", "random", "turns"].contains(&value) => {
                self.emulated_schedule = value.into();
            }
            "MANIPLE_EMULATED_SCHEDULE" => return wrong("in-order, reversed, random or turns"),
            "MANIPLE_FALLBACK" if ["warn", "error", "quiet"].contains(&value) => self.fallback = value.into(),
            "MANIPLE_FALLBACK" => return wrong("warn, error or quiet"),
            "MANIPLE_FUSE" => match flag(value) {
                Some(on) => self.fuse = on,
                None => return wrong("0 or 1"),
            },
            "MANIPLE_JIT" if ["0", "1", "always"].contains(&value) => self.jit = value.into(),
            "MANIPLE_JIT" => return wrong("0, 1 or always"),
            "MANIPLE_MACHINE" => {
                match value.split(',').map(|part| part.trim().parse()).collect::<Result<Vec<usize>, _>>() {
                    Ok(workers)
                        if workers.iter().all(|&count| (1..=1024).contains(&count))
                            && workers.len() <= 48 =>
                    {
                        self.machine = workers;
                    }
                    _ => return wrong("workers per memory, such as 2 or 1,1,1"),
                }
            }
            "MANIPLE_MAPPER" => {
                let seed = value.strip_prefix("random:").map(|seed| seed.parse::<u64>().is_ok());
                if value == "default" || value == "serial" || seed == Some(true) {
                    self.mapper = value.into();
                } else {
                    return wrong("default, serial or random:SEED");
                }
            }
            "MANIPLE_MEMORY_LIMIT" => match parse_bytes(value) {
                Some(bytes) => self.memory_limit = Some(bytes),
                None => return wrong("a number of bytes, such as 500000000, 500M or 2G"),
            },
            "MANIPLE_ON" if BACKENDS.contains(&value) => self.on = Some(value.into()),
            "MANIPLE_ON" => return wrong("cpu, cuda or wgpu"),
            "MANIPLE_PIECES" => match value.parse() {
                Ok(pieces @ 1..=65536) => self.pieces = Some(pieces),
                _ => return wrong("a number of pieces, at least 1"),
            },
            "MANIPLE_RENAME" => match parse_bytes(value) {
                Some(bytes) => self.rename = bytes,
                None => return wrong("a number of bytes, such as 500000000, 500M or 2G"),
            },
            "MANIPLE_SMALL" => match value.parse() {
                Ok(elements) => self.small = elements,
                _ => return wrong("a number of elements"),
            },
            "MANIPLE_TRACE" => self.trace = Some(value.into()),
            "MANIPLE_RECORD" => self.record = Some(value.into()),
            "MANIPLE_WINDOW" => match value.parse() {
                Ok(window @ 1..=4096) => self.window = window,
                _ => return wrong("a number of tasks from 1 to 4096"),
            },
            _ => return Err(format!("{name} is not a setting")),
        }
        Ok(())
    }
}

/// Where the user's programs keep what they can make again.
fn user_cache() -> Option<PathBuf> {
    #[allow(clippy::disallowed_methods, reason = "this file is the one reader of the environment")]
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        variable("HOME").map(|home| home.join("Library/Caches"))
    } else {
        variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")))
    };
    base.map(|base| base.join("maniple"))
}

/// The page `docs/settings.md`.
pub fn settings_page() -> String {
    let mut page = String::from(
        "# Settings\n\nEnvironment variables, read once at the first import. Generated by `cargo ci gen` from \
         `crates/runtime/src/config.rs`.\n\n| variable | default | meaning |\n| --- | --- | --- |\n",
    );
    for setting in SETTINGS {
        let _ = writeln!(page, "| `{}` | {} | {} |", setting.name, setting.default, setting.help);
    }
    page
}

fn parse_bytes(text: &str) -> Option<usize> {
    let (digits, unit) = match text.char_indices().find(|(_, letter)| letter.is_alphabetic()) {
        Some((at, _)) => text.split_at(at),
        None => (text, ""),
    };
    let scale = match unit.trim_end_matches("iB").trim_end_matches('B') {
        "" => 1,
        "k" | "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        "T" => 1usize << 40,
        _ => return None,
    };
    digits.trim().parse::<usize>().ok()?.checked_mul(scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_understood_and_refuses_nonsense() {
        for (name, good, bad) in [
            ("MANIPLE_BACKENDS", "cpu, wgpu", "cpu,gpu"),
            ("MANIPLE_BLOCK", "0", "much"),
            ("MANIPLE_CHECK", "1", "yes"),
            ("MANIPLE_CUBLAS", "1000000", "yes"),
            ("MANIPLE_DEBUG", "6", "7"),
            ("MANIPLE_DEVICE_MEMORY", "64M", "much"),
            ("MANIPLE_FALLBACK", "warn", "loud"),
            ("MANIPLE_FUSE", "0", "2"),
            ("MANIPLE_JIT", "always", "2"),
            ("MANIPLE_MACHINE", "1,1,1", "1,,1"),
            ("MANIPLE_MAPPER", "random:7", "random"),
            ("MANIPLE_MEMORY_LIMIT", "2G", "2X"),
            ("MANIPLE_ON", "cuda", "gpu"),
            ("MANIPLE_PIECES", "3", "0"),
            ("MANIPLE_RENAME", "0", "much"),
            ("MANIPLE_WINDOW", "1", "0"),
        ] {
            let mut settings = Settings::default();
            assert_eq!(settings.set(name, good), Ok(()));
            assert_ne!(settings, Settings::default(), "{name}");
            assert!(settings.set(name, bad).unwrap_err().starts_with(name));
        }
    }
}
