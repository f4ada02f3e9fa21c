import NIOCore
import NIOHTTP1

/// Hands what NIO's codec decodes to the connection, which stands behind it in the pipeline.
final class CodecAdapter: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart

    private let connection: HTTPConnection

    init(connection: HTTPConnection) { self.connection = connection }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.connection.receive(.part(self.unwrapInboundIn(data)))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let parserError = error as? HTTPParserError else { return context.fireErrorCaught(error) }
        self.connection.receive(.failure(Self.kernelError(parserError)))
    }

    private static func kernelError(_ error: HTTPParserError) -> HTTPKernelError {
        switch error {
        case .headerOverflow: .headTooLarge
        case .invalidVersion: .unsupportedVersion
        case .invalidEOFState: .truncatedBody
        default: .malformedRequest(reason: error.debugDescription)
        }
    }
}

/// What the codec says of the bytes, in their order.
enum CodecEvent {
    case part(HTTPServerRequestPart)
    case failure(HTTPKernelError)
}
