import COnnxRuntime
package import ModelTypes

/// ONNX Runtime's library, opened where the operator says, and its one environment.
///
/// The library's log goes nowhere and its telemetry is off. It is never closed: its own threads and static data could not bear that.
// Sendable: the table is constant, and the environment is made for sessions from any thread.
@safe package final class OnnxRuntime: GraphRuntime, @unchecked Sendable {
    /// The version of the table of functions that is asked for: that of ONNX Runtime 1.11, of 2022.
    package static let interfaceVersion: UInt32 = 11
    static let errorSeverity: Int32 = 3

    // Invariant: a table of at least the functions of the version, and an environment of it, for as long as this lives.
    let table: connx_table
    let environment: connx_object
    /// As the library says it: `1.32.0`.
    package let version: String

    /// - Parameter path: of `libonnxruntime.so`; one without a slash is of the working directory.
    package init(path: String) throws(OnnxRuntimeError) {
        var (table, environment): (connx_table?, connx_object?) = (nil, nil)
        var text = [CChar](repeating: 0, count: 1024)
        let result = unsafe connx_open(
            path.utf8.contains(UInt8(ascii: "/")) ? path : "./" + path, Self.interfaceVersion, &table, &text, text.count
        )
        let said = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        switch Int(result) {
        case Int(CONNX_OPENED.rawValue): version = said
        case Int(CONNX_NO_LIBRARY.rawValue): throw .noLibrary(said)
        case Int(CONNX_NO_ENTRY.rawValue): throw .noEntry
        default: throw .tooOld(said)
        }
        guard let table = unsafe table else { throw .tooOld(said) }
        do throws(OnnxFault) {
            try unsafe Self.check(
                connx_create_environment(table, Self.errorSeverity, "lodestore", &environment), table)
            try unsafe Self.check(connx_disable_telemetry(table, environment), table)
        } catch {
            if let environment = unsafe environment { unsafe connx_release_environment(table, environment) }
            throw .failed(error.text)
        }
        guard let environment = unsafe environment else { throw .failed("no environment") }
        unsafe self.table = table
        unsafe self.environment = environment
    }

    deinit { unsafe connx_release_environment(table, environment) }

    package func session(of bytes: UnsafeRawBufferPointer) throws(GraphRuntimeError) -> any GraphSession {
        try unsafe OnnxSession(bytes, runtime: self)
    }

    /// Throws what a status says, once it is released.
    func check(_ status: connx_status?) throws(OnnxFault) { try unsafe Self.check(status, table) }

    private static func check(_ status: connx_status?, _ table: connx_table) throws(OnnxFault) {
        guard let status = unsafe status else { return }
        let message = unsafe connx_error_message(table, status).map { unsafe String(cString: $0) }
        let code = unsafe connx_error_code(table, status)
        unsafe connx_release_status(table, status)
        throw OnnxFault(code: code, message: message ?? "no reason given")
    }
}
