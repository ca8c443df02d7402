//! Devices that the host's processor plays: the same kernel texts run without a GPU, checked as no GPU checks them.
//!
//! Kernels become libraries ([`compiler`]) whose threads a scheduler in C++ runs one after another ([`library`],
//! `kernels/emulate/run.cpp`). It reports accesses to what is not the device's memory ([`memory`]), misaligned ones,
//! barriers that not all threads reach, and runs blocks, warps and lanes in different orders. Commands run late: when
//! somebody waits for them, or has asked a few times whether they have run.

mod compiler;
mod library;
mod memory;
mod products;

use crate::driver::{Device, Driver, Function, Grid, Mark, Shared};
use crate::gemm::Gemm;
use compiler::Compiler;
use library::{Kernel, Turn};
use maniple_runtime::{DeviceError, OutOfMemory};
use memory::{Memory, Range};
use std::cell::Cell;
use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard};

/// Multiprocessors of an emulated device. More make larger grids, which take longer.
const MULTIPROCESSORS: u32 = 4;
/// Bytes that queued copies may hold.
const MOST_QUEUED_BYTES: usize = 64 << 20;
/// Commands that may be queued.
const MOST_QUEUED: usize = 64;
/// How many times a mark may be asked for before it is reached.
const MOST_PATIENCE: u64 = 3;
/// What the stream of the first device is called.
const FIRST_STREAM: u64 = 0x5eed_0000;

/// In which order the blocks, warps and lanes of a launch run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// Rising.
    InOrder,
    /// Falling.
    Reversed,
    /// By pseudo-random numbers, another order for every launch.
    Random,
    /// The three others in turn, launch by launch.
    Turns,
}

impl Schedule {
    /// The schedule of a name: `in-order`, `reversed`, `random` or `turns`.
    pub fn from_name(name: &str) -> Option<Schedule> {
        Some(match name {
            "in-order" => Schedule::InOrder,
            "reversed" => Schedule::Reversed,
            "random" => Schedule::Random,
            "turns" => Schedule::Turns,
            _ => return None,
        })
    }
}

/// Emulated devices.
pub struct Emulator {
    devices: Vec<Device>,
    compiler: Compiler,
    schedule: Schedule,
    state: Mutex<State>,
}

/// What changes while the devices work.
struct State {
    lines: Vec<Line>,
    kernels: Vec<Arc<Kernel>>,
    functions: HashMap<String, Function>,
    launches: u64,
    random: u64,
}

/// One device.
struct Line {
    memory: Memory,
    /// Commands that have not run, with their numbers.
    queue: VecDeque<(u64, Command)>,
    queued_bytes: usize,
    /// Numbers of the last command that was queued and of the last one that has run.
    queued: u64,
    done: u64,
    /// How many times the next mark is still denied.
    patience: u64,
    failed: Option<DeviceError>,
}

enum Command {
    Launch { kernel: Arc<Kernel>, grid: Grid, words: Vec<u64> },
    Multiply(Gemm),
    Clear { address: u64, bytes: usize },
    Upload { bytes: Vec<u8>, to: u64 },
    Transfer(Rc<Transfer>),
    Mark,
}

/// A copy between two devices, queued on both.
struct Transfer {
    from: End,
    to: End,
    bytes: usize,
    done: Cell<bool>,
}

/// A device's part in a transfer.
#[derive(Clone, Copy)]
struct End {
    device: usize,
    address: u64,
    /// The number of the transfer among the device's commands.
    number: u64,
}

// SAFETY: transfers are shared by the queues of one state only, which are used under one lock.
unsafe impl Send for State {}

impl Emulator {
    /// Devices with some memory each, whose launches take the schedules in turn.
    ///
    /// # Errors
    /// Why devices cannot be emulated here.
    pub fn new(devices: usize, bytes_each: usize) -> Result<Emulator, String> {
        let cache = std::env::temp_dir().join("maniple");
        Emulator::scheduled(devices, bytes_each, Schedule::Turns, &cache)
    }

