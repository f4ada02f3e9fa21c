package import AsyncHTTPClient
import Digests
import NIOCore
import NIOHTTP1
package import S3Types
import SigV4

/// Signed requests to one bucket of any S3.
package struct S3Client: Sendable {
    package let endpoint: S3Endpoint
    package let bucket: BucketName
    let http: HTTPClient
    let retry: RetryPolicy
    private let signer: RequestSigner
    private let now: @Sendable () -> Int64

    /// - Parameters:
    ///   - http: lives longer than this value; its owner shuts it down.
    ///   - now: seconds since 1970.
    package init(
        endpoint: S3Endpoint, bucket: BucketName, credentials: S3Credentials, http: HTTPClient,
        retry: RetryPolicy = RetryPolicy(), now: @escaping @Sendable () -> Int64
    ) {
        self.endpoint = endpoint
        self.bucket = bucket
        self.http = http
        self.retry = retry
        self.now = now
        self.signer = RequestSigner(
            accessKey: credentials.accessKey, secret: credentials.secret, sessionToken: credentials.sessionToken,
            region: credentials.region)
    }

    /// What the sidecar's client is made of: short connects, an idle limit on reads that a feed's keep-alive stays within,
    /// and no redirects, which would need another signature.
    package static func httpClient() -> HTTPClient {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: .seconds(5), read: .seconds(30)))
        configuration.httpVersion = .http1Only
        // Two fetches of four ranges, the feed, and listings beside them.
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 16
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    // MARK: One exchange

    /// A signed request, not yet sent.
    func request(
        _ method: HTTPMethod, key: ObjectKey?, query: [(name: String, value: String)] = [],
        fields: [(name: String, value: String)] = []
    ) throws(S3ClientError) -> HTTPClientRequest {
        let target = endpoint.target(bucket: bucket, key: key, query: query)
        let authority = endpoint.authority(bucket: bucket)
        let signed: [(name: String, value: String)]
        do throws(SignatureError) {
            signed = try signer.sign(
                method: method.rawValue, target: target, fields: [("host", authority)] + fields,
                payload: .digest(Self.emptySHA256), atSeconds: now())
        } catch {
            throw .malformedAnswer(reason: "the target \(target) cannot be signed")
        }
        var request = HTTPClientRequest(url: "\(endpoint.isTLS ? "https" : "http")://\(authority)\(target)")
        request.method = method
        request.headers = HTTPHeaders(signed.map { ($0.name, $0.value) })
        return request
    }

    private static let emptySHA256 = Digest.sha256([])

    /// One answer whose head says success.
    struct Answer {
        let status: Int
        let headers: HTTPHeaders
        let body: HTTPClientResponse.Body
    }

    /// Sends once and reads the head.
    func send(_ request: HTTPClientRequest, key: ObjectKey?, deadline: NIODeadline) async throws(S3ClientError)
        -> Answer
    {
        let response: HTTPClientResponse
        do {
            response = try await http.execute(request, deadline: deadline)
        } catch {
            throw Self.failure(error)
        }
        let status = Int(response.status.code)
        guard (200..<300).contains(status) else { throw await refusal(response, status: status, key: key) }
        return Answer(status: status, headers: response.headers, body: response.body)
    }

    /// A whole body, appended piece by piece and never allocated by a length that the server states.
    func collect(_ answer: Answer, limitBytes: UInt64) async throws(S3ClientError) -> [UInt8] {
        var bytes: [UInt8] = []
        do {
            for try await piece in answer.body {
                guard UInt64(bytes.count) + UInt64(piece.readableBytes) <= limitBytes else {
                    throw S3ClientError.tooLarge(
                        sizeBytes: UInt64(bytes.count + piece.readableBytes), limitBytes: limitBytes)
                }
                bytes.append(contentsOf: piece.readableBytesView)
            }
        } catch {
            throw Self.failure(error)
        }
        return bytes
    }

    /// Tries a request until it succeeds, fails for good, or the policy is used up.
    func retrying<Value: Sendable>(_ attempt: () async throws(S3ClientError) -> Value) async throws(S3ClientError)
        -> Value
    {
        var number = 0
        while true {
            do throws(S3ClientError) {
                return try await attempt()
            } catch {
                number += 1
                guard error.isPassing, number < retry.tryCount, !Task.isCancelled else { throw error }
                do {
                    try await retry.pause(retry.wait(before: number))
                } catch {
                    throw .cancelled
                }
            }
        }
    }

    static func failure(_ error: any Error) -> S3ClientError {
        switch error {
        case let error as S3ClientError: error
        case is CancellationError: .cancelled
        case let error as HTTPClientError where error == .cancelled: .cancelled
        default: .connection(cause: error)
        }
    }

    private func refusal(_ response: HTTPClientResponse, status: Int, key: ObjectKey?) async -> S3ClientError {
        // An answer that breaks off still has its status, which says enough.
        let body = (try? await response.body.collect(upTo: 64 * 1024)).map { String(buffer: $0) } ?? ""
        let code = Self.element("Code", of: body) ?? ""
        let message = Self.element("Message", of: body) ?? ""
        switch (status, code) {
        case (404, "NoSuchBucket"): return .noSuchBucket
        case (404, _): return key.map { .noSuchKey($0) } ?? .service(status: status, code: code, message: message)
        case (412, _): return key.map { .changed($0) } ?? .service(status: status, code: code, message: message)
        case (401, _), (403, _): return .accessDenied(code: code, message: message)
        default: return .service(status: status, code: code, message: message)
        }
    }

    /// The text of an error document's element, taken as text: whatever answers an error may be no XML at all, and this is
    /// only shown.
    private static func element(_ name: String, of text: String) -> String? {
        guard let open = text.firstRange(of: "<\(name)>"),
            let close = text[open.upperBound...].firstRange(of: "</\(name)>")
        else { return nil }
        return String(text[open.upperBound..<close.lowerBound].prefix(500))
    }
}
