// The index of the first extreme: every warp, or every thread (OVER_THREADS), looks at a part of a result's elements;
// then the parts' winners meet (MEETING).
//
// A missing element (a NaN) beats all others, and of equal elements the first one wins.
// Words from AT: first and last result, elements of a result, elements of a part, parts of a result, scratch memory.

#define CHUNK 8
#define WARPS (THREADS / 32)

// Whether element `a` at index `i` wins against element `b` at index `j`.
static __device__ __forceinline__ bool wins(Value a, long long i, Value b, long long j) {
    if (mn_isnan(a) || mn_isnan(b)) return mn_isnan(a) && (!mn_isnan(b) || i < j);
    if (above(a, b)) return true;
    return i < j && !above(b, a);
}

struct Best {
    Value value;
    long long index; // below zero: none yet
};

static __device__ __forceinline__ void meet(Best& best, Value value, long long index) {
    if (index >= 0 && (best.index < 0 || wins(value, index, best.value, best.index))) best = Best{value, index};
}

// The best of all lanes, in lane 0.
static __device__ __forceinline__ Best meet_lanes(Best best) {
#pragma unroll
    for (int h = 16; h > 0; h /= 2) {
        const Value value = from_above(best.value, h);
        const long long index = from_above(best.index, h);
        if ((int)(threadIdx.x % 32) < h) meet(best, value, index);
    }
    return best;
}

// The best of every `step`-th element. Indices rise: an equal element never wins.
static __device__ __forceinline__ Best search(const Words& p, const Row& row, Index begin, Index end, Index step) {
    Best best = {Value(), -1};
    for (Index start = begin; start < end; start += CHUNK * step) {
        Value values[CHUNK];
#pragma unroll
        for (int k = 0; k < CHUNK; k++) {
            if (start + k * step < end) values[k] = load(p, row, start + k * step);
        }
#pragma unroll
        for (int k = 0; k < CHUNK; k++) {
            if (start + k * step >= end) continue;
            if (best.index < 0 || (!mn_isnan(best.value) && (mn_isnan(values[k]) || above(values[k], best.value)))) {
                best = Best{values[k], (long long)(start + k * step)};
            }
        }
    }
    return best;
}

extern "C" __global__ void __launch_bounds__(THREADS) kernel(const __grid_constant__ Words p) {
    const int lane = threadIdx.x % 32;
    const Word first = p.w[AT], last = p.w[AT + 1], n = p.w[AT + 2], size = p.w[AT + 3], parts = p.w[AT + 4];
#if MEETING
    // A block for each result: its threads share the parts, whose winners are far apart in memory.
    __shared__ Best winners[WARPS];
    for (Word result = first + blockIdx.x; result < last; result += gridDim.x) {
        const long long* found = (const long long*)p.w[AT + 5] + (result - first) * parts;
        const Row row = row_of(p, (Index)result);
        Best best = {Value(), -1};
        for (Word start = threadIdx.x; start < parts; start += CHUNK * THREADS) {
            Best next[CHUNK];
#pragma unroll
            for (int k = 0; k < CHUNK; k++) {
                next[k].index = start + k * THREADS < parts ? found[start + k * THREADS] : -1;
            }
#pragma unroll
            for (int k = 0; k < CHUNK; k++) {
                if (next[k].index >= 0) next[k].value = load(p, row, (Index)next[k].index);
            }
#pragma unroll
            for (int k = 0; k < CHUNK; k++) meet(best, next[k].value, next[k].index);
        }
        best = meet_lanes(best);
        if (lane == 0) winners[threadIdx.x / 32] = best;
        __syncthreads();
        if (threadIdx.x == 0) {
            for (int k = 1; k < WARPS; k++) meet(best, winners[k].value, winners[k].index);
            *output(p, result) = best.index;
        }
        __syncthreads();
    }
#elif OVER_THREADS
    const Word count = last - first;
    for (Word work = (Word)blockIdx.x * THREADS + threadIdx.x; work < count * parts; work += (Word)gridDim.x * THREADS) {
        const Word part = work / count, result = first + work % count;
        const Index begin = (Index)(part * size), end = (Index)(begin + size < n ? begin + size : n);
        const Best best = search(p, row_of(p, (Index)result), begin, end, 1);
        if (parts == 1) {
            *output(p, result) = best.index;
        } else {
            ((long long*)p.w[AT + 5])[(result - first) * parts + part] = best.index;
        }
    }
#else
    const Word warp = (Word)blockIdx.x * WARPS + threadIdx.x / 32, warps = (Word)gridDim.x * WARPS;
    for (Word work = warp; work < (last - first) * parts; work += warps) {
        const Word result = first + work / parts, part = work % parts;
        const Index begin = (Index)(part * size), end = (Index)(begin + size < n ? begin + size : n);
        const Best best = meet_lanes(search(p, row_of(p, (Index)result), begin + lane, end, 32));
        if (lane == 0) {
            if (parts == 1) {
                *output(p, result) = best.index;
            } else {
                ((long long*)p.w[AT + 5])[work] = best.index;
            }
        }
    }
#endif
}
