// What every kernel finds before its own text: packs of elements for wide accesses, and the report of floating point
// flags. The type Words is defined before this.

typedef unsigned long long Word;

// Neighbouring elements that are read and written at once.
template <class T, int N>
struct alignas(sizeof(T) * N <= 16 ? sizeof(T) * N : 16) Pack {
    T at[N];
};

// Adds the flags that a thread raised to a step's word, which only this launch uses. The host sees a byte for every
// flag of a step; it is written over the bus only when the word changes.
static __device__ __forceinline__ void report(Word device, Word host, int step, unsigned flags) {
    if (flags == 0) return;
    unsigned* seen = (unsigned*)device + step;
    if ((*(volatile unsigned*)seen & flags) == flags) return;
    unsigned fresh = flags & ~atomicOr(seen, flags);
    for (int bit = 0; bit < 4; bit++) {
        if (fresh >> bit & 1) ((volatile unsigned char*)host)[4 * step + bit] = 1;
    }
}
