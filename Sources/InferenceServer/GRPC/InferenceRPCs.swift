import GRPCCore
import InferenceWire
import NIOCore
import Names

/// `inference.GRPCInferenceService` and `grpc.health.v1.Health`, method by method.
struct InferenceRPCs: RegistrableRPCService {
    static let service = "inference.GRPCInferenceService"
    static let healthService = "grpc.health.v1.Health"

    private let loops: ServingLoops

    init(_ loops: ServingLoops) { self.loops = loops }

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        unary("ServerLive", &router) { _, _ in OpenInferenceMessages.truth(true) }
        unary("ServerReady", &router) { loop, _ in OpenInferenceMessages.truth(loop.registry.isReady) }
        unary("ServerMetadata", &router) { _, _ in OpenInferenceMessages.server() }
        unary("ModelReady", &router) { loop, message throws(OpenInferenceRefusal) in
            let named = try Self.named(message)
            // Whatever the reason: not ready.
            let slot = try? loop.slot(named: Name(named.name), version: Name(named.version))
            return OpenInferenceMessages.truth(slot != nil)
        }
        unary("ModelMetadata", &router) { loop, message throws(OpenInferenceRefusal) in
            let named = try Self.named(message)
            let slot = try loop.slot(named: Name(named.name), version: Name(named.version))
            return OpenInferenceMessages.metadata(slot.signature)
        }
        unary("ModelConfig", &router) { loop, message throws(OpenInferenceRefusal) in
            let named = try Self.named(message)
            let slot = try loop.slot(named: Name(named.name), version: Name(named.version))
            return OpenInferenceMessages.configuration(slot.signature)
        }
        unary("RepositoryIndex", &router) { loop, message throws(OpenInferenceRefusal) in
            let request = unsafe try message.lent { (bytes) throws(OpenInferenceError) in
                unsafe try IndexRequest(message: bytes)
            }
            return OpenInferenceMessages.index(loop.index(request))
        }
        later("RepositoryModelLoad", &router) { loop, message, promise throws(OpenInferenceRefusal) in
            try loop.setServing(true, try Self.load(message)).map { ByteBuffer() }.cascade(to: promise)
        }
        later("RepositoryModelUnload", &router) { loop, message, promise throws(OpenInferenceRefusal) in
            try loop.setServing(false, try Self.load(message)).map { ByteBuffer() }.cascade(to: promise)
        }
        later("ModelStatistics", &router) { loop, message, promise throws(OpenInferenceRefusal) in
            let named = try Self.named(message)
            try loop.statistics(ofModel: Name(named.name), version: Name(named.version)).map { models in
                ByteBuffer(bytes: OpenInferenceMessages.statistics(models.map { ($0.entry, $0.counts) }))
            }.cascade(to: promise)
        }
        registerInfer(&router)
        registerStream(&router)
        registerHealth(&router)
    }

    // MARK: Inference

    private func registerInfer<Transport: ServerTransport>(_ router: inout RPCRouter<Transport>) {
        let method = MethodDescriptor(fullyQualifiedService: Self.service, method: "ModelInfer")
        router.registerHandler(forMethod: method, deserializer: MessageBytes(), serializer: MessageBytes()) {
            [loops] request, _ in
            let call = Call(method, request.metadata)
            let message: ByteBuffer
            do {
                message = try await ServerRequest(stream: request).message
            } catch {
                // A caller whose patience ends takes the call back.
                if let deadline = try? call.deadline(), deadline.hasPassed { loops.noteRefused(.late) }
                throw error
            }
            let reply = try await Self.infer(loops, message, call)
            return StreamingServerResponse(single: ServerResponse(message: reply))
        }
    }

    /// What is known of a call before its message is.
    private struct Call: Sendable {
        let path: String
        let patience: Patience
        let beganNanoseconds = Inquiry.now()

        init(_ method: MethodDescriptor, _ metadata: Metadata) {
            path = "/\(method.fullyQualifiedMethod)"
            let timeout = metadata[stringValues: PatientTransport.timeoutKey].first { _ in true }
            patience = timeout.map { Patience(timeout: $0) } ?? .unlimited
        }

        /// When the caller stops waiting.
        func deadline() throws(OpenInferenceRefusal) -> Deadline {
            guard let deadline = patience.deadline(from: beganNanoseconds) else {
                throw OpenInferenceRefusal(.field, "grpc-timeout is not a number with a unit")
            }
            return deadline
        }
    }

    private static func infer(_ loops: ServingLoops, _ message: ByteBuffer, _ call: Call) async throws -> ByteBuffer {
        try await loops.call { loop, promise in Self.infer(loop, message, call, promise) }
    }

    /// One step on the loop: finds the model, and answers there or has a worker answer.
    private static func infer(
        _ loop: OpenInferenceLoop, _ message: ByteBuffer, _ call: Call, _ promise: EventLoopPromise<ByteBuffer>
    ) {
        let began = Inquiry.now()
        let (slot, deadline): (ModelTable.Slot, Deadline)
        do throws(OpenInferenceRefusal) {
            deadline = try call.deadline()
            try Self.check(message, loop.limits)
            let head = unsafe try message.lent { (bytes) throws(OpenInferenceError) in unsafe try InferMessage(bytes) }
            slot = try loop.slot(named: Name(head.modelName), version: Name(head.modelVersion))
        } catch {
            loop.noteRefused(error)
            loop.log.note(.failure(error), to: message, path: call.path, began: began)
            return promise.fail(error)
        }
        // What is larger, the connection's loop has charged before it was here.
        let isCharged = message.readableBytes > loop.limits.loopBytes
        let inquiry = TensorInquiry(body: message, wire: .message, deadline: deadline, isCharged: isCharged)
        func deliver(_ finished: OpenInferenceLoop.Finished) {
            let reply: Result<ByteBuffer, any Error> = finished.reply.map { $0.body }.mapError { $0 }
            promise.completeWith(reply)
            loop.log.note(reply, to: message, path: call.path, began: began) { line in
                line.model = (slot.name, slot.version)
                line.rowCount = finished.rowCount
                line.nanoseconds = finished.endNanoseconds &- inquiry.beganNanoseconds
            }
        }
        switch loop.infer(inquiry, slot) {
        case .now(let finished): deliver(finished)
        case .later(let start): start(deliver)
        }
    }

    /// `ModelStreamInfer`: each request is answered in its turn, a refused one by its text; the stream goes on.
    private func registerStream<Transport: ServerTransport>(_ router: inout RPCRouter<Transport>) {
        let method = MethodDescriptor(fullyQualifiedService: Self.service, method: "ModelStreamInfer")
        router.registerHandler(forMethod: method, deserializer: MessageBytes(), serializer: MessageBytes()) {
            [loops] request, _ in
            let call = Call(method, request.metadata)
            // What no message could be answered with ends the stream before the first.
            do throws(OpenInferenceRefusal) {
                _ = try call.deadline()
            } catch {
                loops.noteRefused(error)
                throw error
            }
            return StreamingServerResponse { writer in
                for try await message in request.messages {
                    let answer: [UInt8]
                    do {
                        let reply = try await Self.infer(loops, message, call)
                        answer = OpenInferenceMessages.streamed(Array(reply.readableBytesView))
                    } catch let refusal as OpenInferenceRefusal {
                        answer = OpenInferenceMessages.streamed(error: refusal.reason)
                    }
                    try await writer.write(ByteBuffer(bytes: answer))
                }
                return [:]
            }
        }
    }

    // MARK: Health

    /// `Check` alone; the name is empty or this service's. Source: "GRPC Health Checking Protocol".
    private func registerHealth<Transport: ServerTransport>(_ router: inout RPCRouter<Transport>) {
        unary("Check", &router, service: Self.healthService) { loop, message throws(OpenInferenceRefusal) in
            let named = try Self.named(message)
            guard named.name.isEmpty || Name(named.name) == Name(Self.service) else {
                throw OpenInferenceRefusal(.notFound, "no service \"\(named.name.prefix(200))\"")
            }
            return OpenInferenceMessages.health(isServing: loop.registry.isReady)
        }
    }

    // MARK: Registering

    /// A method whose answer is known within the step on the loop.
    private func unary<Transport: ServerTransport>(
        _ name: String, _ router: inout RPCRouter<Transport>, service: String = Self.service,
        _ answer: @escaping @Sendable (OpenInferenceLoop, ByteBuffer) throws(OpenInferenceRefusal) -> [UInt8]
    ) {
        later(name, &router, service: service) { loop, message, promise throws(OpenInferenceRefusal) in
            promise.succeed(ByteBuffer(bytes: try answer(loop, message)))
        }
    }

    private func later<Transport: ServerTransport>(
        _ name: String, _ router: inout RPCRouter<Transport>, service: String = Self.service,
        _ step:
            @escaping @Sendable (OpenInferenceLoop, ByteBuffer, EventLoopPromise<ByteBuffer>)
            throws(OpenInferenceRefusal) -> Void
    ) {
        let method = MethodDescriptor(fullyQualifiedService: service, method: name)
        router.registerHandler(forMethod: method, deserializer: MessageBytes(), serializer: MessageBytes()) {
            [loops] request, _ in
            let call = Call(method, request.metadata)
            let message = try await ServerRequest(stream: request).message
            let reply = try await loops.call { loop, promise in
                promise.futureResult.assumeIsolated().whenComplete { reply in
                    loop.log.note(reply, to: message, path: call.path, began: call.beganNanoseconds)
                }
                do throws(OpenInferenceRefusal) {
                    try Self.check(message, loop.limits)
                    try step(loop, message, promise)
                } catch {
                    promise.fail(error)
                }
            }
            return StreamingServerResponse(single: ServerResponse(message: reply))
        }
    }

    // MARK: Reading

    private static func check(_ message: ByteBuffer, _ limits: InferenceLimits) throws(OpenInferenceRefusal) {
        guard message.readableBytes <= limits.bodyBytes else {
            throw OpenInferenceRefusal(
                .tooLarge, "a message of \(message.readableBytes) bytes; \(limits.bodyBytes) are allowed")
        }
    }

    private static func named(_ message: ByteBuffer) throws(OpenInferenceRefusal) -> NamedRequest {
        unsafe try message.lent { (bytes) throws(OpenInferenceError) in unsafe try NamedRequest(message: bytes) }
    }

    private static func load(_ message: ByteBuffer) throws(OpenInferenceRefusal) -> LoadRequest {
        unsafe try message.lent { (bytes) throws(OpenInferenceError) in unsafe try LoadRequest(message: bytes) }
    }
}
