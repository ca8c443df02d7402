// Random numbers. Words: address, first and last element, then for Philox the counter (four words), the key (two) and how
// many words of the counter's block are used up; for generators that step the number of 128 bits that the first word is made
// of, the jump over as many words as there are threads (multiplier and increment, two words each), and BITS jumps over 1, 2,
// 4, ... words.

static __device__ __forceinline__ Value number_of(Word word, int half) {
#if EACH == 1
    return (double)(word >> 11) * (1.0 / 9007199254740992.0);
#else
    return (float)((unsigned)(word >> 32 * half) >> 8) * (1.0f / 16777216.0f);
#endif
}

// Stores as many numbers of a word as are wanted; `i` is the place of its first number, which may lie before all.
static __device__ __forceinline__ void keep(const Words& p, long long i, Word word) {
    for (int half = 0; half < EACH; half++) {
        const long long at = i + half;
        if (at >= (long long)p.w[1] && at < (long long)p.w[2]) *target(p, (Word)at) = closed(number_of(word, half));
    }
}

#if GENERATOR == 0

extern "C" __global__ void __launch_bounds__(THREADS) kernel(const __grid_constant__ Words p) {
    const Word used = p.w[9];
    const Word begin = (p.w[1] / EACH + used) / 4, end = ((p.w[2] + EACH - 1) / EACH + used + 3) / 4;
    for (Word block = begin + (Word)blockIdx.x * THREADS + threadIdx.x; block < end;
         block += (Word)gridDim.x * THREADS) {
        Word c[4], carry = block;
        for (int at = 0; at < 4; at++) {
            c[at] = p.w[3 + at] + carry;
            carry = c[at] < carry;
        }
        Word k0 = p.w[7], k1 = p.w[8];
        for (int round = 0; round < 10; round++) {
            const Word m0 = 0xD2E7470EE14C6C93ull, m1 = 0xCA5A826395121157ull;
            const Word high0 = __umul64hi(m0, c[0]), low0 = m0 * c[0];
            const Word high1 = __umul64hi(m1, c[2]), low1 = m1 * c[2];
            c[0] = high1 ^ c[1] ^ k0;
            c[1] = low1;
            c[2] = high0 ^ c[3] ^ k1;
            c[3] = low0;
            k0 += 0x9E3779B97F4A7C15ull;
            k1 += 0xBB67AE8584CAA73Bull;
        }
        const long long i = ((long long)(block * 4) - (long long)used) * EACH;
        for (int at = 0; at < 4; at++) keep(p, i + at * EACH, c[at]);
    }
}

#else

// A number of 128 bits after the jump whose words begin at p.w[at].
static __device__ __forceinline__ void jump(const Words& p, int at, Word& low, Word& high) {
    const Word multiplier = p.w[at], product = low * multiplier;
    high = __umul64hi(low, multiplier) + low * p.w[at + 1] + high * multiplier + p.w[at + 3];
    low = product + p.w[at + 2];
    high += low < product;
}

static __device__ __forceinline__ Word scrambled(Word low, Word high) {
#if GENERATOR == 1
    const Word word = low ^ high;
    const int turn = (int)(high >> 58);
    return word >> turn | word << (-turn & 63);
#else
    high ^= high >> 32;
    high *= 0xDA942042E4DD58B5ull;
    high ^= high >> 48;
    return high * (low | 1);
#endif
}

extern "C" __global__ void __launch_bounds__(THREADS) kernel(const __grid_constant__ Words p) {
    const Word thread = (Word)blockIdx.x * THREADS + threadIdx.x;
    const Word begin = p.w[1] / EACH, end = (p.w[2] + EACH - 1) / EACH;
    Word low = p.w[3], high = p.w[4];
    for (int bit = 0; bit < BITS && thread >> bit; bit++) {
        if (thread >> bit & 1) jump(p, 9 + 4 * bit, low, high);
    }
    for (Word word = begin + thread; word < end; word += (Word)gridDim.x * THREADS) {
        keep(p, (long long)(word * EACH), scrambled(low, high));
        jump(p, 5, low, high);
    }
}

#endif
