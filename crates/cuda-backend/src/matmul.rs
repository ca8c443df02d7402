//! Products of matrices, with the bits of the host: tiles in shared memory, or a thread per element of small results.

use crate::command::{Call, Class, Command, Program, Words, grid};
use crate::fold::{naturally_aligned, values};
use crate::gemm::{Gemm, Matrix};
use crate::geometry::{Space, Written, address};
use maniple_ops::{Dtype, K_BLOCK, cuda};
use maniple_runtime::{Launch, View};
use smallvec::{SmallVec, smallvec};
use std::sync::{Arc, OnceLock};

const THREADS: u32 = 256;
/// Grids fill the device this many times over.
const WAVES: u32 = 32;
/// Results with fewer rows or columns have no tiles.
const FEW: usize = 24;
/// Rows and columns of threads in a tile, and columns of a thread.
const SIDE: usize = 16;
const ACROSS: usize = 4;

/// A product of matrices made ready.
pub(crate) struct Matmul {
    dtype: Dtype,
    /// Where the matrices of a stack begin: factors and result.
    stack: Space,
    /// Bytes between rows and between columns, of factors and result.
    steps: [isize; 6],
    rows: usize,
    columns: usize,
    k: usize,
    /// Rows of a tile that a thread has; 0 for a thread per element.
    each: usize,
    watched: bool,
    program: OnceLock<Arc<Program>>,
}

impl Matmul {
    /// Nothing if threads could not read and write elements as they are, or for dtypes without products of matrices.
    pub(crate) fn new(launch: &Launch, dtype: Dtype) -> Option<Matmul> {
        let [a, b, result] = &launch.args[..] else { return None };
        if !launch.args.iter().all(naturally_aligned)
            || result.view.overlaps_itself(dtype.size())
            || matches!(dtype, Dtype::Bool | Dtype::Float16)
        {
            return None;
        }
        let last = result.view.ndim().checked_sub(2)?;
        let (rows, columns) = (result.view.shape[last], result.view.shape[last + 1]);
        let ends = |view: &View| [view.strides[last], view.strides[last + 1]];
        let [[a_row, a_column], [b_row, b_column], [row, column]] =
            [ends(&a.view), ends(&b.view), ends(&result.view)];
        let each = match rows.min(columns) {
            least if least < FEW => 0,
            _ if dtype.size() <= 4 => 8,
            // More sums of 16 bytes than these have no room in registers.
            _ if dtype.size() == 16 => 2,
            _ => 4,
        };
        Some(Matmul {
            dtype,
            stack: Space::of_axes(&[&a.view, &b.view, &result.view], 0..last),
            steps: [a_row, a_column, b_row, b_column, row, column],
            rows,
            columns,
            k: a.view.shape[last + 1],
            each,
            watched: launch.watched() && dtype.is_inexact(),
            program: OnceLock::new(),
        })
    }

    fn program(&self) -> &Arc<Program> {
        self.program.get_or_init(|| {
            let (own, space) = (3, 14);
            let report = space + self.stack.words();
            let kind = if self.dtype.is_complex() { 2 } else { self.dtype.is_inexact() as u8 };
            let text = format!(
                "{}typedef unsigned {} Unsigned;\n#define AT {own}\n#define EACH {}\n#define BLOCK {K_BLOCK}\n\
                 #define KIND {kind}\n#define WATCHED {}\n#define REPORT {report}\n\
                 struct Matrices;\n\
                 static __device__ __forceinline__ Matrices matrices_of(const Words& p, Word matrix);\n{}\
                 static __device__ __forceinline__ Matrices matrices_of(const Words& p, Word matrix) {{\n{}\
                 return Matrices{{p.w[0] + d0, p.w[1] + d1, p.w[2] + d2}};\n}}\n",
                values(self.dtype),
                if self.dtype.size() > 4 { "long long" } else { "int" },
                self.each,
                self.watched as u8,
                include_str!("../../../kernels/matmul.cu"),
                self.stack.text("matrix", space, &["d0".into(), "d1".into(), "d2".into()]),
            );
            Program::new(report + 2, cuda::prelude(), &text)
        })
    }
}

impl Class for Matmul {
    fn product(&self, call: &Call<'_>, least: usize) -> Option<Gemm> {
        let Call { binding, first, last, .. } = *call;
        let work = (last - first).saturating_mul(self.columns).saturating_mul(self.k);
        if self.stack.size() != 1 || work < least {
            return None;
        }
        let item = self.dtype.size() as isize;
        let matrix = |number: usize, from: usize| {
            let [row, column] = [self.steps[2 * number], self.steps[2 * number + 1]];
            let offset = self.stack.offsets[number] + from as isize * row;
            let address = address(binding.bases[number], offset);
            Matrix { address, row: row / item, column: column / item }
        };
        let matrices = [matrix(0, first), matrix(1, 0), matrix(2, first)];
        Gemm::new(self.dtype, matrices, [last - first, self.columns, self.k])
    }

    fn commands(&self, call: &Call<'_>) -> SmallVec<[Command; 2]> {
        let Call { binding, first, last, .. } = *call;
        let mut words = Words::new();
        let bases = binding.bases.iter().zip(&self.stack.offsets);
        words.extend(bases.map(|(&base, &offset)| address(base, offset)));
        words.extend([first, last, self.rows, self.columns, self.k].map(|number| number as u64));
        words.extend(self.steps.map(|step| step as u64));
        self.stack.push(&mut words);
        words.extend(call.report);
        let work = match self.each {
            0 => (last - first) * self.columns,
            each => {
                let matrices = (last - 1) / self.rows - first / self.rows + 1;
                let tiles = self.rows.div_ceil(SIDE * each) * self.columns.div_ceil(SIDE * ACROSS);
                matrices * tiles * THREADS as usize
            }
        };
        smallvec![Command {
            program: self.program().clone(),
            grid: grid(work, THREADS, call.multiprocessors, WAVES),
            words,
        }]
    }
}
