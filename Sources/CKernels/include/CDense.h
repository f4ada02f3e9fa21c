// Dense layers of small networks in float32, for processors with AVX2 and FMA or with AVX-512. Beside each stands a Swift twin in
// `Scoring` (`PortableDense`); tests hold them together within the tolerance that decision 0061 states. Callers vouch for every
// pointer and count: they come from a validated image.

#ifndef LODESTORE_CDENSE_H
#define LODESTORE_CDENSE_H

#include <stddef.h>
#include <stdint.h>

// What this processor runs: 0 nothing of this, 1 AVX2 and FMA, 2 AVX-512 as well. The functions below take such a level.
int lodestore_dense_level(void);

// What is done with a layer's sums; the numbers of `Network.Activation`.
enum {
    LODESTORE_ACTIVATION_NONE = 0,
    LODESTORE_ACTIVATION_RELU = 1,
    LODESTORE_ACTIVATION_SIGMOID = 2,
    LODESTORE_ACTIVATION_TANH = 3,
    LODESTORE_ACTIVATION_LEAKY_RELU = 4,
    LODESTORE_ACTIVATION_ELU = 5,
    LODESTORE_ACTIVATION_EXPONENTIAL = 6,
};

// activation(bias + row * weights) for each row.
//   parameters  bias, `outputs` rounded up to 16; then panels of 16 outputs: for each panel, for each input, 16 weights
//   results     rows of `result_stride`, of which `outputs` rounded up to 16 are written
void lodestore_dense_panels(int level, const float *rows, size_t row_stride, size_t row_count, const float *parameters,
                            uint32_t inputs, uint32_t outputs, uint32_t activation, float alpha, float *results,
                            size_t result_stride);

// The same for few outputs.
//   parameters  bias, `outputs` rounded up to 16; then for each output its weights, `inputs` rounded up to 16
//   results     rows of `result_stride`, of which `outputs` are written
void lodestore_dense_dots(int level, const float *rows, size_t row_stride, size_t row_count, const float *parameters,
                          uint32_t inputs, uint32_t outputs, uint32_t activation, float alpha, float *results,
                          size_t result_stride);

// Activates values in place.
void lodestore_dense_activate(int level, float *values, size_t count, uint32_t activation, float alpha);

#endif
