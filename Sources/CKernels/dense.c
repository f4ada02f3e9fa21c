#include "CDense.h"

#include <stdbool.h>

#define INLINE static inline __attribute__((always_inline))

#if defined(__x86_64__)

#include <immintrin.h>

int lodestore_dense_level(void) {
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return 0;
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") ? 2 : 1;
}

// MARK: AVX2 and FMA: eight lanes, sixteen registers

#define TARGET __attribute__((target("avx2,fma")))
#define FN(name) name##_avx2
#define V __m256
#define LANES 8
#define ROWS 6
#define PANELS 1
#define CHAINS 8
#define SETZERO() _mm256_setzero_ps()
#define SPLAT(x) _mm256_set1_ps(x)
#define LOAD(p) _mm256_loadu_ps(p)
#define STORE(p, v) _mm256_storeu_ps(p, v)
#define LOAD_SOME(p, n) _mm256_maskload_ps(p, first_lanes(n))
#define STORE_SOME(p, v, n) _mm256_maskstore_ps(p, first_lanes(n), v)
#define FMA(a, b, c) _mm256_fmadd_ps(a, b, c)
#define ADD(a, b) _mm256_add_ps(a, b)
#define SUB(a, b) _mm256_sub_ps(a, b)
#define MUL(a, b) _mm256_mul_ps(a, b)
#define DIV(a, b) _mm256_div_ps(a, b)
#define MIN(a, b) _mm256_min_ps(a, b)
#define MAX(a, b) _mm256_max_ps(a, b)
#define ROUND(v) _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
#define POWER_OF_TWO(v) \
    _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(v), _mm256_set1_epi32(127)), 23))
#define NEGATIVE_OR(test, yes, no) _mm256_blendv_ps(no, yes, _mm256_cmp_ps(test, _mm256_setzero_ps(), _CMP_LT_OQ))
#define ABS(v) _mm256_andnot_ps(_mm256_set1_ps(-0.0f), v)
#define SIGN_OF(v) _mm256_and_ps(_mm256_set1_ps(-0.0f), v)
#define OR(a, b) _mm256_or_ps(a, b)
#define SUM(v) sum_avx2(v)

TARGET INLINE __m256i first_lanes(size_t count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0));
}

TARGET INLINE float sum_avx2(__m256 v) {
    __m128 half = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    half = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_add_ss(half, _mm_shuffle_ps(half, half, 1)));
}

#include "dense_lanes.h"

#undef TARGET
#undef FN
#undef V
#undef LANES
#undef ROWS
#undef PANELS
#undef CHAINS
#undef SETZERO
#undef SPLAT
#undef LOAD
#undef STORE
#undef LOAD_SOME
#undef STORE_SOME
#undef FMA
#undef ADD
#undef SUB
#undef MUL
#undef DIV
#undef MIN
#undef MAX
#undef ROUND
#undef POWER_OF_TWO
#undef NEGATIVE_OR
#undef ABS
#undef SIGN_OF
#undef OR
#undef SUM

// MARK: AVX-512: sixteen lanes, thirty-two registers

#define TARGET __attribute__((target("avx2,fma,avx512f,avx512dq,avx512vl")))
#define FN(name) name##_avx512
#define V __m512
#define LANES 16
#define ROWS 12
#define PANELS 2
#define CHAINS 8
#define SETZERO() _mm512_setzero_ps()
#define SPLAT(x) _mm512_set1_ps(x)
#define LOAD(p) _mm512_loadu_ps(p)
#define STORE(p, v) _mm512_storeu_ps(p, v)
#define LOAD_SOME(p, n) _mm512_maskz_loadu_ps((__mmask16)((1u << (n)) - 1), p)
#define STORE_SOME(p, v, n) _mm512_mask_storeu_ps(p, (__mmask16)((1u << (n)) - 1), v)
#define FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#define ADD(a, b) _mm512_add_ps(a, b)
#define SUB(a, b) _mm512_sub_ps(a, b)
#define MUL(a, b) _mm512_mul_ps(a, b)
#define DIV(a, b) _mm512_div_ps(a, b)
#define MIN(a, b) _mm512_min_ps(a, b)
#define MAX(a, b) _mm512_max_ps(a, b)
#define ROUND(v) _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
#define POWER_OF_TWO(v) \
    _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(_mm512_cvtps_epi32(v), _mm512_set1_epi32(127)), 23))
#define NEGATIVE_OR(test, yes, no) \
    _mm512_mask_mov_ps(no, _mm512_cmp_ps_mask(test, _mm512_setzero_ps(), _CMP_LT_OQ), yes)
#define ABS(v) _mm512_abs_ps(v)
#define SIGN_OF(v) _mm512_and_ps(_mm512_set1_ps(-0.0f), v)
#define OR(a, b) _mm512_or_ps(a, b)
#define SUM(v) _mm512_reduce_add_ps(v)

#include "dense_lanes.h"

void lodestore_dense_panels(int level, const float *rows, size_t row_stride, size_t row_count, const float *parameters,
                            uint32_t inputs, uint32_t outputs, uint32_t activation, float alpha, float *results,
                            size_t result_stride) {
    (level >= 2 ? panels_avx512 : panels_avx2)(rows, row_stride, row_count, parameters, inputs, outputs, activation, alpha,
                                               results, result_stride);
}

void lodestore_dense_dots(int level, const float *rows, size_t row_stride, size_t row_count, const float *parameters,
                          uint32_t inputs, uint32_t outputs, uint32_t activation, float alpha, float *results,
                          size_t result_stride) {
    (level >= 2 ? dots_avx512 : dots_avx2)(rows, row_stride, row_count, parameters, inputs, outputs, activation, alpha, results,
                                           result_stride);
}

void lodestore_dense_activate(int level, float *values, size_t count, uint32_t activation, float alpha) {
    (level >= 2 ? activate_avx512 : activate_avx2)(values, count, activation, alpha);
}

#else

// Other processors keep to the Swift twins, which ask the level first.
int lodestore_dense_level(void) { return 0; }
void lodestore_dense_panels(int level, const float *rows, size_t row_stride, size_t row_count, const float *parameters,
                            uint32_t inputs, uint32_t outputs, uint32_t activation, float alpha, float *results,
                            size_t result_stride) {
    __builtin_trap();
}
void lodestore_dense_dots(int level, const float *rows, size_t row_stride, size_t row_count, const float *parameters,
                          uint32_t inputs, uint32_t outputs, uint32_t activation, float alpha, float *results,
                          size_t result_stride) {
    __builtin_trap();
}
void lodestore_dense_activate(int level, float *values, size_t count, uint32_t activation, float alpha) { __builtin_trap(); }

#endif
