//! Recording a program's stream to a file, and running one again.

use crate::encode::{self, Record, RecordedWindow, Records, digest};
use crate::{Error, Handle, Kernels, Line, Region, Runtime, Window};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::sync::{Arc, Weak};

/// Writes the stream of a runtime to a file.
pub(crate) struct Recorder {
    out: BufWriter<File>,
    kernels: usize,
    known: Vec<(u64, Weak<Region>)>,
    /// The first failure to write; nothing is written after it, and it is said once.
    failure: Option<io::Error>,
}

impl Recorder {
    /// Begins a file.
    pub(crate) fn create(path: &str) -> io::Result<Recorder> {
        let mut out = BufWriter::new(File::create(path)?);
        encode::begin(&mut out)?;
        Ok(Recorder { out, kernels: 0, known: Vec::new(), failure: None })
    }

    /// Whether a region's bytes have to be written before a window that names it.
    pub(crate) fn wants_data(region: &Region) -> bool {
        region.is_exported() || region.take_outside()
    }

    /// Notes bytes that did not come from the stream.
    pub(crate) fn data(&mut self, region: u64, bytes: &[u8]) {
        self.write(&Record::Data { region, bytes: bytes.to_vec() });
    }

    /// Notes that the program read bytes.
    pub(crate) fn read(&mut self, region: u64, bytes: &[u8]) {
        self.write(&Record::Digest { region, digest: digest(bytes) });
        self.flush();
    }

    /// Notes a sealed window, and which regions went before it.
    pub(crate) fn window(&mut self, window: &Window, kernels: &Kernels) {
        let mut dropped = Vec::new();
        self.known.retain(|(id, region)| {
            let gone = region.strong_count() == 0;
            if gone {
                dropped.push(*id);
            }
            !gone
        });
        if !dropped.is_empty() {
            self.write(&Record::Dropped(dropped));
        }
        for number in self.kernels..kernels.len() {
            self.write(&Record::Kernel((**kernels.get(crate::KernelId(number as u32))).clone()));
        }
        self.kernels = kernels.len();
        for region in &window.regions {
            if self.known.iter().all(|(id, _)| *id != region.id) {
                self.known.push((region.id, Arc::downgrade(region)));
            }
        }
        self.write(&Record::Window(RecordedWindow {
            words: window.words.clone(),
            regions: window.regions.iter().map(|region| (region.id, region.bytes)).collect(),
            scalars: window.scalars.clone(),
            lines: window.lines.clone(),
        }));
        self.flush();
    }

    /// The process may end at any time without telling: what is recorded must be in the file by then.
    fn flush(&mut self) {
        if let Err(error) = self.out.flush() {
            self.fail(error);
        }
    }

    fn write(&mut self, record: &Record) {
        if self.failure.is_none()
            && let Err(error) = encode::write(record, &mut self.out)
        {
            self.fail(error);
        }
    }

    fn fail(&mut self, error: io::Error) {
        if self.failure.is_none() {
            eprintln!("maniple: recording stopped: {error}");
            self.failure = Some(error);
        }
    }
}

/// What a replay did and found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Windows run.
    pub windows: u64,
    /// Tasks run.
    pub tasks: u64,
    /// Values compared with what the recorded program read.
    pub compared: u64,
    /// Regions whose bytes differed.
    pub different: Vec<u64>,
}

impl Runtime {
    /// Runs a recorded stream and compares every value that the recorded program read.
    ///
    /// # Errors
    /// A sentence: the stream cannot be read, or a task failed.
    pub fn replay(&self, from: impl Read) -> Result<Replayed, String> {
        let text = |error: io::Error| format!("the recorded stream cannot be read: {error}");
        let mut regions: HashMap<u64, Handle> = HashMap::new();
        let mut replayed = Replayed::default();
        for record in Records::new(from).map_err(text)? {
            match record.map_err(text)? {
                Record::Kernel(kernel) => drop(self.intern(kernel)),
                Record::Data { region, bytes } => {
                    let handle = regions.entry(region).or_insert_with(|| self.create(bytes.len()));
                    self.with_bytes(handle, Access::Write, |own| own.copy_from_slice(&bytes))
                        .map_err(said)?;
                }
                Record::Window(window) => {
                    replayed.windows += 1;
                    replayed.tasks += window.lines.len() as u64;
                    let handles: Vec<Handle> = (window.regions.iter())
                        .map(|&(id, bytes)| regions.entry(id).or_insert_with(|| self.create(bytes)).clone())
                        .collect();
                    let arcs = handles.iter().map(|handle| handle.region().clone()).collect();
                    let (words, scalars) = (window.words, window.scalars);
                    self.run_sealed(Window { serial: 0, words, regions: arcs, scalars, lines: window.lines })
                        .map_err(said)?;
                }
                Record::Digest { region, digest: expected } => {
                    if let Some(handle) = regions.get(&region) {
                        replayed.compared += 1;
                        let mut found = 0;
                        self.with_bytes(handle, Access::Read, |bytes| found = digest(bytes)).map_err(said)?;
                        if found != expected {
                            replayed.different.push(region);
                        }
                    }
                }
                Record::Dropped(gone) => gone.iter().for_each(|region| drop(regions.remove(region))),
            }
        }
        self.sync().map_err(said)?;
        Ok(replayed)
    }

    fn with_bytes(&self, handle: &Handle, access: Access, work: impl FnOnce(&mut [u8])) -> Result<(), Error> {
        let address = self.host(handle, access == Access::Write)?;
        // SAFETY: the runtime says that the region's bytes lie at this address, up to date and unused.
        work(unsafe { std::slice::from_raw_parts_mut(address as *mut u8, handle.bytes) });
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

fn said(error: Error) -> String {
    match error.line() {
        Line(0) => error.to_string(),
        Line(line) => format!("{error} (line {line} of the recorded program's table)"),
    }
}
