// Runs of rows sorted by keys that are made of the elements' bits. STAGE says what the threads do:
//
//   0  very short runs, as many to a block as there is room for: an element's position is how many come before it
//   1  runs that a block holds, likewise: sorted by eight bits of the key at a time, then by the number of their run
//   2  longer ones: how many elements of a run have each digit, of all passes at once
//   3  a pass: every tile is sorted by the digit, and its elements go behind those of the tiles before it
//   4  a merge: where in every run the tiles of the result begin, a warp for each tile
//   5  every tile is merged in shared memory, pairs of runs, pairs of those and so on
//
// A pass reads and writes every element once. How many elements of a digit the tiles before have is known by looking back:
// a tile tells its own counts, then adds up those of the tiles before it until one tells the sum of all up to it. Tiles
// are taken in order, so that those that are waited for have begun. Adinets, Merrill: Onesweep, A Faster Least
// Significant Digit Radix Sort for GPUs (2022).
//
// Counts and sums are words with the pass above 32 bits, so that those of other passes are not mistaken for them.

#define WARPS (THREADS / 32)
#define TILE (EACH * THREADS)
#define PART (EACH * 32)
#define DIGITS 256
#define ALL_LANES 0xffffffffu

#if STAGE == 5
// Runs that a merge takes at most.
#define MOST_RUNS 128
#endif

// The sum of the numbers of all threads before this one.
static __device__ __forceinline__ unsigned int sum_before(unsigned int number, unsigned int (&warps)[WARPS]) {
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    unsigned int sum = number;
#pragma unroll
    for (int h = 1; h < 32; h *= 2) {
        const unsigned int below = __shfl_up_sync(ALL_LANES, sum, h);
        if (lane >= h) sum += below;
    }
    if (lane == 31) warps[warp] = sum;
    __syncthreads();
#pragma unroll
    for (int w = 0; w < WARPS; w++) sum += w < warp ? warps[w] : 0;
    __syncthreads();
    return sum - number;
}

#if STAGE == 1 || STAGE == 3
struct Shared {
    union {
        unsigned int counts[WARPS][DIGITS];
        Bits bits[TILE];
        unsigned int positions[TILE];
    };
    unsigned int starts[DIGITS];
    unsigned int warps[WARPS];
};

// Makes positions in the tile of digits, where number k of lane l of a warp is that of its element 32 k + l. Answers how
// many elements have the thread's digit; `starts` then says where each digit begins.
static __device__ __forceinline__ unsigned int make_ranks(unsigned int (&digits)[EACH], Shared& shared) {
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    unsigned int* const counts = shared.counts[warp];
    for (int digit = lane; digit < DIGITS; digit += 32) counts[digit] = 0;
    __syncwarp();
    unsigned int ranks[EACH];
#pragma unroll
    for (int k = 0; k < EACH; k++) {
        unsigned int alike = ALL_LANES;
#pragma unroll
        for (int bit = 0; bit < 8; bit++) {
            const bool set = digits[k] >> bit & 1;
            const unsigned int all = __ballot_sync(ALL_LANES, set);
            alike &= set ? all : ~all;
        }
        const unsigned int earlier = __popc(alike & ((1u << lane) - 1));
        const unsigned int count = counts[digits[k]];
        ranks[k] = count + earlier;
        __syncwarp();
        if (earlier == 0) counts[digits[k]] = count + __popc(alike);
        __syncwarp();
    }
    __syncthreads();
    unsigned int total = 0;
#pragma unroll
    for (int w = 0; w < WARPS; w++) {
        const unsigned int count = shared.counts[w][threadIdx.x];
        shared.counts[w][threadIdx.x] = total;
        total += count;
    }
    shared.starts[threadIdx.x] = sum_before(total, shared.warps);
    __syncthreads();
#pragma unroll
    for (int k = 0; k < EACH; k++) digits[k] = ranks[k] + counts[digits[k]] + shared.starts[digits[k]];
    __syncthreads();
    return total;
}

