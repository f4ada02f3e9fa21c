#include "CKernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,popcnt")))
#define INLINE static inline __attribute__((always_inline))

bool lodestore_has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("popcnt");
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

bool lodestore_has_avx512(void) { return false; }

void lodestore_walk32(const uint32_t *words, const uint32_t *first_words, uint32_t tree_count, const uint32_t *prepared,
                      uint32_t slot_count, uint32_t child_bits, uint32_t slot_bits, uint32_t depth, uint32_t *leaves,
                      uint32_t *scratch) {
    __builtin_trap();
}

#endif
