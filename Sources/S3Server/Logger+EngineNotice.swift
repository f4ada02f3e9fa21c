import Logging
import ObjectEngine
import Telemetry

extension Logger {
    /// Tells an operator what the engine has to say of its disk.
    func log(_ notice: EngineNotice) {
        switch notice {
        case .warning(let text): warning("rocksdb warns", metadata: [LogKey.reason: "\(text)"])
        case .error(let text): error("rocksdb fails", metadata: [LogKey.reason: "\(text)"])
        case .droppedMessages(let count): warning("rocksdb said more", metadata: [LogKey.count: "\(count)"])
        case .full(let shortage):
            error(
                "disk full: writes are refused, reads and deletes go on",
                metadata: [
                    LogKey.path: "\(shortage.directory)", LogKey.freeBytes: "\(shortage.freeBytes)",
                    LogKey.neededBytes: "\(shortage.neededBytes)",
                ])
        case .roomAgain: self.notice("room again: writes are taken")
        case .failed(let reason):
            error(
                "disk failed: writes are refused until the database is opened anew",
                metadata: [LogKey.reason: "\(reason)"])
        case .stillFailed(let reason): warning("database not opened anew yet", metadata: [LogKey.reason: "\(reason)"])
        case .openedAnew: self.notice("database opened anew: writes are taken")
        }
    }
}
