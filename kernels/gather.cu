// Elements fetched from where index arrays say: a thread finds the places of several elements, then fetches them.

extern "C" __global__ void __launch_bounds__(THREADS) kernel(const __grid_constant__ Words p) {
    const Index last = (Index)p.w[AT + 1];
    const Index stride = (Index)gridDim.x * THREADS;
    for (Index begin = (Index)p.w[AT] + blockIdx.x * THREADS + threadIdx.x; begin < last; begin += APART * stride) {
        Word indexed[APART], values[APART];
        Element elements[APART];
#pragma unroll
        for (int k = 0; k < APART; k++) {
            if (begin + k * stride < last) places(p, begin + k * stride, indexed[k], values[k]);
        }
#pragma unroll
        for (int k = 0; k < APART; k++) {
            if (begin + k * stride < last) elements[k] = *(const Element*)indexed[k];
        }
#pragma unroll
        for (int k = 0; k < APART; k++) {
            if (begin + k * stride < last) *(Element*)values[k] = elements[k];
        }
    }
}
