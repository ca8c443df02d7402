// One leaf of ACROSS columns per block: a thread folds the lanes y, y + DOWN, ... of its column, then the threads of a
// column are folded.
//
// Words from AT: first and last point, elements of a column, leaves of a column, columns.

#define THREADS (ACROSS * DOWN)
// Lanes of a thread.
#define OWN (LANES / DOWN)

extern "C" __global__ void __launch_bounds__(THREADS) kernel(const __grid_constant__ Words p) {
    begin_report(p);
    __shared__ Value shared[DOWN][ACROSS];
    const int x = threadIdx.x % ACROSS, y = threadIdx.x / ACROSS;
    const Word first = p.w[AT], last = p.w[AT + 1];
    const Index n = (Index)p.w[AT + 2], kept = (Index)p.w[AT + 4];
    const Index across = (kept + ACROSS - 1) / ACROSS;
    const Index leaf_before = (Index)(first / kept);
    const Index tiles = ((Index)((last - 1) / kept) - leaf_before + 1) * across;
    for (Index tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
        const Index leaf = leaf_before + tile / across, column = tile % across * ACROSS + x;
        const Word point = (Word)leaf * kept + column;
        const bool active = column < kept && point >= first && point < last;
        const Index begin = leaf * LEAF;
        const unsigned int count = n - begin < LEAF ? (unsigned int)(n - begin) : LEAF;
        const int used = count < LANES ? count : LANES;
        Value values[OWN] = {};
        if (active) {
            const Row at = row_of(p, column);
#pragma unroll 1
            for (unsigned int start = 0; start < count; start += CHUNK * DOWN) {
                Elements elements[CHUNK];
#pragma unroll
                for (int k = 0; k < CHUNK; k++) {
                    const unsigned int index = start + k * DOWN + y;
                    if (index < count) elements[k] = load(p, at, begin + index);
                }
#pragma unroll
                for (int k = 0; k < CHUNK; k++) {
                    const unsigned int index = start + k * DOWN + y;
                    if (index < count) {
                        const Value next = evaluate(p, at, begin + index, elements[k]);
                        values[k % OWN] = k < OWN && start == 0 ? next : combine(values[k % OWN], next);
                    }
                }
            }
        }
#pragma unroll
        for (int h = LANES / 2; h >= DOWN; h /= 2) {
#pragma unroll
            for (int k = 0; k < h / DOWN; k++) {
                if (active && y + k * DOWN + h < used) values[k] = combine(values[k], values[k + h / DOWN]);
            }
        }
        shared[y][x] = values[0];
        __syncthreads();
#pragma unroll
        for (int h = DOWN / 2; h > 0; h /= 2) {
            if (active && y < h && y + h < used) shared[y][x] = combine(shared[y][x], shared[y + h][x]);
            __syncthreads();
        }
        if (active && y == 0) *partial(p, point) = finished(shared[0][x]);
        __syncthreads();
    }
}
