//! Sorting values in place.

use super::Sorter;
use super::key::{Key, LaneKey};

/// Fewer elements than this are sorted as four bytes, more are counted: of one byte, and of two.
const FEW: [usize; 2] = [1 << 9, 1 << 18];

/// Sorts elements that vectors hold.
#[inline(always)]
pub(super) unsafe fn lanes<E: LaneKey, S: Sorter>(data: *mut u8, n: usize) {
    // SAFETY: the caller promises `n` aligned elements.
    unsafe {
        let kept = Kept::of(data.cast::<E>(), n);
        let present = std::slice::from_raw_parts_mut(data.cast::<E>(), kept.present);
        if !present.is_sorted_by(|a, b| !b.precedes(*a)) {
            S::sort(present.as_mut_ptr(), present.len());
        }
        kept.restore(std::slice::from_raw_parts_mut(data.cast::<E>(), n));
    }
}

/// Sorts elements of two bytes: as four bytes, or by counting.
#[inline(always)]
pub(super) unsafe fn pairs<E: Key, S: Sorter>(data: *mut u8, n: usize) {
    // SAFETY: the caller promises `n` aligned elements.
    unsafe {
        let kept = Kept::of(data.cast::<E>(), n);
        let present = std::slice::from_raw_parts_mut(data.cast::<E>(), kept.present);
        sort_keys::<E, S>(present);
        kept.restore(std::slice::from_raw_parts_mut(data.cast::<E>(), n));
    }
}

/// Sorts elements of one byte.
#[inline(always)]
pub(super) unsafe fn counted<E: Key, S: Sorter>(data: *mut u8, n: usize) {
    // SAFETY: the caller promises `n` elements.
    unsafe { sort_keys::<E, S>(std::slice::from_raw_parts_mut(data.cast::<E>(), n)) }
}

#[inline(always)]
unsafe fn sort_keys<E: Key, S: Sorter>(data: &mut [E]) {
    if data.len() >= FEW[size_of::<E>() - 1] {
        return count(data);
    }
    let mut keys: Vec<u32> = data.iter().map(|element| element.key() as u32).collect();
    // SAFETY: they are as many as it is told.
    unsafe { S::sort(keys.as_mut_ptr(), keys.len()) };
    for (element, key) in data.iter_mut().zip(keys) {
        *element = E::from_key(u64::from(key));
    }
}

/// Counts how often each key occurs. Neighbours that are equal would wait for each other's counts, so there are four.
#[inline(always)]
fn count<E: Key>(data: &mut [E]) {
    let keys = 1 << E::BITS;
    let mut counts = vec![0u64; if keys > 256 { keys } else { 4 * keys }];
    if keys > 256 {
        data.iter().for_each(|element| counts[element.key() as usize & (keys - 1)] += 1);
    } else {
        for (at, element) in data.iter().enumerate() {
            counts[(at & 3) * 256 + (element.key() & 255) as usize] += 1;
        }
        for key in 0..256 {
            counts[key] += counts[256 + key] + counts[512 + key] + counts[768 + key];
        }
    }
    let mut at = 0;
    for (key, &count) in counts[..keys].iter().enumerate().filter(|&(_, &count)| count > 0) {
        data[at..at + count as usize].fill(E::from_key(key as u64));
        at += count as usize;
    }
}

/// What sorting keys would lose: NaNs as they were, and the signs of zeros.
struct Kept<E> {
    /// Elements that are no NaN.
    present: usize,
    missing: Vec<E>,
    /// A bit for every zero up to the last with a sign: whether it has one.
    signs: Vec<u64>,
}

impl<E: Key> Kept<E> {
    /// Moves what is no NaN to the front and notes the rest.
    #[inline(always)]
    unsafe fn of(data: *mut E, n: usize) -> Kept<E> {
        let mut kept = Kept { present: n, missing: Vec::new(), signs: Vec::new() };
        if !E::LOSES {
            return kept;
        }
        // SAFETY: the caller promises `n` elements.
        let data = unsafe { std::slice::from_raw_parts_mut(data, n) };
        if !data.chunks(256).any(|chunk| {
            chunk
                .iter()
                .fold(false, |found, &element| found | element.is_missing() | element.is_negative_zero())
        }) {
            return kept;
        }
        let (mut present, mut zeros) = (0, 0);
        let zero = E::zeroed().key();
        for at in 0..n {
            let element = data[at];
            if element.is_missing() {
                kept.missing.push(element);
                continue;
            }
            if element.key() == zero {
                if element.is_negative_zero() {
                    kept.signs.resize(zeros / 64 + 1, 0);
                    kept.signs[zeros / 64] |= 1 << (zeros % 64);
                }
                zeros += 1;
            }
            data[present] = element;
            present += 1;
        }
        kept.present = present;
        kept
    }

    /// Puts NaNs behind the sorted elements, and signs to the zeros among them.
    fn restore(self, data: &mut [E]) {
        let (present, missing) = data.split_at_mut(self.present);
        missing.copy_from_slice(&self.missing);
        if self.signs.is_empty() {
            return;
        }
        let zero = E::zeroed().key();
        let first = present.partition_point(|element| element.key() < zero);
        let count = present[first..].partition_point(|element| element.key() == zero);
        let mut negative = E::zeroed();
        bytemuck::bytes_of_mut(&mut negative)[size_of::<E>() - 1] |= 0x80;
        for (at, element) in present[first..first + count].iter_mut().enumerate() {
            let signed = self.signs.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1);
            *element = if signed { negative } else { E::zeroed() };
        }
    }
}
