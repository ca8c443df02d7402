//! The stream as bytes: what a recorded program is, and how it is read back by a runtime without Python.
//!
//! A file is a line of records, each a tag and little-endian words. Kernels are written once, before the first window
//! that names them, in the order of their numbers; what entered from outside (lists, files, NumPy) is written as data
//! before the window that reads it; what the program read is noted by a digest of its bytes, so that a replay can
//! tell whether it computed the same.

use crate::{Extreme, Indexed, Kernel, Line, Order, Reduce, Sorted};
use maniple_ops::{BitGenerator, Body, Dtype, Op, Scalar};
use rustc_hash::FxHasher;
use std::hash::Hasher;
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::iter;

const MAGIC: &[u8; 8] = b"MANIPLE2";

/// One record of a stream.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// The next kernel.
    Kernel(Kernel),
    /// Bytes of a region that did not come from the stream.
    Data {
        /// Serial number of the region.
        region: u64,
        /// Everything in it.
        bytes: Vec<u8>,
    },
    /// A sealed window.
    Window(RecordedWindow),
    /// The program read a region.
    Digest {
        /// Serial number of the region.
        region: u64,
        /// [`digest`] of its bytes.
        digest: u64,
    },
    /// Nobody has a handle on these regions any more.
    Dropped(Vec<u64>),
}

/// A sealed window with the identities of its regions.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedWindow {
    /// The tasks, encoded, and which regions are dead.
    pub words: Vec<u64>,
    /// Serial number and extent in bytes of each region, by role.
    pub regions: Vec<(u64, usize)>,
    /// The values of all constants.
    pub scalars: Vec<Scalar>,
    /// Where each task comes from.
    pub lines: Vec<Line>,
}

/// A number that tells different contents apart.
pub fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(bytes);
    hasher.finish()
}

/// Begins a stream.
///
/// # Errors
/// What the writer says.
pub fn begin(out: &mut dyn Write) -> Result<()> {
    out.write_all(MAGIC)
}

/// Appends a record.
///
/// # Errors
/// What the writer says.
pub fn write(record: &Record, out: &mut dyn Write) -> Result<()> {
    let mut words: Vec<u64> = Vec::new();
    let mut tail: &[u8] = &[];
    let body;
    match record {
        Record::Kernel(kernel) => {
            body = kernel_bytes(kernel);
            words.extend([1, body.len() as u64]);
            tail = &body;
        }
        Record::Data { region, bytes } => {
            words.extend([2, *region, bytes.len() as u64]);
            tail = bytes;
        }
        Record::Window(window) => {
            words.extend([3, window.words.len() as u64, window.regions.len() as u64]);
            words.extend([window.scalars.len() as u64, window.lines.len() as u64]);
            words.extend(&window.words);
            words.extend(window.regions.iter().flat_map(|&(region, bytes)| [region, bytes as u64]));
            for scalar in &window.scalars {
                let mut bits = [0u8; 16];
                bits[..scalar.as_bytes().len()].copy_from_slice(scalar.as_bytes());
                let half = |at: usize| u64::from_le_bytes(bits[at..at + 8].try_into().expect("eight bytes"));
                words.extend([scalar.dtype() as u64, half(0), half(8)]);
            }
            words.extend(window.lines.iter().map(|line| u64::from(line.0)));
        }
        Record::Digest { region, digest } => words.extend([4, *region, *digest]),
        Record::Dropped(regions) => {
            words.extend([5, regions.len() as u64]);
            words.extend(regions);
        }
    }
    for word in words {
        out.write_all(&word.to_le_bytes())?;
    }
    out.write_all(tail)
}

/// Reads the records of a stream.
pub struct Records<R: Read> {
    from: R,
}

impl<R: Read> Records<R> {
    /// The records that a reader holds.
    ///
    /// # Errors
    /// What the reader says, or that it is no recorded stream.
    pub fn new(mut from: R) -> Result<Records<R>> {
        let mut magic = [0; 8];
        from.read_exact(&mut magic)?;
        if &magic == MAGIC { Ok(Records { from }) } else { Err(malformed("not a recorded stream")) }
    }

