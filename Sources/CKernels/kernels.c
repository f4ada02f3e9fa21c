#include "CKernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,popcnt")))
#define INLINE static inline __attribute__((always_inline))

// The rules of slots, as `Docs/Formats/image.md` numbers them.
enum { NAN_LEFT = 0, NAN_RIGHT = 1, NAN_IS_ZERO = 2, ZERO_LEFT = 3, ZERO_RIGHT = 4 };

bool lodestore_kernels_can_run(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("popcnt");
}

// MARK: Rows
//
// Each lane searches the thresholds of one slot's feature. The searches of all lanes take as many steps as the longest needs;
// several vectors search side by side, since a step is one gather of some twenty cycles and little else.

// Slots from `start` on, in `blocks` vectors of sixteen.
AVX512 INLINE void prepare_float32(const int blocks, const float *row, const uint32_t *slots, uint32_t start, uint32_t slot_count,
                                   const uint32_t *features, const float *thresholds, bool inclusive, uint32_t *prepared) {
    const __m512i iota = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const __m512i zero = _mm512_setzero_si512();
    __m512i rule[4], count[4], next[4], length[4], low[4];
    __m512 value[4];
    __mmask16 active[4], missing[4];
#pragma clang loop unroll(full)
    for (int b = 0; b < blocks; b++) {
        const __m512i number = _mm512_add_epi32(_mm512_set1_epi32((int)(start + 16 * b)), iota);
        active[b] = _mm512_cmplt_epu32_mask(number, _mm512_set1_epi32((int)slot_count));
        const __m512i feature = _mm512_mask_i32gather_epi32(zero, active[b], number, slots, 8);
        rule[b] = _mm512_mask_i32gather_epi32(zero, active[b], number, slots + 1, 8);
        value[b] = _mm512_mask_i32gather_ps(_mm512_setzero_ps(), active[b], feature, row, 4);
        next[b] = _mm512_mask_i32gather_epi32(zero, active[b], feature, features, 8);
        count[b] = _mm512_mask_i32gather_epi32(zero, active[b], feature, features + 1, 8);
        const __mmask16 nan = _mm512_cmp_ps_mask(value[b], value[b], _CMP_UNORD_Q);
        const __mmask16 tiny = _mm512_cmp_ps_mask(_mm512_abs_ps(value[b]), _mm512_set1_ps(1e-35f), _CMP_LE_OQ);
        missing[b] = nan | (tiny & _mm512_cmpge_epu32_mask(rule[b], _mm512_set1_epi32(ZERO_LEFT)));
        const __mmask16 becomes_zero = nan & _mm512_cmpeq_epi32_mask(rule[b], _mm512_set1_epi32(NAN_IS_ZERO));
        value[b] = _mm512_mask_mov_ps(value[b], becomes_zero, _mm512_setzero_ps());
        length[b] = count[b];
        low[b] = zero;
    }
    while (true) {
        __m512i rest = zero;
#pragma clang loop unroll(full)
        for (int b = 0; b < blocks; b++) {
            const __mmask16 live = _mm512_test_epi32_mask(length[b], length[b]);
            const __m512i half = _mm512_srli_epi32(_mm512_add_epi32(length[b], _mm512_set1_epi32(1)), 1);
            const __m512i at = _mm512_add_epi32(_mm512_add_epi32(next[b], low[b]), _mm512_sub_epi32(half, _mm512_set1_epi32(1)));
            const __m512 probe = _mm512_mask_i32gather_ps(_mm512_setzero_ps(), live, at, thresholds, 4);
            const __mmask16 below = inclusive ? _mm512_mask_cmp_ps_mask(live, probe, value[b], _CMP_LE_OQ)
                                              : _mm512_mask_cmp_ps_mask(live, probe, value[b], _CMP_LT_OQ);
            low[b] = _mm512_mask_add_epi32(low[b], below, low[b], half);
            length[b] = _mm512_sub_epi32(length[b], half);
            rest = _mm512_or_si512(rest, length[b]);
        }
        if (_mm512_test_epi32_mask(rest, rest) == 0) break;
    }
#pragma clang loop unroll(full)
    for (int b = 0; b < blocks; b++) {
        const __mmask16 left = missing[b] & (_mm512_cmpeq_epi32_mask(rule[b], _mm512_set1_epi32(NAN_LEFT)) |
                                             _mm512_cmpeq_epi32_mask(rule[b], _mm512_set1_epi32(ZERO_LEFT)));
        const __mmask16 right = missing[b] & (_mm512_cmpeq_epi32_mask(rule[b], _mm512_set1_epi32(NAN_RIGHT)) |
                                              _mm512_cmpeq_epi32_mask(rule[b], _mm512_set1_epi32(ZERO_RIGHT)));
        const __m512i slot = _mm512_mask_mov_epi32(_mm512_mask_mov_epi32(low[b], left, zero), right, count[b]);
        _mm512_mask_storeu_epi32(prepared + start + 16 * b, active[b], slot);
    }
}

