//! Selecting from small arrays. It looks at index arrays or masks when it is called, so what was recorded before has run.

use super::SMALL;
use crate::select::out_of_bounds;
use crate::{Array, Result, runtime};
use maniple_ops::Dtype;
use maniple_runtime::Shape;
use std::borrow::Cow;
use std::slice::{from_raw_parts, from_raw_parts_mut};

/// Where all bytes are the host's, arrays up to this size are selected from at once: one worker has done so before several
/// have checked, counted and copied.
const MEDIUM: usize = 1 << 20;

/// The most bytes of an array that is selected from at once.
fn limit() -> usize {
    match (runtime().settings().small, runtime().machine().memories.len()) {
        (0, _) => 0,
        (_, 1) => MEDIUM,
        _ => SMALL,
    }
}

impl Array {
    /// The bytes of an array in C order that is not too large, if they are in the host's memory.
    fn bytes_at_hand(&self) -> Result<Option<&[u8]>> {
        let bytes = self.size() * self.dtype.size();
        if bytes == 0 || bytes > limit() || !self.is_c_contiguous() {
            return Ok(None);
        }
        let address = match self.try_host()? {
            None if bytes > SMALL => Some(self.host(false)?),
            address => address,
        };
        // SAFETY: the runtime says that the region's bytes are at this address and idle; this array keeps the region, and
        // nothing is recorded while the slice is used. Bytes have no alignment.
        Ok(address.map(|address| unsafe { from_raw_parts(address.cast_const(), bytes) }))
    }

    /// A new array, filled by a function that gets all of its bytes.
    pub(crate) fn made_at_hand(
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

    /// `self[indices]` for an array of positions or a mask, or nothing if the long way has to be taken.
    ///
    /// # Errors
    /// `IndexError` for positions out of bounds; a failure of the tasks that the arrays depend on.
    pub fn select_at_hand(&self, indices: &Array) -> Result<Option<Array>> {
        match indices.dtype {
            Dtype::Int64 => self.rows_at_hand(indices),
            Dtype::Bool => self.masked_at_hand(indices),
            _ => Ok(None),
        }
    }

    /// As [`Array::select_at_hand`], for positions.
    pub(crate) fn rows_at_hand(&self, indices: &Array) -> Result<Option<Array>> {
        if self.ndim() == 0 || indices.dtype != Dtype::Int64 {
            return Ok(None);
        }
        let extent = self.shape()[0];
        let row = self.shape()[1..].iter().product::<usize>() * self.dtype.size();
        if indices.size() * row > limit() || row == 0 {
            return Ok(None);
        }
        let (Some(positions), Some(rows)) = (indices.bytes_at_hand()?, self.bytes_at_hand()?) else {
            return Ok(None);
        };
        let shape: Shape = indices.shape().iter().chain(&self.shape()[1..]).copied().collect();
        Array::made_at_hand(&shape, self.dtype, |place| {
            let positions = positions.as_chunks().0;
            let gathered = match row {
                1 => gather::<1>(rows, positions, place),
                2 => gather::<2>(rows, positions, place),
                4 => gather::<4>(rows, positions, place),
                8 => gather::<8>(rows, positions, place),
                16 => gather::<16>(rows, positions, place),
                _ => gather_rows(row, rows, positions, place),
            };
            gathered.map_err(|position| out_of_bounds(position, 0, extent))
        })
    }

    /// As [`Array::select_at_hand`], for a mask of the same shape.
    fn masked_at_hand(&self, mask: &Array) -> Result<Option<Array>> {
        if self.ndim() == 0 || self.shape() != mask.shape() {
            return Ok(None);
        }
        let item = self.dtype.size();
        let (Some(mask), Some(elements)) = (mask.bytes_at_hand()?, self.bytes_at_hand()?) else {
            return Ok(None);
        };
        let count = count_true(mask);
        Array::made_at_hand(&[count], self.dtype, |place| {
            match item {
                1 => compress::<1>(elements, mask, place),
                2 => compress::<2>(elements, mask, place),
                4 => compress::<4>(elements, mask, place),
                8 => compress::<8>(elements, mask, place),
                _ => compress::<16>(elements, mask, place),
            }
            Ok(())
        })
    }

    /// Which elements are true, for a small array in C order whose bytes are at hand.
    fn truths_at_hand(&self) -> Result<Option<Cow<'_, [u8]>>> {
        if self.size() * self.dtype.size() > SMALL {
            return Ok(None);
        }
        let Some(bytes) = self.bytes_at_hand()? else { return Ok(None) };
        // Zero of either sign is false.
        let sign = if self.dtype.is_integer() { 0 } else { 1 };
        let truths = match self.dtype {
            Dtype::Bool | Dtype::Int8 | Dtype::UInt8 => return Ok(Some(Cow::Borrowed(bytes))),
            Dtype::Complex64 => as_truths(bytes, |number: [u8; 8]| {
                let [real, imaginary] = bytemuck::cast::<_, [u32; 2]>(number);
                (real | imaginary) << 1 != 0
            }),
            Dtype::Complex128 => as_truths(bytes, |number: [u8; 16]| {
                let [real, imaginary] = bytemuck::cast::<_, [u64; 2]>(number);
                (real | imaginary) << 1 != 0
            }),
            dtype => match dtype.size() {
                2 => as_truths(bytes, |number| u16::from_ne_bytes(number) << sign != 0),
                4 => as_truths(bytes, |number| u32::from_ne_bytes(number) << sign != 0),
                _ => as_truths(bytes, |number| u64::from_ne_bytes(number) << sign != 0),
            },
        };
        Ok(Some(Cow::Owned(truths)))
    }