    /// Devices with a schedule. What is compiled is kept below the folder `cache`.
    ///
    /// # Errors
    /// Why devices cannot be emulated here.
    pub fn scheduled(
        devices: usize,
        bytes_each: usize,
        schedule: Schedule,
        cache: &Path,
    ) -> Result<Emulator, String> {
        if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
            return Err("devices are emulated on Linux with x86-64 only".into());
        }
        let device = Device {
            name: "emulated device".into(),
            bytes: bytes_each,
            multiprocessors: MULTIPROCESSORS,
            architecture: 90,
            bytes_per_second: 1e12,
        };
        let line = |_| {
            Ok(Line {
                memory: Memory::new(bytes_each)?,
                queue: VecDeque::new(),
                queued_bytes: 0,
                queued: 0,
                done: 0,
                patience: MOST_PATIENCE,
                failed: None,
            })
        };
        let lines = (0..devices).map(line).collect::<Result<_, String>>()?;
        let state = State {
            lines,
            kernels: Vec::new(),
            functions: HashMap::new(),
            launches: 0,
            random: 0x9e37_79b9_7f4a_7c15,
        };
        Ok(Emulator {
            devices: vec![device; devices],
            compiler: Compiler::find(cache)?,
            schedule,
            state: Mutex::new(state),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Queues a command. Too many are not kept waiting.
    fn queue(&self, device: usize, bytes: usize, command: Command) -> Result<(), DeviceError> {
        let mut state = self.state();
        let line = state.line(device)?;
        line.push(command);
        line.queued_bytes += bytes;
        if line.queued_bytes > MOST_QUEUED_BYTES || line.queue.len() > MOST_QUEUED {
            let last = line.queued;
            state.run(device, last, self.schedule)?;
        }
        Ok(())
    }
}

impl Line {
    fn push(&mut self, command: Command) -> u64 {
        self.queued += 1;
        self.queue.push_back((self.queued, command));
        self.queued
    }
}

impl State {
    /// A device that still works.
    fn line(&mut self, device: usize) -> Result<&mut Line, DeviceError> {
        let line = &mut self.lines[device];
        line.failed.clone().map_or(Ok(line), Err)
    }

    fn random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    /// Runs a device's commands up to a number. A device whose command fails runs nothing more.
    fn run(&mut self, device: usize, last: u64, schedule: Schedule) -> Result<(), DeviceError> {
        while self.lines[device].queue.front().is_some_and(|&(number, _)| number <= last) {
            let line = self.line(device)?;
            let (number, command) = line.queue.pop_front().expect("it was there");
            let done = self.execute(device, command, schedule);
            let line = &mut self.lines[device];
            line.done = number;
            if let Err(why) = done {
                line.failed = Some(DeviceError(why));
                line.queue.clear();
            }
        }
        if self.lines[device].queue.is_empty() {
            self.lines[device].queued_bytes = 0;
        }
        self.line(device).map(drop)
    }

    fn execute(&mut self, device: usize, command: Command, schedule: Schedule) -> Result<(), String> {
        match command {
            Command::Launch { kernel, grid, words } => {
                let turn = self.turn(schedule);
                let ranges = self.lines[device].memory.ranges();
                self.lines[device].memory.open(|_| kernel.launch(grid, &words, &ranges, turn))
            }
            Command::Multiply(gemm) => self.lines[device].memory.open(|memory| products::run(&gemm, memory)),
            Command::Clear { address, bytes } => self.lines[device].memory.open(|memory| {
                let target = memory.at(address, bytes)?;
                // SAFETY: the range is taken and open.
                unsafe { target.write_bytes(0, bytes) };
                Ok(())
            }),
            Command::Upload { bytes, to } => self.lines[device].memory.open(|memory| {
                let target = memory.at(to, bytes.len())?;
                // SAFETY: the range is taken and open.
                unsafe { target.copy_from(bytes.as_ptr(), bytes.len()) };
                Ok(())
            }),
            Command::Transfer(transfer) if transfer.done.get() => Ok(()),
            Command::Transfer(transfer) => {
                let Transfer { from, to, bytes, .. } = *transfer;
                transfer.done.set(true);
                for end in [from, to] {
                    if end.device != device {
                        self.run(end.device, end.number - 1, schedule).map_err(|error| error.0)?;
                    }
                }
                let mut copied = vec![0u8; bytes];
                self.lines[from.device].memory.open(|memory| {
                    let source = memory.at(from.address, bytes)?;
                    // SAFETY: the range is taken and open.
                    unsafe { copied.as_mut_ptr().copy_from(source, bytes) };
                    Ok::<_, String>(())
                })?;
                self.execute(to.device, Command::Upload { bytes: copied, to: to.address }, schedule)
            }
            Command::Mark => Ok(()),
        }
    }

    fn turn(&mut self, schedule: Schedule) -> Turn {
        self.launches += 1;
        match schedule {
            Schedule::InOrder => Turn::InOrder,
            Schedule::Reversed => Turn::Reversed,
            Schedule::Random => Turn::Random(self.random()),
            Schedule::Turns => match self.launches % 3 {
                0 => Turn::InOrder,
                1 => Turn::Reversed,
                _ => Turn::Random(self.random()),
            },
        }
    }
}

#[allow(clippy::not_unsafe_ptr_arg_deref, reason = "the trait's contract is that the host's bytes are live")]
impl Driver for Emulator {
    fn devices(&self) -> &[Device] {
        &self.devices
    }

    fn alloc(&self, device: usize, bytes: usize) -> Result<u64, OutOfMemory> {
        self.state().lines[device].memory.open(|memory| memory.alloc(bytes))
    }

    fn free(&self, device: usize, address: u64) {
        let mut state = self.state();
        // What is queued may still use it; a device that failed uses nothing.
        let last = state.lines[device].queued;
        let _ = state.run(device, last, self.schedule);
        state.lines[device].memory.free(address);
    }

    fn share(&self, device: usize, bytes: usize) -> Result<Shared, OutOfMemory> {
        let words: &'static mut [u64] = Box::leak(vec![0; bytes.div_ceil(8)].into_boxed_slice());
        let host = words.as_mut_ptr().cast::<u8>();
        let address = host.expose_provenance() as u64;
        let range = Range { low: address, high: address + bytes as u64 };
        self.state().lines[device].memory.share(range);
        Ok(Shared { host, device: address })
    }

    fn load(&self, _: usize, text: &str) -> Result<Function, String> {
        if let Some(&known) = self.state().functions.get(text) {
            return Ok(known);
        }
        let library = self.compiler.library(text)?;
        let kernel = Kernel::load(&self.compiler.scheduler(), &library)?;
        let mut state = self.state();
        let function = Function(state.kernels.len() as u64);
        state.kernels.push(kernel);
        state.functions.insert(text.into(), function);
        Ok(function)
    }

    fn launch(
        &self,
        device: usize,
        function: Function,
        grid: Grid,
        words: &[u64],
    ) -> Result<(), DeviceError> {
        let kernel = self.state().kernels[function.0 as usize].clone();
        self.queue(device, 0, Command::Launch { kernel, grid, words: words.to_vec() })
    }

    fn multiply(&self, device: usize, gemm: &Gemm) -> Result<bool, DeviceError> {
        self.queue(device, 0, Command::Multiply(*gemm)).map(|()| true)
    }

    fn clear(&self, device: usize, address: u64, bytes: usize) -> Result<(), DeviceError> {
        self.queue(device, 0, Command::Clear { address, bytes })
    }

    fn upload(&self, device: usize, from: *const u8, to: u64, bytes: usize) -> Result<(), DeviceError> {
        // SAFETY: the caller names live bytes.
        let copied = unsafe { std::slice::from_raw_parts(from, bytes) }.to_vec();
        self.queue(device, bytes, Command::Upload { bytes: copied, to })
    }

    fn download(&self, device: usize, from: u64, to: *mut u8, bytes: usize) -> Result<(), DeviceError> {
        let mut state = self.state();
        let last = state.lines[device].queued;
        state.run(device, last, self.schedule)?;
        let copied = state.lines[device].memory.open(|memory| {
            let source = memory.at(from, bytes)?;
            // SAFETY: the range is taken and open, and the caller names as many bytes.
            unsafe { to.copy_from(source, bytes) };
            Ok(())
        });
        copied.map_err(DeviceError)
    }

    fn transfer(&self, from: (usize, u64), to: (usize, u64), bytes: usize) -> Result<(), DeviceError> {
        let mut state = self.state();
        state.line(from.0)?;
        state.line(to.0)?;
        let end =
            |(device, address): (usize, u64)| End { device, address, number: state.lines[device].queued + 1 };
        let transfer = Rc::new(Transfer { from: end(from), to: end(to), bytes, done: Cell::new(false) });
        state.lines[to.0].push(Command::Transfer(transfer.clone()));
        if from.0 != to.0 {
            state.lines[from.0].push(Command::Transfer(transfer));
        }
        Ok(())
    }

    fn ordinal(&self, device: usize) -> i32 {
        device as i32
    }

    fn device_at(&self, address: u64) -> Option<usize> {
        self.state().lines.iter().position(|line| line.memory.holds(address))
    }

    fn stream(&self, device: usize) -> Result<u64, DeviceError> {
        Ok(FIRST_STREAM + device as u64)
    }

    fn order(&self, device: usize, first: u64, then: u64) -> Result<(), DeviceError> {
        if ![first, then].contains(&(FIRST_STREAM + device as u64)) {
            return Err(DeviceError(format!("neither {first} nor {then} is the stream of device {device}")));
        }
        // Other streams are empty: everything that was queued for them has run.
        self.synchronize(device)
    }

    fn synchronize(&self, device: usize) -> Result<(), DeviceError> {
        let mut state = self.state();
        let last = state.lines[device].queued;
        state.run(device, last, self.schedule)
    }

    fn mark(&self, device: usize) -> Result<Mark, DeviceError> {
        Ok(Mark(self.state().line(device)?.push(Command::Mark)))
    }

    fn reached(&self, device: usize, mark: Mark) -> Result<bool, DeviceError> {
        let mut state = self.state();
        let random = state.random();
        let line = state.line(device)?;
        if line.done >= mark.0 {
            return Ok(true);
        }
        if line.patience > 0 {
            line.patience -= 1;
            return Ok(false);
        }
        line.patience = random % (MOST_PATIENCE + 1);
        state.run(device, mark.0, self.schedule)?;
        Ok(true)
    }

    fn wait(&self, device: usize, mark: Mark) -> Result<(), DeviceError> {
        self.state().run(device, mark.0, self.schedule)
    }
}
