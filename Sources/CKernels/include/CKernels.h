// Scoring kernels that Swift cannot express: compares of whole vectors into masks, gathers, compressed and expanded lanes. Each
// does what the Swift function of the same task in `Scoring` does, to the bit; tests hold the two together. Callers vouch for
// every index: they come from a validated image.

#ifndef LODESTORE_CKERNELS_H
#define LODESTORE_CKERNELS_H

#include <stdbool.h>
#include <stdint.h>

#include "CDense.h"

// Whether this processor has AVX2, BMI and POPCNT: for all that is declared here but the walk in AVX-512.
bool lodestore_has_avx2(void);
// Whether it also has the parts of AVX-512 that the walk takes.
bool lodestore_has_avx512(void);

// One search among the thresholds of a feature, and the one or two slots that take what it finds: section 13 of the image.
typedef struct {
    uint32_t feature;
    uint32_t rule;            // 0: NaN is missing; 1: NaN is zero; 2: NaN and almost zero are missing
    uint32_t first_threshold; // blocks of sixteen, filled up with NaN
    uint32_t threshold_count;
    uint32_t first_pivot; // levels of blocks of sixteen, the highest first
    uint32_t level_count;
    uint32_t slots[2];
    uint32_t fills[2]; // what each takes when the value is missing
} lodestore_search;

// Fills the slots of numerical splits from a row.
//   inclusive   whether a rank counts thresholds that equal the value (splits ask x < t) or not (x <= t)
//   prepared    receives the slots
void lodestore_ranks_float32(const float *row, const lodestore_search *searches, uint32_t search_count, const float *thresholds,
                             const float *pivots, bool inclusive, uint32_t *prepared);
void lodestore_ranks_float64(const double *row, const lodestore_search *searches, uint32_t search_count, const double *thresholds,
                             const double *pivots, bool inclusive, uint32_t *prepared);
// The same for a scan: slot s goes to prepared[32 * s]. No rank is above 255.
void lodestore_byte_ranks_float32(const float *row, const lodestore_search *searches, uint32_t search_count, const float *thresholds,
                                  const float *pivots, bool inclusive, uint8_t *prepared);
void lodestore_byte_ranks_float64(const double *row, const lodestore_search *searches, uint32_t search_count,
                                  const double *thresholds, const double *pivots, bool inclusive, uint8_t *prepared);
// The same for comparisons: a byte for each search and 254 of its thresholds, of which it holds how many are passed, or 255 when the
// value is missing.
void lodestore_codes_float32(const float *row, const lodestore_search *searches, uint32_t search_count, const float *thresholds,
                             const float *pivots, bool inclusive, uint8_t *codes);
void lodestore_codes_float64(const double *row, const lodestore_search *searches, uint32_t search_count, const double *thresholds,
                             const double *pivots, bool inclusive, uint8_t *codes);

// Trees of numerical splits with words of 32 bits, and what their leaves add.
typedef struct {
    const uint32_t *words;
    const uint32_t *first_words; // one for each tree; so are word_counts, margins and depths
    const uint32_t *word_counts;
    const uint32_t *margins;
    const uint32_t *depths;
    const void *values; // one beside each word
    uint32_t tree_count;
    uint32_t depth; // of the deepest leaf of all trees
    uint32_t child_bits;
    uint32_t slot_bits;
    uint32_t margin_count;
    bool is_double; // whether values are float64, and added so
} lodestore_trees;

// Adds the leaves of one row.
//   scratch     room for 2 * (tree_count + 16) values
//   sums        margin_count values of the accumulator's type, widened
void lodestore_add_row(const lodestore_trees *trees, const uint32_t *prepared, uint32_t *scratch, double *sums);

// Adds the leaves of rows, eight at a time: `prepared` and `sums` have room for row_count rounded up to eight rows, and what lies
// behind the last row is read and changed, not used.
//   prepared    [rows, slot_count]
//   sums        [rows, margin_count]
void lodestore_add_rows(const lodestore_trees *trees, const uint32_t *prepared, uint32_t slot_count, uint32_t row_count,
                        double *sums);

// Trees filled up to full ones of five or six levels (section 12 of the image).
typedef struct {
    const uint8_t *splits; // for each tree places, shifts and ranks, 2^levels bytes each
    const void *values;    // of the leaves from left to right, 2^levels for each tree
    uint32_t levels;       // 5 or 6
    uint32_t code_count;   // of a row, up to 64
} lodestore_comparisons;

// Adds the leaves of rows by comparing all splits of a tree at once.
//   codes       [row_count, 64]
//   sums        [row_count, margin_count]
void lodestore_compare(const lodestore_trees *trees, const lodestore_comparisons *comparisons, const uint8_t *codes,
                       uint32_t row_count, double *sums);

// Adds the leaves of 32 rows by a scan over all splits, for trees of up to 64 leaves (sections 14 and 15 of the image).
//   starts      where the entries of each byte of each tree's leaves start, one more at the end
//   entries     a slot, a rank and a mask each, one byte each from the least significant
//   values      of the leaves, from left to right, tree by tree
//   prepared    [slots, 32]
//   sums        [row_count, margin_count], row_count up to 32
void lodestore_scan(const lodestore_trees *trees, const uint32_t *starts, const uint32_t *entries, const void *values,
                    const uint8_t *prepared, uint32_t row_count, double *sums);

// Walks trees of numerical splits with words of 32 bits, in AVX-512.
//   first_words  the first word of each tree
//   prepared     the row's slots, `slot_count` of them
//   depth        of the deepest leaf of all trees
//   leaves       receives the word of each tree's leaf, counted from `words`
//   scratch      room for 2 * (tree_count + 16) values
void lodestore_walk32(const uint32_t *words, const uint32_t *first_words, uint32_t tree_count, const uint32_t *prepared,
                      uint32_t slot_count, uint32_t child_bits, uint32_t slot_bits, uint32_t depth, uint32_t *leaves,
                      uint32_t *scratch);

#endif
