#include "CKernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,bmi,bmi2,popcnt")))
#define INLINE static inline __attribute__((always_inline))

// Bit vectors after QuickScorer (Lucchese et al., SIGIR 2015), in bytes over 32 rows as RapidScorer (Ye et al., KDD 2018) has them.
// Leaves are numbered from left to right. A split that a row passes to the right rules out the leaves on its left; the row's leaf is
// the first that none rules out. Nothing is walked: the splits of a tree are compared with 32 rows each, seven instructions an entry,
// grouped by the byte of leaves that they rule out, so that the byte stays in a register. From the last byte to the first, so that the
// first byte with a leaf left has the last word.

enum { ROWS = 32 };

AVX2 INLINE __m256i ruled_out(uint32_t entry, const uint8_t *prepared) {
    const __m256i slots = _mm256_loadu_si256((const __m256i *)(prepared + ROWS * (entry & 0xFF)));
    const __m256i rank = _mm256_set1_epi8((char)(entry >> 8));
    const __m256i goes_right = _mm256_cmpeq_epi8(_mm256_max_epu8(slots, rank), slots);
    return _mm256_and_si256(goes_right, _mm256_set1_epi8((char)(entry >> 16)));
}

// The number of each row's leaf within a tree.
AVX2 INLINE __m256i leaf_numbers(const uint32_t *starts, const uint32_t *entries, const uint8_t *prepared, int byte_count) {
    const __m256i zero = _mm256_setzero_si256(), ones = _mm256_set1_epi8(-1), nibble = _mm256_set1_epi8(15);
    const __m256i lowest = _mm256_setr_epi8(4, 0, 1, 0, 2, 0, 1, 0, 3, 0, 1, 0, 2, 0, 1, 0, 4, 0, 1, 0, 2, 0, 1, 0, 3, 0, 1, 0, 2, 0, 1, 0);
    __m256i bits = ones, base = zero;
    for (int b = 0; b < byte_count; b++) {
        const uint32_t *entry = entries + starts[b], *end = entries + starts[b + 1];
        __m256i even = zero, odd = zero;
        for (; end - entry >= 2; entry += 2) {
            even = _mm256_or_si256(even, ruled_out(entry[0], prepared));
            odd = _mm256_or_si256(odd, ruled_out(entry[1], prepared));
        }
        if (entry < end) even = _mm256_or_si256(even, ruled_out(*entry, prepared));
        even = _mm256_or_si256(even, odd);
        const __m256i full = _mm256_cmpeq_epi8(even, ones);
        bits = _mm256_blendv_epi8(even, bits, full);
        base = _mm256_blendv_epi8(_mm256_set1_epi8((char)(8 * (byte_count - 1 - b))), base, full);
    }
    // The number of the lowest bit that is not set, by a look-up of each half.
    const __m256i left = _mm256_andnot_si256(bits, ones);
    const __m256i low = _mm256_and_si256(left, nibble), high = _mm256_and_si256(_mm256_srli_epi16(left, 4), nibble);
    const __m256i in_low = _mm256_shuffle_epi8(lowest, low);
    const __m256i in_high = _mm256_add_epi8(_mm256_shuffle_epi8(lowest, high), _mm256_set1_epi8(4));
    return _mm256_add_epi8(base, _mm256_blendv_epi8(in_low, in_high, _mm256_cmpeq_epi8(low, zero)));
}

#define SCAN(name, type)                                                                                                       \
    AVX2 INLINE void name(const lodestore_trees *trees, const uint32_t *starts, const uint32_t *entries, const type *values,   \
                          const uint8_t *prepared, uint32_t row_count, double *sums) {                                         \
        const uint32_t margin_count = trees->margin_count;                                                                     \
        type own[ROWS] = {0};                                                                                                  \
        if (margin_count == 1) {                                                                                               \
            for (uint32_t row = 0; row < row_count; row++) own[row] = (type)sums[row];                                         \
        }                                                                                                                      \
        for (uint32_t tree = 0; tree < trees->tree_count; tree++) {                                                            \
            const uint32_t leaf_count = (trees->word_counts[tree] + 1) / 2, byte_count = (leaf_count + 7) / 8;                 \
            uint8_t leaves[ROWS];                                                                                              \
            _mm256_storeu_si256((__m256i *)leaves, leaf_numbers(starts, entries, prepared, (int)byte_count));                  \
            if (margin_count == 1) {                                                                                           \
                for (uint32_t row = 0; row < ROWS; row++) own[row] += values[leaves[row]];                                     \
            } else {                                                                                                           \
                double *sum = sums + trees->margins[tree];                                                                     \
                for (uint32_t row = 0; row < row_count; row++, sum += margin_count) {                                          \
                    *sum = (double)((type)*sum + values[leaves[row]]);                                                         \
                }                                                                                                              \
            }                                                                                                                  \
            starts += byte_count;                                                                                              \
            values += leaf_count;                                                                                              \
        }                                                                                                                      \
        if (margin_count == 1) {                                                                                               \
            for (uint32_t row = 0; row < row_count; row++) sums[row] = (double)own[row];                                       \
        }                                                                                                                      \
    }

SCAN(scan_float32, float)
SCAN(scan_float64, double)

AVX2 void lodestore_scan(const lodestore_trees *trees, const uint32_t *starts, const uint32_t *entries, const void *values,
                         const uint8_t *prepared, uint32_t row_count, double *sums) {
    if (trees->is_double) scan_float64(trees, starts, entries, values, prepared, row_count, sums);
    else scan_float32(trees, starts, entries, values, prepared, row_count, sums);
}

#else

void lodestore_scan(const lodestore_trees *trees, const uint32_t *starts, const uint32_t *entries, const void *values,
                    const uint8_t *prepared, uint32_t row_count, double *sums) {
    __builtin_trap();
}

#endif