    /// How many elements are true, or nothing if the long way has to be taken.
    ///
    /// # Errors
    /// A failure of the tasks that the array depends on.
    pub fn count_at_hand(&self) -> Result<Option<usize>> {
        Ok(self.truths_at_hand()?.map(|truths| count_true(&truths)))
    }

    /// The positions of the true elements of an array, one row of coordinates for each, or nothing if the long way has to be
    /// taken.
    ///
    /// # Errors
    /// A failure of the tasks that the mask depends on.
    pub(crate) fn positions_at_hand(&self) -> Result<Option<Array>> {
        if self.size() * self.ndim() * size_of::<i64>() > SMALL {
            return Ok(None);
        }
        let Some(mask) = self.truths_at_hand()? else { return Ok(None) };
        let count = count_true(&mask);
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

/// Copies the elements of `N` bytes at some positions, which may count from the end; the first that is out of bounds is the
/// error.
fn gather<const N: usize>(
    rows: &[u8],
    positions: &[[u8; 8]],
    place: &mut [u8],
) -> std::result::Result<(), i64> {
    let rows = rows.as_chunks::<N>().0;
    for (place, &position) in place.as_chunks_mut::<N>().0.iter_mut().zip(positions) {
        let position = i64::from_ne_bytes(position);
        let found = if position < 0 { position.wrapping_add(rows.len() as i64) } else { position };
        *place = *rows.get(found as usize).ok_or(position)?;
    }
    Ok(())
}

/// As [`gather`], for rows of so many bytes.
fn gather_rows(
    row: usize,
    rows: &[u8],
    positions: &[[u8; 8]],
    place: &mut [u8],
) -> std::result::Result<(), i64> {
    let extent = rows.len() / row;
    for (place, &position) in place.chunks_exact_mut(row).zip(positions) {
        let position = i64::from_ne_bytes(position);
        let found = if position < 0 { position.wrapping_add(extent as i64) } else { position };
        let found = usize::try_from(found).ok().filter(|&found| found < extent).ok_or(position)?;
        place.copy_from_slice(&rows[found * row..(found + 1) * row]);
    }
    Ok(())
}

/// A byte for each element of `N` bytes: whether it is true.
fn as_truths<const N: usize>(bytes: &[u8], is_true: impl Fn([u8; N]) -> bool) -> Vec<u8> {
    bytes.as_chunks::<N>().0.iter().map(|&element| u8::from(is_true(element))).collect()
}

fn count_true(mask: &[u8]) -> usize {
    // Sums of so many fit into bytes, of which many are added at once.
    let sums = mask.chunks(255).map(|mask| mask.iter().map(|&truth| u8::from(truth != 0)).sum::<u8>());
    sums.map(usize::from).sum()
}

/// Copies the elements of `N` bytes where a mask is true; `place` has room for these.
fn compress<const N: usize>(elements: &[u8], mask: &[u8], place: &mut [u8]) {
    /// Elements between two looks at how much room is left, and at whether there is any to copy.
    const TOGETHER: usize = 8;
    let (elements, place) = (elements.as_chunks::<N>().0, place.as_chunks_mut::<N>().0);
    let mut done = 0;
    for (elements, mask) in elements.chunks(TOGETHER).zip(mask.chunks(TOGETHER)) {
        if *mask == [0; TOGETHER] {
            continue;
        }
        if *mask == [1; TOGETHER] {
            place[done..done + TOGETHER].copy_from_slice(elements);
            done += TOGETHER;
        } else if let Some(place) = place[done..].first_chunk_mut::<TOGETHER>() {
            // All are written, one over the other, but the next one only moves on if it counts: there is no branch.
            let mut next = 0;
            for (element, &truth) in elements.iter().zip(mask) {
                place[next % TOGETHER] = *element;
                next += usize::from(truth != 0);
            }
            done += next;
        } else {
            for (element, _) in elements.iter().zip(mask).filter(|&(_, &truth)| truth != 0) {
                place[done] = *element;
                done += 1;
            }
        }
    }
}
