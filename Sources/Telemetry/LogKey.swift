/// The keys of log metadata, each declared once. Messages are constant; what varies stands under one of these.
package enum LogKey {
    package static let error = "error"
    package static let reason = "reason"
    package static let path = "path"
    package static let bytes = "bytes"
    package static let count = "count"
    package static let limit = "limit"
    package static let duration = "duration.ms"
    package static let address = "net.address"
    package static let peer = "net.peer"
    package static let signal = "process.signal"

    package static let requestID = "s3.request.id"
    package static let operation = "s3.operation"
    package static let bucket = "s3.bucket"
    package static let key = "s3.key"
    package static let uploadID = "s3.upload.id"
    package static let accessKey = "s3.access_key"

    package static let method = "http.method"
    package static let target = "http.target"
    package static let requestPath = "http.path"
    package static let status = "http.status"
    package static let callStatus = "grpc.status"
    package static let sentBytes = "http.sent.bytes"
    package static let receivedBytes = "http.received.bytes"

    package static let rows = "request.rows"
    package static let inferenceID = "request.inference.id"
    package static let dropped = "log.dropped"

    package static let model = "model.name"
    package static let modelVersion = "model.version"
    package static let generation = "model.generation"
    package static let digest = "model.digest"
    package static let step = "model.step"
    package static let executor = "executor.path"
}
