// The dense kernels, written once over vectors of LANES floats and included for each instruction set. What the includer defines:
//   TARGET, FN(name), V (vector type), LANES, SETZERO(), SPLAT(x), LOAD(p), STORE(p, v), LOAD_SOME(p, n), STORE_SOME(p, v, n),
//   FMA(a, b, c), ADD, SUB, MUL, DIV, MIN, MAX (the second operand where one is NaN), ROUND(v), POWER_OF_TWO(v) (of whole
//   numbers), NEGATIVE_OR(test, yes, no) (yes where test < 0), ABS(v), SIGN_OF(v) (its sign bit), OR(a, b), SUM(v),
//   ROWS and PANELS (rows and panels of a register block), CHAINS (vectors of sums that hide the latency of an addition)

#define VECTORS (16 / LANES)

// e^r - 1 for |r| <= ln(2) / 2: the Taylor series to the seventh power, whose rest is below 6e-9 of the sum.
TARGET INLINE V FN(series)(V r) {
    V p = SPLAT(1.0f / 5040);
    p = FMA(p, r, SPLAT(1.0f / 720));
    p = FMA(p, r, SPLAT(1.0f / 120));
    p = FMA(p, r, SPLAT(1.0f / 24));
    p = FMA(p, r, SPLAT(1.0f / 6));
    p = FMA(p, r, SPLAT(0.5f));
    p = FMA(p, r, SPLAT(1.0f));
    return MUL(p, r);
}

// x = n ln(2) + r; the logarithm is cut in two so that n times its first part is exact.
TARGET INLINE V FN(reduced)(V x, V *n) {
    *n = ROUND(MUL(x, SPLAT(0x1.715476p+0f)));
    return FMA(*n, SPLAT(-0x1.7f7d1cp-20f), FMA(*n, SPLAT(-0x1.62e4p-1f), x));
}

TARGET INLINE V FN(exponential)(V x) {
    V n;
    const V r = FN(reduced)(MIN(SPLAT(89.0f), MAX(SPLAT(-104.0f), x)), &n);
    // 2^n in two factors: n reaches from -150 to 128.
    const V half = ROUND(MUL(n, SPLAT(0.5f)));
    return MUL(MUL(ADD(FN(series)(r), SPLAT(1.0f)), POWER_OF_TWO(half)), POWER_OF_TWO(SUB(n, half)));
}

// e^x - 1 for x from -20 to 20.
TARGET INLINE V FN(exponential_less_one)(V x) {
    V n;
    const V r = FN(reduced)(x, &n);
    const V scale = POWER_OF_TWO(n);
    return FMA(scale, FN(series)(r), SUB(scale, SPLAT(1.0f)));
}

TARGET INLINE V FN(activated)(V x, uint32_t activation, float alpha) {
    switch (activation) {
    case LODESTORE_ACTIVATION_RELU: return MAX(SETZERO(), x);
    case LODESTORE_ACTIVATION_SIGMOID: return DIV(SPLAT(1.0f), ADD(SPLAT(1.0f), FN(exponential)(SUB(SETZERO(), x))));
    case LODESTORE_ACTIVATION_TANH: {
        const V e = FN(exponential_less_one)(MIN(SPLAT(20.0f), MUL(ABS(x), SPLAT(2.0f))));
        return OR(DIV(e, ADD(e, SPLAT(2.0f))), SIGN_OF(x));
    }
    case LODESTORE_ACTIVATION_LEAKY_RELU: return NEGATIVE_OR(x, MUL(x, SPLAT(alpha)), x);
    case LODESTORE_ACTIVATION_ELU: {
        const V e = FN(exponential_less_one)(MIN(SETZERO(), MAX(SPLAT(-20.0f), x)));
        return NEGATIVE_OR(x, MUL(e, SPLAT(alpha)), x);
    }
    case LODESTORE_ACTIVATION_EXPONENTIAL: return FN(exponential)(x);
    default: return x;
    }
}

TARGET static void FN(activate)(float *values, size_t count, uint32_t activation, float alpha) {
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) STORE(values + i, FN(activated)(LOAD(values + i), activation, alpha));
    if (i < count) {
        const V tail = LOAD_SOME(values + i, count - i);
        STORE_SOME(values + i, FN(activated)(tail, activation, alpha), count - i);
    }
}

