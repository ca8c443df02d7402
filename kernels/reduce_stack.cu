// Columns of at most MOST elements, one per thread: neighbouring threads have neighbouring columns.
//
// Words from AT: first and last point, elements of a column.

#define THREADS 256

extern "C" __global__ void __launch_bounds__(THREADS) kernel(const __grid_constant__ Words p) {
    begin_report(p);
    const Word first = p.w[AT], last = p.w[AT + 1];
    const int n = (int)p.w[AT + 2];
    const Word step = (Word)gridDim.x * THREADS;
    for (Word point = first + (Word)blockIdx.x * THREADS + threadIdx.x; point < last; point += step) {
        const Row at = row_of(p, (Index)point);
        Value values[MOST];
#pragma unroll
        for (int start = 0; start < MOST; start += CHUNK) {
            Elements elements[CHUNK];
#pragma unroll
            for (int k = 0; k < CHUNK; k++) {
                if (start + k < MOST && start + k < n) elements[k] = load(p, at, start + k);
            }
#pragma unroll
            for (int k = 0; k < CHUNK; k++) {
                if (start + k < MOST && start + k < n) {
                    values[start + k] = evaluate(p, at, start + k, elements[k]);
                }
            }
        }
#pragma unroll
        for (int h = MOST / 2; h > 0; h /= 2) {
#pragma unroll
            for (int i = 0; i < MOST / 2; i++) {
                if (i < h && i + h < n) values[i] = combine(values[i], values[i + h]);
            }
        }
        *partial(p, point) = finished(values[0]);
    }
}
