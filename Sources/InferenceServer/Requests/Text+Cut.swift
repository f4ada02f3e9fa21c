extension StringProtocol {
    /// The text, or as much of its beginning as fits so many bytes of UTF-8, in whole scalars: a name of a client's is not to make a
    /// refusal long. Characters are no measure for that, since one of them can be any number of bytes.
    func cut(toBytes limit: Int) -> SubSequence {
        guard utf8.count > limit else { return self[...] }
        var (end, byteCount) = (startIndex, 0)
        while true {
            let next = unicodeScalars.index(after: end)
            byteCount += utf8.distance(from: end, to: next)
            guard byteCount <= limit else { return self[..<end] }
            end = next
        }
    }
}