AVX512 void lodestore_prepare_float32(const float *row, const uint32_t *slots, uint32_t slot_count, const uint32_t *features,
                                      const float *thresholds, bool inclusive, uint32_t *prepared) {
    uint32_t start = 0;
    for (; slot_count - start > 32; start = slot_count - start > 64 ? start + 64 : slot_count) {
        prepare_float32(4, row, slots, start, slot_count, features, thresholds, inclusive, prepared);
    }
    if (slot_count - start > 16) {
        prepare_float32(2, row, slots, start, slot_count, features, thresholds, inclusive, prepared);
    } else if (slot_count > start) {
        prepare_float32(1, row, slots, start, slot_count, features, thresholds, inclusive, prepared);
    }
}

// The same in eight lanes of doubles.
AVX512 INLINE void prepare_float64(const int blocks, const double *row, const uint32_t *slots, uint32_t start, uint32_t slot_count,
                                   const uint32_t *features, const double *thresholds, bool inclusive, uint32_t *prepared) {
    const __m256i iota = _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0);
    const __m256i zero = _mm256_setzero_si256();
    __m256i rule[4], count[4], next[4], length[4], low[4];
    __m512d value[4];
    __mmask8 active[4], missing[4];
#pragma clang loop unroll(full)
    for (int b = 0; b < blocks; b++) {
        const __m256i number = _mm256_add_epi32(_mm256_set1_epi32((int)(start + 8 * b)), iota);
        active[b] = _mm256_cmplt_epu32_mask(number, _mm256_set1_epi32((int)slot_count));
        const __m256i feature = _mm256_mmask_i32gather_epi32(zero, active[b], number, slots, 8);
        rule[b] = _mm256_mmask_i32gather_epi32(zero, active[b], number, slots + 1, 8);
        value[b] = _mm512_mask_i32gather_pd(_mm512_setzero_pd(), active[b], feature, row, 8);
        next[b] = _mm256_mmask_i32gather_epi32(zero, active[b], feature, features, 8);
        count[b] = _mm256_mmask_i32gather_epi32(zero, active[b], feature, features + 1, 8);
        const __mmask8 nan = _mm512_cmp_pd_mask(value[b], value[b], _CMP_UNORD_Q);
        const __mmask8 tiny = _mm512_cmp_pd_mask(_mm512_abs_pd(value[b]), _mm512_set1_pd((double)1e-35f), _CMP_LE_OQ);
        missing[b] = nan | (tiny & _mm256_cmpge_epu32_mask(rule[b], _mm256_set1_epi32(ZERO_LEFT)));
        const __mmask8 becomes_zero = nan & _mm256_cmpeq_epi32_mask(rule[b], _mm256_set1_epi32(NAN_IS_ZERO));
        value[b] = _mm512_mask_mov_pd(value[b], becomes_zero, _mm512_setzero_pd());
        length[b] = count[b];
        low[b] = zero;
    }
    while (true) {
        __m256i rest = zero;
#pragma clang loop unroll(full)
        for (int b = 0; b < blocks; b++) {
            const __mmask8 live = _mm256_test_epi32_mask(length[b], length[b]);
            const __m256i half = _mm256_srli_epi32(_mm256_add_epi32(length[b], _mm256_set1_epi32(1)), 1);
            const __m256i at = _mm256_add_epi32(_mm256_add_epi32(next[b], low[b]), _mm256_sub_epi32(half, _mm256_set1_epi32(1)));
            const __m512d probe = _mm512_mask_i32gather_pd(_mm512_setzero_pd(), live, at, thresholds, 8);
            const __mmask8 below = inclusive ? _mm512_mask_cmp_pd_mask(live, probe, value[b], _CMP_LE_OQ)
                                             : _mm512_mask_cmp_pd_mask(live, probe, value[b], _CMP_LT_OQ);
            low[b] = _mm256_mask_add_epi32(low[b], below, low[b], half);
            length[b] = _mm256_sub_epi32(length[b], half);
            rest = _mm256_or_si256(rest, length[b]);
        }
        if (_mm256_test_epi32_mask(rest, rest) == 0) break;
    }
