// Elements combined with those where index arrays say, by integer rows whose order of application does not matter.
//
// Bits is the unsigned integer of the elements' size.

extern "C" __global__ void __launch_bounds__(THREADS) kernel(const __grid_constant__ Words p) {
    const Index last = (Index)p.w[AT + 1];
    const Index stride = (Index)gridDim.x * THREADS;
    for (Index i = (Index)p.w[AT] + blockIdx.x * THREADS + threadIdx.x; i < last; i += stride) {
        Word indexed, values;
        places(p, i, indexed, values);
        const Value value = *(const Value*)values;
#if ADDS
        atomicAdd((Bits*)indexed, (Bits)value);
#else
        Bits seen = *(volatile const Bits*)indexed;
        for (;;) {
            const Bits next = (Bits)combine((Value)seen, value);
            if (next == seen) break;
            const Bits found = atomicCAS((Bits*)indexed, seen, next);
            if (found == seen) break;
            seen = found;
        }
#endif
    }
}
