// Elements written to where index arrays say; of several writes to one element the last in C order stays.
//
// Every element that is written to has a winner: one more than the largest number of a value for it. STAGE says what
// the threads do: 0 finds the winners, 1 writes their values. Where HASHED, winners are in a table of SLOTS pairs, keyed by
// the element, else in one of all elements.
//
// Words from MORE: scratch memory, address of the first element of the table, slots less one. MORE is also behind all
// words of the places.

static __device__ __forceinline__ Word* winner_of(const Words& p, Word indexed) {
    Word* const table = (Word*)p.w[MORE];
    const Word element = (indexed - p.w[MORE + 1]) / sizeof(Element);
#if HASHED
    const Word key = element + 1, mask = p.w[MORE + 2];
    Word slot = (key * 0x9e3779b97f4a7c15ull >> 20) & mask;
    for (;;) {
#if STAGE == 0
        const Word found = atomicCAS(&table[2 * slot], 0ull, key);
        if (found == 0 || found == key) return &table[2 * slot + 1];
#else
        if (table[2 * slot] == key) return &table[2 * slot + 1];
#endif
        slot = (slot + 1) & mask;
    }
#else
    return &table[element];
#endif
}

extern "C" __global__ void __launch_bounds__(THREADS) kernel(const __grid_constant__ Words p) {
    const Index last = (Index)p.w[AT + 1];
    const Index stride = (Index)gridDim.x * THREADS;
    for (Index i = (Index)p.w[AT] + blockIdx.x * THREADS + threadIdx.x; i < last; i += stride) {
        Word indexed, values;
        places(p, i, indexed, values);
#if STAGE == 0
        atomicMax(winner_of(p, indexed), (Word)i + 1);
#else
        if (*winner_of(p, indexed) == (Word)i + 1) *(Element*)indexed = *(const Element*)values;
#endif
    }
}
