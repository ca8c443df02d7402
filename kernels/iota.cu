// Evenly spaced numbers. Words: address, first and last element, start and step (two words each).

template <class T>
static __device__ __forceinline__ T at_step(T start, T step, Word i) {
    typedef typename mn_type<T>::wide wide;
    return (T)((wide)start + (wide)step * (wide)i);
}
static __device__ __forceinline__ bool at_step(bool start, bool step, Word i) { return start || (step && i != 0); }
static __device__ __forceinline__ double at_step(double start, double step, Word i) { return start + (double)i * step; }
static __device__ __forceinline__ float at_step(float start, float step, Word i) {
#if HALF
    return mn_round_half(start + (float)i * step);
#else
    return start + (float)i * step;
#endif
}
template <class R>
static __device__ __forceinline__ mn_complex<R> at_step(mn_complex<R> start, mn_complex<R> step, Word i) {
    return mn_complex<R>{start.re + step.re * (R)i, start.im + step.im * (R)i};
}

extern "C" __global__ void __launch_bounds__(THREADS) kernel(const __grid_constant__ Words p) {
    const Value start = opened(*(const Stored*)&p.w[3]), step = opened(*(const Stored*)&p.w[5]);
    const Word last = p.w[2];
    for (Word i = p.w[1] + (Word)blockIdx.x * THREADS + threadIdx.x; i < last; i += (Word)gridDim.x * THREADS) {
        *target(p, i) = closed(at_step(start, step, i));
    }
}
