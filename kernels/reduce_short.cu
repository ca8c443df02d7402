// Rows of at most GROUP elements, a power of two up to 32: every element has a lane, and a warp holds several rows.
//
// Words from AT: first and last point, elements of a row.

#define THREADS 256
#define ROWS 4
#define TOGETHER (THREADS / GROUP)

extern "C" __global__ void __launch_bounds__(THREADS) kernel(const __grid_constant__ Words p) {
    begin_report(p);
    const unsigned int place = threadIdx.x % GROUP;
    const Word first = p.w[AT], last = p.w[AT + 1];
    const unsigned int n = (unsigned int)p.w[AT + 2];
    const Word step = (Word)gridDim.x * ROWS * TOGETHER;
    for (Word base = first + (Word)blockIdx.x * ROWS * TOGETHER; base < last; base += step) {
        const Word begin = base + threadIdx.x / GROUP;
        Row at[ROWS];
        Elements elements[ROWS];
#pragma unroll
        for (int k = 0; k < ROWS; k++) {
            const Word point = begin + k * TOGETHER;
            if (point < last && place < n) {
                at[k] = row_of(p, (Index)point);
                elements[k] = load(p, at[k], place);
            }
        }
#pragma unroll
        for (int k = 0; k < ROWS; k++) {
            const Word point = begin + k * TOGETHER;
            Value value = Value();
            if (point < last && place < n) value = evaluate(p, at[k], place, elements[k]);
            value = fold_lanes(value, place, GROUP, n);
            if (point < last && place == 0) *partial(p, point) = finished(value);
        }
    }
}
