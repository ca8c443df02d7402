//! The one place that picks backends and mapper: the runtime of this process.

use maniple_cpu::{Compile, Cpu, CpuDescription};
use maniple_runtime::{Backend, Backends, During, Line, Runtime, Settings, watch_as};
use std::cell::Cell;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

static TRACE: Mutex<Option<tracing_chrome::FlushGuard>> = Mutex::new(None);
static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();

/// Folders below which libraries of Python packages are looked for.
static SEARCH: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
/// Backends that were asked for and are not there, with the reasons.
static ABSENT: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

/// Names folders below which libraries of Python packages are looked for, such as `site-packages`. Takes effect before
/// the runtime starts.
pub fn set_search(folders: Vec<PathBuf>) {
    *SEARCH.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = folders;
}

/// The backends that the settings name and that are not there, each with the reason.
pub fn absent() -> Vec<(String, String)> {
    ABSENT.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
}

/// What a call inherits from where it is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The place in the user's program, or [`HERE`].
    pub line: Line,
    /// The floating point events ([`maniple_ops::Flags`] bits) that the user wants to hear about, and what they are said
    /// to have happened in ([`watch_as`]).
    pub watch: u8,
}

/// While it lives, events of what this thread records are said to have happened in something that it is part of.
pub(crate) struct Part {
    before: Context,
}

impl Part {
    pub(crate) fn of(during: During) -> Part {
        let before = CONTEXT.get();
        set_context(Context { watch: watch_as(before.watch, during), ..before });
        Part { before }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        set_context(self.before);
    }
}

thread_local! {
    static CONTEXT: Cell<Context> = const { Cell::new(Context { line: Line(0), watch: 0 }) };
}

/// Stands in a context for the place of the call that is under way. It takes a while to find, and what is computed at hand
/// needs it only if an event happens.
pub const HERE: Line = Line(u32::MAX);

static LOCATE: OnceLock<fn() -> Line> = OnceLock::new();

/// Sets what finds the place of the call that is under way on a thread.
pub fn set_locate(locate: fn() -> Line) {
    let _ = LOCATE.set(locate);
}

/// The context of calls made by this thread.
pub fn context() -> Context {
    let mut context = CONTEXT.get();
    if context.line == HERE {
        context.line = LOCATE.get().map_or(Line::default(), |locate| locate());
        CONTEXT.set(context);
    }
    context
}

/// The place of the call that is under way.
pub(crate) fn line() -> Line {
    context().line
}

/// What the user wants to hear about.
pub(crate) fn watch() -> u8 {
    CONTEXT.get().watch
}

/// Changes the context of calls made by this thread.
pub fn set_context(context: Context) {
    CONTEXT.set(context);
}

/// Starts the runtime with the settings of the environment, if it does not run yet.
///
/// # Errors
/// A sentence that names the setting that is wrong.
pub fn start() -> Result<&'static Runtime, String> {
    RUNTIME.get_or_init(|| make(Settings::from_environment()?)).as_ref().map_err(Clone::clone)
}

/// The runtime of this process.
///
/// # Panics
/// If a setting in the environment is wrong; callers that can report an error call [`start`] first.
pub fn runtime() -> &'static Runtime {
    start().unwrap_or_else(|problem| panic!("{problem}"))
}

/// Completes the timeline, if one is written, and closes its file. What happens after it is not in the timeline.
pub fn end_trace() {
    // The guard waits for the writing thread when it goes; merely asking that thread to flush does not.
    drop(TRACE.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take());
}

/// Has every window and piece written to a timeline. A program that set up `tracing` itself keeps its own.
fn begin_trace(path: &str) {
    if let Err(error) = std::fs::File::create(path) {
        return eprintln!("maniple: no timeline is written: {path}: {error}");
    }
    let (layer, guard) = tracing_chrome::ChromeLayerBuilder::new().file(path).include_args(true).build();
    if tracing_subscriber::registry().with(layer).try_init().is_ok() {
        *TRACE.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(guard);
    }
}

