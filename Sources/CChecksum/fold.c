// Folding as in "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction" (Gopal et al., Intel, 2009),
// for reflected polynomials of up to 64 bits. Digests holds the table-driven reference that this is tested against.

#include "CChecksum.h"

#if defined(__x86_64__)

#include <immintrin.h>

bool lodestore_crc_can_fold(void) { return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1"); }

__attribute__((target("pclmul,sse4.1"))) static inline __m128i advance(__m128i value, __m128i constants) {
    return _mm_xor_si128(_mm_clmulepi64_si128(value, constants, 0x00), _mm_clmulepi64_si128(value, constants, 0x11));
}

__attribute__((target("pclmul,sse4.1"))) static inline __m128i load(const uint8_t *bytes) {
    return _mm_loadu_si128((const __m128i *)bytes);
}

__attribute__((target("pclmul,sse4.1")))
void lodestore_crc_fold(const uint8_t *data, size_t count, uint64_t state, const uint64_t constants[4],
                        uint8_t folded[16]) {
    const __m128i by512 = _mm_set_epi64x((int64_t)constants[1], (int64_t)constants[0]);
    const __m128i by128 = _mm_set_epi64x((int64_t)constants[3], (int64_t)constants[2]);

    __m128i lane0 = _mm_xor_si128(load(data), _mm_set_epi64x(0, (int64_t)state));
    __m128i lane1 = load(data + 16);
    __m128i lane2 = load(data + 32);
    __m128i lane3 = load(data + 48);
    size_t at = 64;
    for (; count - at >= 64; at += 64) {
        lane0 = _mm_xor_si128(advance(lane0, by512), load(data + at));
        lane1 = _mm_xor_si128(advance(lane1, by512), load(data + at + 16));
        lane2 = _mm_xor_si128(advance(lane2, by512), load(data + at + 32));
        lane3 = _mm_xor_si128(advance(lane3, by512), load(data + at + 48));
    }

    __m128i rest = _mm_xor_si128(advance(lane0, by128), lane1);
    rest = _mm_xor_si128(advance(rest, by128), lane2);
    rest = _mm_xor_si128(advance(rest, by128), lane3);
    for (; count - at >= 16; at += 16) rest = _mm_xor_si128(advance(rest, by128), load(data + at));
    _mm_storeu_si128((__m128i *)folded, rest);
}

#else

bool lodestore_crc_can_fold(void) { return false; }

void lodestore_crc_fold(const uint8_t *data, size_t count, uint64_t state, const uint64_t constants[4],
                        uint8_t folded[16]) {
    (void)data, (void)count, (void)state, (void)constants, (void)folded;
    __builtin_trap();
}

#endif
