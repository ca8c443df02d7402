//! One adapter, opened: what it is and can do, buffers, and pipelines made of text.

use crate::command::{Mode, PARAMETERS, Program};
use maniple_ops::wgsl::Features;
use maniple_runtime::{DeviceError, OutOfMemory};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::fmt;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

/// What an adapter is and has.
#[derive(Clone, Debug, PartialEq)]
pub struct Info {
    /// What its maker calls it.
    pub name: String,
    /// The interface through which it is used, and its driver.
    pub driver: String,
    /// What kind of processor it is.
    pub kind: Kind,
    /// Bytes of its memory, as far as they are known.
    pub bytes: usize,
    /// What it can do beyond what all can.
    pub features: Features,
    /// Whether threads of a subgroup can exchange values.
    pub subgroups: bool,
    /// Whether it can say when commands began and ended.
    pub timestamps: bool,
    /// Rate at which its memory streams, in bytes per second, as its kind says.
    pub bytes_per_second: f64,
    /// Bytes of the largest buffer.
    pub largest_buffer: usize,
    /// Bytes that a kernel can see of one buffer.
    pub largest_binding: usize,
    /// Buffers that a kernel can see.
    pub most_buffers: usize,
}

impl fmt::Display for Info {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Discrete => "a GPU with memory of its own",
            Kind::Integrated => "a GPU",
            Kind::Software => "the host's processor",
        };
        write!(out, "{kind}, by {}", self.driver)?;
        let features = [
            (self.features.int64, "64-bit integers"),
            (self.subgroups, "subgroups"),
            (self.timestamps, "timestamps"),
        ];
        features.iter().filter(|(there, _)| *there).try_for_each(|(_, name)| write!(out, ", {name}"))?;
        write!(
            out,
            "; {} buffers of {} MiB at most, {} MiB of each seen at a time",
            self.most_buffers,
            self.largest_buffer >> 20,
            self.largest_binding >> 20
        )
    }
}

/// Kinds of adapters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A GPU with memory of its own.
    Discrete,
    /// A GPU that shares the host's memory, or one that is not known to have its own.
    Integrated,
    /// The host's processor, by a driver such as Mesa's lavapipe.
    Software,
}

/// An adapter that is ready for commands.
pub(crate) struct Device {
    pub(crate) info: Info,
    /// Its position among the devices.
    number: usize,
    pub(crate) device: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
    state: Mutex<State>,
    cache: Option<Cache>,
    /// What was last found wrong outside of anybody's view.
    problem: Arc<Mutex<Option<String>>>,
    /// Why the device is gone.
    lost: Arc<Mutex<Option<String>>>,
    /// The group of a kernel's parameters and of what it reports.
    pub(crate) common: wgpu::BindGroupLayout,
}

#[derive(Default)]
struct State {
    layouts: FxHashMap<SmallVec<[Mode; 8]>, (wgpu::BindGroupLayout, wgpu::PipelineLayout)>,
    pipelines: FxHashMap<String, Result<Arc<Pipeline>, String>>,
}

/// Compiled kernels on disk.
struct Cache {
    pipelines: wgpu::PipelineCache,
    file: PathBuf,
}

/// A kernel ready to run, and the layout of its buffers.
pub(crate) struct Pipeline {
    pub(crate) pipeline: wgpu::ComputePipeline,
    pub(crate) layout: wgpu::BindGroupLayout,
}

