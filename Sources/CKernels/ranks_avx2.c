#include "CKernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,bmi,bmi2,popcnt")))
#define INLINE static inline __attribute__((always_inline))

bool lodestore_has_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
           __builtin_cpu_supports("popcnt");
}

// A rank is found sixteen ways at a time: a block of sixteen pivots is compared at once, the number of those below the value is the
// number of the block to look at one level down, and on the lowest level the rank. Blocks are filled up with NaN, which is below
// nothing. Two levels serve 271 thresholds: four loads and compares of eight floats, no gather and no branch on data.

// How many of sixteen are below the value. Packing 32-bit masks into 16 bits leaves two bits of the byte mask to each.
AVX2 INLINE uint32_t count_float32(const float *block, __m256 value, const bool inclusive) {
    const __m256 low = _mm256_loadu_ps(block), high = _mm256_loadu_ps(block + 8);
    const __m256i first = _mm256_castps_si256(inclusive ? _mm256_cmp_ps(low, value, _CMP_LE_OQ) : _mm256_cmp_ps(low, value, _CMP_LT_OQ));
    const __m256i second =
        _mm256_castps_si256(inclusive ? _mm256_cmp_ps(high, value, _CMP_LE_OQ) : _mm256_cmp_ps(high, value, _CMP_LT_OQ));
    return (uint32_t)__builtin_popcount((uint32_t)_mm256_movemask_epi8(_mm256_packs_epi32(first, second))) / 2;
}

AVX2 INLINE __m256i below_float64(const double *block, __m256d value, const bool inclusive) {
    const __m256d four = _mm256_loadu_pd(block);
    return _mm256_castpd_si256(inclusive ? _mm256_cmp_pd(four, value, _CMP_LE_OQ) : _mm256_cmp_pd(four, value, _CMP_LT_OQ));
}

// The same with four masks of 64 bits, each of which is two of 32.
AVX2 INLINE uint32_t count_float64(const double *block, __m256d value, const bool inclusive) {
    const __m256i first = _mm256_packs_epi32(below_float64(block, value, inclusive), below_float64(block + 4, value, inclusive));
    const __m256i second =
        _mm256_packs_epi32(below_float64(block + 8, value, inclusive), below_float64(block + 12, value, inclusive));
    return (uint32_t)__builtin_popcount((uint32_t)_mm256_movemask_epi8(_mm256_packs_epi32(first, second))) / 2;
}

// Blocks on a level: all full ones and, but for the highest level, one that is not.
INLINE uint32_t blocks(uint32_t threshold_count, uint32_t level) { return (threshold_count >> (4 * level) >> 4) + 1; }

// What is made of the ranks.
enum { WORDS, COLUMNS, CODES };

// Stores what a search has found. `missing` is all ones when the value is missing. Returns where the next search stores, if it matters.
INLINE void *store(const lodestore_search *search, uint32_t rank, uint32_t missing, const int kind, void *prepared) {
    if (kind == CODES) {
        const uint32_t most = 254;
        uint8_t *code = prepared;
        for (uint32_t left = search->threshold_count;; left -= most) {
            const uint32_t passed = rank < most ? rank : most;
            *code++ = (uint8_t)(passed | missing);
            if (left <= most) return code;
            rank -= passed;
        }
    }
    rank &= ~missing;
    const uint32_t first = rank | (search->fills[0] & missing), second = rank | (search->fills[1] & missing);
    if (kind == COLUMNS) {
        ((uint8_t *)prepared)[32 * search->slots[0]] = (uint8_t)first;
        ((uint8_t *)prepared)[32 * search->slots[1]] = (uint8_t)second;
    } else {
        ((uint32_t *)prepared)[search->slots[0]] = first;
        ((uint32_t *)prepared)[search->slots[1]] = second;
    }
    return prepared;
}

