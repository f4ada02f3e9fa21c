import HTTPKernel
import ObjectEngine
import S3Wire

extension Answer {
    /// Takes what the answer cannot be sent without, before anything of it is sent.
    ///
    /// - Parameter isOfChange: what was asked for has been done. Such an answer is not refused.
    /// - Throws: SlowDown when there is no room.
    func admitted(to shares: ConnectionShares?, isOfChange: Bool) throws(S3Error) -> MemoryShare {
        let share = MemoryShare(shares?.memory)
        guard share.resize(to: neededBytes, for: .need) || isOfChange else { throw S3Error(.slowDown) }
        return share
    }

    private var neededBytes: Int {
        switch body {
        case .none, .declared: 0
        case .bytes(let bytes): bytes.count > TransferCost.freeAnswerBytes ? bytes.count : 0
        case .object(let reader):
            reader.remainingBytes > TransferCost.freeAnswerBytes ? TransferCost.leanDownloadBytes : 0
        case .feed: TransferCost.followerBytes
        }
    }
}