#pragma clang loop unroll(full)
    for (int b = 0; b < blocks; b++) {
        const __mmask8 left = missing[b] & (_mm256_cmpeq_epi32_mask(rule[b], _mm256_set1_epi32(NAN_LEFT)) |
                                            _mm256_cmpeq_epi32_mask(rule[b], _mm256_set1_epi32(ZERO_LEFT)));
        const __mmask8 right = missing[b] & (_mm256_cmpeq_epi32_mask(rule[b], _mm256_set1_epi32(NAN_RIGHT)) |
                                             _mm256_cmpeq_epi32_mask(rule[b], _mm256_set1_epi32(ZERO_RIGHT)));
        const __m256i slot = _mm256_mask_mov_epi32(_mm256_mask_mov_epi32(low[b], left, zero), right, count[b]);
        _mm256_mask_storeu_epi32(prepared + start + 8 * b, active[b], slot);
    }
}

AVX512 void lodestore_prepare_float64(const double *row, const uint32_t *slots, uint32_t slot_count, const uint32_t *features,
                                      const double *thresholds, bool inclusive, uint32_t *prepared) {
    uint32_t start = 0;
    for (; slot_count - start > 16; start = slot_count - start > 32 ? start + 32 : slot_count) {
        prepare_float64(4, row, slots, start, slot_count, features, thresholds, inclusive, prepared);
    }
    if (slot_count - start > 8) {
        prepare_float64(2, row, slots, start, slot_count, features, thresholds, inclusive, prepared);
    } else if (slot_count > start) {
        prepare_float64(1, row, slots, start, slot_count, features, thresholds, inclusive, prepared);
    }
}

// MARK: Trees
//
// Sixteen lanes to a vector, a tree to a lane. A lane that has come to its leaf takes the next tree, so that lopsided trees keep
// no lane waiting; four vectors walk side by side to cover the latency of the gathers. Leaves are noted in the order in which
// they are found and put into the order of the trees at the end: cheaper than scattering them one by one.

typedef struct {
    __m512i tree;   // the number of each lane's tree
    __m512i first;  // its first word
    __m512i at;     // the word where the walk is
    __m512i rank;   // the rank of the word before: 0 when it was a leaf already
    __mmask16 live; // lanes that have a tree
} Walkers;

AVX512 INLINE __mmask16 first_lanes(uint32_t count) { return count >= 16 ? 0xFFFF : (__mmask16)((1u << count) - 1); }

// The row's slots for sixteen lanes: out of two, four or eight registers that hold them all, or by a gather from memory.
AVX512 INLINE __m512i look_up(const int tables, const __m512i *table, const uint32_t *prepared, __mmask16 live, __m512i slot) {
    if (tables == 0) return _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), live, slot, prepared, 4);
    __m512i value = _mm512_permutex2var_epi32(table[0], slot, table[1]);
    if (tables >= 4) {
        const __mmask16 upper = _mm512_test_epi32_mask(slot, _mm512_set1_epi32(32));
        value = _mm512_mask_mov_epi32(value, upper, _mm512_permutex2var_epi32(table[2], slot, table[3]));
        if (tables == 8) {
            const __m512i low = _mm512_permutex2var_epi32(table[4], slot, table[5]);
            const __m512i high = _mm512_mask_mov_epi32(low, upper, _mm512_permutex2var_epi32(table[6], slot, table[7]));
            value = _mm512_mask_mov_epi32(value, _mm512_test_epi32_mask(slot, _mm512_set1_epi32(64)), high);
        }
    }
    return value;
}

