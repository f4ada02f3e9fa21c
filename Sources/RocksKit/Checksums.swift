import CRocksDB

/// The CRC32C of a range as RocksDB writes it beside the bytes: rotated and shifted, so that a checksum of checksums is no
/// special case.
func maskedChecksum(of bytes: RawSpan, _ range: Range<Int>) -> UInt32 {
    let crc = unsafe bytes.extracting(range).withUnsafeBytes { unsafe crocks_crc32c($0.baseAddress, $0.count) }
    return (crc >> 15 | crc << 17) &+ 0xA282_EAD8
}

/// The CRC32C of some bytes, as it is.
package func checksum(of bytes: [UInt8]) -> UInt32 {
    unsafe bytes.withUnsafeBytes { unsafe crocks_crc32c($0.baseAddress, $0.count) }
}