// MARK: Panels

// One row through `panels` panels side by side, so that the sums are chains enough to hide the latency of an addition. Each sum
// grows in the order of the inputs, here and in blocks: a row's results do not depend on its neighbours.
TARGET INLINE void FN(row_panels)(const int panels, const float *row, const float *bias, const float *weights, size_t inputs,
                                  bool is_relu, float *result) {
    V sums[CHAINS];
#pragma clang loop unroll(full)
    for (int c = 0; c < panels * VECTORS; c++) sums[c] = LOAD(bias + c * LANES);
    for (size_t i = 0; i < inputs; i++) {
        const V x = SPLAT(row[i]);
#pragma clang loop unroll(full)
        for (int c = 0; c < panels * VECTORS; c++) {
            sums[c] = FMA(x, LOAD(weights + ((size_t)(c / VECTORS) * inputs + i) * 16 + (c % VECTORS) * LANES), sums[c]);
        }
    }
#pragma clang loop unroll(full)
    for (int c = 0; c < panels * VECTORS; c++) STORE(result + c * LANES, is_relu ? MAX(SETZERO(), sums[c]) : sums[c]);
}

// `rows` rows by `panels` panels: each weight that is loaded serves all rows, and each feature all panels.
TARGET INLINE void FN(block)(const int rows, const int panels, const float *row, size_t row_stride, const float *bias,
                             const float *weights, size_t inputs, bool is_relu, float *result,
                             size_t result_stride) {
    V sums[ROWS * PANELS * VECTORS];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
        for (int c = 0; c < panels * VECTORS; c++) sums[r * panels * VECTORS + c] = LOAD(bias + c * LANES);
    }
    for (size_t i = 0; i < inputs; i++) {
        V w[PANELS * VECTORS];
#pragma clang loop unroll(full)
        for (int c = 0; c < panels * VECTORS; c++) {
            w[c] = LOAD(weights + ((size_t)(c / VECTORS) * inputs + i) * 16 + (c % VECTORS) * LANES);
        }
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
            const V x = SPLAT(row[(size_t)r * row_stride + i]);
#pragma clang loop unroll(full)
            for (int c = 0; c < panels * VECTORS; c++) {
                sums[r * panels * VECTORS + c] = FMA(x, w[c], sums[r * panels * VECTORS + c]);
            }
        }
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
        for (int c = 0; c < panels * VECTORS; c++) {
            const V sum = sums[r * panels * VECTORS + c];
            STORE(result + (size_t)r * result_stride + c * LANES, is_relu ? MAX(SETZERO(), sum) : sum);
        }
    }
}

// All rows through some panels. Invariant: at least two rows.
TARGET INLINE void FN(blocks)(const int panels, const float *rows, size_t row_stride, size_t row_count, const float *bias,
                              const float *weights, size_t inputs, bool is_relu, float *results, size_t result_stride) {
    size_t r = 0;
#define BLOCK(n)                                                                                                              \
    FN(block)(n, panels, rows + r * row_stride, row_stride, bias, weights, inputs, is_relu,                                   \
              results + r * result_stride, result_stride)
    for (; r + ROWS <= row_count; r += ROWS) BLOCK(ROWS);
    if (row_count - r >= 4) {
        BLOCK(4);
        r += 4;
    }
    for (; row_count - r >= 2; r += 2) BLOCK(2);
    if (row_count > r) BLOCK(1);
#undef BLOCK
}