AVX512 INLINE void walk32(const int tables, const int steps, const uint32_t *words, const uint32_t *first_words, uint32_t tree_count,
                          const uint32_t *prepared, uint32_t slot_count, uint32_t child_bits, uint32_t slot_bits,
                          uint32_t *leaves, uint32_t *order, uint32_t *found) {
    enum { VECTORS = 4 };
    const __m512i iota = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const __m512i zero = _mm512_setzero_si512();
    const __m512i child_mask = _mm512_set1_epi32((int)((1u << child_bits) - 1));
    const __m512i slot_mask = _mm512_set1_epi32((int)((1u << slot_bits) - 1));
    const __m128i slot_shift = _mm_cvtsi32_si128((int)child_bits);
    const __m128i rank_shift = _mm_cvtsi32_si128((int)(child_bits + slot_bits));
    __m512i table[8];
#pragma clang loop unroll(full)
    for (int t = 0; t < tables; t++) {
        const uint32_t start = 16 * (uint32_t)t;
        table[t] = _mm512_maskz_loadu_epi32(first_lanes(slot_count > start ? slot_count - start : 0), prepared + start);
    }
    Walkers walkers[VECTORS];
    uint32_t next = 0;
#pragma clang loop unroll(full)
    for (int v = 0; v < VECTORS; v++) {
        walkers[v].live = first_lanes(tree_count - next);
        walkers[v].tree = _mm512_add_epi32(_mm512_set1_epi32((int)next), iota);
        walkers[v].first = _mm512_maskz_loadu_epi32(walkers[v].live, first_words + next);
        walkers[v].at = walkers[v].first;
        walkers[v].rank = zero;
        next += (uint32_t)__builtin_popcount(walkers[v].live);
    }
    uint32_t finished = 0;
    while (walkers[0].live | walkers[1].live | walkers[2].live | walkers[3].live) {
        // A leaf leads to itself, so that a finished lane may wait for the look at all lanes behind the steps.
#pragma clang loop unroll(full)
        for (int s = 0; s < steps; s++) {
#pragma clang loop unroll(full)
            for (int v = 0; v < VECTORS; v++) {
                Walkers *w = &walkers[v];
                if (!w->live) continue;
                const __m512i word = _mm512_mask_i32gather_epi32(zero, w->live, w->at, words, 4);
                w->rank = _mm512_srl_epi32(word, rank_shift);
                const __m512i slot = _mm512_and_si512(_mm512_srl_epi32(word, slot_shift), slot_mask);
                const __m512i value = look_up(tables, table, prepared, w->live, slot);
                const __m512i child = _mm512_add_epi32(w->first, _mm512_and_si512(word, child_mask));
                const __mmask16 right = _mm512_cmpge_epu32_mask(value, w->rank);
                w->at = _mm512_mask_add_epi32(child, right, child, _mm512_set1_epi32(1));
            }
        }
#pragma clang loop unroll(full)
        for (int v = 0; v < VECTORS; v++) {
            Walkers *w = &walkers[v];
            const __mmask16 done = _mm512_mask_testn_epi32_mask(w->live, w->rank, w->rank);
            if (!done) continue;
            _mm512_storeu_si512(order + finished, _mm512_maskz_compress_epi32(done, w->tree));
            _mm512_storeu_si512(found + finished, _mm512_maskz_compress_epi32(done, w->at));
            const uint32_t count = (uint32_t)__builtin_popcount(done);
            finished += count;
            // The finished lanes take the trees that follow, as far as there are any.
            const uint32_t left = tree_count - next;
            const __m512i fresh = _mm512_maskz_loadu_epi32(first_lanes(left), first_words + next);
            w->tree = _mm512_mask_expand_epi32(w->tree, done, _mm512_add_epi32(_mm512_set1_epi32((int)next), iota));
            w->first = _mm512_mask_expand_epi32(w->first, done, fresh);
            w->at = _mm512_mask_mov_epi32(w->at, done, w->first);
            next += count < left ? count : left;
            w->live &= _mm512_cmplt_epu32_mask(w->tree, _mm512_set1_epi32((int)tree_count));
        }
    }
    for (uint32_t t = 0; t < tree_count; t++) leaves[order[t]] = found[t];
}

AVX512 void lodestore_walk32(const uint32_t *words, const uint32_t *first_words, uint32_t tree_count, const uint32_t *prepared,
                             uint32_t slot_count, uint32_t child_bits, uint32_t slot_bits, uint32_t depth, uint32_t *leaves,
                             uint32_t *scratch) {
    uint32_t *order = scratch, *found = scratch + tree_count + 16;
#define WALK(tables, steps)                                                                                              \
    walk32(tables, steps, words, first_words, tree_count, prepared, slot_count, child_bits, slot_bits, leaves, order, found)
    // Trees grown level by level end their walks together: look after each step. Others end one by one: after each second.
    if (depth <= 10) {
        if (slot_count <= 32) WALK(2, 1);
        else if (slot_count <= 64) WALK(4, 1);
        else if (slot_count <= 128) WALK(8, 1);
        else WALK(0, 1);
    } else {
        if (slot_count <= 32) WALK(2, 2);
        else if (slot_count <= 64) WALK(4, 2);
        else if (slot_count <= 128) WALK(8, 2);
        else WALK(0, 2);
    }
#undef WALK
}

#else

bool lodestore_kernels_can_run(void) { return false; }

void lodestore_prepare_float32(const float *row, const uint32_t *slots, uint32_t slot_count, const uint32_t *features,
                               const float *thresholds, bool inclusive, uint32_t *prepared) {
    __builtin_trap();
}

void lodestore_prepare_float64(const double *row, const uint32_t *slots, uint32_t slot_count, const uint32_t *features,
                               const double *thresholds, bool inclusive, uint32_t *prepared) {
    __builtin_trap();
}

void lodestore_walk32(const uint32_t *words, const uint32_t *first_words, uint32_t tree_count, const uint32_t *prepared,
                      uint32_t slot_count, uint32_t child_bits, uint32_t slot_bits, uint32_t depth, uint32_t *leaves,
                      uint32_t *scratch) {
    __builtin_trap();
}

#endif
