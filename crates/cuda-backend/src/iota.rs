//! Evenly spaced numbers.

use crate::command::{Call, Class, Command, Program, Words, grid};
use crate::fold::{naturally_aligned, values};
use crate::geometry::{Space, Written, address};
use crate::map::push_scalars;
use maniple_ops::Dtype;
use maniple_ops::cuda;
use maniple_runtime::Launch;
use smallvec::{SmallVec, smallvec};
use std::sync::{Arc, OnceLock};

const THREADS: u32 = 256;
/// Grids fill the device this many times over.
const WAVES: u32 = 32;

/// A range made ready.
pub(crate) struct Iota {
    space: Space,
    dtype: Dtype,
    program: OnceLock<Arc<Program>>,
}

impl Iota {
    /// Nothing if threads could not write their elements as they are.
    pub(crate) fn new(launch: &Launch, dtype: Dtype) -> Option<Iota> {
        let [output] = &launch.args[..] else { return None };
        if !naturally_aligned(output) || output.view.overlaps_itself(dtype.size()) {
            return None;
        }
        Some(Iota { space: Space::new([&output.view].into_iter()), dtype, program: OnceLock::new() })
    }

    fn program(&self) -> &Arc<Program> {
        self.program.get_or_init(|| {
            let text = format!(
                "{}#define THREADS {THREADS}\n#define HALF {}\n\
                 static __device__ __forceinline__ Stored* target(const Words& p, Word i) {{\n{}\
                 return (Stored*)(p.w[0] + d);\n}}\n{}",
                values(self.dtype),
                (self.dtype == Dtype::Float16) as u8,
                self.space.text("i", 7, &["d".into()]),
                include_str!("../../../kernels/iota.cu"),
            );
            Program::new(7 + self.space.words(), cuda::prelude(), &text)
        })
    }
}

impl Class for Iota {
    fn commands(&self, call: &Call<'_>) -> SmallVec<[Command; 2]> {
        let Call { binding, first, last, .. } = *call;
        let mut words = Words::new();
        words.extend([address(binding.bases[0], self.space.offsets[0]), first as u64, last as u64]);
        push_scalars(binding, &mut words);
        self.space.push(&mut words);
        smallvec![Command {
            program: self.program().clone(),
            grid: grid(last - first, THREADS, call.multiprocessors, WAVES),
            words,
        }]
    }
}
