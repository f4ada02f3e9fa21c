/// How far a log has come in RocksDB's count of changes, which tells its writes from bytes that only look like some.
struct LogOrder {
    /// The least that the next write may begin with.
    private var next: UInt64 = 0

    func follows(_ record: [UInt8]) -> Bool {
        LogBatch(record).map { $0.sequence >= next } ?? false
    }

    mutating func take(_ record: [UInt8]) {
        guard let (sequence, count) = LogBatch.head(of: record) else { return }
        let end = sequence.addingReportingOverflow(UInt64(count))
        next = max(next, end.overflow ? .max : end.partialValue)
    }
}
