// CUDA C++ as far as kernels use it, in plain C++ for x86-64: precompiled, and included before every kernel's text, after launch.h.
//
// A kernel becomes a shared library. Its statics hold the coordinates of the thread that runs, and its `__shared__`
// variables, which are all that its .bss section holds; so one launch of a kernel runs at a time. What threads do
// together is left to run.cpp, which switches between them there and nowhere else.
#pragma once

typedef unsigned int uint;

extern "C" {
unsigned long long emulated_warp(int kind, unsigned mask, unsigned long long value, unsigned source, int line);
unsigned long long emulated_block(int kind, unsigned value, int line);
void emulated_yield();
[[noreturn]] void emulated_fail(const char* why, int line);
extern char __bss_start[] __attribute__((visibility("hidden")));
extern char __ehdr_start[] __attribute__((visibility("hidden")));
extern char _end[] __attribute__((visibility("hidden")));
int printf(const char*, ...);
}

// Not zero, so that they lie outside .bss.
static uint3 threadIdx = {1, 1, 1}, blockIdx = {1, 1, 1};
static dim3 blockDim = {1, 1, 1}, gridDim = {1, 1, 1};
static const int warpSize = 32;

#define EMULATED_ENTRY \
    extern "C" __attribute__((no_sanitize("kernel-address"))) void emulated_body(const void* words) { \
        kernel(*(const Words*)words); \
    } \
    extern "C" EmulatedKernel emulated_kernel; \
    EmulatedKernel emulated_kernel = {emulated_body, &threadIdx,  &blockIdx,    &blockDim, \
                                      &gridDim,      __bss_start, __ehdr_start, _end,      sizeof(Words)};

// Words of the language.

#define __CUDA_ARCH__ 900
#define __global__
#define __device__
#define __host__
#define __constant__ static const
#define __shared__ static
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline))
#define __restrict__ __restrict
#define __grid_constant__
#define __launch_bounds__(...)
#define __grid_constant__
#define __align__(n) __attribute__((aligned(n)))
#define assert(condition) ((condition) ? (void)0 : emulated_fail("assertion failed: " #condition, __LINE__))
#define EMULATED static inline
#define EMULATED_LINE int line = __builtin_LINE()

#define EMULATED_VECTORS(name, T) \
    struct alignas(2 * sizeof(T)) name##2 { T x, y; }; \
    struct name##3 { T x, y, z; }; \
    struct alignas(4 * sizeof(T) < 16 ? 4 * sizeof(T) : 16) name##4 { T x, y, z, w; }; \
    EMULATED name##2 make_##name##2(T x, T y) { return {x, y}; } \
    EMULATED name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; }
EMULATED_VECTORS(char, signed char)
EMULATED_VECTORS(uchar, unsigned char)
EMULATED_VECTORS(short, short)
EMULATED_VECTORS(ushort, unsigned short)
EMULATED_VECTORS(int, int)
EMULATED_VECTORS(longlong, long long)
EMULATED_VECTORS(ulonglong, unsigned long long)
EMULATED_VECTORS(float, float)
EMULATED_VECTORS(double, double)
struct alignas(8) uint2 {
    unsigned int x, y;
};
struct alignas(16) uint4 {
    unsigned int x, y, z, w;
};
EMULATED uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
EMULATED uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

// Bits.

