#include "CKernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,bmi,bmi2,popcnt")))
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

// Walks without gathers. A step is two loads, a field extract, a shift, a mask, a compare and a subtraction with borrow: a chain of
// some eleven cycles and eight instructions, so that eight chains side by side keep the processor busy. Nothing branches on data but
// the question, every few steps, whether any of the walks goes on.

enum {
    CHAINS = 8,
    // Up to this depth all walks take as many steps as the deepest.
    LEVEL_DEPTH = 9,
    // Steps before the first look at which trees of a row are done, between two of them, and between looks at the rows of a tree.
    FIRST_STEPS = 4,
    ROW_STEPS = 4,
    ROWS_STEPS = 3,
};

typedef struct {
    uint32_t child_bits, slot_cut, rank_shift;
} Cut;

INLINE Cut cut(const lodestore_trees *trees) {
    return (Cut){trees->child_bits, trees->slot_bits << 8 | trees->child_bits, trees->child_bits + trees->slot_bits};
}

AVX2 INLINE uint32_t step(const uint32_t *tree, uint32_t at, const uint32_t *prepared, Cut cut) {
    const uint32_t word = tree[at];
    const uint32_t slot = prepared[_bextr2_u32(word, cut.slot_cut)];
    return _bzhi_u32(word, cut.child_bits) + (slot >= word >> cut.rank_shift);
}

// Adds a leaf's value in its own type to a sum that is kept as a double.
INLINE double added(double sum, const void *values, uint32_t at, const bool is_double) {
    return is_double ? sum + ((const double *)values)[at] : (double)((float)sum + ((const float *)values)[at]);
}

INLINE const void *moved(const void *values, uint32_t count, const bool is_double) {
    return is_double ? (const void *)((const double *)values + count) : (const void *)((const float *)values + count);
}

// MARK: One row

// Trees grown level by level: each group of trees takes its steps and adds its leaves, while the processor is at the next group.
AVX2 INLINE double add_level(const lodestore_trees *trees, const uint32_t *prepared, double sum, const bool is_double) {
    const Cut c = cut(trees);
    const uint32_t *words = trees->words, *first = trees->first_words;
    const uint32_t depth = trees->depth, count = trees->tree_count;
    uint32_t tree = 0;
    for (; tree + CHAINS <= count; tree += CHAINS) {
        uint32_t at[CHAINS];
        UNROLL for (int k = 0; k < CHAINS; k++) at[k] = 0;
        for (uint32_t s = 0; s < depth; s++) {
            UNROLL for (int k = 0; k < CHAINS; k++) at[k] = step(words + first[tree + k], at[k], prepared, c);
        }
        UNROLL for (int k = 0; k < CHAINS; k++) sum = added(sum, trees->values, first[tree + k] + at[k], is_double);
    }
    for (; tree < count; tree++) {
        uint32_t at = 0;
        for (uint32_t s = 0; s < depth; s++) at = step(words + first[tree], at, prepared, c);
        sum = added(sum, trees->values, first[tree] + at, is_double);
    }
    return sum;
}

// Lopsided trees: all take a few steps, then those that are not done take a few more, until none is left. The list of trees that go on
// is closed up without a branch.
AVX2 INLINE void find_leaves(const lodestore_trees *trees, const uint32_t *prepared, uint32_t *leaves, uint32_t *list) {
    const Cut c = cut(trees);
    const uint32_t *words = trees->words, *first = trees->first_words;
    const uint32_t count = trees->tree_count;
    uint32_t open = 0, tree = 0;
    for (; tree + CHAINS <= count; tree += CHAINS) {
        uint32_t at[CHAINS];
        UNROLL for (int k = 0; k < CHAINS; k++) at[k] = 0;
        UNROLL for (int s = 0; s < FIRST_STEPS; s++) {
            UNROLL for (int k = 0; k < CHAINS; k++) at[k] = step(words + first[tree + k], at[k], prepared, c);
        }
        UNROLL for (int k = 0; k < CHAINS; k++) {
            leaves[tree + k] = at[k];
            list[open] = tree + k;
            open += words[first[tree + k] + at[k]] >> c.rank_shift != 0;
        }
    }
    for (; tree < count; tree++) {
        leaves[tree] = 0;
        list[open++] = tree;
    }
    while (open > 0) {
        // The group at the end is filled up with the first tree of the list, which then walks in step with itself.
        const uint32_t filler = list[0], groups = (open + CHAINS - 1) / CHAINS;
        for (uint32_t i = open; i < groups * CHAINS; i++) list[i] = filler;
        uint32_t next = 0;
        for (uint32_t i = 0; i < groups * CHAINS; i += CHAINS) {
            uint32_t at[CHAINS];
            const uint32_t *root[CHAINS];
            UNROLL for (int k = 0; k < CHAINS; k++) {
                at[k] = leaves[list[i + k]];
                root[k] = words + first[list[i + k]];
            }
            UNROLL for (int s = 0; s < ROW_STEPS; s++) {
                UNROLL for (int k = 0; k < CHAINS; k++) at[k] = step(root[k], at[k], prepared, c);
            }
            UNROLL for (int k = 0; k < CHAINS; k++) {
                const uint32_t going = list[i + k];
                leaves[going] = at[k];
                list[next] = going;
                next += (i + k < open) & (root[k][at[k]] >> c.rank_shift != 0);
            }
        }
        open = next;
    }
}

