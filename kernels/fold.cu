// One pass of the fixed tree over the leaves of a result.
//
// The tree combines leaf i with leaf i + h for halving h, so that the leaves t, t + T, t + 2 T, ... (T a power of two)
// are a tree of their own whose result takes part in the tree over T leaves. A thread folds at most FAN such leaves
// in registers. Their results are written (OVER_THREADS), or folded over a warp or a block.
//
// Words: addresses of leaves and results, first and last result, leaves of a result, bytes between them, T.

// Folds every `apart`-th leaf of a result from leaf `begin` on.
static __device__ __forceinline__ Value fold_leaves(const Words& p, Word result, Word begin, Word apart) {
    const Word leaves = p.w[4];
    const Word from = leaf_address(p, result) + begin * p.w[5];
    const Word step = apart * p.w[5];
    Value values[FAN];
#pragma unroll
    for (int k = 0; k < FAN; k++) {
        if (begin + k * apart < leaves) values[k] = opened(*(const Stored*)(from + k * step));
    }
#pragma unroll
    for (int h = FAN / 2; h > 0; h /= 2) {
#pragma unroll
        for (int k = 0; k < FAN / 2; k++) {
            if (k < h && begin + (k + h) * apart < leaves) values[k] = combine(values[k], values[k + h]);
        }
    }
    return values[0];
}

extern "C" __global__ void __launch_bounds__(THREADS) kernel(const __grid_constant__ Words p) {
    begin_report(p);
    const Word first = p.w[2], last = p.w[3], leaves = p.w[4];
#if OVER_THREADS
    const Word apart = p.w[6], size = (last - first) * apart;
    for (Word i = (Word)blockIdx.x * THREADS + threadIdx.x; i < size; i += (Word)gridDim.x * THREADS) {
        const Word result = first + i / apart, place = i % apart;
        *result_address(p, result, place) = finished(fold_leaves(p, result, place, apart));
    }
#elif OVER_WARP
    const int lane = threadIdx.x % 32, used = leaves < 32 ? (int)leaves : 32;
    const Word step = (Word)gridDim.x * (THREADS / 32);
    for (Word result = first + (Word)blockIdx.x * (THREADS / 32) + threadIdx.x / 32; result < last; result += step) {
        Value value = Value();
        if (lane < used) value = fold_leaves(p, result, lane, 32);
        value = fold_lanes(value, lane, 32, used);
        if (lane == 0) *result_address(p, result, 0) = finished(value);
    }
#else
    __shared__ Value shared[THREADS];
    const int thread = threadIdx.x, used = leaves < THREADS ? (int)leaves : THREADS;
    for (Word result = first + blockIdx.x; result < last; result += gridDim.x) {
        if (thread < used) shared[thread] = fold_leaves(p, result, thread, THREADS);
        __syncthreads();
        for (int h = THREADS / 2; h >= 32; h /= 2) {
            if (thread < h && thread + h < used) shared[thread] = combine(shared[thread], shared[thread + h]);
            __syncthreads();
        }
        if (thread < 32) {
            Value value = Value();
            if (thread < used) value = shared[thread];
            value = fold_lanes(value, thread, 32, used < 32 ? used : 32);
            if (thread == 0) *result_address(p, result, 0) = finished(value);
        }
        __syncthreads();
    }
#endif
}
