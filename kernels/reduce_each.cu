// One result per thread, from its first element to its last: for rows that no tree may fold.
//
// Words from AT: first and last point, elements per result.

#define THREADS 256

extern "C" __global__ void __launch_bounds__(THREADS) kernel(const __grid_constant__ Words p) {
    begin_report(p);
    const Word first = p.w[AT], last = p.w[AT + 1];
    const Index n = (Index)p.w[AT + 2];
    const Word step = (Word)gridDim.x * THREADS;
    for (Word point = first + (Word)blockIdx.x * THREADS + threadIdx.x; point < last; point += step) {
        const Row at = row_of(p, (Index)point);
        Value value = Value();
        for (Index index = 0; index < n; index++) {
            const Value next = evaluate(p, at, index, load(p, at, index));
            value = index == 0 ? next : combine(value, next);
        }
        *partial(p, point) = finished(value);
    }
}
