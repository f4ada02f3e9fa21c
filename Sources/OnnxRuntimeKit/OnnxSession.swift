import COnnxRuntime
package import ModelTypes

/// A graph in ONNX Runtime's hands.
///
/// It computes on the thread that asks, without threads of its own. Neither arenas nor memory patterns are kept: both grow with every
/// new number of rows and would never shrink, and a request takes its memory from the allocator instead.
// Sendable: the library lets any number of threads run a session at once; nothing here is written after init.
@safe package final class OnnxSession: GraphSession, @unchecked Sendable {
    let runtime: OnnxRuntime
    package let interface: GraphInterface
    // Invariant: made by `runtime`, which outlives them; names end with a zero byte; all go with this.
    let session: connx_object
    let memory: connx_object
    let inputNames: UnsafeMutableBufferPointer<UnsafePointer<CChar>?>
    let outputName: UnsafePointer<CChar>

    /// - Parameter bytes: the file; not used after this returns.
    package init(_ bytes: UnsafeRawBufferPointer, runtime: OnnxRuntime) throws(GraphRuntimeError) {
        guard bytes.count <= RuntimeGraph.byteLimit else { throw .tooLarge }
        try unsafe OnnxFileWalk.check(bytes)
        var memory: connx_object?
        let session: connx_object
        do throws(OnnxFault) {
            try unsafe runtime.check(connx_create_memory(runtime.table, &memory))
            unsafe session = try Self.session(of: bytes, runtime)
        } catch {
            if let memory = unsafe memory { unsafe connx_release_memory(runtime.table, memory) }
            throw .refused(error.text)
        }
        do throws(GraphRuntimeError) {
            interface = try unsafe Self.interface(of: session, runtime)
        } catch {
            unsafe connx_release_session(runtime.table, session)
            unsafe connx_release_memory(runtime.table, memory)
            throw error
        }
        self.runtime = runtime
        unsafe self.session = session
        unsafe self.memory = memory.unsafelyUnwrapped
        unsafe inputNames = UnsafeMutableBufferPointer.allocate(capacity: interface.inputs.count)
        for (index, input) in interface.inputs.enumerated() {
            unsafe inputNames.initializeElement(at: index, to: Self.copied(input.name))
        }
        unsafe outputName = Self.copied(interface.outputName)
    }

    deinit {
        unsafe connx_release_session(runtime.table, session)
        unsafe connx_release_memory(runtime.table, memory)
        for index in unsafe inputNames.indices { unsafe inputNames[index]?.deallocate() }
        unsafe inputNames.deallocate()
        unsafe outputName.deallocate()
    }

    private static func copied(_ name: String) -> UnsafePointer<CChar> {
        let bytes = Array(name.utf8CString)
        let memory = UnsafeMutableBufferPointer<CChar>.allocate(capacity: bytes.count)
        _ = unsafe memory.initialize(from: bytes)
        return unsafe UnsafePointer(memory.baseAddress.unsafelyUnwrapped)
    }

    private static func session(
        of bytes: UnsafeRawBufferPointer, _ runtime: OnnxRuntime
    ) throws(OnnxFault) -> connx_object {
        let table = unsafe runtime.table
        var (options, session): (connx_object?, connx_object?) = (nil, nil)
        try unsafe runtime.check(connx_create_options(table, &options))
        defer { unsafe connx_release_options(table, options) }
        try unsafe runtime.check(connx_set_severity(table, options, OnnxRuntime.errorSeverity))
        try unsafe runtime.check(connx_set_intra_threads(table, options, 1))
        try unsafe runtime.check(connx_set_inter_threads(table, options, 1))
        try unsafe runtime.check(connx_disable_arena(table, options))
        try unsafe runtime.check(connx_disable_patterns(table, options))
        // 99 is all of them.
        try unsafe runtime.check(connx_set_optimization(table, options, 99))
        let entries = [
            ("session.intra_op.allow_spinning", "0"), ("session.inter_op.allow_spinning", "0"),
            // Never the library's own format, which the walk through the file does not know.
            ("session.load_model_format", "ONNX"),
        ]
        for (key, value) in entries { try unsafe runtime.check(connx_set_entry(table, options, key, value)) }
        try unsafe runtime.check(
            connx_create_session(
                table, runtime.environment, bytes.baseAddress, bytes.count, options, &session))
        guard let made = unsafe session else { throw OnnxFault(code: 0, message: "no session") }
        return unsafe made
    }

    // MARK: Inputs and outputs

    private static func interface(
        of session: connx_object, _ runtime: OnnxRuntime
    ) throws(GraphRuntimeError) -> GraphInterface {
        let ports: ([GraphInterface.Port], [GraphInterface.Port])
        do throws(OnnxFault) {
            let table = unsafe runtime.table
            var (inputCount, outputCount) = (0, 0)
            try unsafe runtime.check(connx_input_count(table, session, &inputCount))
            try unsafe runtime.check(connx_output_count(table, session, &outputCount))
            ports = (
                try unsafe Self.ports(inputCount, session, runtime, connx_input_name, connx_input_type),
                try unsafe Self.ports(outputCount, session, runtime, connx_output_name, connx_output_type)
            )
        } catch {
            throw .refused(error.text)
        }
        do throws(GraphInterfaceError) {
            return try GraphInterface(inputs: ports.0, outputs: ports.1)
        } catch {
            throw .interface(error)
        }
    }

    private typealias NameOf = (
        connx_table?, connx_object?, Int, connx_object?, UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
    ) -> connx_status?
    private typealias TypeOf = (
        connx_table?, connx_object?, Int, UnsafeMutablePointer<connx_object?>?
    ) -> connx_status?

    private static func ports(
        _ count: Int, _ session: connx_object, _ runtime: OnnxRuntime, _ nameOf: NameOf, _ typeOf: TypeOf
    ) throws(OnnxFault) -> [GraphInterface.Port] {
        let table = unsafe runtime.table
        var allocator: connx_object?
        try unsafe runtime.check(connx_default_allocator(table, &allocator))
        var ports: [GraphInterface.Port] = []
        for index in 0..<count {
            var name: UnsafeMutablePointer<CChar>?
            try unsafe runtime.check(nameOf(table, session, index, allocator, &name))
            let text = unsafe name.map { unsafe String(cString: $0) } ?? ""
            try unsafe runtime.check(connx_free(table, allocator, name))
            var type: connx_object?
            try unsafe runtime.check(typeOf(table, session, index, &type))
            defer { unsafe connx_release_type(table, type) }
            ports.append(GraphInterface.Port(name: text, kind: try unsafe kind(of: type, runtime)))
        }
        return ports
    }

    private static func kind(
        of type: connx_object?, _ runtime: OnnxRuntime
    ) throws(OnnxFault) -> GraphInterface.Port.Kind {
        let table = unsafe runtime.table
        var kind: Int32 = 0
        try unsafe runtime.check(connx_kind(table, type, &kind))
        // `ONNXType`, in its order.
        let kinds = ["nothing known", "a tensor", "a sequence", "a map", "opaque", "a sparse tensor", "optional"]
        guard kind == 1 else { return .other(kinds.indices.contains(Int(kind)) ? kinds[Int(kind)] : kinds[0]) }
        var shape: connx_object?
        // Lives as long as the type.
        try unsafe runtime.check(connx_shape_of_type(table, type, &shape))
        let (element, dimensions) = try unsafe elementAndDimensions(of: shape, runtime)
        return .tensor(element: element, dimensions: dimensions.map { $0 < 0 ? nil : Int($0) })
    }

    static func elementAndDimensions(
        of shape: connx_object?, _ runtime: OnnxRuntime
    ) throws(OnnxFault) -> (element: Int, dimensions: [Int64]) {
        let table = unsafe runtime.table
        var (element, count): (Int32, Int) = (0, 0)
        try unsafe runtime.check(connx_element(table, shape, &element))
        try unsafe runtime.check(connx_dimension_count(table, shape, &count))
        var dimensions = [Int64](repeating: 0, count: count)
        try unsafe runtime.check(connx_dimensions(table, shape, &dimensions, count))
        return (Int(element), dimensions)
    }
}