    fn word(&mut self) -> Result<u64> {
        let mut bytes = [0; 8];
        self.from.read_exact(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn words(&mut self, count: u64) -> Result<Vec<u64>> {
        (0..count).map(|_| self.word()).collect()
    }

    fn bytes(&mut self, count: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.from.by_ref().take(count).read_to_end(&mut bytes)?;
        if bytes.len() as u64 == count { Ok(bytes) } else { Err(malformed("the stream ends in a record")) }
    }

    fn record(&mut self, tag: u64) -> Result<Record> {
        Ok(match tag {
            1 => {
                let length = self.word()?;
                Record::Kernel(kernel_from(&self.bytes(length)?)?)
            }
            2 => {
                let (region, length) = (self.word()?, self.word()?);
                Record::Data { region, bytes: self.bytes(length)? }
            }
            3 => {
                let [words, regions, scalars, lines] =
                    [self.word()?, self.word()?, self.word()?, self.word()?];
                Record::Window(RecordedWindow {
                    words: self.words(words)?,
                    regions: (0..regions)
                        .map(|_| Ok((self.word()?, self.word()? as usize)))
                        .collect::<Result<_>>()?,
                    scalars: (0..scalars).map(|_| self.scalar()).collect::<Result<_>>()?,
                    lines: self.words(lines)?.into_iter().map(|line| Line(line as u32)).collect(),
                })
            }
            4 => Record::Digest { region: self.word()?, digest: self.word()? },
            5 => {
                let count = self.word()?;
                Record::Dropped(self.words(count)?)
            }
            _ => return Err(malformed("an unknown record")),
        })
    }

    fn scalar(&mut self) -> Result<Scalar> {
        let dtype = dtype_from(self.word()? as u8)?;
        let mut bits = [0; 16];
        bits[..8].copy_from_slice(&self.word()?.to_le_bytes());
        bits[8..].copy_from_slice(&self.word()?.to_le_bytes());
        Ok(Scalar::from_bytes(dtype, &bits[..dtype.size()]))
    }
}

impl<R: Read> Iterator for Records<R> {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Result<Record>> {
        match self.word() {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => None,
            Err(error) => Some(Err(error)),
            Ok(tag) => Some(self.record(tag)),
        }
    }
}

fn malformed(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

/// A kernel as bytes: the class, its fields as words, then its body if it has one.
fn kernel_bytes(kernel: &Kernel) -> Vec<u8> {
    let (mut words, body): (Vec<u64>, Option<&Body>) = match kernel {
        Kernel::Map(body) => (vec![0], Some(body)),
        Kernel::Reduce(reduce) => {
            let mut words = vec![1, reduce.ops[0] as u64, reduce.kept as u64];
            words.push(u64::from(reduce.order == Order::ReducedFirst));
            words.push(reduce.axes.len() as u64);
            words.extend(reduce.axes.iter().map(|&axis| u64::from(axis)));
            words.extend(reduce.ops[1..].iter().map(|&op| op as u64));
            (words, Some(&reduce.body))
        }
        Kernel::Fold { op, dtype } => (vec![2, *op as u64, *dtype as u64], None),
        Kernel::Scan { op, dtype } => (vec![3, *op as u64, *dtype as u64], None),
        Kernel::ArgReduce { goal, dtype } => {
            (vec![4, u64::from(*goal == Extreme::Largest), *dtype as u64], None)
        }
        Kernel::Gather(indexed) => (indexed_words(5, indexed), None),
        Kernel::Scatter { indexed, combine } => {
            let mut words = indexed_words(6, indexed);
            words.push(combine.map_or(u64::MAX, |op| op as u64));
            (words, None)
        }
        Kernel::Iota { dtype } => (vec![7, *dtype as u64], None),
        Kernel::Nonzero => (vec![8], None),
        Kernel::Matmul { dtype } => (vec![9, *dtype as u64], None),
        Kernel::Sort { dtype, gives, run } => (vec![10, *dtype as u64, *gives as u64, *run as u64], None),
        Kernel::Merge { dtype, gives, run } => (vec![11, *dtype as u64, *gives as u64, *run as u64], None),
        Kernel::Draw { generator, dtype } => (vec![12, *generator as u64, *dtype as u64], None),
        Kernel::Blocks(_) => unreachable!("no task has it"),
    };
    words.insert(0, words.len() as u64);
    let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    bytes.extend(body.map(Body::to_bytes).unwrap_or_default());
    bytes
}

fn indexed_words(tag: u64, indexed: &Indexed) -> Vec<u64> {
    let mut words = vec![tag, indexed.extents.len() as u64];
    words.extend(indexed.extents.iter().map(|&extent| extent as u64));
    words.extend(indexed.strides.iter().map(|&stride| stride as u64));
    words
}

fn kernel_from(bytes: &[u8]) -> Result<Kernel> {
    let mut words =
        bytes.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().expect("eight bytes")));
    let mut next = || words.next().ok_or_else(|| malformed("a kernel ends too early"));
    let count = next()? as usize;
    let body = || {
        let rest = bytes.get(8 + 8 * count..).ok_or_else(|| malformed("a kernel ends too early"))?;
        Body::from_bytes(rest).map_err(|problem| malformed(&problem))
    };
    Ok(match next()? {
        0 => Kernel::Map(body()?),
        1 => {
            let (op, kept, reduced_first, axes) =
                (op_from(next()?)?, next()? as usize, next()? == 1, next()? as usize);
            let others = count.saturating_sub(5 + axes);
            Kernel::Reduce(Reduce {
                axes: (0..axes).map(|_| Ok(next()? as u8)).collect::<Result<_>>()?,
                ops: iter::once(Ok(op))
                    .chain((0..others).map(|_| op_from(next()?)))
                    .collect::<Result<_>>()?,
                body: body()?,
                kept,
                order: if reduced_first { Order::ReducedFirst } else { Order::KeptFirst },
            })
        }
        2 => Kernel::Fold { op: op_from(next()?)?, dtype: dtype_from(next()? as u8)? },
        3 => Kernel::Scan { op: op_from(next()?)?, dtype: dtype_from(next()? as u8)? },
        4 => Kernel::ArgReduce {
            goal: if next()? == 1 { Extreme::Largest } else { Extreme::Smallest },
            dtype: dtype_from(next()? as u8)?,
        },
        tag @ (5 | 6) => {
            let axes = next()?;
            let extents = (0..axes).map(|_| Ok(next()? as usize)).collect::<Result<_>>()?;
            let strides = (0..axes).map(|_| Ok(next()? as isize)).collect::<Result<_>>()?;
            let indexed = Indexed { extents, strides };
            match tag {
                5 => Kernel::Gather(indexed),
                _ => {
                    let op = next()?;
                    Kernel::Scatter { indexed, combine: (op != u64::MAX).then(|| op_from(op)).transpose()? }
                }
            }
        }
        7 => Kernel::Iota { dtype: dtype_from(next()? as u8)? },
        8 => Kernel::Nonzero,
        9 => Kernel::Matmul { dtype: dtype_from(next()? as u8)? },
        tag @ (10 | 11) => {
            let (dtype, gives, run) = (dtype_from(next()? as u8)?, next()? as usize, next()? as usize);
            let gives = *Sorted::ALL.get(gives).ok_or_else(|| malformed("an unknown way of sorting"))?;
            if tag == 10 { Kernel::Sort { dtype, gives, run } } else { Kernel::Merge { dtype, gives, run } }
        }
        12 => {
            let generator = *BitGenerator::ALL
                .get(next()? as usize)
                .ok_or_else(|| malformed("an unknown bit generator"))?;
            Kernel::Draw { generator, dtype: dtype_from(next()? as u8)? }
        }
        _ => return Err(malformed("an unknown kernel")),
    })
}

fn op_from(number: u64) -> Result<Op> {
    Op::from_index(number as u16).ok_or_else(|| malformed("an unknown row"))
}

fn dtype_from(number: u8) -> Result<Dtype> {
    Dtype::from_index(number).ok_or_else(|| malformed("an unknown dtype"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back() {
        let body = Body { inputs: vec![Dtype::Float64], constants: vec![], steps: vec![], outputs: vec![0] };
        let reduce = Reduce {
            body: body.clone(),
            ops: vec![Op::Add, Op::Minimum],
            axes: vec![1, 0],
            kept: 1,
            order: Order::ReducedFirst,
        };
        let indexed = Indexed { extents: vec![3, 9], strides: vec![-8, 16] };
        let records = [
            Record::Kernel(Kernel::Map(body)),
            Record::Kernel(Kernel::Reduce(reduce)),
            Record::Kernel(Kernel::Fold { op: Op::Maximum, dtype: Dtype::Int8 }),
            Record::Kernel(Kernel::Scan { op: Op::Multiply, dtype: Dtype::Complex64 }),
            Record::Kernel(Kernel::ArgReduce { goal: Extreme::Smallest, dtype: Dtype::Float16 }),
            Record::Kernel(Kernel::Gather(indexed.clone())),
            Record::Kernel(Kernel::Scatter { indexed: indexed.clone(), combine: Some(Op::Add) }),
            Record::Kernel(Kernel::Scatter { indexed, combine: None }),
            Record::Kernel(Kernel::Iota { dtype: Dtype::UInt16 }),
            Record::Kernel(Kernel::Draw { generator: BitGenerator::Pcg64, dtype: Dtype::Float32 }),
            Record::Kernel(Kernel::Nonzero),
            Record::Kernel(Kernel::Matmul { dtype: Dtype::Complex128 }),
            Record::Kernel(Kernel::Sort { dtype: Dtype::Float32, gives: Sorted::Order, run: 12 }),
            Record::Kernel(Kernel::Merge { dtype: Dtype::Int8, gives: Sorted::Both, run: 1 << 40 }),
            Record::Data { region: 7, bytes: vec![1, 2, 3] },
            Record::Window(RecordedWindow {
                words: vec![1, u64::MAX],
                regions: vec![(7, 3), (9, 800)],
                scalars: vec![Scalar::new(2.5f64), Scalar::new(-1i8)],
                lines: vec![Line(3)],
            }),
            Record::Digest { region: 9, digest: 12 },
            Record::Dropped(vec![7, 9]),
        ];
        let mut bytes = Vec::new();
        begin(&mut bytes).unwrap();
        records.iter().for_each(|record| write(record, &mut bytes).unwrap());
        let read: Vec<Record> = Records::new(&bytes[..]).unwrap().map(|record| record.unwrap()).collect();
        assert_eq!(read, records);
        for cut in 9..bytes.len() {
            let broken = Records::new(&bytes[..cut]).unwrap().collect::<Result<Vec<_>>>();
            assert!(broken.is_err() || broken.unwrap().len() < records.len());
        }
    }
}