AVX2 INLINE void add_row(const lodestore_trees *trees, const uint32_t *prepared, uint32_t *scratch, double *sums,
                         const bool is_double) {
    if (trees->margin_count == 1 && trees->depth <= LEVEL_DEPTH) {
        sums[0] = add_level(trees, prepared, sums[0], is_double);
        return;
    }
    uint32_t *leaves = scratch;
    find_leaves(trees, prepared, leaves, scratch + trees->tree_count + 16);
    if (trees->margin_count == 1) {
        double sum = sums[0];
        for (uint32_t tree = 0; tree < trees->tree_count; tree++) {
            sum = added(sum, trees->values, trees->first_words[tree] + leaves[tree], is_double);
        }
        sums[0] = sum;
        return;
    }
    for (uint32_t tree = 0; tree < trees->tree_count; tree++) {
        double *sum = sums + trees->margins[tree];
        *sum = added(*sum, trees->values, trees->first_words[tree] + leaves[tree], is_double);
    }
}

AVX2 void lodestore_add_row(const lodestore_trees *trees, const uint32_t *prepared, uint32_t *scratch, double *sums) {
    if (trees->is_double) add_row(trees, prepared, scratch, sums, true);
    else add_row(trees, prepared, scratch, sums, false);
}

// MARK: Rows

// Tree by tree over all rows, eight at once: the tree stays in the first-level cache, and the sums wait for nothing.
AVX2 INLINE void add_rows(const lodestore_trees *trees, const uint32_t *prepared, uint32_t slot_count, uint32_t row_count,
                          double *sums, const bool is_double) {
    const Cut c = cut(trees);
    const uint32_t margin_count = trees->margin_count;
    for (uint32_t tree = 0; tree < trees->tree_count; tree++) {
        const uint32_t first = trees->first_words[tree];
        const uint32_t *words = trees->words + first;
        const void *values = moved(trees->values, first, is_double);
        double *sum = sums + trees->margins[tree];
        const uint32_t *rows = prepared;
        for (uint32_t row = 0; row < row_count; row += CHAINS) {
            uint32_t at[CHAINS];
            UNROLL for (int k = 0; k < CHAINS; k++) at[k] = 0;
            uint32_t open;
            do {
                for (int s = 0; s < ROWS_STEPS; s++) {
                    UNROLL for (int k = 0; k < CHAINS; k++) at[k] = step(words, at[k], rows + (uint64_t)k * slot_count, c);
                }
                open = 0;
                UNROLL for (int k = 0; k < CHAINS; k++) open |= words[at[k]];
            } while (open >> c.rank_shift);
            UNROLL for (int k = 0; k < CHAINS; k++) {
                *sum = added(*sum, values, at[k], is_double);
                sum += margin_count;
            }
            rows += (uint64_t)CHAINS * slot_count;
        }
    }
}

AVX2 void lodestore_add_rows(const lodestore_trees *trees, const uint32_t *prepared, uint32_t slot_count, uint32_t row_count,
                             double *sums) {
    if (trees->is_double) add_rows(trees, prepared, slot_count, row_count, sums, true);
    else add_rows(trees, prepared, slot_count, row_count, sums, false);
}

#else

void lodestore_add_row(const lodestore_trees *trees, const uint32_t *prepared, uint32_t *scratch, double *sums) { __builtin_trap(); }

void lodestore_add_rows(const lodestore_trees *trees, const uint32_t *prepared, uint32_t slot_count, uint32_t row_count,
                        double *sums) {
    __builtin_trap();
}

#endif
