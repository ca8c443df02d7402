// Products of matrices. An element is the sum, in order, of the sums of blocks of BLOCK products, each a chain of fused
// multiply-adds from zero: what the host computes, to the bit.
//
// EACH is 0 for a thread per element. Otherwise 256 threads have a tile of the result, 16 x EACH rows by 64 columns, and
// bring STRIP elements of the common axis to shared memory at a time. Where the result does not fill a tile, the last
// row or column is computed again.
//
// Words from AT: first and last row of all results, rows, columns and common extent of one, bytes between the rows and the
// columns of the factors and of the result (six words).

#define STRIP 16
#define SIDE 16
#define ACROSS 4

struct Matrices {
    Word a, b, result;
};
struct Steps {
    long long a_row, a_column, b_row, b_column, row, column;
};

#if KIND == 0
// Integers wrap.
typedef Unsigned Sum;
static __device__ __forceinline__ void add_product(Sum& sum, Value a, Value b) { sum += (Unsigned)a * (Unsigned)b; }
static __device__ __forceinline__ void add(Sum& sum, Sum other) { sum += other; }
#elif KIND == 1
typedef Value Sum;
static __device__ __forceinline__ void add_product(Sum& sum, Value a, Value b) { sum = fma(a, b, sum); }
static __device__ __forceinline__ void add(Sum& sum, Sum other) { sum = sum + other; }
#else
typedef Value Sum;
static __device__ __forceinline__ void add_product(Sum& sum, Value a, Value b) {
    sum.re = fma(a.re, b.re, sum.re);
    sum.im = fma(a.re, b.im, sum.im);
    sum.re = fma(-a.im, b.im, sum.re);
    sum.im = fma(a.im, b.re, sum.im);
}
static __device__ __forceinline__ void add(Sum& sum, Sum other) {
    sum.re = sum.re + other.re;
    sum.im = sum.im + other.im;
}
#endif

static __device__ __forceinline__ Value at(Word address) { return *(const Value*)address; }

#if WATCHED
// Events leave their mark on an element to its end, so that only those are computed again that are not finite: the
// devices do not say when something happened.
template <class R>
static __device__ __forceinline__ bool is_number(R a) {
    return a == a;
}
template <class R>
static __device__ __forceinline__ bool is_finite(R a) {
    return a - a == R(0);
}
template <class R>
static __device__ __forceinline__ void watch(R a, R b, R before, R after, unsigned& flags) {
    if (!is_number(after)) {
        if (is_number(a) && is_number(b) && is_number(before)) flags |= 8;
    } else if (!is_finite(after)) {
        if (is_finite(a) && is_finite(b) && is_finite(before)) flags |= 2;
    }
}
#if KIND == 1
static __device__ __forceinline__ bool suspicious(Sum sum) { return !is_finite(sum); }
static __device__ __forceinline__ void watch_product(Sum& sum, Value a, Value b, unsigned& flags) {
    const Sum before = sum;
    add_product(sum, a, b);
    watch(a, b, before, sum, flags);
}
static __device__ __forceinline__ void watch_sum(Sum& sum, Sum other, unsigned& flags) {
    const Sum before = sum;
    add(sum, other);
    watch(other, other, before, sum, flags);
}
#else
static __device__ __forceinline__ bool suspicious(Sum sum) { return !is_finite(sum.re) || !is_finite(sum.im); }
static __device__ __forceinline__ void watch_product(Sum& sum, Value a, Value b, unsigned& flags) {
    const Sum before = sum;
    const Sum half = {fma(a.re, b.re, before.re), fma(a.re, b.im, before.im)};
    add_product(sum, a, b);
    watch(a.re, b.re, before.re, half.re, flags);
    watch(a.re, b.im, before.im, half.im, flags);
    watch(a.im, b.im, half.re, sum.re, flags);
    watch(a.im, b.re, half.im, sum.im, flags);
}
static __device__ __forceinline__ void watch_sum(Sum& sum, Sum other, unsigned& flags) {
    const Sum before = sum;
    add(sum, other);
    watch(other.re, other.re, before.re, sum.re, flags);
    watch(other.im, other.im, before.im, sum.im, flags);
}
#endif
static __device__ __noinline__ unsigned events_of(Word a, Word b, const Steps& steps, Word extent) {
    unsigned flags = 0;
    Sum total = Sum();
    for (Word from = 0; from < extent; from += BLOCK) {
        Sum block = Sum();
        for (Word i = from; i < extent && i < from + BLOCK; i++) {
            watch_product(block, at(a + i * steps.a_column), at(b + i * steps.b_row), flags);
        }
        if (from == 0) total = block;
        else watch_sum(total, block, flags);
    }
    return flags;
}
#endif

// Stores an element, and looks at its events if it is not finite.
static __device__ __forceinline__ void put(const Words& p, Word a, Word b, Word to, Sum sum, const Steps& steps, Word extent) {
#if WATCHED
    if (suspicious(sum)) report(p.w[REPORT], p.w[REPORT + 1], 0, events_of(a, b, steps, extent));
#endif
    *(Value*)to = (Value)sum;
}

static __device__ __forceinline__ Steps steps_of(const Words& p) {
    return Steps{(long long)p.w[AT + 5], (long long)p.w[AT + 6], (long long)p.w[AT + 7],
                 (long long)p.w[AT + 8], (long long)p.w[AT + 9], (long long)p.w[AT + 10]};
}