// Moves elements to positions in the tile; element `number(k)` is read.
template <class Number>
static __device__ __forceinline__ void move_to(
    Element (&part)[EACH], const unsigned int (&ranks)[EACH], Shared& shared, Number number
) {
#pragma unroll
    for (int k = 0; k < EACH; k++) shared.bits[ranks[k]] = part[k].bits;
    __syncthreads();
#pragma unroll
    for (int k = 0; k < EACH; k++) part[k].bits = shared.bits[number(k)];
    __syncthreads();
#if POSITIONS
#pragma unroll
    for (int k = 0; k < EACH; k++) shared.positions[ranks[k]] = part[k].position;
    __syncthreads();
#pragma unroll
    for (int k = 0; k < EACH; k++) part[k].position = shared.positions[number(k)];
    __syncthreads();
#endif
}
#endif

static __device__ __forceinline__ unsigned int digit_of(Bits bits, unsigned int shift) {
    return (unsigned int)(key_of(bits) >> shift) & (DIGITS - 1);
}

// Elements of the runs from `first` on that a block sorts together. All but the last of a row have RUN_LENGTH of them.
static __device__ __forceinline__ unsigned int elements(const Words& p, Word first) {
    const Word others = min(TOGETHER, RUNS - first) - 1;
    return (unsigned int)(others * RUN_LENGTH + run_of(p, first + others).length);
}

#if STAGE == 0
extern "C" __global__ void __launch_bounds__(THREADS) kernel(const __grid_constant__ Words p) {
    __shared__ Key keys[TILE];
    const unsigned int length = (unsigned int)RUN_LENGTH;
    for (Word first = blockIdx.x * TOGETHER; first < RUNS; first += gridDim.x * TOGETHER) {
        const unsigned int count = elements(p, first);
        Element part[EACH];
#pragma unroll
        for (int k = 0; k < EACH; k++) {
            const unsigned int at = k * THREADS + threadIdx.x;
            if (at < count) {
                part[k] = load(p, run_of(p, first + at / length), at % length);
                keys[at] = key_of(part[k].bits);
            }
        }
        __syncthreads();
#pragma unroll
        for (int k = 0; k < EACH; k++) {
            const unsigned int at = k * THREADS + threadIdx.x;
            if (at < count) {
                const Key key = keys[at];
                const unsigned int begin = at - at % length, end = min(begin + length, count);
                unsigned int rank = 0;
                for (unsigned int other = begin; other < end; other++) {
                    rank += keys[other] < key || (keys[other] == key && other < at);
                }
                keep(p, run_of(p, first + at / length), rank, part[k]);
            }
        }
        __syncthreads();
    }
}
#elif STAGE == 1
extern "C" __global__ void __launch_bounds__(THREADS) kernel(const __grid_constant__ Words p) {
    __shared__ Shared shared;
    const unsigned int length = (unsigned int)RUN_LENGTH;
    const unsigned int mine = threadIdx.x / 32 * PART + threadIdx.x % 32;
    const auto in_warp = [=](int k) { return mine + k * 32; };
    const auto in_block = [=](int k) { return k * THREADS + threadIdx.x; };
    for (Word first = blockIdx.x * TOGETHER; first < RUNS; first += gridDim.x * TOGETHER) {
        const unsigned int count = elements(p, first);
        Element part[EACH];
#pragma unroll
        for (int k = 0; k < EACH; k++) {
            const unsigned int at = in_warp(k);
            if (at < count) part[k].bits = load(p, run_of(p, first + at / length), at % length).bits;
            part[k].position = at;
        }
        unsigned int ranks[EACH];
        for (unsigned int step = 0; step < STEPS; step++) {
#pragma unroll
            for (int k = 0; k < EACH; k++) {
                unsigned int digit = part[k].position / length >> 8 * (step - min(step, KEY_STEPS));
                if (step < KEY_STEPS) digit = digit_of(part[k].bits, 8 * step);
                // What is no element stays behind all that are.
                ranks[k] = in_warp(k) < count ? digit & (DIGITS - 1) : DIGITS - 1;
            }
            make_ranks(ranks, shared);
            if (step + 1 < STEPS) move_to(part, ranks, shared, in_warp);
        }
        move_to(part, ranks, shared, in_block);
#pragma unroll
        for (int k = 0; k < EACH; k++) {
            const unsigned int at = in_block(k);
            if (at < count) {
                const Run run = run_of(p, first + at / length);
                part[k].position = position(p, run, part[k].position % length);
                keep(p, run, at % length, part[k]);
            }
        }
    }
}
#elif STAGE == 2
// Tiles of a run whose digits are added up before they are told.
#define TILES_TOGETHER 8