template <class To, class From>
EMULATED To emulated_bits(From from) {
    static_assert(sizeof(To) == sizeof(From));
    To to;
    __builtin_memcpy(&to, &from, sizeof to);
    return to;
}
EMULATED int __float_as_int(float a) { return emulated_bits<int>(a); }
EMULATED unsigned __float_as_uint(float a) { return emulated_bits<unsigned>(a); }
EMULATED float __int_as_float(int a) { return emulated_bits<float>(a); }
EMULATED float __uint_as_float(unsigned a) { return emulated_bits<float>(a); }
EMULATED long long __double_as_longlong(double a) { return emulated_bits<long long>(a); }
EMULATED double __longlong_as_double(long long a) { return emulated_bits<double>(a); }
EMULATED int __double2hiint(double a) { return (int)(emulated_bits<unsigned long long>(a) >> 32); }
EMULATED int __double2loint(double a) { return (int)emulated_bits<unsigned long long>(a); }
EMULATED double __hiloint2double(int high, int low) {
    return emulated_bits<double>((unsigned long long)(unsigned)high << 32 | (unsigned)low);
}
EMULATED int __popc(unsigned a) { return __builtin_popcount(a); }
EMULATED int __popcll(unsigned long long a) { return __builtin_popcountll(a); }
EMULATED int __ffs(int a) { return __builtin_ffs(a); }
EMULATED int __ffsll(long long a) { return __builtin_ffsll(a); }
EMULATED int __clz(int a) { return a == 0 ? 32 : __builtin_clz((unsigned)a); }
EMULATED int __clzll(long long a) { return a == 0 ? 64 : __builtin_clzll((unsigned long long)a); }
EMULATED unsigned __brev(unsigned a) {
    unsigned reversed = 0;
    for (int bit = 0; bit < 32; bit++) reversed |= (a >> bit & 1u) << (31 - bit);
    return reversed;
}
EMULATED unsigned long long __brevll(unsigned long long a) {
    return (unsigned long long)__brev((unsigned)a) << 32 | __brev((unsigned)(a >> 32));
}
EMULATED unsigned __byte_perm(unsigned low, unsigned high, unsigned selector) {
    unsigned long long both = (unsigned long long)high << 32 | low;
    unsigned result = 0;
    for (int byte = 0; byte < 4; byte++) {
        unsigned choice = selector >> (4 * byte) & 0xf, chosen = both >> (8 * (choice & 7)) & 0xff;
        if (choice & 8) chosen = chosen & 0x80 ? 0xff : 0;
        result |= chosen << (8 * byte);
    }
    return result;
}
EMULATED unsigned __funnelshift_l(unsigned low, unsigned high, unsigned shift) {
    return (((unsigned long long)high << 32 | low) << (shift & 31)) >> 32;
}
EMULATED unsigned __funnelshift_r(unsigned low, unsigned high, unsigned shift) {
    return ((unsigned long long)high << 32 | low) >> (shift & 31);
}
EMULATED int __mulhi(int a, int b) { return (long long)a * b >> 32; }
EMULATED unsigned __umulhi(unsigned a, unsigned b) { return (unsigned long long)a * b >> 32; }
EMULATED long long __mul64hi(long long a, long long b) { return (__int128)a * b >> 64; }
EMULATED unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return (unsigned __int128)a * b >> 64;
}

// Mathematics.