#if EACH == 0
extern "C" __global__ void __launch_bounds__(256) kernel(const __grid_constant__ Words p) {
    const Word first = p.w[AT], last = p.w[AT + 1], rows = p.w[AT + 2], columns = p.w[AT + 3], extent = p.w[AT + 4];
    const Steps steps = steps_of(p);
    for (Word i = (Word)blockIdx.x * 256 + threadIdx.x; i < (last - first) * columns; i += (Word)gridDim.x * 256) {
        const Word point = first + i / columns, column = i % columns, row = point % rows;
        const Matrices m = matrices_of(p, point / rows);
        const Word a = m.a + row * steps.a_row, b = m.b + column * steps.b_column;
        Sum total = Sum();
        for (Word from = 0; from < extent; from += BLOCK) {
            Sum block = Sum();
            for (Word k = from; k < extent && k < from + BLOCK; k++) {
                add_product(block, at(a + k * steps.a_column), at(b + k * steps.b_row));
            }
            if (from == 0) total = block;
            else add(total, block);
        }
        put(p, a, b, m.result + row * steps.row + column * steps.column, total, steps, extent);
    }
}
#else
#define TILE_ROWS (SIDE * EACH)
#define TILE_COLUMNS (SIDE * ACROSS)

// Brings a strip of a factor to shared memory: LINES rows of it, along which `along` bytes lie between elements, `across`
// between rows. Neighbouring threads read neighbouring elements. Of lines beyond the last one there is, the last.
template <int LINES, int ROOM>
static __device__ __forceinline__ void bring(Value (&to)[STRIP][ROOM], Word from, long long across, long long along,
                                             Word lines, int depth) {
    const bool side_by_side = (along < 0 ? -along : along) <= (across < 0 ? -across : across);
#pragma unroll
    for (int i = threadIdx.x; i < LINES * STRIP; i += 256) {
        const int line = side_by_side ? i / STRIP : i % LINES, k = side_by_side ? i % STRIP : i / LINES;
        if (k < depth) to[k][line] = at(from + (line < lines ? line : lines - 1) * across + k * along);
    }
}

extern "C" __global__ void __launch_bounds__(256) kernel(const __grid_constant__ Words p) {
    // A column more than needed keeps threads that write down a column off each other's banks.
    __shared__ Value of_a[STRIP][TILE_ROWS + 1];
    __shared__ Value of_b[STRIP][TILE_COLUMNS + 1];
    const Word first = p.w[AT], last = p.w[AT + 1], rows = p.w[AT + 2], columns = p.w[AT + 3], extent = p.w[AT + 4];
    const Steps steps = steps_of(p);
    const Word down = (rows + TILE_ROWS - 1) / TILE_ROWS, across = (columns + TILE_COLUMNS - 1) / TILE_COLUMNS;
    const Word start = first / rows, tiles = ((last - 1) / rows - start + 1) * down * across;
    const int y = threadIdx.x / SIDE, x = threadIdx.x % SIDE;
    for (Word tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
        const Word matrix = start + tile / (down * across), row = tile / across % down * TILE_ROWS;
        const Word column = tile % across * TILE_COLUMNS;
        // Whole tiles lie outside of the rows where only some of a matrix are asked for.
        if (matrix * rows + row >= last || matrix * rows + (row + TILE_ROWS < rows ? row + TILE_ROWS : rows) <= first) continue;
        const Matrices m = matrices_of(p, matrix);
        const Word a = m.a + row * steps.a_row, b = m.b + column * steps.b_column;
        Sum total[EACH][ACROSS], block[EACH][ACROSS];
#pragma unroll
        for (int r = 0; r < EACH; r++) {
#pragma unroll
            for (int c = 0; c < ACROSS; c++) total[r][c] = block[r][c] = Sum();
        }
        for (Word from = 0; from < extent; from += STRIP) {
            const int depth = extent - from < STRIP ? (int)(extent - from) : STRIP;
            bring<TILE_ROWS, TILE_ROWS + 1>(of_a, a + from * steps.a_column, steps.a_row, steps.a_column, rows - row, depth);
            bring<TILE_COLUMNS, TILE_COLUMNS + 1>(of_b, b + from * steps.b_row, steps.b_column, steps.b_row, columns - column, depth);
            __syncthreads();
#pragma unroll 4
            for (int k = 0; k < depth; k++) {
                Value left[EACH], right[ACROSS];
#pragma unroll
                for (int r = 0; r < EACH; r++) left[r] = of_a[k][y + r * SIDE];
#pragma unroll
                for (int c = 0; c < ACROSS; c++) right[c] = of_b[k][x + c * SIDE];
#pragma unroll
                for (int r = 0; r < EACH; r++) {
#pragma unroll
                    for (int c = 0; c < ACROSS; c++) add_product(block[r][c], left[r], right[c]);
                }
            }
            __syncthreads();
            if ((from + STRIP) % BLOCK == 0 || from + STRIP >= extent) {
#pragma unroll
                for (int r = 0; r < EACH; r++) {
#pragma unroll
                    for (int c = 0; c < ACROSS; c++) {
                        if (from < BLOCK) total[r][c] = block[r][c];
                        else add(total[r][c], block[r][c]);
                        block[r][c] = Sum();
                    }
                }
            }
        }
#pragma unroll
        for (int r = 0; r < EACH; r++) {
            const Word at_row = row + y + r * SIDE, point = matrix * rows + at_row;
            if (at_row >= rows || point < first || point >= last) continue;
#pragma unroll
            for (int c = 0; c < ACROSS; c++) {
                const Word at_column = column + x + c * SIDE;
                if (at_column >= columns) continue;
                put(p, m.a + at_row * steps.a_row, m.b + at_column * steps.b_column,
                    m.result + at_row * steps.row + at_column * steps.column, total[r][c], steps, extent);
            }
        }
    }
}
#endif
