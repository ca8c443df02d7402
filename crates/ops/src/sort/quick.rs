//! Quicksort in vectors: partitions by comparing and compressing whole vectors, and sorting networks for the ends.
//!
//! Lanes have no NaN among them, and which of two zeros is moved where is all the same: who calls this sees to both.

/// Vectors of some lanes.
///
/// # Safety
/// All functions need the instruction set of the vector; loads and stores as many valid elements as they touch, at any
/// address.
pub(super) trait Vector: Copy {
    /// What it holds.
    type Lane: Copy + PartialOrd;
    /// How many of them.
    const LANES: usize;

    /// The same lane everywhere.
    unsafe fn splat(lane: Self::Lane) -> Self;
    /// All lanes from memory.
    unsafe fn load(from: *const Self::Lane) -> Self;
    /// All lanes to memory.
    unsafe fn store(self, to: *mut Self::Lane);
    /// The first `count` lanes from memory, and what comes last in the others.
    unsafe fn load_first(from: *const Self::Lane, count: usize) -> Self;
    /// The first `count` lanes to memory.
    unsafe fn store_first(self, to: *mut Self::Lane, count: usize);
    /// The lesser of each pair of lanes.
    unsafe fn least(self, other: Self) -> Self;
    /// The greater of each pair of lanes.
    unsafe fn most(self, other: Self) -> Self;
    /// The lanes that are less than the other's.
    unsafe fn less(self, other: Self) -> u16;
    /// The lanes of a mask, moved to the front.
    unsafe fn compressed(self, mask: u16) -> Self;
    /// Every lane changes places with the one whose number differs in some bits.
    unsafe fn crossed<const BITS: usize>(self) -> Self;
    /// As `crossed` for the pairs that are out of order.
    unsafe fn ordered<const BITS: usize>(self) -> Self;
    /// Makes vectors of the lanes with one number, in any order, of as many vectors as there are lanes.
    unsafe fn transpose(vectors: &mut [Self]);
}

/// Vectors that are sorted without partitions: twice those that the largest network holds, half of the registers.
const MOST: usize = 32;
/// Vectors that a partition takes from one end at a time.
const TOGETHER: usize = 4;
/// From how many elements on the pivot is the middle of eight vectors of samples, and not of four from four places.
const MANY: usize = 4096;

