package import DurableFiles
package import RocksKit
package import S3Types

/// Why the engine refused or failed. Where nothing else is said, nothing has changed and nothing is left behind.
package enum EngineError: Error, Sendable {
    /// There is none of that name, or it is another one than when the request began.
    case noSuchBucket(BucketName)
    /// With the bucket that has the name.
    case bucketExists(BucketRecord)
    case bucketNotEmpty(BucketName)
    case noSuchKey(ObjectKey)
    case preconditionFailed(FailedPrecondition)
    case noSuchUpload(UploadID)
    /// A part that was named at completion is not there, or is another.
    case invalidPart(PartNumber)
    case invalidPartOrder
    case partTooSmall(PartNumber, sizeBytes: UInt64)
    /// The completed object's checksum is another than the client declared.
    case checksumMismatch(ChecksumAlgorithm)
    case sizeMismatch(declared: UInt64, actual: UInt64)
    /// The source of a copy went away meanwhile: open it again, decide again, repeat.
    case sourceChanged
    /// The cursor is foreign, or the events behind it have been dropped: list again.
    case feedCursorExpired
    /// The waiting task was cancelled.
    case cancelled
    /// The disk is too full for this write. Nothing was kept of it; the writes of others may still fit. Free some space,
    /// or retry later.
    case insufficientStorage(SpaceShortage)
    /// The disk failed and the database has not been opened anew since, or was while this body was being written. Nothing
    /// was kept of the body; retry.
    case recovering
    /// The engine has been closed. Start it again.
    case closed
    /// Stored bytes are not what they should be. Report it.
    case damaged(Damage)
    /// RocksDB failed. The outcome of a commit is then unknown: it may have happened. After a failed write it refuses all
    /// others until the database has been opened anew, which the engine does by itself; reads go on.
    case storage(RocksError)
    case files(FileError)
    /// The directory was written by another format of the store.
    case unsupportedFormat(found: UInt64, supported: UInt64)
}

extension EngineError {
    /// Whether room on the disk is what is missing.
    package var isFullDisk: Bool {
        switch self {
        case .insufficientStorage: true
        case .storage(let error): error.kind == .noSpace
        default: false
        }
    }
}

/// Which precondition of a write did not hold.
package enum FailedPrecondition: Hashable, Sendable {
    case ifMatch
    case ifNoneMatch
}

/// What is wrong with stored bytes.
package enum Damage: Error, Hashable, Sendable {
    /// A value of the named family does not decode.
    case record(family: String, cause: RecordError)
    /// A key of the named family does not decode.
    case key(family: String)
    /// A chunk that a record names is missing or has another length.
    case chunk(BlobID, index: UInt32)
    /// The bytes of a small body are missing or have another length.
    case inline(id: UInt64)
    /// A file of the directory is not as it was left, or is missing.
    case file(DirectoryFault)
    /// A salvage that writes into the directory did not come to its end.
    case unfinishedSalvage(directory: String)
}

/// Runs calls of the layer below and wraps what they throw.
func storing<Result: ~Copyable>(_ body: () throws(RocksError) -> Result) throws(EngineError) -> Result {
    do throws(RocksError) { return try body() } catch { throw .storage(error) }
}

func filing<Result>(_ body: () throws(FileError) -> Result) throws(EngineError) -> Result {
    do throws(FileError) { return try body() } catch { throw .files(error) }
}

func decoding<Result>(_ family: Family, _ body: () throws(RecordError) -> Result) throws(EngineError) -> Result {
    do throws(RecordError) { return try body() } catch { throw .damaged(.record(family: "\(family)", cause: error)) }
}
