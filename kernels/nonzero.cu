// The indices of true elements in C order: true elements of tiles are counted (COUNT), the counts become positions
// (POSITIONS), and every tile writes from its position on.
//
// Words from AT: elements, tiles, scratch memory of one word per tile, rows of the output.

#define EACH 16
#define WARPS (THREADS / 32)
#define TILE (EACH * THREADS)
#define ALL_LANES 0xffffffffu

#if POSITIONS
// One block. Every thread adds up neighbouring counts.
extern "C" __global__ void __launch_bounds__(THREADS) kernel(const __grid_constant__ Words p) {
    __shared__ Word sums[THREADS];
    const Word tiles = p.w[AT + 1];
    Word* const counts = (Word*)p.w[AT + 2];
    const int thread = threadIdx.x;
    Word carry = 0;
    for (Word start = 0; start < tiles; start += TILE) {
        const Word begin = start + (Word)thread * EACH;
        Word found[EACH], sum = 0;
#pragma unroll
        for (int k = 0; k < EACH; k++) {
            found[k] = begin + k < tiles ? counts[begin + k] : 0;
            sum += found[k];
        }
        sums[thread] = sum;
        __syncthreads();
        for (int distance = 1; distance < THREADS; distance *= 2) {
            const Word before = thread >= distance ? sums[thread - distance] : 0;
            __syncthreads();
            sums[thread] += before;
            __syncthreads();
        }
        Word position = carry + sums[thread] - sum;
#pragma unroll
        for (int k = 0; k < EACH; k++) {
            if (begin + k < tiles) counts[begin + k] = position;
            position += found[k];
        }
        carry += sums[THREADS - 1];
        __syncthreads();
    }
}
#else
extern "C" __global__ void __launch_bounds__(THREADS) kernel(const __grid_constant__ Words p) {
    __shared__ unsigned int counts[EACH * WARPS];
    const Word size = p.w[AT], tiles = p.w[AT + 1];
    const int thread = threadIdx.x, lane = thread % 32, warp = thread / 32;
    for (Word tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
        const Word begin = tile * TILE + thread;
        bool found[EACH];
#pragma unroll
        for (int k = 0; k < EACH; k++) {
            found[k] = begin + k * THREADS < size && truth(p, (Index)(begin + k * THREADS));
        }
        unsigned int ranks[EACH];
#pragma unroll
        for (int k = 0; k < EACH; k++) {
            const unsigned int all = __ballot_sync(ALL_LANES, found[k]);
            ranks[k] = __popc(all & ((1u << lane) - 1));
            if (lane == 0) counts[k * WARPS + warp] = __popc(all);
        }
        __syncthreads();
        // Elements of a tile are in the order of k, then of threads.
        for (int distance = 1; distance < EACH * WARPS; distance *= 2) {
            unsigned int before = 0;
            if (thread < EACH * WARPS && thread >= distance) before = counts[thread - distance];
            __syncthreads();
            if (thread < EACH * WARPS) counts[thread] += before;
            __syncthreads();
        }
#if COUNT
        if (thread == 0) ((Word*)p.w[AT + 2])[tile] = counts[EACH * WARPS - 1];
#else
        const Word position = ((const Word*)p.w[AT + 2])[tile];
#pragma unroll
        for (int k = 0; k < EACH; k++) {
            const int place = k * WARPS + warp;
            const Word row = position + ranks[k] + (place > 0 ? counts[place - 1] : 0);
            if (found[k] && row < p.w[AT + 3]) write(p, row, (Index)(begin + k * THREADS));
        }
#endif
        __syncthreads();
    }
}
#endif