extern "C" __global__ void __launch_bounds__(THREADS) kernel(const __grid_constant__ Words p) {
    __shared__ unsigned int counts[PASSES][DIGITS];
    const Word parts = (TILES + TILES_TOGETHER - 1) / TILES_TOGETHER;
    for (Word work = blockIdx.x; work < RUNS * parts; work += gridDim.x) {
        const Run run = run_of(p, work / parts);
        const Word begin = work % parts * TILES_TOGETHER * TILE, end = min(run.length, begin + TILES_TOGETHER * TILE);
        for (int pass = 0; pass < PASSES; pass++) counts[pass][threadIdx.x] = 0;
        __syncthreads();
        for (Word start = begin; start < end; start += THREADS) {
            const Word i = start + threadIdx.x;
            const Bits bits = i < end ? load(p, run, i).bits : 0;
            const bool full = start + THREADS <= end;
#pragma unroll
            for (int pass = 0; pass < PASSES; pass++) {
                const unsigned int digit = digit_of(bits, 8 * pass);
                // Upper digits are often those of all, and adding to one count is done one after another.
                const bool alike = __all_sync(ALL_LANES, digit == __shfl_sync(ALL_LANES, digit, 0));
                if (full && alike) {
                    if (threadIdx.x % 32 == 0) atomicAdd(&counts[pass][digit], 32u);
                } else if (i < end) {
                    atomicAdd(&counts[pass][digit], 1u);
                }
            }
        }
        __syncthreads();
        for (int pass = 0; pass < PASSES; pass++) {
            const unsigned int count = counts[pass][threadIdx.x];
            if (count > 0) atomicAdd((unsigned int*)total_at(p, pass, run.number, threadIdx.x), count);
        }
        __syncthreads();
    }
}
#elif STAGE == 3
extern "C" __global__ void __launch_bounds__(THREADS) kernel(const __grid_constant__ Words p) {
    __shared__ Shared shared;
    __shared__ Word ticket;
    __shared__ unsigned int goals[DIGITS];
    const unsigned int mine = threadIdx.x / 32 * PART + threadIdx.x % 32;
    const auto in_warp = [=](int k) { return mine + k * 32; };
    const auto in_block = [=](int k) { return k * THREADS + threadIdx.x; };
    const unsigned int shift = 8 * (unsigned int)PASS;
    // What words of this pass have above their count: of a tile alone, and of all up to it.
    const Word own = (2 * PASS + 2) << 32, sum = (2 * PASS + 3) << 32;
    for (;;) {
        if (threadIdx.x == 0) ticket = atomicAdd(ticket_at(p), 1ull);
        __syncthreads();
        const Word work = ticket;
        if (work >= RUNS * TILES) break;
        const Word tile = work % TILES;
        const Run run = run_of(p, work / TILES);
        const Word begin = min(tile * TILE, run.length);
        const unsigned int count = (unsigned int)min((Word)TILE, run.length - begin);
        Element part[EACH];
        unsigned int ranks[EACH];
#pragma unroll
        for (int k = 0; k < EACH; k++) {
            const unsigned int at = in_warp(k);
            // What is no element stays behind all that are.
            ranks[k] = DIGITS - 1;
            if (at < count) {
                part[k] = load(p, run, begin + at);
                ranks[k] = digit_of(part[k].bits, shift);
            }
        }
        unsigned int found = make_ranks(ranks, shared);
        if (threadIdx.x == DIGITS - 1) found -= TILE - count;
        volatile Word* const told = told_at(p, work, threadIdx.x);
        *told = (tile == 0 ? sum : own) | found;
        unsigned int before = 0;
        for (Word earlier = 1; earlier <= tile;) {
            const Word other = *(volatile Word*)told_at(p, work - earlier, threadIdx.x);
            if (other < own) {
                __nanosleep(20);
                continue;
            }
            before += (unsigned int)other;
            if (other >= sum) break;
            earlier++;
        }
        if (tile > 0) *told = sum | (before + found);
        const unsigned int total = *(const unsigned int*)total_at(p, PASS, run.number, threadIdx.x);
        const unsigned int first = sum_before(total, shared.warps);
        goals[threadIdx.x] = first + before - shared.starts[threadIdx.x];
        move_to(part, ranks, shared, in_block);
#pragma unroll
        for (int k = 0; k < EACH; k++) {
            const unsigned int at = in_block(k);
            if (at < count) keep(p, run, goals[digit_of(part[k].bits, shift)] + at, part[k]);
        }
        __syncthreads();
    }
}
#elif STAGE == 4
// Runs of which a lane looks at most.
#define EACH_RUNS 4