#define EMULATED_MATHEMATICS(name) \
    extern "C" double name(double) noexcept; \
    extern "C" float name##f(float) noexcept; \
    EMULATED float name(float a) { return name##f(a); }
#define EMULATED_MATHEMATICS_OF_TWO(name) \
    extern "C" double name(double, double) noexcept; \
    extern "C" float name##f(float, float) noexcept; \
    EMULATED float name(float a, float b) { return name##f(a, b); }
EMULATED_MATHEMATICS(acos)
EMULATED_MATHEMATICS(acosh)
EMULATED_MATHEMATICS(asin)
EMULATED_MATHEMATICS(asinh)
EMULATED_MATHEMATICS(atan)
EMULATED_MATHEMATICS(atanh)
EMULATED_MATHEMATICS(cbrt)
EMULATED_MATHEMATICS(ceil)
EMULATED_MATHEMATICS(cos)
EMULATED_MATHEMATICS(cosh)
EMULATED_MATHEMATICS(erf)
EMULATED_MATHEMATICS(erfc)
EMULATED_MATHEMATICS(exp)
EMULATED_MATHEMATICS(exp2)
EMULATED_MATHEMATICS(expm1)
EMULATED_MATHEMATICS(fabs)
EMULATED_MATHEMATICS(floor)
EMULATED_MATHEMATICS(lgamma)
EMULATED_MATHEMATICS(log)
EMULATED_MATHEMATICS(log10)
EMULATED_MATHEMATICS(log1p)
EMULATED_MATHEMATICS(log2)
EMULATED_MATHEMATICS(logb)
EMULATED_MATHEMATICS(nearbyint)
EMULATED_MATHEMATICS(rint)
EMULATED_MATHEMATICS(round)
EMULATED_MATHEMATICS(sin)
EMULATED_MATHEMATICS(sinh)
EMULATED_MATHEMATICS(sqrt)
EMULATED_MATHEMATICS(tan)
EMULATED_MATHEMATICS(tanh)
EMULATED_MATHEMATICS(tgamma)
EMULATED_MATHEMATICS(trunc)
EMULATED_MATHEMATICS_OF_TWO(atan2)
EMULATED_MATHEMATICS_OF_TWO(copysign)
EMULATED_MATHEMATICS_OF_TWO(fdim)
EMULATED_MATHEMATICS_OF_TWO(fmax)
EMULATED_MATHEMATICS_OF_TWO(fmin)
EMULATED_MATHEMATICS_OF_TWO(fmod)
EMULATED_MATHEMATICS_OF_TWO(hypot)
EMULATED_MATHEMATICS_OF_TWO(nextafter)
EMULATED_MATHEMATICS_OF_TWO(pow)
EMULATED_MATHEMATICS_OF_TWO(remainder)
extern "C" double fma(double, double, double) noexcept;
extern "C" float fmaf(float, float, float) noexcept;
extern "C" double ldexp(double, int) noexcept;
extern "C" float ldexpf(float, int) noexcept;
extern "C" double frexp(double, int*) noexcept;
extern "C" float frexpf(float, int*) noexcept;
extern "C" double modf(double, double*) noexcept;
extern "C" float modff(float, float*) noexcept;
extern "C" int ilogb(double) noexcept;
extern "C" int ilogbf(float) noexcept;
extern "C" void sincos(double, double*, double*) noexcept;
extern "C" void sincosf(float, float*, float*) noexcept;
extern "C" long long llrint(double) noexcept;
extern "C" long long llrintf(float) noexcept;
EMULATED float fma(float a, float b, float c) { return fmaf(a, b, c); }
EMULATED float ldexp(float a, int exponent) { return ldexpf(a, exponent); }
EMULATED float rsqrtf(float a) { return 1.0f / sqrtf(a); }
EMULATED double rsqrt(double a) { return 1.0 / sqrt(a); }
EMULATED double sinpi(double a) { return sin(a * 3.14159265358979323846); }
EMULATED double cospi(double a) { return cos(a * 3.14159265358979323846); }
EMULATED int abs(int a) { return a < 0 ? (int)(0u - (unsigned)a) : a; }
EMULATED long long llabs(long long a) { return a < 0 ? (long long)(0ull - (unsigned long long)a) : a; }
EMULATED bool isnan(float a) { return a != a; }
EMULATED bool isnan(double a) { return a != a; }
EMULATED bool isinf(float a) { return __builtin_isinf(a) != 0; }
EMULATED bool isinf(double a) { return __builtin_isinf(a) != 0; }
EMULATED bool isfinite(float a) { return __builtin_isfinite(a); }
EMULATED bool isfinite(double a) { return __builtin_isfinite(a); }
EMULATED bool signbit(float a) { return __builtin_signbit(a) != 0; }
EMULATED bool signbit(double a) { return __builtin_signbit(a) != 0; }
EMULATED double __dadd_rn(double a, double b) { return a + b; }
EMULATED double __dsub_rn(double a, double b) { return a - b; }
EMULATED double __dmul_rn(double a, double b) { return a * b; }
EMULATED double __ddiv_rn(double a, double b) { return a / b; }
EMULATED double __dsqrt_rn(double a) { return sqrt(a); }
EMULATED double __fma_rn(double a, double b, double c) { return fma(a, b, c); }
EMULATED float __fadd_rn(float a, float b) { return a + b; }
EMULATED float __fsub_rn(float a, float b) { return a - b; }
EMULATED float __fmul_rn(float a, float b) { return a * b; }
EMULATED float __fdiv_rn(float a, float b) { return a / b; }
EMULATED float __fsqrt_rn(float a) { return sqrtf(a); }
EMULATED float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }

#define EMULATED_MIN_MAX(T) \
    EMULATED T min(T a, T b) { return b < a ? b : a; } \
    EMULATED T max(T a, T b) { return a < b ? b : a; }
EMULATED_MIN_MAX(int)
EMULATED_MIN_MAX(unsigned)
EMULATED_MIN_MAX(long)
EMULATED_MIN_MAX(unsigned long)
EMULATED_MIN_MAX(long long)
EMULATED_MIN_MAX(unsigned long long)
EMULATED float min(float a, float b) { return fminf(a, b); }
EMULATED float max(float a, float b) { return fmaxf(a, b); }
EMULATED double min(double a, double b) { return fmin(a, b); }
EMULATED double max(double a, double b) { return fmax(a, b); }

// Memory. Threads switch only where they wait, so a read and a write in one function are one step.

template <class T>
struct EmulatedSame {
    typedef T type;
};
#define EMULATED_ATOMIC(name, T, next) \
    EMULATED T name(T* at, T value) { \
        T old = *at; \
        *at = next; \
        return old; \
    }
#define EMULATED_ATOMICS_OF_INTEGERS(T) \
    EMULATED_ATOMIC(atomicAdd, T, old + value) \
    EMULATED_ATOMIC(atomicMin, T, value < old ? value : old) \
    EMULATED_ATOMIC(atomicMax, T, old < value ? value : old) \
    EMULATED_ATOMIC(atomicAnd, T, old & value) \
    EMULATED_ATOMIC(atomicOr, T, old | value) \
    EMULATED_ATOMIC(atomicXor, T, old ^ value) \
    EMULATED_ATOMIC(atomicExch, T, value) \
    EMULATED_COMPARE(T)
#define EMULATED_COMPARE(T) \
    EMULATED T atomicCAS(T* at, T expected, T value) { \
        T old = *at; \
        if (old == expected) *at = value; \
        return old; \
    }
EMULATED_ATOMICS_OF_INTEGERS(unsigned)
EMULATED_ATOMICS_OF_INTEGERS(unsigned long long)
EMULATED_ATOMIC(atomicAdd, int, (int)((unsigned)old + (unsigned)value))
EMULATED_ATOMIC(atomicMin, int, value < old ? value : old)
EMULATED_ATOMIC(atomicMax, int, old < value ? value : old)
EMULATED_ATOMIC(atomicAnd, int, old & value)
EMULATED_ATOMIC(atomicOr, int, old | value)
EMULATED_ATOMIC(atomicXor, int, old ^ value)
EMULATED_ATOMIC(atomicExch, int, value)
EMULATED_COMPARE(int)
EMULATED_COMPARE(unsigned short)
EMULATED_ATOMIC(atomicMin, long long, value < old ? value : old)
EMULATED_ATOMIC(atomicMax, long long, old < value ? value : old)
EMULATED_ATOMIC(atomicAdd, float, old + value)
EMULATED_ATOMIC(atomicAdd, double, old + value)
EMULATED_ATOMIC(atomicExch, float, value)
EMULATED_ATOMIC(atomicSub, int, (int)((unsigned)old - (unsigned)value))
EMULATED_ATOMIC(atomicSub, unsigned, old - value)
EMULATED_ATOMIC(atomicInc, unsigned, old >= value ? 0 : old + 1)
EMULATED_ATOMIC(atomicDec, unsigned, old == 0 || old > value ? value : old - 1)

template <class T>
EMULATED T __ldg(const T* at) { return *at; }
template <class T>
EMULATED T __ldcg(const T* at) { return *at; }
template <class T>
EMULATED T __ldcs(const T* at) { return *at; }
template <class T>
EMULATED T __ldca(const T* at) { return *at; }
template <class T>
EMULATED T __ldcv(const T* at) { return *at; }
template <class T>
EMULATED void __stcg(T* at, typename EmulatedSame<T>::type value) { *at = value; }
template <class T>
EMULATED void __stcs(T* at, typename EmulatedSame<T>::type value) { *at = value; }
template <class T>
EMULATED void __stwb(T* at, typename EmulatedSame<T>::type value) { *at = value; }
template <class T>
EMULATED void __stwt(T* at, typename EmulatedSame<T>::type value) { *at = value; }
EMULATED void __threadfence() { asm volatile("" ::: "memory"); }
EMULATED void __threadfence_block() { asm volatile("" ::: "memory"); }
EMULATED void __threadfence_system() { asm volatile("" ::: "memory"); }
EMULATED void __nanosleep(unsigned) { emulated_yield(); }
EMULATED void __trap(EMULATED_LINE) { emulated_fail("the kernel gave up (__trap)", line); }

// What the threads of a block or a warp do together.

EMULATED void __syncthreads(EMULATED_LINE) { emulated_block(EMULATED_SYNC, 0, line); }
EMULATED int __syncthreads_count(int value, EMULATED_LINE) {
    return (int)emulated_block(EMULATED_COUNT, value != 0, line);
}
EMULATED int __syncthreads_and(int value, EMULATED_LINE) {
    return (int)emulated_block(EMULATED_AND, value != 0, line);
}
EMULATED int __syncthreads_or(int value, EMULATED_LINE) {
    return (int)emulated_block(EMULATED_OR, value != 0, line);
}
EMULATED void __syncwarp(unsigned mask = 0xffffffffu, EMULATED_LINE) {
    emulated_warp(EMULATED_SYNC, mask, 0, 0, line);
}
// That any other lane is at the same place is never certain.
EMULATED unsigned __activemask() { return 1u << (threadIdx.x & 31); }
EMULATED unsigned __ballot_sync(unsigned mask, int value, EMULATED_LINE) {
    return (unsigned)emulated_warp(EMULATED_BALLOT, mask, value != 0, 0, line);
}
EMULATED int __any_sync(unsigned mask, int value, EMULATED_LINE) { return __ballot_sync(mask, value, line) != 0; }
EMULATED int __all_sync(unsigned mask, int value, EMULATED_LINE) { return __ballot_sync(mask, !value, line) == 0; }

template <class T>
EMULATED T emulated_shuffle(unsigned mask, T value, int source, int line) {
    static_assert(sizeof(T) == 4 || sizeof(T) == 8, "shuffles move four or eight bytes");
    unsigned long long bits = 0;
    __builtin_memcpy(&bits, &value, sizeof value);
    bits = emulated_warp(EMULATED_SHUFFLE, mask, bits, (unsigned)source, line);
    __builtin_memcpy(&value, &bits, sizeof value);
    return value;
}
template <class T>
EMULATED T __shfl_sync(unsigned mask, T value, int source, int width = 32, EMULATED_LINE) {
    int lane = threadIdx.x & 31;
    return emulated_shuffle(mask, value, (lane & ~(width - 1)) | (source & (width - 1)), line);
}
template <class T>
EMULATED T __shfl_up_sync(unsigned mask, T value, unsigned distance, int width = 32, EMULATED_LINE) {
    int lane = threadIdx.x & 31, source = lane - (int)distance;
    return emulated_shuffle(mask, value, source < (lane & ~(width - 1)) ? lane : source, line);
}
template <class T>
EMULATED T __shfl_down_sync(unsigned mask, T value, unsigned distance, int width = 32, EMULATED_LINE) {
    int lane = threadIdx.x & 31, source = lane + (int)distance;
    return emulated_shuffle(mask, value, source > (lane | (width - 1)) ? lane : source, line);
}
template <class T>
EMULATED T __shfl_xor_sync(unsigned mask, T value, int distance, int width = 32, EMULATED_LINE) {
    int lane = threadIdx.x & 31, source = lane ^ distance;
    return emulated_shuffle(mask, value, source > (lane | (width - 1)) ? lane : source, line);
}
template <class T>
EMULATED unsigned __match_any_sync(unsigned mask, T value, EMULATED_LINE) {
    unsigned long long bits = 0;
    __builtin_memcpy(&bits, &value, sizeof value);
    return (unsigned)emulated_warp(EMULATED_MATCH, mask, bits, 0, line);
}
#define EMULATED_REDUCTION(name, T, kind) \
    EMULATED T name(unsigned mask, T value, EMULATED_LINE) { \
        return (T)emulated_warp(kind, mask, (unsigned)value, 0, line); \
    }
EMULATED_REDUCTION(__reduce_add_sync, unsigned, EMULATED_ADD)
EMULATED_REDUCTION(__reduce_add_sync, int, EMULATED_ADD)
EMULATED_REDUCTION(__reduce_min_sync, unsigned, EMULATED_MIN)
EMULATED_REDUCTION(__reduce_min_sync, int, EMULATED_SIGNED_MIN)
EMULATED_REDUCTION(__reduce_max_sync, unsigned, EMULATED_MAX)
EMULATED_REDUCTION(__reduce_max_sync, int, EMULATED_SIGNED_MAX)
EMULATED_REDUCTION(__reduce_and_sync, unsigned, EMULATED_AND)
EMULATED_REDUCTION(__reduce_or_sync, unsigned, EMULATED_OR)
EMULATED_REDUCTION(__reduce_xor_sync, unsigned, EMULATED_XOR)
