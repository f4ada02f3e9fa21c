import HTTPKernel
import NIOCore
import NIOHTTP1
import Names
import S3Types
import Telemetry

/// `POST /endpoints/{name}/invocations`: a request as clients of Amazon SageMaker send it, and answers in their shapes.
///
/// Source: "InvokeEndpoint", Amazon SageMaker Runtime API Reference.
struct RuntimeCall: Sendable {
    /// The one variant of every endpoint, by the name that the SageMaker SDK gives it.
    static let variant = "AllTraffic"

    let endpoint: String
    let requestID: String
    /// `X-Amzn-SageMaker-Target-Model`, or the inference component, which names a model of the endpoint as well.
    let targetModel: String?
    let targetVariant: String?
    let inferenceID: String?
    let customAttributes: String?
    /// A field that asks for what is not served here.
    let unservedField: String?

    init(endpoint: String, head: RequestHead) {
        self.endpoint = endpoint
        requestID = Self.makeRequestID()
        targetModel =
            head.first("x-amzn-sagemaker-target-model") ?? head.first("x-amzn-sagemaker-inference-component")
        targetVariant = head.first("x-amzn-sagemaker-target-variant")
        inferenceID = head.first("x-amzn-sagemaker-inference-id")
        customAttributes = head.first("x-amzn-sagemaker-custom-attributes")
        unservedField = [
            "X-Amzn-SageMaker-Target-Container-Hostname", "X-Amzn-SageMaker-Enable-Explanations",
            "X-Amzn-SageMaker-Session-Id",
        ].first { head.first($0) != nil }
    }

    /// The endpoint that the path names; nil for any other path.
    static func endpoint(in head: RequestHead) -> String? {
        let path = head.target.bytePrefix(upTo: "?")
        let (start, end) = ("/endpoints/", "/invocations")
        guard path.hasBytePrefix(start), path.hasByteSuffix(end), path.utf8.count > start.utf8.count + end.utf8.count
        else {
            return nil
        }
        let name = path.utf8.dropFirst(start.utf8.count).dropLast(end.utf8.count)
        guard !name.contains(UInt8(ascii: "/")),
            let bytes = PercentEncoding.decode(Array(name)[...], plusIsSpace: false)
        else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    /// What cannot be served as it is asked for.
    var refusal: Refusal? {
        func isPlain(_ text: String, limit: Int) -> Bool {
            text.utf8.count <= limit && text.utf8.allSatisfy { (0x20..<0x7F).contains($0) }
        }
        if let unservedField { return .badField("\(unservedField) is not served here") }
        if let inferenceID, inferenceID.isEmpty || !isPlain(inferenceID, limit: 64) {
            return .badField("InferenceId is 1 to 64 characters of ASCII")
        }
        if let customAttributes, !isPlain(customAttributes, limit: 1024) {
            return .badField("CustomAttributes are at most 1024 characters of visible ASCII")
        }
        return nil
    }

    /// The head of an answer, completed with what belongs to this call alone.
    func completed(_ head: ResponseHead) -> ResponseHead {
        var head = head
        head.add("x-amzn-requestid", requestID)
        if let customAttributes { head.add("x-amzn-sagemaker-custom-attributes", customAttributes) }
        return head
    }

    // MARK: Refusals

    /// What a model refused is a ModelError that quotes the model's own answer; everything else is the endpoint's fault or
    /// the caller's.
    func response(for refusal: Refusal, model: [(String, String)]) -> Response {
        var fields = [("content-type", "application/json"), ("x-amzn-requestid", requestID)] + refusal.fields + model
        var status = refusal.status
        var body = "{\"message\": \(jsonQuoted(refusal.reason))}\n"
        let errorType: String
        switch refusal.kind {
        case .rows, .format, .size, .deadline, .failed:
            errorType = "ModelError"
            status = .failedDependency
            let answer = "{\"error\": \(jsonQuoted(refusal.reason))}"
            let side = refusal.kind == .failed ? "server" : "client"
            let message =
                "Received \(side) error (\(refusal.status.code)) from model with message \"\(refusal.reason)\"."
            body = """
                {"Message": \(jsonQuoted(message)), "OriginalStatusCode": \(refusal.status.code), \
                "OriginalMessage": \(jsonQuoted(answer)), "LogStreamArn": ""}

                """
        case .shed, .unready: errorType = "ServiceUnavailable"
        case .access: errorType = refusal.errorType ?? "AccessDeniedException"
        case .model, .field, .http:
            errorType = "ValidationError"
            if refusal.kind == .model { status = .badRequest }
        }
        fields.append(("x-amzn-errortype", errorType))
        return Response(ResponseHead(status, fields), body: ByteBuffer(string: body))
    }

    /// A UUID of version 4. Source: RFC 9562, section 5.4.
    private static func makeRequestID() -> String {
        var random = SystemRandomNumberGenerator()
        let high = random.next() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
        let low = random.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        let digits = Array((Self.hexadecimal(high) + Self.hexadecimal(low)))
        return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(digits[$0]) }.joined(separator: "-")
    }

    private static func hexadecimal(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}