/// Wraps the sort for an instruction set.
macro_rules! level {
    ($level:ident, $features:literal) => {
        pub(super) mod $level {
            use super::{Step, Vector};

            /// Sorts elements that lie side by side.
            #[target_feature(enable = $features)]
            pub(in super::super) unsafe fn sort<V: Vector>(data: *mut V::Lane, n: usize) {
                // SAFETY: the caller's promise.
                unsafe { part::<V>(data, n, 2 * n.max(1).ilog2() + 4, None) }
            }

            /// Sorts a part, whose elements are at least `before`. Parts on the right are gone on with here.
            #[target_feature(enable = $features)]
            unsafe fn part<V: Vector>(
                mut data: *mut V::Lane,
                mut n: usize,
                mut depth: u32,
                mut before: Option<V::Lane>,
            ) {
                // SAFETY: the caller's promise.
                unsafe {
                    while let Step::Cut { pivot, left, equal } = super::step::<V>(data, n, depth, before) {
                        depth -= 1;
                        if !equal {
                            part::<V>(data, left, depth, before);
                        }
                        (data, n, before) = (data.add(left), n - left, Some(pivot));
                    }
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
level!(v4, "avx2,fma,bmi1,bmi2,f16c,lzcnt,popcnt,movbe,avx512f,avx512bw,avx512cd,avx512dq,avx512vl");

/// What has been done to a part.
enum Step<L> {
    /// It is sorted.
    Done,
    /// Elements less than the pivot come first, or those equal to it if nothing is less.
    Cut { pivot: L, left: usize, equal: bool },
}

#[inline(always)]
unsafe fn step<V: Vector>(
    data: *mut V::Lane,
    n: usize,
    depth: u32,
    before: Option<V::Lane>,
) -> Step<V::Lane> {
    // SAFETY: the caller's promise.
    unsafe {
        if n <= MOST * V::LANES {
            few::<V>(data, n);
            return Step::Done;
        }
        if depth == 0 {
            let data = std::slice::from_raw_parts_mut(data, n);
            data.sort_unstable_by(super::compare);
            return Step::Done;
        }
        let pivot = if n < MANY { middle_of_few::<V>(data, n) } else { middle::<V, 8>(data, n) };
        let is_least =
            before.is_some_and(|before| super::compare(&before, &pivot) != std::cmp::Ordering::Less);
        let mut left = if is_least { 0 } else { partition::<V, Less>(data, n, pivot) };
        let equal = left == 0;
        if equal {
            left = partition::<V, Equal>(data, n, pivot);
        }
        Step::Cut { pivot, left, equal }
    }
}

/// Which elements a partition moves to the front.
trait Side {
    /// The lanes of a vector that go there.
    unsafe fn front<V: Vector>(vector: V, pivot: V) -> u16;
}

/// Those less than the pivot.
struct Less;
/// Those that the pivot is not less than.
struct Equal;

impl Side for Less {
    #[inline(always)]
    unsafe fn front<V: Vector>(vector: V, pivot: V) -> u16 {
        // SAFETY: the caller's promise.
        unsafe { vector.less(pivot) }
    }
}

impl Side for Equal {
    #[inline(always)]
    unsafe fn front<V: Vector>(vector: V, pivot: V) -> u16 {
        let all = ((1u32 << V::LANES) - 1) as u16;
        // SAFETY: the caller's promise.
        unsafe { !pivot.less(vector) & all }
    }
}

/// Where a partition reads and writes: between what was written and what has yet to be read there is room at both ends.
struct Ends<L> {
    write: *mut L,
    read: *mut L,
    read_end: *mut L,
    write_end: *mut L,
}

impl<L> Ends<L> {
    /// Writes `count` lanes of a vector, some at the front, the others at the back. There must be room for a vector at the front.
    #[inline(always)]
    unsafe fn put<V: Vector<Lane = L>>(&mut self, vector: V, front: u16, back: u16, count: usize) {
        // SAFETY: a whole vector at the front overwrites nothing that is needed; at the back, as many as belong there.
        unsafe {
            vector.compressed(front).store(self.write);
            let before = front.count_ones() as usize;
            self.write = self.write.add(before);
            self.write_end = self.write_end.sub(count - before);
            vector.compressed(back).store_first(self.write_end, count - before);
        }
    }

    /// Takes `count` elements from the end where there is less room.
    #[inline(always)]
    unsafe fn take(&mut self, count: usize) -> *mut L {
        // SAFETY: the caller has seen that there are so many.
        unsafe {
            // A branch: computing addresses without one takes longer than what is mispredicted.
            if self.read.offset_from(self.write) <= self.write_end.offset_from(self.read_end) {
                let taken = self.read;
                self.read = self.read.add(count);
                taken
            } else {
                self.read_end = self.read_end.sub(count);
                self.read_end
            }
        }
    }

    unsafe fn left(&self) -> usize {
        // SAFETY: both lie in the same elements, in this order.
        unsafe { self.read_end.offset_from(self.read) as usize }
    }
}

/// Moves the elements of one side to the front and answers how many they are. There are more than the vectors that are held.
#[inline(always)]
unsafe fn partition<V: Vector, S: Side>(data: *mut V::Lane, n: usize, pivot: V::Lane) -> usize {
    let lanes = V::LANES;
    let all = ((1u32 << lanes) - 1) as u16;
    let held_at_end = TOGETHER * lanes;
    // SAFETY: the caller's promise. What is held makes room for four vectors at each end. Taking from the end with less
    // room leaves four at least at either.
    unsafe {
        let pivot = V::splat(pivot);
        let mut held = [pivot; 2 * TOGETHER];
        for at in 0..TOGETHER {
            held[at] = V::load(data.add(at * lanes));
            held[TOGETHER + at] = V::load(data.add(n - held_at_end + at * lanes));
        }
        let mut ends = Ends {
            write: data,
            read: data.add(held_at_end),
            read_end: data.add(n - held_at_end),
            write_end: data.add(n),
        };
        while ends.left() >= held_at_end {
            let from = ends.take(held_at_end);
            let mut taken = [pivot; TOGETHER];
            for (at, taken) in taken.iter_mut().enumerate() {
                *taken = V::load(from.add(at * lanes));
            }
            for vector in taken {
                let front = S::front(vector, pivot);
                ends.put(vector, front, !front & all, lanes);
            }
        }
        while ends.left() >= lanes {
            let vector = V::load(ends.take(lanes));
            let front = S::front(vector, pivot);
            ends.put(vector, front, !front & all, lanes);
        }
        let rest = ends.left();
        let valid = ((1u32 << rest) - 1) as u16;
        let vector = V::load_first(ends.take(rest), rest);
        let front = S::front(vector, pivot) & valid;
        ends.put(vector, front, !front & valid, rest);
        for vector in held {
            let front = S::front(vector, pivot);
            ends.put(vector, front, !front & all, lanes);
        }
        ends.write.offset_from(data) as usize
    }
}

/// The middle one of four vectors.
#[inline(always)]
unsafe fn middle_of_few<V: Vector>(data: *const V::Lane, n: usize) -> V::Lane {
    // SAFETY: the caller's promise: there are more elements than in a network.
    unsafe {
        let mut vectors = [V::load(data); 4];
        for (at, vector) in vectors.iter_mut().enumerate() {
            *vector = V::load(data.add((2 * at + 1) * n / 8 - V::LANES / 2));
        }
        network::<V, 4>(&mut vectors);
        let mut lanes = [*data; 16];
        vectors[2].store(lanes.as_mut_ptr());
        lanes[0]
    }
}

/// The middle one of samples from everywhere.
#[inline(always)]
unsafe fn middle<V: Vector, const VECTORS: usize>(data: *const V::Lane, n: usize) -> V::Lane {
    let count = VECTORS * V::LANES;
    // SAFETY: the caller's promise; the samples are among its elements.
    unsafe {
        let mut samples = [*data; 128];
        let step = n / count;
        // Steps of equal length could meet a pattern in the data.
        let mut noise = n as u64;
        for (at, sample) in samples[..count].iter_mut().enumerate() {
            noise = noise.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            *sample = *data.add(at * step + (((noise >> 32) * step as u64) >> 32) as usize);
        }
        let mut vectors = [V::splat(*data); VECTORS];
        for (at, vector) in vectors.iter_mut().enumerate() {
            *vector = V::load(samples.as_ptr().add(at * V::LANES));
        }
        network::<V, VECTORS>(&mut vectors);
        vectors[VECTORS / 2].store(samples.as_mut_ptr());
        samples[0]
    }
}

/// Sorts as many elements as the largest network holds, or fewer.
#[inline(always)]
unsafe fn few<V: Vector>(data: *mut V::Lane, n: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        match n.div_ceil(V::LANES) {
            0 | 1 => in_network::<V, 1>(data, n),
            2 => in_network::<V, 2>(data, n),
            3 | 4 => in_network::<V, 4>(data, n),
            5..=8 => in_network::<V, 8>(data, n),
            9..=12 => in_parts::<V, 8, 4>(data, n),
            13..=16 => in_network::<V, 16>(data, n),
            17..=24 => in_parts::<V, 16, 8>(data, n),
            _ => in_parts::<V, 16, 16>(data, n),
        }
    }
}

#[inline(always)]
unsafe fn in_network<V: Vector, const VECTORS: usize>(data: *mut V::Lane, n: usize) {
    // SAFETY: the caller's promise; a vector beyond the elements is neither read nor written.
    unsafe {
        let first = |at: usize| data.wrapping_add(at * V::LANES);
        let count = |at: usize| n.saturating_sub(at * V::LANES).min(V::LANES);
        let mut vectors = [V::load_first(data, count(0)); VECTORS];
        for (at, vector) in vectors.iter_mut().enumerate().skip(1) {
            *vector = V::load_first(first(at), count(at));
        }
        network::<V, VECTORS>(&mut vectors);
        for (at, vector) in vectors.into_iter().enumerate() {
            vector.store_first(first(at), count(at));
        }
    }
}

/// Sorts elements of which `FIRST` vectors are full and at most `REST`, a power of two that is not larger, are not: each by a
/// network, and then merges them.
#[inline(always)]
unsafe fn in_parts<V: Vector, const FIRST: usize, const REST: usize>(data: *mut V::Lane, n: usize) {
    let whole = FIRST * V::LANES;
    // SAFETY: the caller's promise; a vector beyond the elements is neither read nor written.
    unsafe {
        let rest = data.add(whole);
        in_network::<V, FIRST>(data, whole);
        in_network::<V, REST>(rest, n - whole);
        let count = |at: usize| (n - whole).saturating_sub(at * V::LANES).min(V::LANES);
        let mut low = [V::load(data); FIRST];
        for (at, vector) in low.iter_mut().enumerate().skip(1) {
            *vector = V::load(data.add(at * V::LANES));
        }
        let mut high = [low[0]; REST];
        for at in 0..REST {
            let mirror = REST - 1 - at;
            let first = low[FIRST - REST + at];
            let last = reversed(V::load_first(rest.wrapping_add(mirror * V::LANES), count(mirror)));
            (low[FIRST - REST + at], high[at]) = (first.least(last), first.most(last));
        }
        straighten::<V, FIRST, FIRST>(&mut low);
        for (at, vector) in low.into_iter().enumerate() {
            vector.store(data.add(at * V::LANES));
        }
        straighten::<V, REST, REST>(&mut high);
        for (at, vector) in high.into_iter().enumerate() {
            vector.store_first(rest.wrapping_add(at * V::LANES), count(at));
        }
    }
}

/// Orders pairs of vectors, lane by lane.
macro_rules! compare {
    ($vectors:ident: $($low:literal $high:literal),* $(,)?) => {
        $({
            let (low, high) = ($vectors[$low], $vectors[$high]);
            ($vectors[$low], $vectors[$high]) = (low.least(high), low.most(high));
        })*
    };
}

/// Sorts the lanes of vectors with one number: eight or sixteen of them, by Batcher's networks.
#[inline(always)]
unsafe fn sort_columns<V: Vector, const VECTORS: usize>(vectors: &mut [V; VECTORS]) {
    // SAFETY: the caller's promise.
    unsafe {
        if VECTORS == 8 {
            compare!(vectors:
            0 1, 2 3, 4 5, 6 7, 0 2, 1 3, 4 6, 5 7, 1 2, 5 6, 0 4, 1 5, 2 6, 3 7, 2 4, 3 5, 1 2, 3 4, 5 6,
                );
        } else {
            compare!(vectors:
            0 1, 2 3, 4 5, 6 7, 8 9, 10 11, 12 13, 14 15, 0 2, 1 3, 4 6, 5 7, 8 10, 9 11, 12 14, 13 15, 1 2,
            5 6, 9 10, 13 14, 0 4, 1 5, 2 6, 3 7, 8 12, 9 13, 10 14, 11 15, 2 4, 3 5, 10 12, 11 13, 1 2, 3 4,
            5 6, 9 10, 11 12, 13 14, 0 8, 1 9, 2 10, 3 11, 4 12, 5 13, 6 14, 7 15, 4 8, 5 9, 6 10, 7 11, 2 4,
            3 5, 6 8, 7 9, 10 12, 11 13, 1 2, 3 4, 5 6, 7 8, 9 10, 11 12, 13 14,
                );
        }
    }
}

/// Sorts vectors: columns or every one in itself, then by merging pairs, pairs of pairs and so on.
#[inline(always)]
unsafe fn network<V: Vector, const VECTORS: usize>(vectors: &mut [V; VECTORS]) {
    // SAFETY: the caller's promise.
    unsafe {
        if VECTORS >= 8 && VECTORS >= V::LANES {
            sort_columns(vectors);
            for lines in vectors.chunks_exact_mut(V::LANES) {
                V::transpose(lines);
            }
        } else {
            for vector in vectors.iter_mut() {
                *vector = sorted_lanes(*vector);
            }
        }
        if VECTORS > V::LANES {
            // A column of sixteen is in two vectors now.
            let old = *vectors;
            for (at, vector) in vectors.iter_mut().enumerate() {
                *vector = old[at / 2 + at % 2 * V::LANES];
            }
        } else if VECTORS >= 2 {
            merge::<V, VECTORS, 1>(vectors);
        }
        if VECTORS >= 4 {
            merge::<V, VECTORS, 2>(vectors);
        }
        if VECTORS >= 8 {
            merge::<V, VECTORS, 4>(vectors);
        }
        if VECTORS >= 16 {
            merge::<V, VECTORS, 8>(vectors);
        }
    }
}

#[inline(always)]
unsafe fn sorted_lanes<V: Vector>(vector: V) -> V {
    // SAFETY: the caller's promise.
    unsafe {
        let pairs = vector.ordered::<1>();
        let fours = pairs.ordered::<3>().ordered::<1>();
        let eights = fours.ordered::<7>().ordered::<2>().ordered::<1>();
        if V::LANES == 8 {
            return eights;
        }
        eights.ordered::<15>().ordered::<4>().ordered::<2>().ordered::<1>()
    }
}

/// Merges neighbouring runs of `RUN` vectors. Elements of the first, and of the second from its end, are compared: all of the
/// lesser ones come before all of the greater ones, and both rise and fall once.
#[inline(always)]
unsafe fn merge<V: Vector, const VECTORS: usize, const RUN: usize>(vectors: &mut [V; VECTORS]) {
    // SAFETY: the caller's promise.
    unsafe {
        let old = *vectors;
        for pair in 0..VECTORS / 2 {
            let (first, place) = (pair / RUN * 2 * RUN, pair % RUN);
            let (low, high) = (old[first + place], reversed(old[first + 2 * RUN - 1 - place]));
            vectors[first + place] = low.least(high);
            vectors[first + RUN + place] = low.most(high);
        }
        straighten::<V, VECTORS, RUN>(vectors);
    }
}

/// Sorts runs of `RUN` vectors that rise and fall once.
#[inline(always)]
unsafe fn straighten<V: Vector, const VECTORS: usize, const RUN: usize>(vectors: &mut [V; VECTORS]) {
    // SAFETY: the caller's promise.
    unsafe {
        if RUN >= 16 {
            halve::<V, VECTORS, 8>(vectors);
        }
        if RUN >= 8 {
            halve::<V, VECTORS, 4>(vectors);
        }
        if RUN >= 4 {
            halve::<V, VECTORS, 2>(vectors);
        }
        if RUN >= 2 {
            halve::<V, VECTORS, 1>(vectors);
        }
        for vector in vectors.iter_mut() {
            let halves = if V::LANES == 16 { vector.ordered::<8>() } else { *vector };
            *vector = halves.ordered::<4>().ordered::<2>().ordered::<1>();
        }
    }
}

/// Puts vectors at a distance in order, lane by lane.
#[inline(always)]
unsafe fn halve<V: Vector, const VECTORS: usize, const DISTANCE: usize>(vectors: &mut [V; VECTORS]) {
    for pair in 0..VECTORS / 2 {
        let at = pair / DISTANCE * 2 * DISTANCE + pair % DISTANCE;
        let (low, high) = (vectors[at], vectors[at + DISTANCE]);
        // SAFETY: the caller's promise.
        unsafe { (vectors[at], vectors[at + DISTANCE]) = (low.least(high), low.most(high)) };
    }
}

#[inline(always)]
unsafe fn reversed<V: Vector>(vector: V) -> V {
    // SAFETY: the caller's promise.
    unsafe { if V::LANES == 8 { vector.crossed::<7>() } else { vector.crossed::<15>() } }
}
