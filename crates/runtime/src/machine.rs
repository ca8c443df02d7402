//! The machine as the runtime sees it: processors, memories, and how fast they are.

use std::fmt;

/// Backends of a machine, at most.
pub const MOST_BACKENDS: usize = 4;

/// Names one memory of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MemoryId(pub u16);

/// Names one processor of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProcessorId(pub u16);

/// Something that holds instances.
#[derive(Clone, Debug, PartialEq)]
pub struct Memory {
    /// Its name among the machine's memories.
    pub id: MemoryId,
    /// Position of its backend in [`Machine::backends`].
    pub backend: usize,
    /// What a person calls it, such as `host` or `gpu 0`.
    pub name: String,
    /// Capacity in bytes.
    pub bytes: usize,
    /// Whether a piece may run where only those bytes of a region lie that it touches, as [`Binding::bases`] says.
    ///
    /// [`Binding::bases`]: crate::Binding::bases
    pub parts: bool,
}

/// Something that runs point tasks.
#[derive(Clone, Debug, PartialEq)]
pub struct Processor {
    /// Its name among the machine's processors.
    pub id: ProcessorId,
    /// Position of its backend in [`Machine::backends`].
    pub backend: usize,
    /// The memory whose instances it computes on.
    pub memory: MemoryId,
    /// How many threads (or their like) share its work.
    pub workers: u32,
    /// Measured or estimated rate at which it streams bytes, in bytes per second and worker.
    pub bytes_per_second: f64,
    /// Time to hand it a point task, in seconds.
    pub launch_seconds: f64,
    /// What else a person may want to know of it, such as its driver; empty if nothing.
    pub about: String,
}

/// Everything the runtime may use.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Machine {
    /// Names of the backends, in order of their position.
    pub backends: Vec<String>,
    /// All memories; the first is the host memory that Python sees.
    pub memories: Vec<Memory>,
    /// All processors.
    pub processors: Vec<Processor>,
}

/// What one backend adds to the machine; ids are positions within the part until the runtime joins the parts.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Part {
    /// Name of the backend, such as `cpu`.
    pub name: String,
    /// Its memories.
    pub memories: Vec<Memory>,
    /// Its processors.
    pub processors: Vec<Processor>,
}

impl Machine {
    /// Joins what the backends describe, in their order, renumbering memories and processors.
    pub fn join(parts: Vec<Part>) -> Machine {
        let mut machine = Machine::default();
        for (backend, part) in parts.into_iter().enumerate() {
            let (first_memory, first_processor) = (machine.memories.len(), machine.processors.len());
            machine.memories.extend(part.memories.into_iter().enumerate().map(|(at, memory)| Memory {
                id: MemoryId((first_memory + at) as u16),
                backend,
                ..memory
            }));
            machine.processors.extend(part.processors.into_iter().enumerate().map(|(at, processor)| {
                Processor {
                    id: ProcessorId((first_processor + at) as u16),
                    backend,
                    memory: MemoryId(first_memory as u16 + processor.memory.0),
                    ..processor
                }
            }));
            machine.backends.push(part.name);
        }
        machine
    }

    /// The position of the backend of a name.
    pub fn backend(&self, name: &str) -> Option<usize> {
        self.backends.iter().position(|known| known == name)
    }

    /// The processor named `id`.
    pub fn processor(&self, id: ProcessorId) -> &Processor {
        &self.processors[id.0 as usize]
    }

    /// The memory named `id`.
    pub fn memory(&self, id: MemoryId) -> &Memory {
        &self.memories[id.0 as usize]
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for processor in &self.processors {
            let memory = self.memory(processor.memory);
            writeln!(
                out,
                "{} {}: {} worker{}, memory {} ({:.1} GiB)",
                self.backends[processor.backend],
                processor.id.0,
                processor.workers,
                if processor.workers == 1 { "" } else { "s" },
                memory.name,
                memory.bytes as f64 / (1u64 << 30) as f64
            )?;
        }
        Ok(())
    }
}
