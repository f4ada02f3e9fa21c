#include "CKernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,bmi,bmi2,popcnt")))
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

// All 63 splits of a tree of six levels are two vectors of bytes. The codes that they ask are looked up within registers, compared at
// once, and the outcome is a word with a bit for each node; a walk down that word is two instructions a level, which test the node's bit
// and move it into the node's number. Some forty instructions a tree, no load depends on another but the leaf's.

enum { CODES = 64 }; // room for those of a row

// The codes at 32 places. A shuffle looks sixteen bytes up by four bits; the next two bits choose among four of them.
AVX2 INLINE __m256i look_up(const __m256i *table, const int tables, __m256i places) {
    const __m256i low = _mm256_shuffle_epi8(table[0], places);
    if (tables == 1) return low;
    const __m256i odd = _mm256_slli_epi16(places, 3);
    const __m256i first = _mm256_blendv_epi8(low, _mm256_shuffle_epi8(table[1], places), odd);
    if (tables == 2) return first;
    const __m256i high = _mm256_shuffle_epi8(table[2], places);
    const __m256i second = tables == 3 ? high : _mm256_blendv_epi8(high, _mm256_shuffle_epi8(table[3], places), odd);
    return _mm256_blendv_epi8(first, second, _mm256_slli_epi16(places, 2));
}

// Which of 32 nodes go right.
AVX2 INLINE uint64_t rights(const __m256i *table, const int tables, const uint8_t *splits, const int width) {
    const __m256i places = _mm256_loadu_si256((const __m256i *)splits);
    const __m256i shifts = _mm256_loadu_si256((const __m256i *)(splits + width));
    const __m256i ranks = _mm256_loadu_si256((const __m256i *)(splits + 2 * width));
    const __m256i codes = _mm256_add_epi8(look_up(table, tables, places), shifts);
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_max_epu8(codes, ranks), codes));
}

// The number of the leaf, from left to right.
AVX2 INLINE uint64_t leaf(const __m256i *table, const int tables, const uint8_t *splits, const int levels) {
    const int width = 1 << levels;
    uint64_t bits = rights(table, tables, splits, width), node = 1;
    if (levels == 6) bits |= rights(table, tables, splits + 32, width) << 32;
    // node = 2 * node + the node's bit
    UNROLL for (int level = 0; level < levels; level++) {
        __asm__("btq %0, %1\n\tadcq %0, %0" : "+r"(node) : "r"(bits) : "cc");
    }
    return node - (uint64_t)width;
}

AVX2 INLINE void load_codes(__m256i *table, const int tables, const uint8_t *codes) {
    UNROLL for (int t = 0; t < tables; t++) {
        table[t] = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(codes + 16 * t)));
    }
}

#define ROWS(name, type)                                                                                                       \
    AVX2 INLINE void name(const lodestore_trees *trees, const lodestore_comparisons *all, const uint8_t *codes,                \
                          uint32_t row_count, double *sums, const int levels, const int tables) {                              \
        for (uint32_t row = 0; row < row_count; row++, codes += CODES, sums += trees->margin_count) {                          \
            const uint8_t *splits = all->splits;                                                                               \
            const type *values = all->values;                                                                                  \
            __m256i table[4];                                                                                                  \
            load_codes(table, tables, codes);                                                                                  \
            type sum = (type)sums[0];                                                                                          \
            for (uint32_t tree = 0; tree < trees->tree_count; tree++, splits += 3 << levels, values += 1 << levels) {          \
                const type value = values[leaf(table, tables, splits, levels)];                                                \
                if (trees->margin_count == 1) {                                                                                \
                    sum += value;                                                                                              \
                } else {                                                                                                       \
                    double *own = sums + trees->margins[tree];                                                                 \
                    *own = (double)((type)*own + value);                                                                       \
                }                                                                                                              \
            }                                                                                                                  \
            if (trees->margin_count == 1) sums[0] = (double)sum;                                                               \
        }                                                                                                                      \
    }

ROWS(rows_float32, float)
ROWS(rows_float64, double)

#define COMPARE(levels, tables)                                                                                                \
    do {                                                                                                                       \
        if (trees->is_double) rows_float64(trees, comparisons, codes, row_count, sums, levels, tables);                        \
        else rows_float32(trees, comparisons, codes, row_count, sums, levels, tables);                                         \
    } while (0)

AVX2 void lodestore_compare(const lodestore_trees *trees, const lodestore_comparisons *comparisons, const uint8_t *codes,
                            uint32_t row_count, double *sums) {
    const uint32_t tables = (comparisons->code_count + 15) / 16;
    if (comparisons->levels == 5) {
        if (tables <= 1) COMPARE(5, 1);
        else if (tables == 2) COMPARE(5, 2);
        else if (tables == 3) COMPARE(5, 3);
        else COMPARE(5, 4);
    } else {
        if (tables <= 1) COMPARE(6, 1);
        else if (tables == 2) COMPARE(6, 2);
        else if (tables == 3) COMPARE(6, 3);
        else COMPARE(6, 4);
    }
}

#else

void lodestore_compare(const lodestore_trees *trees, const lodestore_comparisons *comparisons, const uint8_t *codes,
                       uint32_t row_count, double *sums) {
    __builtin_trap();
}

#endif
