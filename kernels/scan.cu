// Running folds along rows.
//
// A warp scans EACH times 32 neighbouring elements at a time: 32 at a time by shuffles, each continued by the ones before.
// STAGE says what the threads do:
//
//   0  a thread per row, from first to last
//   1  a warp per row, one tile after another
//   2  a block per row, one tile after another
//   3  tiles of one row in any order: their folds are written to scratch memory
//   4  those become running folds: a block per row
//   5  tiles once more, each continuing the fold of all before it
//
// Words from AT: first and last row, elements of a row, tiles of a row, scratch memory, bytes between the elements of a
// row (two words).

#define WARPS (THREADS / 32)
#define PART (32 * EACH)
#define TILE (PART * WARPS)

static __device__ __forceinline__ Value element(const Words& p, const Row& row, Word i) {
    return opened(*(const Stored*)(row.input + i * p.w[AT + 5]));
}
static __device__ __forceinline__ void put(const Words& p, const Row& row, Word i, Value value) {
    *(Stored*)(row.output + i * p.w[AT + 6]) = closed(value);
}

// Running folds of a warp's part, where value k of lane l is element 32 k + l. Returns the fold of the whole part.
static __device__ __forceinline__ Value scan_part(Value (&values)[EACH], int lane) {
#pragma unroll
    for (int h = 1; h < 32; h *= 2) {
#pragma unroll
        for (int k = 0; k < EACH; k++) {
            const Value before = from_below(values[k], h);
            if (lane >= h) values[k] = combine(before, values[k]);
        }
    }
    Value total = from_lane(values[0], 31);
#pragma unroll
    for (int k = 1; k < EACH; k++) {
        values[k] = combine(total, values[k]);
        total = from_lane(values[k], 31);
    }
    return total;
}

static __device__ __forceinline__ void load_part(const Words& p, const Row& row, Word begin, Word n, Value (&values)[EACH]) {
#pragma unroll
    for (int k = 0; k < EACH; k++) values[k] = begin + k * 32 < n ? element(p, row, begin + k * 32) : Value();
}

// Running folds of a block's tile of values of any source: every warp has a part. The fold of the tile is returned to all.
static __device__ __forceinline__ Value scan_tile(Value (&values)[EACH], int lane, int warp, Value* shared) {
    const Value total = scan_part(values, lane);
    if (lane == 0) shared[warp] = total;
    __syncthreads();
    Value before = shared[0], whole = shared[0];
#pragma unroll
    for (int w = 1; w < WARPS; w++) {
        if (w < warp) before = combine(before, shared[w]);
        whole = combine(whole, shared[w]);
    }
    if (warp > 0) {
#pragma unroll
        for (int k = 0; k < EACH; k++) values[k] = combine(before, values[k]);
    }
    __syncthreads();
    return whole;
}

extern "C" __global__ void __launch_bounds__(THREADS) kernel(const __grid_constant__ Words p) {
    begin_report(p);
    const Word first = p.w[AT], last = p.w[AT + 1], n = p.w[AT + 2];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
#if STAGE == 0
    const Word step = (Word)gridDim.x * THREADS;
    for (Word at = first + (Word)blockIdx.x * THREADS + threadIdx.x; at < last; at += step) {
        const Row row = row_of(p, at);
        Value value = Value();
        for (Word start = 0; start < n; start += EACH) {
            Value values[EACH];
#pragma unroll
            for (int k = 0; k < EACH; k++) {
                if (start + k < n) values[k] = element(p, row, start + k);
            }
#pragma unroll
            for (int k = 0; k < EACH; k++) {
                if (start + k < n) {
                    value = k == 0 && start == 0 ? values[k] : combine(value, values[k]);
                    put(p, row, start + k, value);
                }
            }
        }
    }
#elif STAGE == 1
    const Word step = (Word)gridDim.x * WARPS;
    for (Word at = first + (Word)blockIdx.x * WARPS + warp; at < last; at += step) {
        const Row row = row_of(p, at);
        Value carry = Value();
        for (Word start = 0; start < n; start += PART) {
            Value values[EACH];
            load_part(p, row, start + lane, n, values);
            Value total = scan_part(values, lane);
#pragma unroll
            for (int k = 0; k < EACH; k++) {
                if (start > 0) values[k] = combine(carry, values[k]);
                if (start + k * 32 + lane < n) put(p, row, start + k * 32 + lane, values[k]);
            }
            carry = start > 0 ? combine(carry, total) : total;
        }
    }
#else
    __shared__ Value shared[WARPS];
    const Word tiles = p.w[AT + 3];
    Stored* const totals = (Stored*)p.w[AT + 4];
#if STAGE == 2
    for (Word at = first + blockIdx.x; at < last; at += gridDim.x) {
        const Row row = row_of(p, at);
        Value carry = Value();
        for (Word tile = 0; tile < tiles; tile++) {
            const Word begin = tile * TILE + warp * PART + lane;
            Value values[EACH];
            load_part(p, row, begin, n, values);
            const Value total = scan_tile(values, lane, warp, shared);
#pragma unroll
            for (int k = 0; k < EACH; k++) {
                if (tile > 0) values[k] = combine(carry, values[k]);
                if (begin + k * 32 < n) put(p, row, begin + k * 32, values[k]);
            }
            carry = tile > 0 ? combine(carry, total) : total;
        }
    }
#elif STAGE == 4
    for (Word at = first + blockIdx.x; at < last; at += gridDim.x) {
        Stored* const row = totals + (at - first) * tiles;
        Value carry = Value();
        for (Word start = 0; start < tiles; start += TILE) {
            const Word begin = start + warp * PART + lane;
            Value values[EACH];
#pragma unroll
            for (int k = 0; k < EACH; k++) values[k] = begin + k * 32 < tiles ? opened(row[begin + k * 32]) : Value();
            const Value total = scan_tile(values, lane, warp, shared);
#pragma unroll
            for (int k = 0; k < EACH; k++) {
                if (start > 0) values[k] = combine(carry, values[k]);
                if (begin + k * 32 < tiles) row[begin + k * 32] = closed(values[k]);
            }
            carry = start > 0 ? combine(carry, total) : total;
        }
    }
#else
    for (Word work = blockIdx.x; work < (last - first) * tiles; work += gridDim.x) {
        const Word tile = work % tiles;
        const Row row = row_of(p, first + work / tiles);
        const Word begin = tile * TILE + warp * PART + lane;
        Value values[EACH];
        load_part(p, row, begin, n, values);
        const Value total = scan_tile(values, lane, warp, shared);
#if STAGE == 3
        if (threadIdx.x == 0) totals[work] = closed(total);
#else
        const Value carry = tile > 0 ? opened(totals[work - 1]) : total;
#pragma unroll
        for (int k = 0; k < EACH; k++) {
            if (tile > 0) values[k] = combine(carry, values[k]);
            if (begin + k * 32 < n) put(p, row, begin + k * 32, values[k]);
        }
#endif
    }
#endif
#endif
}