impl Device {
    /// Opens an adapter as the device of a number. `folder` keeps compiled kernels.
    pub(crate) fn open(
        adapter: &wgpu::Adapter,
        number: usize,
        folder: Option<&Path>,
    ) -> Result<Device, String> {
        let wanted = wgpu::Features::SHADER_INT64
            | wgpu::Features::SUBGROUP
            | wgpu::Features::TIMESTAMP_QUERY
            | wgpu::Features::PIPELINE_CACHE;
        let features = adapter.features() & wanted;
        let limits = adapter.limits();
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("maniple"),
            required_features: features,
            required_limits: limits.clone(),
            memory_hints: wgpu::MemoryHints::Performance,
            ..Default::default()
        };
        let opened = ready(adapter.request_device(&descriptor));
        let (device, queue) = opened.map_err(|error| error.to_string())?;
        let problem = Arc::new(Mutex::new(None));
        let lost = Arc::new(Mutex::new(None));
        let noted = problem.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            lock(&noted).get_or_insert(error.to_string());
        }));
        let noted = lost.clone();
        device.set_device_lost_callback(move |reason, text| {
            if reason != wgpu::DeviceLostReason::Destroyed {
                lock(&noted).get_or_insert(text);
            }
        });
        let about = adapter.get_info();
        let info = Info {
            name: about.name.clone(),
            driver: format!("{} {} {}", about.backend, about.driver, about.driver_info).trim().to_string(),
            kind: match about.device_type {
                wgpu::DeviceType::Cpu => Kind::Software,
                wgpu::DeviceType::DiscreteGpu => Kind::Discrete,
                _ => Kind::Integrated,
            },
            bytes: memory_of(adapter).unwrap_or(limits.max_buffer_size as usize),
            features: Features { int64: features.contains(wgpu::Features::SHADER_INT64) },
            bytes_per_second: match about.device_type {
                wgpu::DeviceType::Cpu => 2e9,
                wgpu::DeviceType::DiscreteGpu => 300e9,
                _ => 50e9,
            },
            subgroups: features.contains(wgpu::Features::SUBGROUP),
            timestamps: features.contains(wgpu::Features::TIMESTAMP_QUERY),
            largest_buffer: limits.max_buffer_size.min(1 << 40) as usize,
            largest_binding: limits.max_storage_buffer_binding_size.min(u64::from(u32::MAX) & !255) as usize,
            most_buffers: limits.max_storage_buffers_per_shader_stage.min(16) as usize,
        };
        let cache = match (folder, wgpu::util::pipeline_cache_key(&about)) {
            (Some(folder), Some(key)) if features.contains(wgpu::Features::PIPELINE_CACHE) => {
                let file = folder.join(key);
                let data = std::fs::read(&file).ok();
                let descriptor =
                    wgpu::PipelineCacheDescriptor { label: None, data: data.as_deref(), fallback: true };
                // SAFETY: nobody but this backend writes the file, and only what a cache of the same key gave it.
                let pipelines = unsafe { device.create_pipeline_cache(&descriptor) };
                Some(Cache { pipelines, file })
            }
            _ => None,
        };
        let common = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: None,
            entries: &[
                wgpu::BindGroupLayoutEntry {
                    binding: 0,
                    visibility: wgpu::ShaderStages::COMPUTE,
                    ty: wgpu::BindingType::Buffer {
                        ty: wgpu::BufferBindingType::Uniform,
                        has_dynamic_offset: true,
                        min_binding_size: std::num::NonZeroU64::new(PARAMETERS as u64),
                    },
                    count: None,
                },
                entry(1, Mode::Atomic),
            ],
        });
        Ok(Device { info, number, device, queue, state: Mutex::default(), cache, problem, lost, common })
    }

    /// Takes memory. Where there is none left, that is the answer and no other harm is done.
    pub(crate) fn buffer(
        &self,
        bytes: usize,
        usage: wgpu::BufferUsages,
    ) -> Result<wgpu::Buffer, OutOfMemory> {
        if bytes > self.info.largest_buffer {
            return Err(OutOfMemory { bytes });
        }
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let other = self.device.push_error_scope(wgpu::ErrorFilter::Internal);
        let buffer = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: bytes as u64,
            usage,
            mapped_at_creation: false,
        });
        let failed = ready(other.pop()).is_some() | ready(scope.pop()).is_some();
        if failed { Err(OutOfMemory { bytes }) } else { Ok(buffer) }
    }

    /// The pipeline of a program, compiled the first time any program has its text.
    pub(crate) fn pipeline(&self, program: &Program) -> Result<Arc<Pipeline>, DeviceError> {
        program.pipelines[self.number].get_or_init(|| self.shared(program)).clone()
    }

    /// The pipeline that all programs of one text share.
    fn shared(&self, program: &Program) -> Result<Arc<Pipeline>, DeviceError> {
        let mut state = self.state();
        if let Some(known) = state.pipelines.get(&program.text) {
            return known.clone().map_err(DeviceError);
        }
        let _span = tracing::trace_span!("compile", bytes = program.text.len()).entered();
        let made = self.compile(program, &mut state).map(Arc::new);
        state.pipelines.insert(program.text.clone(), made.clone());
        drop(state);
        if let (Some(cache), true) = (&self.cache, made.is_ok()) {
            cache.save();
        }
        made.map_err(DeviceError)
    }

    fn compile(&self, program: &Program, state: &mut State) -> Result<Pipeline, String> {
        let (layout, whole) = state.layouts.entry(program.modes.clone()).or_insert_with(|| {
            let entries: Vec<_> =
                (0u32..).zip(&program.modes).map(|(binding, &mode)| entry(binding, mode)).collect();
            let layout = self.device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
                label: None,
                entries: &entries,
            });
            let whole = self.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: None,
                bind_group_layouts: &[Some(&layout), Some(&self.common)],
                immediate_size: 0,
            });
            (layout, whole)
        });
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let other = self.device.push_error_scope(wgpu::ErrorFilter::Internal);
        // Division by zero has a meaning in WGSL that the rows rely on; loops end, and no index leaves its buffer.
        // SAFETY: a kernel touches nothing but the elements of its launch's arguments, which lie within what is bound.
        let checks = wgpu::ShaderRuntimeChecks {
            int_div_checks: true,
            ..unsafe { wgpu::ShaderRuntimeChecks::all(false) }
        };
        let descriptor = wgpu::ShaderModuleDescriptor {
            label: None,
            source: wgpu::ShaderSource::Wgsl(program.text.as_str().into()),
        };
        // SAFETY: as above.
        let module = unsafe { self.device.create_shader_module_trusted(descriptor, checks) };
        let pipeline = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: None,
            layout: Some(whole),
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions {
                zero_initialize_workgroup_memory: false,
                ..Default::default()
            },
            cache: self.cache.as_ref().map(|cache| &cache.pipelines),
        });
        let errors = [ready(other.pop()), ready(scope.pop())];
        match errors.into_iter().flatten().next() {
            Some(error) => Err(format!("a kernel does not compile: {error}\n{}", program.text)),
            None => Ok(Pipeline { pipeline, layout: layout.clone() }),
        }
    }

    /// What was found wrong since the last call, by nobody who looked.
    pub(crate) fn take_problem(&self) -> Option<DeviceError> {
        lock(&self.problem).take().map(DeviceError)
    }

    /// Why the device no longer answers.
    pub(crate) fn lost(&self) -> Option<DeviceError> {
        lock(&self.lost).clone().map(|text| DeviceError(format!("{} is lost: {text}", self.info.name)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Cache {
    /// Writes what is known; a cache that cannot be written is none.
    fn save(&self) {
        let Some(data) = self.pipelines.get_data() else { return };
        let fresh = self.file.with_extension(format!("{}.new", std::process::id()));
        let folder = self.file.parent().map(std::fs::create_dir_all);
        if folder.is_some_and(|made| made.is_ok()) && std::fs::write(&fresh, data).is_ok() {
            let _ = std::fs::rename(&fresh, &self.file);
        }
    }
}

/// The result of a future that is complete, as all of wgpu's are but in browsers.
pub(crate) fn ready<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return result;
        }
        std::thread::yield_now();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn entry(binding: u32, mode: Mode) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer {
            ty: wgpu::BufferBindingType::Storage { read_only: mode == Mode::Read },
            has_dynamic_offset: false,
            min_binding_size: None,
        },
        count: None,
    }
}

/// Bytes of the largest memory that belongs to an adapter, where its driver says so.
#[cfg(not(target_vendor = "apple"))]
fn memory_of(adapter: &wgpu::Adapter) -> Option<usize> {
    // SAFETY: the handles are asked for a number, and outlive the question.
    let adapter = unsafe { adapter.as_hal::<wgpu::hal::api::Vulkan>() }?;
    let instance = adapter.shared_instance().raw_instance();
    // SAFETY: as above.
    let memory = unsafe { instance.get_physical_device_memory_properties(adapter.raw_physical_device()) };
    let heaps = &memory.memory_heaps[..memory.memory_heap_count as usize];
    heaps.iter().map(|heap| heap.size as usize).max()
}

#[cfg(target_vendor = "apple")]
fn memory_of(_: &wgpu::Adapter) -> Option<usize> {
    None
}