AVX2 INLINE void ranks_float32(const float *row, const lodestore_search *search, uint32_t search_count, const float *thresholds,
                               const float *pivots, const bool inclusive, const int kind, void *prepared) {
    for (const lodestore_search *end = search + search_count; search < end; search++) {
        __m256 value = _mm256_broadcast_ss(row + search->feature);
        __m256 nan = _mm256_cmp_ps(value, value, _CMP_UNORD_Q);
        if (search->rule == 1) {
            value = _mm256_andnot_ps(nan, value);
            nan = _mm256_setzero_ps();
        } else if (search->rule == 2) {
            const __m256 magnitude = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), value);
            nan = _mm256_or_ps(nan, _mm256_cmp_ps(magnitude, _mm256_set1_ps(1e-35f), _CMP_LE_OQ));
        }
        const float *level = pivots + search->first_pivot;
        uint32_t block = 0;
        for (uint32_t left = search->level_count; left > 0; left--) {
            const uint32_t count = count_float32(level + 16 * block, value, inclusive);
            level += 16 * (left == search->level_count ? 1 : blocks(search->threshold_count, left));
            block = 16 * block + count;
        }
        const uint32_t count = count_float32(thresholds + search->first_threshold + 16 * block, value, inclusive);
        const uint32_t missing = (uint32_t)_mm256_extract_epi32(_mm256_castps_si256(nan), 0);
        prepared = store(search, 16 * block + count, missing, kind, prepared);
    }
}

AVX2 INLINE void ranks_float64(const double *row, const lodestore_search *search, uint32_t search_count, const double *thresholds,
                               const double *pivots, const bool inclusive, const int kind, void *prepared) {
    for (const lodestore_search *end = search + search_count; search < end; search++) {
        __m256d value = _mm256_broadcast_sd(row + search->feature);
        __m256d nan = _mm256_cmp_pd(value, value, _CMP_UNORD_Q);
        if (search->rule == 1) {
            value = _mm256_andnot_pd(nan, value);
            nan = _mm256_setzero_pd();
        } else if (search->rule == 2) {
            const __m256d magnitude = _mm256_andnot_pd(_mm256_set1_pd(-0.0), value);
            nan = _mm256_or_pd(nan, _mm256_cmp_pd(magnitude, _mm256_set1_pd((double)1e-35f), _CMP_LE_OQ));
        }
        const double *level = pivots + search->first_pivot;
        uint32_t block = 0;
        for (uint32_t left = search->level_count; left > 0; left--) {
            const uint32_t count = count_float64(level + 16 * block, value, inclusive);
            level += 16 * (left == search->level_count ? 1 : blocks(search->threshold_count, left));
            block = 16 * block + count;
        }
        const uint32_t count = count_float64(thresholds + search->first_threshold + 16 * block, value, inclusive);
        const uint32_t missing = (uint32_t)_mm256_extract_epi32(_mm256_castpd_si256(nan), 0);
        prepared = store(search, 16 * block + count, missing, kind, prepared);
    }
}

#define RANKS(name, search, type, kind, slot_type)                                                                           \
    AVX2 void name(const type *row, const lodestore_search *searches, uint32_t search_count, const type *thresholds,           \
                   const type *pivots, bool inclusive, slot_type *prepared) {                                                  \
        if (inclusive) search(row, searches, search_count, thresholds, pivots, true, kind, prepared);                          \
        else search(row, searches, search_count, thresholds, pivots, false, kind, prepared);                                   \
    }

#else

bool lodestore_has_avx2(void) { return false; }

#define RANKS(name, search, type, kind, slot_type)                                                                           \
    void name(const type *row, const lodestore_search *searches, uint32_t search_count, const type *thresholds,                \
              const type *pivots, bool inclusive, slot_type *prepared) {                                                       \
        __builtin_trap();                                                                                                      \
    }

#endif

RANKS(lodestore_ranks_float32, ranks_float32, float, WORDS, uint32_t)
RANKS(lodestore_ranks_float64, ranks_float64, double, WORDS, uint32_t)
RANKS(lodestore_byte_ranks_float32, ranks_float32, float, COLUMNS, uint8_t)
RANKS(lodestore_byte_ranks_float64, ranks_float64, double, COLUMNS, uint8_t)
RANKS(lodestore_codes_float32, ranks_float32, float, CODES, uint8_t)
RANKS(lodestore_codes_float64, ranks_float64, double, CODES, uint8_t)
