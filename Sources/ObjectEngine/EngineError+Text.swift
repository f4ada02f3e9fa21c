import RocksKit
import S3Types

extension EngineError: CustomStringConvertible {
    /// A sentence for whoever runs the store.
    package var description: String {
        switch self {
        case .noSuchBucket(let name): "there is no bucket \(name.text)"
        case .bucketExists(let bucket): "there is a bucket \(bucket.name.text) already"
        case .bucketNotEmpty(let name): "the bucket \(name.text) is not empty"
        case .noSuchKey(let key): "there is no object \(key.text.debugDescription)"
        case .preconditionFailed(let failed): "the precondition \(failed) does not hold"
        case .noSuchUpload(let id): "there is no upload \(id.text)"
        case .invalidPart(let number): "part \(number.value) is not there or is another"
        case .invalidPartOrder: "the parts are not in order"
        case .partTooSmall(let number, let size): "part \(number.value) has only \(size) bytes"
        case .checksumMismatch(let algorithm): "the \(algorithm.rawValue) is another than was declared"
        case .sizeMismatch(let declared, let actual): "the size is \(actual) where \(declared) was declared"
        case .sourceChanged: "the source of the copy has changed meanwhile"
        case .feedCursorExpired: "the cursor is foreign or has expired"
        case .cancelled: "cancelled"
        case .insufficientStorage(let shortage): "\(shortage)"
        case .recovering: "the disk has failed, and the database has not been opened anew since"
        case .closed: "the engine has been closed"
        case .damaged(.file(let fault)):
            """
            \(fault). Not opened, and nothing in \(fault.directory) was changed: `lodestore check --data \(fault.directory)` lists all that \
            is wrong; `lodestore salvage --data \(fault.directory) --to NEWDIR` writes what can be had into a new directory and \
            states what is lost.
            """
        case .damaged(.unfinishedSalvage(let directory)): "\(Damage.unfinishedSalvage(directory: directory))"
        case .damaged(let damage): "stored bytes are damaged: \(damage)"
        case .storage(let error): "the database failed: \(error.message)"
        case .files(let error): "\(error)"
        case .unsupportedFormat(let found, let supported):
            """
            the directory has format \(found), and this release of lodestore reads and writes format \(supported) only. Nothing in \
            the directory was changed. \
            \(found > supported
                ? "Start it with the release that wrote it, or a later one." : "Start it with the release that wrote it.")
            """
        }
    }
}

extension EngineError {
    /// What happened, without what to do about a directory that is not open.
    var cause: String {
        if case .damaged(.file(let fault)) = self { "\(fault)" } else { description }
    }
}

extension Damage: CustomStringConvertible {
    package var description: String {
        switch self {
        case .record(let family, let cause): "a record of the family \(family) does not decode: \(cause)"
        case .key(let family): "a key of the family \(family) does not decode"
        case .chunk(let id, let index): "chunk \(index) of blob \(id.value) is missing or has another length"
        case .inline(let id): "the bytes of the small body \(id) are missing or have another length"
        case .file(let fault): "\(fault)"
        case .unfinishedSalvage(let directory):
            "\(directory) holds what a salvage had made of a store when it was interrupted; nothing in it was changed: remove it "
                + "and run `lodestore salvage` again"
        }
    }
}
