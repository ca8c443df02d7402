//! The core of Maniple: a stream of tasks goes in, commands for backends come out.
//!
//! Read the files in the order of the flow: [`Region`] and [`View`] (what a task works on), [`Kernel`] and [`Task`]
//! (what it does), the window that collects tasks as plain words (`stream.rs`), and the stages, each a function from
//! one printable value to the next: [`edges`] (who depends on whom), [`fuse`] (neighbours joined), partition
//! ([`Arg::span_of`], [`cut`]), [`map`] (where it runs), and `runtime.rs`, which issues the commands. The traits
//! [`Backend`] and [`Mapper`] extend it. The runtime knows no op by name, no NumPy rule, and never reads an
//! instance's bytes.

mod backend;
mod blocks;
mod brief;
mod config;
mod depend;
mod encode;
mod error;
mod events;
mod fuse;
mod instance;
mod kernel;
mod machine;
mod mapping;
mod null;
mod partition;
mod parts;
mod plan;
mod record;
mod rename;
mod runtime;
mod sorts;
mod space;
mod store;
mod stream;
mod task;
mod verify;
mod view;

pub use backend::{
    Allocation, Backend, Binding, DeviceError, Event, Handoff, OutOfMemory, Place, PointTask, Prepared,
    Report, Sharing,
};
pub use blocks::{Blocks, Bytes, Part as BlockPart, join};
pub use brief::{Brief, Held};
pub use config::{SETTINGS, Setting, Settings, settings_page};
pub use depend::{Edge, Relation, edges};
pub use encode::{Record, RecordedWindow, Records};
pub use error::{Error, human_bytes};
pub use events::{During, Warning, watch_as};
pub use fuse::{Fused, fuse};
pub use instance::{Backends, Search, Spans};
pub use kernel::{Access, Extreme, Indexed, Kernel, Order, Reduce, Sorted};
pub use machine::{MOST_BACKENDS, Machine, Memory, MemoryId, Part, Processor, ProcessorId};
pub use mapping::{Mapper, Mapping, Piece, Pieces, Places, Question, map};
pub use null::Null;
pub use partition::cut;
pub use parts::FoldPart;
pub use plan::{Plan, Planned};
pub use record::Replayed;
pub use runtime::{Heard, Runtime, Statistics};
pub use sorts::{SortPlan, SortTask, SortWay};
pub use space::Space;
pub use store::{Handle, Region};
pub use stream::{Decoded, KernelId, Kernels, Operand, Window, decode};
pub use task::{Arg, Launch, Line, Privilege, Role, Task};
pub use view::{Shape, Span, Strides, View, per_axis};
