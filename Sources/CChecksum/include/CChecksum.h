// Carry-less multiplication for cyclic redundancy checks; Swift has no word for the instruction.
#ifndef LODESTORE_CCHECKSUM_H
#define LODESTORE_CCHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Whether this processor has the instruction. Where it is false, lodestore_crc_fold must not be called.
bool lodestore_crc_can_fold(void);

// Replaces `count` bytes by 16 that leave the same remainder.
//
// For a reflected CRC of up to 64 bits: the remainder of the bytes at `data`, starting from `state`, equals that of the
// 16 bytes left at `folded`, starting from zero.
//
//   count      a multiple of 16, 64 or more
//   constants  reflected in 64 bits: x^575, x^511 (512 bits ahead), x^191, x^127 (128 bits ahead), all modulo the polynomial
void lodestore_crc_fold(const uint8_t *data, size_t count, uint64_t state, const uint64_t constants[4],
                        uint8_t folded[16]);

#endif
