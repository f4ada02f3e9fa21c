package import Names
import S3Types
import Telemetry

/// What a sidecar is doing, for operators and tests.
package struct SyncStatus: Sendable {
    /// RFC 3339.
    package let updated: String
    package let models: [ModelStatus]
    package let executors: [ExecutorStatus]

    /// One JSON object a line: first the models, then the executors.
    package var lines: [String] { models.map(\.json) + executors.map(\.json) }
}

/// One model.
package struct ModelStatus: Sendable {
    package let model: Name
    /// What became of the newest artifact: see `SyncStep`.
    package let state: String
    /// Why it failed; nil unless it did.
    package let reason: String?
    /// The version that is live, whatever became of the newest.
    package let version: String?
    let json: String

    init(_ machine: borrowing ModelMachine) {
        model = machine.model
        let live = machine.executors.values.compactMap { $0.live?.image }.first
        let state: SyncStep =
            if machine.attempt != nil { machine.steps.newest ?? .noticed } else if machine.failure != nil {
                .failed
            } else if machine.candidate != nil || live == nil { .offered } else { .live }
        self.state = state.rawValue
        reason = machine.failure?.reason
        version = live?.version

        var fields = ["\"model\":\(jsonQuoted(machine.model.text))", "\"state\":\"\(state.rawValue)\""]
        if let version { fields.append("\"version\":\(jsonQuoted(version))") }
        if let live { fields.append("\"digest\":\"\(live.artifactDigest)\"") }
        if let target = machine.target {
            fields.append("\"key\":\(jsonQuoted(target.key.text))")
            fields.append("\"etag\":\(jsonQuoted(target.etag.text))")
            fields.append("\"size\":\(target.sizeBytes)")
        }
        if let failure = machine.failure {
            fields.append("\"reason\":\(jsonQuoted(failure.reason))")
            fields.append("\"failed_step\":\"\(failure.step.rawValue)\"")
            fields.append("\"failed_at\":\"\(failure.at)\"")
        }
        fields.append("\"steps\":[\(machine.steps.records.map(Self.json).joined(separator: ","))]")
        let executors = machine.executors.sorted { $0.key < $1.key }.map { Self.json(path: $0.key, $0.value) }
        fields.append("\"executors\":[\(executors.joined(separator: ","))]")
        json = "{\(fields.joined(separator: ","))}"
    }

    private static func json(_ record: StepRecord) -> String {
        let bytes = record.bytes.map { ",\"bytes\":\($0)" } ?? ""
        return
            "{\"step\":\"\(record.step.rawValue)\",\"at\":\"\(record.at)\",\"ms\":\(milliseconds(record.duration))\(bytes)}"
    }

    private static func json(path: Name, _ executor: ModelMachine.Executor) -> String {
        var fields = ["\"path\":\(jsonQuoted(path.text))"]
        if let live = executor.live {
            fields.append("\"generation\":\(live.generation),\"version\":\(jsonQuoted(live.image.version))")
        }
        if let offered = executor.offered { fields.append("\"offered\":\(offered.generation)") }
        if !executor.draining.isEmpty {
            fields.append("\"draining\":[\(executor.draining.sorted().map(String.init).joined(separator: ","))]")
        }
        if let refusal = executor.refusal { fields.append("\"refusal\":\(jsonQuoted(refusal))") }
        return "{\(fields.joined(separator: ","))}"
    }
}

/// One executor.
package struct ExecutorStatus: Sendable {
    package let path: Name
    package let isConnected: Bool
    /// Why it is not connected; nil when it is, or before the first attempt ended.
    package let problem: String?

    var json: String {
        let problem = problem.map { ",\"problem\":\(jsonQuoted($0))" } ?? ""
        return "{\"executor\":\(jsonQuoted(path.text)),\"connected\":\(isConnected)\(problem)}"
    }
}