fn make(settings: Settings) -> Result<Runtime, String> {
    if let Some(path) = &settings.trace {
        begin_trace(path);
    }
    let cpu = Cpu::new(&CpuDescription {
        workers: settings.machine.clone(),
        memory_limit: settings.memory_limit,
        compile: Compile::from_setting(&settings.jit),
        compile_for: None,
    });
    let wanted = settings.clone();
    let backends =
        Backends::new(vec![Arc::new(cpu)]).with_search(Box::new(move |first| devices(&wanted, first)));
    // A random mapper is there to find faults: it gets all there is from the start.
    if settings.on.is_some() || settings.mapper.starts_with("random") {
        backends.search();
    }
    if let Some(name) = &settings.on
        && backends.machine().backend(name).is_none()
    {
        let reason = absent().into_iter().find(|(known, _)| known == name);
        let reason = reason.map_or("MANIPLE_BACKENDS does not name it".into(), |(_, reason)| reason);
        return Err(format!("MANIPLE_ON={name}: there is no such backend here: {reason}"));
    }
    let mapper = maniple_mapper::from_settings(&settings);
    Ok(Runtime::new(backends, mapper, settings))
}

/// The backends that the settings name beside the host's processors, as far as they are there.
fn devices(settings: &Settings, first: &[Arc<dyn Backend>]) -> Vec<Arc<dyn Backend>> {
    let mut all = first.to_vec();
    // Who asks for everything to run on a backend asks for the backend.
    let asked = settings.on.iter().filter(|name| !settings.backends.contains(name));
    for name in settings.backends.iter().chain(asked).filter(|name| *name != "cpu") {
        match device(name, settings, &all) {
            Ok(backend) => all.push(backend),
            Err(reason) => {
                if settings.debug >= 1 {
                    eprintln!("maniple: no {name}: {reason}");
                }
                ABSENT.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push((name.clone(), reason));
            }
        }
    }
    all.split_off(first.len())
}

/// A backend beside the host's processors, by its name.
fn device(name: &str, settings: &Settings, before: &[Arc<dyn Backend>]) -> Result<Arc<dyn Backend>, String> {
    let parts: Vec<maniple_runtime::Part> = before.iter().map(|backend| backend.describe()).collect();
    match name {
        #[cfg(feature = "cuda")]
        "cuda" => {
            let place = maniple_cuda::At {
                backend: before.len() as u16,
                memory: parts.iter().map(|part| part.memories.len()).sum::<usize>() as u16,
                processor: parts.iter().map(|part| part.processors.len()).sum::<usize>() as u16,
            };
            let search = SEARCH.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
            let cache = settings.cache.as_deref().map(|folder| folder.join("cuda"));
            let driver = match settings.emulated {
                0 => maniple_cuda::driver(&search, cache)?,
                _ => emulated(settings)?,
            };
            let library_from = (settings.cublas > 0).then_some(settings.cublas);
            let cuda = maniple_cuda::Cuda::new(driver, place, settings.device_limit());
            Ok(Arc::new(cuda.with_library_from(library_from)))
        }
        #[cfg(feature = "wgpu")]
        "wgpu" => {
            let place = maniple_wgpu::At {
                backend: before.len() as u16,
                memory: parts.iter().map(|part| part.memories.len()).sum::<usize>() as u16,
                processor: parts.iter().map(|part| part.processors.len()).sum::<usize>() as u16,
            };
            let cache = settings.cache.as_deref().map(|folder| folder.join("wgpu"));
            Ok(Arc::new(maniple_wgpu::Wgpu::find(place, settings.device_limit(), cache.as_deref())?))
        }
        _ => {
            let _ = (settings, parts);
            Err("this build of Maniple does not hold it".into())
        }
    }
}

/// Devices that the host's processor plays.
#[cfg(feature = "emulate")]
fn emulated(settings: &Settings) -> Result<Arc<dyn maniple_cuda::Driver>, String> {
    let schedule = maniple_cuda::Schedule::from_name(&settings.emulated_schedule);
    let schedule = schedule.ok_or("MANIPLE_EMULATED_SCHEDULE is unknown")?;
    let cache = settings.cache.clone().unwrap_or_else(|| std::env::temp_dir().join("maniple"));
    let bytes = settings.device_limit().unwrap_or(EMULATED_BYTES);
    Ok(Arc::new(maniple_cuda::Emulator::scheduled(settings.emulated, bytes, schedule, &cache)?))
}

#[cfg(all(feature = "cuda", not(feature = "emulate")))]
fn emulated(_: &Settings) -> Result<Arc<dyn maniple_cuda::Driver>, String> {
    Err("this build of Maniple emulates no devices".into())
}

/// Bytes of an emulated device; memory backs what is used of them.
#[cfg(feature = "emulate")]
const EMULATED_BYTES: usize = 4 << 30;
