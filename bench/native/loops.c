/* What a careful person would write by hand for some of the cases, and the loops that measure the memory. */

#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef int64_t length;

/* Bandwidth: the sum of an array, so that every byte is read. */
double read_all(length n, const double *restrict a) {
    double sum = 0.0;
#pragma omp parallel for simd reduction(+ : sum) schedule(static)
    for (length i = 0; i < n; i++) sum += a[i];
    return sum;
}

void copy(length n, const double *restrict a, double *restrict out) {
#pragma omp parallel for simd schedule(static)
    for (length i = 0; i < n; i++) out[i] = a[i];
}

void triad(length n, const double *restrict a, const double *restrict b, double *restrict out) {
#pragma omp parallel for simd schedule(static)
    for (length i = 0; i < n; i++) out[i] = a[i] + 3.0 * b[i];
}

#ifdef __AVX__
/* The same past the caches: the lines that are written need not be read first. */
void triad_past_caches(length n, const double *restrict a, const double *restrict b, double *restrict out) {
    __m256d three = _mm256_set1_pd(3.0);
    length first = 0;
    for (; first < n && (uintptr_t)(out + first) % 32; first++) out[first] = a[first] + 3.0 * b[first];
#pragma omp parallel for schedule(static)
    for (length i = 0; i < (n - first) / 4; i++) {
        length at = first + 4 * i;
        __m256d value = _mm256_add_pd(_mm256_loadu_pd(a + at), _mm256_mul_pd(three, _mm256_loadu_pd(b + at)));
        _mm256_stream_pd(out + at, value);
    }
    for (length at = first + (n - first) / 4 * 4; at < n; at++) out[at] = a[at] + 3.0 * b[at];
}
#else
void triad_past_caches(length n, const double *restrict a, const double *restrict b, double *restrict out) {
    triad(n, a, b, out);
}
#endif

void chain(length n, const double *restrict x, double *restrict out) {
#pragma omp parallel for simd schedule(static)
    for (length i = 0; i < n; i++) {
        double value = x[i];
        for (int round = 0; round < 10; round++) value = value * 0.999 + 0.001;
        out[i] = value;
    }
}

#define BLACK_SCHOLES(NAME, REAL, EXP, LOG, SQRT, FABS)                                                              \
    static inline REAL NAME##_normal(REAL x) {                                                                       \
        REAL k = 1 / (1 + (REAL)0.2316419 * FABS(x));                                                                \
        REAL series = k * ((REAL)0.319381530 +                                                                       \
                           k * ((REAL)-0.356563782 +                                                                 \
                                k * ((REAL)1.781477937 + k * ((REAL)-1.821255978 + k * (REAL)1.330274429))));        \
        REAL tail = EXP((REAL)-0.5 * x * x) * series * (REAL)0.3989422804014327;                                     \
        return x > 0 ? 1 - tail : tail;                                                                              \
    }                                                                                                                \
    void NAME(length n, const REAL *restrict price, const REAL *restrict strike, const REAL *restrict years,         \
              REAL *restrict call, REAL *restrict put) {                                                             \
        const REAL rate = 0.03, volatility = 0.25;                                                                   \
        _Pragma("omp parallel for simd schedule(static)") for (length i = 0; i < n; i++) {                           \
            REAL root = volatility * SQRT(years[i]);                                                                 \
            REAL d1 = (LOG(price[i] / strike[i]) + (rate + (REAL)0.5 * volatility * volatility) * years[i]) / root;  \
            REAL discounted = strike[i] * EXP(-rate * years[i]);                                                     \
            REAL value = price[i] * NAME##_normal(d1) - discounted * NAME##_normal(d1 - root);                       \
            call[i] = value;                                                                                         \
            put[i] = value + discounted - price[i];                                                                  \
        }                                                                                                            \
    }

BLACK_SCHOLES(black_scholes_f64, double, exp, log, sqrt, fabs)
BLACK_SCHOLES(black_scholes_f32, float, expf, logf, sqrtf, fabsf)

/* Sweeps over an n by n plate; `other` begins as a copy of it, so that the rims agree, and takes every second sweep. */
void jacobi(length n, double *plate, double *other, length sweeps) {
    double *from = plate, *to = other;
    for (length sweep = 0; sweep < sweeps; sweep++) {
#pragma omp parallel for schedule(static)
        for (length row = 1; row < n - 1; row++) {
            const double *restrict above = from + (row - 1) * n, *restrict here = from + row * n,
                         *restrict below = from + (row + 1) * n;
            double *restrict out = to + row * n;
#pragma omp simd
            for (length i = 1; i < n - 1; i++) out[i] = 0.25 * (above[i] + below[i] + here[i - 1] + here[i + 1]);
        }
        double *swap = from;
        from = to;
        to = swap;
    }
    if (from != plate) memcpy(plate, from, sizeof(double) * n * n);
}

/* Rounds of z * z + c that stay within 2; eight points at a time, which end when all have left. */
void mandelbrot(length n, const double *restrict real, const double *restrict imaginary, int32_t *restrict count,
                length rounds) {
#pragma omp parallel for schedule(dynamic, 256)
    for (length block = 0; block < (n + 7) / 8; block++) {
        double a[8] = {0}, b[8] = {0}, c[8] = {0}, d[8] = {0};
        int64_t inside[8] = {0};
        length first = 8 * block, lanes = n - first < 8 ? n - first : 8;
        for (length lane = 0; lane < lanes; lane++) c[lane] = real[first + lane], d[lane] = imaginary[first + lane];
        for (length round = 0; round < rounds; round++) {
            int64_t any = 0;
#pragma omp simd reduction(+ : any)
            for (int lane = 0; lane < 8; lane++) {
                double a2 = a[lane] * a[lane], b2 = b[lane] * b[lane];
                int64_t stays = a2 + b2 <= 4.0;
                double next = 2.0 * a[lane] * b[lane] + d[lane];
                inside[lane] += stays;
                any += stays;
                b[lane] = stays ? next : b[lane];
                a[lane] = stays ? a2 - b2 + c[lane] : a[lane];
            }
            if (!any) break;
        }
        for (length lane = 0; lane < lanes; lane++) count[first + lane] = (int32_t)inside[lane];
    }
}

/* The pull on each of n stars. */
void n_body(length n, const double *restrict x, const double *restrict y, const double *restrict z,
            const double *restrict mass, double *restrict px, double *restrict py, double *restrict pz) {
#pragma omp parallel for schedule(static)
    for (length i = 0; i < n; i++) {
        double sx = 0.0, sy = 0.0, sz = 0.0;
#pragma omp simd reduction(+ : sx, sy, sz)
        for (length j = 0; j < n; j++) {
            double dx = x[j] - x[i], dy = y[j] - y[i], dz = z[j] - z[i];
            double square = dx * dx + dy * dy + dz * dz + 1e-3;
            double weight = mass[j] / (square * sqrt(square));
            sx += dx * weight;
            sy += dy * weight;
            sz += dz * weight;
        }
        px[i] = sx, py[i] = sy, pz[i] = sz;
    }
}

/* Mean and mean square distance from it, in two passes that read each value once each. */
double variance(length n, const double *restrict x) {
    double sum = read_all(n, x), mean = sum / n, squares = 0.0;
#pragma omp parallel for simd reduction(+ : squares) schedule(static)
    for (length i = 0; i < n; i++) squares += (x[i] - mean) * (x[i] - mean);
    return squares / n;
}
