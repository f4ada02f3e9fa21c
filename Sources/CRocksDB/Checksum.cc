// RocksDB's CRC32C, computed by the processor.
//
// Distributions build librocksdb for the oldest processor they support, which leaves its CRC32C (log, blob files,
// manifest) to tables: 1 GB/s, where the instruction that every x86-64 of the last fifteen years has does 8. The library's
// calls go through its symbol table, so the definition here, in the program, comes before its own. The values are the
// same: directories written with and without it are one format. Docs/Decisions/0013 has the figures.

#if defined(__x86_64__) && defined(__linux__)

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <nmmintrin.h>

namespace {

__attribute__((target("sse4.2"))) uint32_t extendByInstruction(uint32_t crc, const char *data, size_t size) {
    uint64_t state = crc ^ 0xFFFFFFFFu;
    for (; size >= 8; size -= 8, data += 8) {
        uint64_t word;
        std::memcpy(&word, data, 8);
        state = _mm_crc32_u64(state, word);
    }
    uint32_t rest = static_cast<uint32_t>(state);
    for (; size > 0; --size, ++data) {
        rest = _mm_crc32_u8(rest, static_cast<uint8_t>(*data));
    }
    return rest ^ 0xFFFFFFFFu;
}

// The reflected polynomial of RFC 3720, a byte at a time.
constexpr std::array<uint32_t, 256> table = []() constexpr {
    std::array<uint32_t, 256> entries{};
    for (uint32_t index = 0; index < 256; ++index) {
        uint32_t value = index;
        for (int bit = 0; bit < 8; ++bit) {
            value = (value >> 1) ^ ((value & 1) != 0 ? 0x82F63B78u : 0);
        }
        entries[index] = value;
    }
    return entries;
}();

uint32_t extendByTable(uint32_t crc, const char *data, size_t size) {
    uint32_t state = crc ^ 0xFFFFFFFFu;
    for (; size > 0; --size, ++data) {
        state = (state >> 8) ^ table[(state ^ static_cast<uint8_t>(*data)) & 0xFF];
    }
    return state ^ 0xFFFFFFFFu;
}

}  // namespace

namespace rocksdb {
namespace crc32c {

// Continues the CRC32C of some bytes with more of them, as RocksDB's util/crc32c.h declares it.
__attribute__((visibility("default"))) uint32_t Extend(uint32_t crc, const char *data, size_t size) {
    return __builtin_cpu_supports("sse4.2") ? extendByInstruction(crc, data, size) : extendByTable(crc, data, size);
}

}  // namespace crc32c
}  // namespace rocksdb

#endif
