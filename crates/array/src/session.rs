//! The one place that picks backends and mapper: the runtime of this process.

use maniple_cpu::{Cpu, CpuDescription};
use maniple_runtime::{Backend, Backends, During, Line, Runtime, Settings, watch_as};
use std::cell::Cell;
use std::sync::{Arc, Mutex, OnceLock};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

static TRACE: Mutex<Option<tracing_chrome::FlushGuard>> = Mutex::new(None);
static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();

/// What a call inherits from where it is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The place in the user's program.
    pub line: Line,
    /// The floating point events ([`maniple_ops::Flags`] bits) that the user wants to hear about, and what they are said
    /// to have happened in ([`watch_as`]).
    pub watch: u8,
}

/// While it lives, events of what this thread records are said to have happened in a reduction or a running fold.
pub(crate) struct Part {
    before: Context,
}

impl Part {
    pub(crate) fn of(during: During) -> Part {
        let before = context();
        set_context(Context { watch: watch_as(before.watch & 15, during), ..before });
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

/// The context of calls made by this thread.
pub fn context() -> Context {
    CONTEXT.get()
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
    RUNTIME.get_or_init(|| Ok(make(Settings::from_environment()?))).as_ref().map_err(Clone::clone)
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

fn make(settings: Settings) -> Runtime {
    if let Some(path) = &settings.trace {
        begin_trace(path);
    }
    let cpu =
        Cpu::new(&CpuDescription { workers: settings.machine.clone(), memory_limit: settings.memory_limit });
    let backends: Vec<Arc<dyn Backend>> = vec![Arc::new(cpu)];
    let mapper = maniple_mapper::from_settings(&settings);
    Runtime::new(Backends::new(backends), mapper, settings)
}
