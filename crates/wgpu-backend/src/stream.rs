//! The commands of one device, in one order: recorded, submitted together, and looked at when they have run.
//!
//! Kernels and copies are recorded into one encoder. It is submitted when somebody waits, and when it holds enough
//! that the device should begin: a submission costs as much as several kernels. Positions in the order are serial numbers.

use crate::clock::{self, Clock};
use crate::command::{Command, Mode, PARAMETERS, PLACES};
use crate::device::{Device, Pipeline};
use crate::memory::Heap;
use crate::staging::Staging;
use maniple_ops::Flags;
use maniple_runtime::{DeviceError, Report};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Bytes of the parameters of all kernels of a submission.
const ROOM: usize = 256 << 10;
/// Parameters of a kernel begin at multiples of this, which every device can do with.
const STEP: usize = 256;
/// Words for the floating point flags of all kernels of a submission.
const CELLS: usize = 16 << 10;
/// Kernels after which a submission is worth its cost.
const KERNELS: usize = 64;
/// Bytes after which it is: a device that moves this much computes for longer than submitting takes.
const BYTES: usize = 4 << 20;
/// Bound buffers begin at multiples of this, which every device can do with.
const ALIGNMENT: u64 = 256;
/// Groups of bound buffers that are kept.
const MOST_GROUPS: usize = 1024;

/// The commands and the memory of one device.
pub(crate) struct Stream {
    device: Arc<Device>,
    pub(crate) heap: Heap,
    pub(crate) staging: Staging,
    recording: Option<Recording>,
    /// How many commands were queued, handed to the device, and are known to have run.
    queued: u64,
    submitted: u64,
    done: u64,
    flights: VecDeque<Flight>,
    /// Commands whose results are none, by their numbers.
    failed: Vec<(std::ops::RangeInclusive<u64>, DeviceError)>,
    lost: Option<DeviceError>,
    /// Parameters of the kernels that are recorded, and the buffer that they go to.
    words: Vec<u8>,
    parameters: wgpu::Buffer,
    reports: wgpu::Buffer,
    common: wgpu::BindGroup,
    groups: FxHashMap<SmallVec<[u64; 18]>, wgpu::BindGroup>,
    /// How often the heap had given memory back when the groups were made.
    trimmed: u64,
}

/// What is recorded and not submitted.
struct Recording {
    /// Kernels are recorded into a pass; copies end it.
    pass: Option<wgpu::ComputePass<'static>>,
    encoder: wgpu::CommandEncoder,
    kernels: usize,
    bytes: usize,
    clock: Option<Clock>,
    /// Cells of the report that are taken.
    cells: usize,
    reporting: Vec<(u32, Arc<Report>)>,
    uploads: Vec<wgpu::Buffer>,
}

/// What is submitted and not known to have run.
struct Flight {
    last: u64,
    index: wgpu::SubmissionIndex,
    /// What it is still waited for: that it ran, and that what it tells can be looked at.
    waiting: Arc<AtomicUsize>,
    reporting: Vec<(u32, Arc<Report>)>,
    /// The flags, copied to memory that the host can look at.
    cells: Option<(wgpu::Buffer, usize)>,
    /// The readings of the device's clock, likewise.
    readings: Option<(wgpu::Buffer, usize)>,
    kernels: usize,
    uploads: Vec<wgpu::Buffer>,
}

