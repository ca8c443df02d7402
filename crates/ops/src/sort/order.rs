//! Finding the order of elements: numbers with a key above and a position below are sorted as values.

use super::Sorter;
use super::key::{Key, LaneKey};

/// The order of elements of up to four bytes, whose keys leave room for positions.
#[inline(always)]
pub(super) unsafe fn short<E: Key, S: Sorter>(data: *const u8, n: usize, order: *mut i64) {
    // SAFETY: the caller promises `n` aligned elements, and room for as many positions.
    unsafe {
        let data = std::slice::from_raw_parts(data.cast::<E>(), n);
        let order = std::slice::from_raw_parts_mut(order.cast::<u64>(), n);
        if E::BITS == 8 && n > 64 {
            return counted(data, order);
        }
        if positions(n) + E::BITS > 64 {
            return one_by_one(data, order);
        }
        if is_sorted(data) {
            return in_turn(order);
        }
        let bits = 64 - E::BITS;
        let mask = (1 << bits) - 1;
        for (at, (number, element)) in order.iter_mut().zip(data).enumerate() {
            *number = element.key() << bits | at as u64;
        }
        S::sort(order.as_mut_ptr(), n);
        order.iter_mut().for_each(|number| *number &= mask);
    }
}

/// The order of elements of eight bytes. Between the least and the greatest key, the upper bits are put above the positions;
/// there is room for the lower ones when those that agree in the upper bits are sorted again.
#[inline(always)]
pub(super) unsafe fn long<E: LaneKey, S: Sorter>(data: *const u8, n: usize, order: *mut i64) {
    // SAFETY: the caller promises `n` aligned elements, and room for as many positions.
    unsafe {
        let data = std::slice::from_raw_parts(data.cast::<E>(), n);
        let order = std::slice::from_raw_parts_mut(order.cast::<u64>(), n);
        let bits = positions(n);
        if bits > 32 {
            return one_by_one(data, order);
        }
        if is_sorted(data) {
            return in_turn(order);
        }
        let (least, most) = data.iter().fold((u64::MAX, 0), |(least, most), element| {
            let key = element.key();
            (least.min(key), most.max(key))
        });
        let dropped = (64 - (most - least).leading_zeros() + bits).saturating_sub(64);
        let mask = (1 << bits) - 1;
        for (at, (number, element)) in order.iter_mut().zip(data).enumerate() {
            *number = (element.key() - least) >> dropped << bits | at as u64;
        }
        S::sort(order.as_mut_ptr(), n);
        if dropped > 0 {
            sort_alike::<E, S>(data, order, bits, |element| (element.key() - least) & ((1 << dropped) - 1));
        }
        order.iter_mut().for_each(|number| *number &= mask);
    }
}

/// Sorts those numbers again that agree above the positions, by what is left of their keys.
#[inline(always)]
unsafe fn sort_alike<E: Key, S: Sorter>(data: &[E], order: &mut [u64], bits: u32, rest: impl Fn(E) -> u64) {
    let mask = (1 << bits) - 1;
    let n = order.len();
    let mut at = 0;
    while at + 1 < n {
        if order[at] >> bits != order[at + 1] >> bits {
            at += 1;
            continue;
        }
        let upper = order[at] >> bits;
        let alike = order[at..].iter().take_while(|&number| number >> bits == upper).count();
        let end = at + alike;
        for number in &mut order[at..end] {
            let position = *number & mask;
            *number = rest(data[position as usize]) << bits | position;
        }
        // SAFETY: the part is in bounds.
        unsafe { S::sort(order[at..end].as_mut_ptr(), end - at) };
        at = end;
    }
}

/// Takes elements in an order.
pub(super) unsafe fn take<E: Key>(data: *const u8, order: *const i64, n: usize, to: *mut u8) {
    let data = data.cast::<E>();
    // SAFETY: the caller promises positions, elements at them, and room.
    unsafe {
        let order = std::slice::from_raw_parts(order, n);
        let to = std::slice::from_raw_parts_mut(to.cast::<E>(), n);
        for (to, &position) in to.iter_mut().zip(order) {
            *to = *data.add(position as usize);
        }
    }
}

/// Bits that the positions of `n` elements take.
fn positions(n: usize) -> u32 {
    usize::BITS - n.saturating_sub(1).leading_zeros()
}

#[inline(always)]
fn is_sorted<E: Key>(data: &[E]) -> bool {
    data.is_sorted_by(|a, b| !b.precedes(*a))
}

fn in_turn(order: &mut [u64]) {
    order.iter_mut().enumerate().for_each(|(at, position)| *position = at as u64);
}

/// The order of elements whose keys and positions do not fit in eight bytes.
fn one_by_one<E: Key>(data: &[E], order: &mut [u64]) {
    in_turn(order);
    order.sort_by_key(|&position| data[position as usize].key());
}

/// The order of elements of a byte: those before an element are counted.
#[inline(always)]
fn counted<E: Key>(data: &[E], order: &mut [u64]) {
    let mut next = [0usize; 256];
    data.iter().for_each(|element| next[(element.key() & 255) as usize] += 1);
    let mut before = 0;
    for next in &mut next {
        before += std::mem::replace(next, before);
    }
    for (at, element) in data.iter().enumerate() {
        let next = &mut next[(element.key() & 255) as usize];
        order[*next] = at as u64;
        *next += 1;
    }
}
