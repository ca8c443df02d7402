//! Random numbers at known positions of a bit generator's stream.

use crate::array::record_quiet;
use crate::{Array, Error, Result, runtime};
use maniple_ops::{BitGenerator, Body, Dtype, Op, Scalar, Step, counter_at, philox_block};
use maniple_runtime::{Kernel, Privilege, View};
use smallvec::{SmallVec, smallvec};

impl Array {
    /// Draws all elements, in C order, from the stream of a generator in a state ([`BitGenerator::words`] of them): doubles
    /// or singles of at least 0 and less than 1 (`numpy.random.Generator.random`).
    ///
    /// # Errors
    /// `TypeError` for other dtypes; a failure of earlier tasks that this call caused to run.
    pub fn draw(&self, generator: BitGenerator, state: &[u64]) -> Result<()> {
        debug_assert_eq!(state.len(), generator.words());
        if maniple_ops::draw(generator, self.dtype).is_none() {
            return Err(Error::not_native("random numbers of this dtype"));
        }
        if self.size() == 0 {
            return Ok(());
        }
        let kernel = runtime().intern(Kernel::Draw { generator, dtype: self.dtype });
        let state: SmallVec<[Scalar; 7]> = state.iter().map(|&word| Scalar::new(word)).collect();
        record_quiet(kernel, self.size(), &[self.operand(Privilege::Write)], &state)
    }

    /// As [`Array::draw`], for an array of singles in C order of which the first is made of half a word that was left over.
    ///
    /// # Errors
    /// As [`Array::draw`].
    pub fn draw_after_half(&self, half: u32, generator: BitGenerator, state: &[u64]) -> Result<()> {
        let item = Dtype::Float32.size();
        if self.dtype != Dtype::Float32 || !self.is_c_contiguous() || self.size() == 0 {
            return Err(Error::not_native("half a word for other arrays"));
        }
        let part = |first: usize, n: usize| {
            let mut view = View::contiguous(&[n], item);
            view.offset = self.view.offset + (first * item) as isize;
            self.with_view(self.dtype, view)
        };
        part(1, self.size() - 1).draw(generator, state)?;
        part(0, 1).assign(Scalar::new(single(half)).into())
    }

    /// Makes `low + range * x` of every double `x` (`numpy.random.Generator.uniform`), of which NumPy tells no floating point
    /// events.
    ///
    /// # Errors
    /// A failure of earlier tasks that this call caused to run.
    pub fn spread(&self, low: f64, range: f64) -> Result<()> {
        if self.size() == 0 {
            return Ok(());
        }
        let dtype = self.dtype;
        let apply = |op: Op, args: [u16; 2]| Step::Apply { op, dtype, args: smallvec![args[0], args[1]] };
        let body = Body {
            inputs: vec![dtype],
            constants: vec![dtype; 2],
            steps: vec![apply(Op::Multiply, [2, 0]), apply(Op::Add, [1, 3])],
            outputs: vec![4],
        };
        let kernel = runtime().intern(Kernel::Map(body));
        let operands = [self.operand(Privilege::Read), self.operand(Privilege::Write)];
        record_quiet(kernel, self.size(), &operands, &[Scalar::new(low), Scalar::new(range)])
    }
}

/// The single that half a word makes.
fn single(half: u32) -> f32 {
    (half >> 8) as f32 * (1.0 / (1u32 << 24) as f32)
}

/// Whether what a Philox generator holds ready are the words of its counter, and no others that somebody set.
pub fn holds_its_own_words(state: &[u64], ready: &[u64]) -> bool {
    let used = state[6] as usize;
    let block = philox_block(counter_at(state, 0), [state[4], state[5]]);
    used <= 4 && ready.get(used..) == block.get(used..)
}
