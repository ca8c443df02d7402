//! Selecting from small arrays. It looks at index arrays or masks when it is called, so what was recorded before has run.

use super::SMALL;
use crate::select::out_of_bounds;
use crate::{Array, Result, runtime};
use maniple_ops::Dtype;
use maniple_runtime::Shape;
use std::slice::{from_raw_parts, from_raw_parts_mut};

impl Array {
    /// The bytes of a small array in C order, if they are in the host's memory now.
    fn bytes_at_hand(&self) -> Result<Option<&[u8]>> {
        let bytes = self.size() * self.dtype.size();
        if bytes == 0 || bytes > SMALL || !self.is_c_contiguous() {
            return Ok(None);
        }
        // SAFETY: the runtime says that the region's bytes are at this address and idle; this array keeps the region, and
        // nothing is recorded while the slice is used. Bytes have no alignment.
        Ok(self.try_host()?.map(|address| unsafe { from_raw_parts(address.cast_const(), bytes) }))
    }

    /// A new small array, filled by a function that gets all of its bytes.
    fn made_at_hand(
        shape: &[usize],
        dtype: Dtype,
        fill: impl FnOnce(&mut [u8]) -> Result<()>,
    ) -> Result<Option<Array>> {
        let array = Array::empty(shape, dtype)?;
        let bytes = array.size() * dtype.size();
        if bytes == 0 {
            return Ok(Some(array));
        }
        let Some(address) = runtime().try_begin(&array.region) else { return Ok(None) };
        // SAFETY: so many bytes are there, and nobody else knows of them.
        fill(unsafe { from_raw_parts_mut(address as *mut u8, bytes) })?;
        Ok(Some(array))
    }

    /// `self[indices]`, or nothing if the long way has to be taken.
    ///
    /// # Errors
    /// `IndexError` for positions out of bounds; a failure of the tasks that the arrays depend on.
    pub(crate) fn rows_at_hand(&self, indices: &Array) -> Result<Option<Array>> {
        if self.ndim() == 0 || indices.dtype != Dtype::Int64 {
            return Ok(None);
        }
        let extent = self.shape()[0];
        let row = self.shape()[1..].iter().product::<usize>() * self.dtype.size();
        if indices.size() * row > SMALL || row == 0 {
            return Ok(None);
        }
        let (Some(positions), Some(rows)) = (indices.bytes_at_hand()?, self.bytes_at_hand()?) else {
            return Ok(None);
        };
        let shape: Shape = indices.shape().iter().chain(&self.shape()[1..]).copied().collect();
        Array::made_at_hand(&shape, self.dtype, |place| {
            for (place, position) in place.chunks_exact_mut(row).zip(positions.chunks_exact(size_of::<i64>()))
            {
                let position = bytemuck::pod_read_unaligned::<i64>(position);
                let found = if position < 0 { position.wrapping_add(extent as i64) } else { position };
                let found = usize::try_from(found).ok().filter(|&found| found < extent);
                let Some(found) = found else { return Err(out_of_bounds(position, 0, extent)) };
                copy_row(place, &rows[found * row..(found + 1) * row]);
            }
            Ok(())
        })
    }

    /// The elements where a mask of the same shape is true, or nothing if the long way has to be taken.
    ///
    /// # Errors
    /// A failure of the tasks that the arrays depend on.
    pub(crate) fn masked_at_hand(&self, mask: &Array) -> Result<Option<Array>> {
        if self.ndim() == 0 || self.shape() != mask.shape() {
            return Ok(None);
        }
        let item = self.dtype.size();
        let (Some(mask), Some(elements)) = (mask.bytes_at_hand()?, self.bytes_at_hand()?) else {
            return Ok(None);
        };
        let count = mask.iter().filter(|&&truth| truth != 0).count();
        Array::made_at_hand(&[count], self.dtype, |place| {
            let picked = elements.chunks_exact(item).zip(mask).filter(|&(_, &truth)| truth != 0);
            for (place, (element, _)) in place.chunks_exact_mut(item).zip(picked) {
                copy_row(place, element);
            }
            Ok(())
        })
    }

    /// The positions of the true elements of a mask, one row of coordinates for each, or nothing if the long way has to be
    /// taken.
    ///
    /// # Errors
    /// A failure of the tasks that the mask depends on.
    pub(crate) fn positions_at_hand(&self) -> Result<Option<Array>> {
        if self.size() * self.ndim() * size_of::<i64>() > SMALL {
            return Ok(None);
        }
        let Some(mask) = self.bytes_at_hand()? else { return Ok(None) };
        let count = mask.iter().filter(|&&truth| truth != 0).count();
        let axes = self.ndim();
        Array::made_at_hand(&[count, axes], Dtype::Int64, |place| {
            let found = mask.iter().enumerate().filter(|&(_, &truth)| truth != 0);
            for (place, (at, _)) in place.chunks_exact_mut(axes * size_of::<i64>()).zip(found) {
                let mut rest = at;
                for (place, &extent) in place.chunks_exact_mut(size_of::<i64>()).zip(self.shape()).rev() {
                    place.copy_from_slice(&((rest % extent) as i64).to_ne_bytes());
                    rest /= extent;
                }
            }
            Ok(())
        })
    }
}

/// Copies the bytes of one element, or of several: a call of the system's copy pays for longer rows only.
fn copy_row(to: &mut [u8], from: &[u8]) {
    match (<&mut [u8; 8]>::try_from(&mut *to), <&[u8; 8]>::try_from(from)) {
        (Ok(to), Ok(from)) => *to = *from,
        _ => to.copy_from_slice(from),
    }
}