static __device__ __forceinline__ unsigned int sum_of_warp(unsigned int number) {
#pragma unroll
    for (int h = 16; h > 0; h /= 2) number += __shfl_xor_sync(ALL_LANES, number, h);
    return number;
}

// The key of the first element of a tile is found bit by bit: it is the largest that at most as many elements come
// before as there are before the tile. Elements of that key are taken in the order of their runs.
extern "C" __global__ void __launch_bounds__(THREADS) kernel(const __grid_constant__ Words p) {
    const int lane = threadIdx.x % 32;
    const Run row = run_of(p, 0);
    for (Word work = ((Word)blockIdx.x * THREADS + threadIdx.x) / 32; work <= TILES; work += (Word)gridDim.x * WARPS) {
        const unsigned int rank = (unsigned int)min(LEAST + work * TILE, MOST);
        unsigned int low[EACH_RUNS], high[EACH_RUNS];
        Key key = 0;
#pragma unroll
        for (int q = 0; q < EACH_RUNS; q++) {
            const Word begin = min((Word)(q * 32 + lane) * MERGED_LENGTH, ROW_LENGTH);
            low[q] = (unsigned int)begin;
            high[q] = (unsigned int)min(begin + MERGED_LENGTH, ROW_LENGTH);
        }
        for (int bit = 8 * sizeof(Bits) - 1; bit >= 0; bit--) {
            const Key candidate = key | (Key)1 << bit;
            unsigned int middle[EACH_RUNS], count = 0;
#pragma unroll
            for (int q = 0; q < EACH_RUNS; q++) {
                unsigned int begin = low[q], end = high[q];
                while (begin < end) {
                    const unsigned int half = begin + (end - begin) / 2;
                    if (key_of(load(p, row, half).bits) < candidate) {
                        begin = half + 1;
                    } else {
                        end = half;
                    }
                }
                middle[q] = begin;
                count += begin - (unsigned int)min((Word)(q * 32 + lane) * MERGED_LENGTH, ROW_LENGTH);
            }
            const bool before = sum_of_warp(count) <= rank;
            if (before) key = candidate;
#pragma unroll
            for (int q = 0; q < EACH_RUNS; q++) {
                low[q] = before ? middle[q] : low[q];
                high[q] = before ? high[q] : middle[q];
            }
        }
        unsigned int count = 0;
#pragma unroll
        for (int q = 0; q < EACH_RUNS; q++) {
            count += low[q] - (unsigned int)min((Word)(q * 32 + lane) * MERGED_LENGTH, ROW_LENGTH);
        }
        unsigned int left = rank - sum_of_warp(count);
#pragma unroll
        for (int q = 0; q < EACH_RUNS; q++) {
            const unsigned int equal = high[q] - low[q];
            unsigned int up_to = equal;
            for (int h = 1; h < 32; h *= 2) {
                const unsigned int below = __shfl_up_sync(ALL_LANES, up_to, h);
                if (lane >= h) up_to += below;
            }
            const unsigned int taken = min(equal, left - min(left, up_to - equal));
            const int run = q * 32 + lane;
            if (run < MERGED_RUNS) ((unsigned int*)COUNTS)[work * MERGED_RUNS + run] = low[q] + taken;
            left -= min(left, __shfl_sync(ALL_LANES, up_to, 31));
        }
    }
}
#else
extern "C" __global__ void __launch_bounds__(THREADS) kernel(const __grid_constant__ Words p) {
    __shared__ Bits all[TILE];
#if POSITIONS
    __shared__ unsigned int positions[TILE];
#endif
    __shared__ unsigned int warps[WARPS];
    // Where each run's part of the tile begins in the tile, and in the row.
    __shared__ unsigned int starts[MOST_RUNS + 1], froms[MOST_RUNS];
    const Run row = run_of(p, 0);
    const unsigned int runs = (unsigned int)MERGED_RUNS;
    for (Word tile = blockIdx.x; tile < TILES; tile += gridDim.x) {
        const unsigned int* const cuts = (const unsigned int*)COUNTS + tile * runs;
        const bool mine = threadIdx.x < runs;
        const unsigned int from = mine ? cuts[threadIdx.x] : 0, length = mine ? cuts[runs + threadIdx.x] - from : 0;
        const unsigned int start = sum_before(length, warps);
        if (mine) froms[threadIdx.x] = from;
        if (threadIdx.x <= runs) starts[threadIdx.x] = start;
        __syncthreads();
        const unsigned int count = starts[runs];
        // The last of the parts `step` apart that begins at an element or before it.
        const auto part_of = [&](unsigned int at, unsigned int step) {
            unsigned int part = 0, end = (runs + step - 1) / step;
            while (end - part > 1) {
                const unsigned int half = (part + end) / 2;
                if (starts[half * step] <= at) {
                    part = half;
                } else {
                    end = half;
                }
            }
            return part;
        };
#pragma unroll
        for (int k = 0; k < EACH; k++) {
            const unsigned int at = k * THREADS + threadIdx.x;
            if (at < count) {
                const unsigned int run = part_of(at, 1);
                const Element element = load(p, row, froms[run] + (at - starts[run]));
                all[at] = element.bits;
#if POSITIONS
                positions[at] = element.position;
#endif
            }
        }
        __syncthreads();
        Element part[EACH];
        for (unsigned int step = 1; step < runs; step *= 2) {
            unsigned int ranks[EACH];
#pragma unroll
            for (int k = 0; k < EACH; k++) {
                const unsigned int at = k * THREADS + threadIdx.x;
                if (at < count) {
                    part[k].bits = all[at];
#if POSITIONS
                    part[k].position = positions[at];
#endif
                    const unsigned int own = part_of(at, step), other = own ^ 1;
                    unsigned int begin = starts[min(other * step, runs)];
                    unsigned int end = starts[min((other + 1) * step, runs)];
                    const unsigned int skipped = begin;
                    const Key key = key_of(part[k].bits);
                    while (begin < end) {
                        const unsigned int half = (begin + end) / 2;
                        const Key found = key_of(all[half]);
                        if (found < key || (found == key && other < own)) {
                            begin = half + 1;
                        } else {
                            end = half;
                        }
                    }
                    // The elements of the own part that come before, and of the other, behind what is before both.
                    ranks[k] = at - starts[own * step] + (begin - skipped) + starts[min(own, other) * step];
                }
            }
            __syncthreads();
#pragma unroll
            for (int k = 0; k < EACH; k++) {
                if (k * THREADS + threadIdx.x < count) {
                    all[ranks[k]] = part[k].bits;
#if POSITIONS
                    positions[ranks[k]] = part[k].position;
#endif
                }
            }
            __syncthreads();
        }
#pragma unroll
        for (int k = 0; k < EACH; k++) {
            const unsigned int at = k * THREADS + threadIdx.x;
            if (at < count) {
                Element element;
                element.bits = all[at];
#if POSITIONS
                element.position = positions[at];
#endif
                keep(p, row, LEAST + tile * TILE + at, element);
            }
        }
        __syncthreads();
    }
}
#endif