TARGET static void FN(panels)(const float *rows, size_t row_stride, size_t row_count, const float *parameters, size_t inputs,
                              size_t outputs, uint32_t activation, float alpha, float *results, size_t result_stride) {
    const size_t panel_count = (outputs + 15) / 16;
    const float *bias = parameters;
    const float *weights = parameters + panel_count * 16;
    const bool is_relu = activation == LODESTORE_ACTIVATION_RELU;
    size_t p = 0;
    if (row_count == 1) {
        enum { WIDE = CHAINS / VECTORS };
#define ROW(n)                                                                                                                \
    FN(row_panels)(n, rows, bias + p * 16, weights + p * inputs * 16, inputs, is_relu, results + p * 16)
        for (; p + WIDE <= panel_count; p += WIDE) ROW(WIDE);
        if (p + 4 <= panel_count) {
            ROW(4);
            p += 4;
        }
        if (p + 2 <= panel_count) {
            ROW(2);
            p += 2;
        }
        if (p < panel_count) ROW(1);
#undef ROW
    } else {
#define BLOCKS(n)                                                                                                             \
    FN(blocks)(n, rows, row_stride, row_count, bias + p * 16, weights + p * inputs * 16, inputs, is_relu,                     \
               results + p * 16, result_stride)
        for (; p + PANELS <= panel_count; p += PANELS) BLOCKS(PANELS);
        for (; p < panel_count; p++) BLOCKS(1);
#undef BLOCKS
    }
    // The others cost too much code to be written into every kernel; what they read is still in the first-level cache.
    if (activation == LODESTORE_ACTIVATION_NONE || is_relu) return;
    for (size_t r = 0; r < row_count; r++) {
        FN(activate)(results + r * result_stride, panel_count * 16, activation, alpha);
    }
}

// MARK: Dots

// One or two rows times the weights of one output, in four chains of sums; the same order for both.
TARGET INLINE void FN(dot_rows)(const int rows, const float *row, size_t row_stride, const float *weights,
                                size_t inputs, float bias, float *result, size_t result_stride) {
    enum { chains = 4 };
    V sums[2 * chains];
#pragma clang loop unroll(full)
    for (int c = 0; c < rows * chains; c++) sums[c] = SETZERO();
    size_t i = 0;
    for (; i + (size_t)(chains * LANES) <= inputs; i += (size_t)(chains * LANES)) {
#pragma clang loop unroll(full)
        for (int c = 0; c < chains; c++) {
            const V w = LOAD(weights + i + (size_t)(c * LANES));
#pragma clang loop unroll(full)
            for (int r = 0; r < rows; r++) {
                sums[r * chains + c] = FMA(LOAD(row + (size_t)r * row_stride + i + (size_t)(c * LANES)), w, sums[r * chains + c]);
            }
        }
    }
    for (; i + LANES <= inputs; i += LANES) {
        const V w = LOAD(weights + i);
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) sums[r * chains] = FMA(LOAD(row + (size_t)r * row_stride + i), w, sums[r * chains]);
    }
    if (i < inputs) {
        // The weights are padded with zeros; the row is not, and may end where the memory does.
        const V w = LOAD(weights + i);
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
            sums[r * chains] = FMA(LOAD_SOME(row + (size_t)r * row_stride + i, inputs - i), w, sums[r * chains]);
        }
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
        V sum = sums[r * chains];
#pragma clang loop unroll(full)
        for (int c = 1; c < chains; c++) sum = ADD(sum, sums[r * chains + c]);
        result[(size_t)r * result_stride] = bias + SUM(sum);
    }
}

TARGET static void FN(dots)(const float *rows, size_t row_stride, size_t row_count, const float *parameters, size_t inputs,
                            size_t outputs, uint32_t activation, float alpha, float *results, size_t result_stride) {
    const float *weights = parameters + (outputs + 15) / 16 * 16;
    const size_t width = (inputs + 15) / 16 * 16;
    size_t r = 0;
    for (; r + 2 <= row_count; r += 2) {
        for (size_t o = 0; o < outputs; o++) {
            FN(dot_rows)(2, rows + r * row_stride, row_stride, weights + o * width, inputs, parameters[o],
                         results + r * result_stride + o, result_stride);
        }
    }
    for (; r < row_count; r++) {
        for (size_t o = 0; o < outputs; o++) {
            FN(dot_rows)(1, rows + r * row_stride, row_stride, weights + o * width, inputs, parameters[o],
                         results + r * result_stride + o, result_stride);
        }
    }
    if (activation == LODESTORE_ACTIVATION_NONE) return;
    for (r = 0; r < row_count; r++) FN(activate)(results + r * result_stride, outputs, activation, alpha);
}

#undef VECTORS
