// One leaf of a row per warp: lane l folds the elements l, l + 32, ... one after another, then the lanes are folded.
//
// Words from AT: first and last point, elements of a row, leaves of a row.

#define THREADS 256

extern "C" __global__ void __launch_bounds__(THREADS) kernel(const __grid_constant__ Words p) {
    begin_report(p);
    const unsigned int lane = threadIdx.x % LANES;
    const Word first = p.w[AT], last = p.w[AT + 1];
    const Index n = (Index)p.w[AT + 2], leaves = (Index)p.w[AT + 3];
    const Word step = (Word)gridDim.x * (THREADS / LANES);
    for (Word point = first + (Word)blockIdx.x * (THREADS / LANES) + threadIdx.x / LANES; point < last; point += step) {
        const Index row = (Index)point / leaves;
        const Index begin = ((Index)point - row * leaves) * LEAF;
        const unsigned int count = n - begin < LEAF ? (unsigned int)(n - begin) : LEAF;
        const Row at = row_of(p, row);
        Value value = Value();
        if (count == LEAF) {
#pragma unroll 1
            for (unsigned int start = 0; start < LEAF; start += CHUNK * LANES) {
                Elements elements[CHUNK];
#pragma unroll
                for (int k = 0; k < CHUNK; k++) elements[k] = load(p, at, begin + start + k * LANES + lane);
#pragma unroll
                for (int k = 0; k < CHUNK; k++) {
                    const Value next = evaluate(p, at, begin + start + k * LANES + lane, elements[k]);
                    value = k == 0 && start == 0 ? next : combine(value, next);
                }
            }
        } else {
#pragma unroll 1
            for (unsigned int start = 0; start < count; start += CHUNK * LANES) {
                Elements elements[CHUNK];
#pragma unroll
                for (int k = 0; k < CHUNK; k++) {
                    const unsigned int index = start + k * LANES + lane;
                    if (index < count) elements[k] = load(p, at, begin + index);
                }
#pragma unroll
                for (int k = 0; k < CHUNK; k++) {
                    const unsigned int index = start + k * LANES + lane;
                    if (index < count) {
                        const Value next = evaluate(p, at, begin + index, elements[k]);
                        value = k == 0 && start == 0 ? next : combine(value, next);
                    }
                }
            }
        }
        value = fold_lanes(value, lane, LANES, count < LANES ? count : LANES);
        if (lane == 0) *partial(p, point) = finished(value);
    }
}