impl Stream {
    /// An empty order. `limit` bounds the bytes taken of the device.
    pub(crate) fn new(device: Arc<Device>, limit: usize) -> Result<Stream, DeviceError> {
        let room = |bytes: usize, usage| {
            let made = device.buffer(bytes, usage | wgpu::BufferUsages::COPY_DST);
            made.map_err(|_| DeviceError("there is no memory for parameters".into()))
        };
        let parameters = room(ROOM + PARAMETERS, wgpu::BufferUsages::UNIFORM)?;
        let reports = room(4 * CELLS, wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC)?;
        let common = device.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &device.common,
            entries: &[
                wgpu::BindGroupEntry {
                    binding: 0,
                    resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                        buffer: &parameters,
                        offset: 0,
                        size: wgpu::BufferSize::new(PARAMETERS as u64),
                    }),
                },
                wgpu::BindGroupEntry { binding: 1, resource: reports.as_entire_binding() },
            ],
        });
        Ok(Stream {
            heap: Heap::new(limit),
            staging: Staging::default(),
            recording: None,
            queued: 0,
            submitted: 0,
            done: 0,
            flights: VecDeque::new(),
            failed: Vec::new(),
            lost: None,
            words: Vec::new(),
            parameters,
            reports,
            common,
            groups: FxHashMap::default(),
            trimmed: 0,
            device,
        })
    }

    /// Takes cells for the flags of a launch; they are those of this submission, so its kernels are recorded next.
    pub(crate) fn report(&mut self, report: &Arc<Report>) -> Result<u32, DeviceError> {
        let cells = report.len() + report.folds();
        if cells > CELLS {
            return Err(DeviceError("a body has too many steps".into()));
        }
        if self.recording.as_ref().is_some_and(|recording| recording.cells + cells > CELLS) {
            self.submit();
        }
        let recording = self.recording();
        let first = recording.cells as u32;
        recording.cells += cells;
        recording.reporting.push((first, report.clone()));
        Ok(first)
    }

    /// Makes room for the parameters of some kernels, so that they are part of one submission.
    pub(crate) fn make_room(&mut self, kernels: usize) {
        if self.words.len() + kernels * PARAMETERS > ROOM {
            self.submit();
        }
    }

    /// Records a kernel. `bytes` is about what it moves.
    pub(crate) fn dispatch(&mut self, command: &Command, bytes: usize) -> Result<(), DeviceError> {
        self.answers()?;
        if command.groups == 0 {
            return Ok(());
        }
        let pipeline = self.device.pipeline(&command.program)?;
        let mut words = command.words.clone();
        let group = self.group(command, &pipeline, &mut words)?;
        let offset = self.words.len();
        self.words.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        self.words.resize(self.words.len().next_multiple_of(STEP), 0);
        let common = self.common.clone();
        let recording = self.recording();
        recording.kernels += 1;
        recording.bytes += bytes;
        let pass = recording.pass();
        pass.set_pipeline(&pipeline.pipeline);
        pass.set_bind_group(0, &group, &[]);
        pass.set_bind_group(1, &common, &[offset as u32]);
        let across = command.groups.min(MOST_ACROSS);
        pass.dispatch_workgroups(across as u32, command.groups.div_ceil(across) as u32, 1);
        Ok(())
    }

    /// Ends a command: what was recorded since the last one. Its number.
    pub(crate) fn end(&mut self) -> u64 {
        self.queued += 1;
        let enough = |recording: &Recording| recording.kernels >= KERNELS || recording.bytes >= BYTES;
        if self.recording.as_ref().is_some_and(enough) {
            self.submit();
        }
        self.queued
    }

    /// Ends a command that could not be recorded: whoever waits for it is told why.
    pub(crate) fn refuse(&mut self, error: DeviceError) -> u64 {
        self.queued += 1;
        self.failed.push((self.queued..=self.queued, error));
        self.queued
    }

    /// The encoder, for a copy of so many bytes. What was uploaded from stays until it has run.
    pub(crate) fn copying(
        &mut self,
        bytes: usize,
        upload: Option<wgpu::Buffer>,
    ) -> &mut wgpu::CommandEncoder {
        let recording = self.recording();
        recording.pass = None;
        recording.bytes += bytes;
        recording.uploads.extend(upload);
        &mut recording.encoder
    }

    /// Whether the commands up to `serial` have run. What failed has not, for ever: its results stay bound to the error
    /// that waiting for it gives.
    pub(crate) fn reached(&mut self, serial: u64) -> bool {
        if self.lost.is_some() || self.error(serial).is_some() {
            return false;
        }
        if self.done < serial && serial <= self.submitted {
            self.poll(wgpu::PollType::Poll);
        }
        self.done >= serial
    }

    /// Waits for the commands up to `serial`.
    pub(crate) fn wait(&mut self, serial: u64) -> Result<(), DeviceError> {
        self.wait_until(serial, None);
        let error = self.error(serial).or(self.lost.as_ref());
        error.cloned().map_or(Ok(()), Err)
    }

    /// Waits for the commands up to `serial`, at least until an instant has passed. Whether nothing more is to be waited
    /// for.
    pub(crate) fn wait_until(&mut self, serial: u64, end: Option<Instant>) -> bool {
        if serial > self.submitted {
            self.submit();
        }
        while self.done < serial && self.lost.is_none() {
            let Some(flight) = self.flights.iter().find(|flight| flight.last >= serial) else { break };
            let timeout = end.map(|end| end.saturating_duration_since(Instant::now()));
            if timeout.is_some_and(|left| left.is_zero()) {
                return false;
            }
            let index = Some(flight.index.clone());
            self.poll(wgpu::PollType::Wait { submission_index: index, timeout });
        }
        true
    }

    /// Hands what is recorded to the device.
    pub(crate) fn submit(&mut self) {
        let Some(mut recording) = self.recording.take() else { return };
        recording.pass = None;
        let _span =
            tracing::trace_span!("submit", kernels = recording.kernels, bytes = recording.bytes).entered();
        let cells = (recording.cells > 0).then(|| {
            let bytes = 4 * recording.cells as u64;
            let buffer = self.staging.for_download(&self.device, bytes as usize).ok()?;
            recording.encoder.copy_buffer_to_buffer(&self.reports, 0, &buffer, 0, bytes);
            recording.encoder.clear_buffer(&self.reports, 0, Some(bytes));
            Some((buffer, bytes as usize))
        });
        let clock = recording.clock.take();
        let readings = clock.and_then(|clock| {
            let buffer = self.staging.for_download(&self.device, clock::BYTES).ok()?;
            let bytes = clock.read(&mut recording.encoder, &buffer);
            Some((buffer, bytes)).filter(|(_, bytes)| *bytes > 0)
        });
        if !self.words.is_empty() {
            self.device.queue.write_buffer(&self.parameters, 0, &self.words);
            self.words.clear();
        }
        let index = self.device.queue.submit([recording.encoder.finish()]);
        let cells = cells.flatten();
        let told = cells.iter().chain(&readings).count();
        let waiting = Arc::new(AtomicUsize::new(1 + told));
        let less = |waiting: &Arc<AtomicUsize>| {
            let waiting = waiting.clone();
            move || {
                waiting.fetch_sub(1, Ordering::Release);
            }
        };
        self.device.queue.on_submitted_work_done(less(&waiting));
        for (buffer, bytes) in cells.iter().chain(&readings) {
            let done = less(&waiting);
            buffer.map_async(wgpu::MapMode::Read, 0..*bytes as u64, move |_| done());
        }
        if let Some(error) = self.device.take_problem() {
            self.failed.push((self.submitted + 1..=self.queued, error));
        }
        self.submitted = self.queued;
        let Recording { reporting, uploads, kernels, .. } = recording;
        let last = self.submitted;
        self.flights.push_back(Flight { last, index, waiting, reporting, cells, readings, kernels, uploads });
    }

    /// Waits for everything submitted.
    pub(crate) fn settle(&mut self) -> Result<(), DeviceError> {
        while let (Some(flight), None) = (self.flights.back(), &self.lost) {
            let index = Some(flight.index.clone());
            self.poll(wgpu::PollType::Wait { submission_index: index, timeout: None });
        }
        self.answers()
    }

    /// Whether the device is still there; if not, why.
    pub(crate) fn answers(&self) -> Result<(), DeviceError> {
        self.lost.clone().map_or(Ok(()), Err)
    }

    /// Gives the device up.
    pub(crate) fn abandon(&mut self) {
        self.recording = None;
        self.device.device.destroy();
        self.lost.get_or_insert(DeviceError(format!("{} was given up", self.device.info.name)));
    }

    fn error(&self, serial: u64) -> Option<&DeviceError> {
        let known = self.failed.iter().find(|(serials, _)| serials.contains(&serial));
        known.map(|(_, error)| error)
    }

    /// Lets the device tell what has run, and looks at that.
    fn poll(&mut self, how: wgpu::PollType) {
        let polled = self.device.device.poll(how);
        if let Some(error) = self.device.lost() {
            self.lost.get_or_insert(error);
            return;
        }
        match polled {
            // Time passed, and nothing is wrong.
            Ok(_) | Err(wgpu::PollError::Timeout) => {}
            Err(error) => {
                self.lost.get_or_insert(DeviceError(format!("waiting failed: {error}")));
                return;
            }
        }
        while self.flights.front().is_some_and(|flight| flight.waiting.load(Ordering::Acquire) == 0) {
            let flight = self.flights.pop_front().expect("it was there");
            self.done = flight.last;
            self.land(flight);
        }
    }

    /// Looks at what ran.
    fn land(&mut self, flight: Flight) {
        if let Some((buffer, bytes)) = flight.cells {
            if let Ok(view) = buffer.slice(..bytes as u64).get_mapped_range() {
                let flags = |cell: usize| Flags::from_bits(view[4 * cell]);
                for (first, report) in &flight.reporting {
                    let first = *first as usize;
                    (0..report.len()).for_each(|step| report.raise(step, flags(first + step)));
                    let own = first + report.len();
                    (0..report.folds()).for_each(|fold| report.raise_own(fold, flags(own + fold)));
                }
            }
            buffer.unmap();
            self.staging.give_back(buffer);
        }
        if let Some((buffer, bytes)) = flight.readings {
            if let Ok(view) = buffer.slice(..bytes as u64).get_mapped_range() {
                let time = clock::microseconds(&view, self.device.queue.get_timestamp_period());
                tracing::trace!(kernels = flight.kernels, microseconds = time, "a submission ran");
            }
            buffer.unmap();
            self.staging.give_back(buffer);
        }
        flight.uploads.into_iter().for_each(|buffer| self.staging.land(buffer));
    }

    fn recording(&mut self) -> &mut Recording {
        let device = &self.device;
        self.recording.get_or_insert_with(|| Recording {
            pass: None,
            clock: Clock::new(device),
            encoder: device.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default()),
            kernels: 0,
            bytes: 0,
            cells: 0,
            reporting: Vec::new(),
            uploads: Vec::new(),
        })
    }

    /// The buffers of a command as a group, and how far from the start of what is bound its places are.
    fn group(
        &mut self,
        command: &Command,
        pipeline: &Pipeline,
        words: &mut [u32],
    ) -> Result<wgpu::BindGroup, DeviceError> {
        let modes: &[Mode] = &command.program.modes;
        let gone = || DeviceError("a kernel was given an address that nobody has".into());
        let mut bound: SmallVec<[(u64, u64); 8]> = SmallVec::from_elem((u64::MAX, 0), modes.len());
        for place in &command.places {
            let range = &mut bound[place.binding];
            *range = (range.0.min(place.touched.start), range.1.max(place.touched.end));
        }
        // What is small enough is bound whole, so that few groups do for many launches.
        let limit = self.device.info.largest_binding as u64;
        for (low, high) in &mut bound {
            let found = self.heap.find(*low).ok_or_else(gone)?;
            let end = found.begin + found.buffer.size();
            (*low, *high) = match found.buffer.size() <= limit {
                true => (found.begin, end),
                false => (*low / ALIGNMENT * ALIGNMENT, high.next_multiple_of(16).min(end)),
            };
            if *high - *low > limit {
                return Err(DeviceError(format!("a kernel needs {} bytes of one buffer", *high - *low)));
            }
        }
        for (at, place) in command.places.iter().enumerate() {
            words[PLACES + at] = place.address.wrapping_sub(bound[place.binding].0) as u32;
        }
        if self.trimmed != self.heap.trimmed() || self.groups.len() >= MOST_GROUPS {
            self.trimmed = self.heap.trimmed();
            self.groups.clear();
        }
        let mut key: SmallVec<[u64; 18]> = bound.iter().flat_map(|&(low, high)| [low, high]).collect();
        key.push(modes.iter().fold(1, |key, mode| key * 2 + u64::from(*mode != Mode::Read)));
        if let Some(group) = self.groups.get(&key) {
            return Ok(group.clone());
        }
        let mut entries: SmallVec<[wgpu::BindGroupEntry<'_>; 8]> = SmallVec::new();
        for (binding, &(low, high)) in (0u32..).zip(&bound) {
            let found = self.heap.find(low).ok_or_else(gone)?;
            let resource = wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                buffer: found.buffer,
                offset: low - found.begin,
                size: wgpu::BufferSize::new(high - low),
            });
            entries.push(wgpu::BindGroupEntry { binding, resource });
        }
        let group = self.device.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &pipeline.layout,
            entries: &entries,
        });
        self.groups.insert(key, group.clone());
        Ok(group)
    }
}

/// Workgroups along x, at most.
const MOST_ACROSS: usize = 65535;

impl Recording {
    fn pass(&mut self) -> &mut wgpu::ComputePass<'static> {
        let (encoder, clock) = (&mut self.encoder, &mut self.clock);
        self.pass.get_or_insert_with(|| {
            let timestamp_writes = clock.as_mut().and_then(Clock::pass);
            let descriptor = wgpu::ComputePassDescriptor { label: None, timestamp_writes };
            encoder.begin_compute_pass(&descriptor).forget_lifetime()
        })
    }
}
