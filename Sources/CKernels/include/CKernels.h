// Scoring kernels in AVX-512, which Swift cannot express: gathers, compressed and expanded lanes under masks. Each does what
// the Swift function of the same task in `Scoring` does, to the bit; tests hold the two together. Callers vouch for every
// index: they come from a validated image.

#ifndef LODESTORE_CKERNELS_H
#define LODESTORE_CKERNELS_H

#include <stdbool.h>
#include <stdint.h>

#include "CDense.h"

// Whether this processor runs what is declared below.
bool lodestore_kernels_can_run(void);

// Fills the slots of numerical splits from a row.
//   slots       pairs of feature and rule, `slot_count` of them
//   features    pairs of first threshold and number of thresholds
//   inclusive   whether a rank counts thresholds that equal the value (splits ask x < t) or not (x <= t)
//   prepared    receives `slot_count` values
void lodestore_prepare_float32(const float *row, const uint32_t *slots, uint32_t slot_count, const uint32_t *features,
                               const float *thresholds, bool inclusive, uint32_t *prepared);
void lodestore_prepare_float64(const double *row, const uint32_t *slots, uint32_t slot_count, const uint32_t *features,
                               const double *thresholds, bool inclusive, uint32_t *prepared);

// Walks trees of numerical splits with words of 32 bits.
//   first_words  the first word of each tree
//   prepared     the row's slots, `slot_count` of them
//   depth        of the deepest leaf of all trees
//   leaves       receives the word of each tree's leaf, counted from `words`
//   scratch      room for 2 * (tree_count + 16) values
void lodestore_walk32(const uint32_t *words, const uint32_t *first_words, uint32_t tree_count, const uint32_t *prepared,
                      uint32_t slot_count, uint32_t child_bits, uint32_t slot_bits, uint32_t depth, uint32_t *leaves,
                      uint32_t *scratch);

#endif
