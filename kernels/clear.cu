// Zeroes. Words: address and count of words.

extern "C" __global__ void __launch_bounds__(THREADS) kernel(const __grid_constant__ Words p) {
    for (Word i = (Word)blockIdx.x * THREADS + threadIdx.x; i < p.w[1]; i += (Word)gridDim.x * THREADS) {
        ((Word*)p.w[0])[i] = 0;
    }
}
