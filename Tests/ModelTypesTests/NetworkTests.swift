import ModelTypes
import Testing

@Suite(.timeLimit(.minutes(3))) struct NetworkTests {
    private static let dense = Network.Layer(
        .dense(weights: [1, 2, 3, 4, 5, 6], bias: [0, 0, 0]), input: Network.Place(buffer: 0, count: 2),
        output: Network.Place(buffer: 1, count: 3))

    @Test func layersInOrderAreSound() throws {
        let network = try Network(
            widths: [2, 3], layers: [Self.dense], output: Network.Place(buffer: 1, first: 1, count: 2))
        #expect(network.featureCount == 2 && network.output.count == 2)
    }

    static let unsound: [(String, [Int], [Network.Layer], Network.Place, NetworkError)] = {
        func place(_ buffer: Int, _ first: Int = 0, _ count: Int) -> Network.Place {
            Network.Place(buffer: buffer, first: first, count: count)
        }
        func select(_ columns: [Int32], _ input: Network.Place, _ output: Network.Place) -> Network.Layer {
            Network.Layer(.select(columns), input: input, output: output)
        }
        let result = place(1, 0, 1)
        return [
            ("no buffers", [], [], result, .width),
            ("a negative width", [-1], [], result, .width),
            ("too many columns", [1, 1 << 20], [], result, .tooManyColumns),
            (
                "reads a buffer that is not there", [2, 1], [select([0], place(7, 0, 1), result)], result,
                .input(layer: 0)
            ),
            ("reads past the row", [2, 1], [select([0], place(0, 2, 1), result)], result, .input(layer: 0)),
            ("reads before it is written", [2, 1, 1], [select([0], place(2, 0, 1), result)], result, .input(layer: 0)),
            ("writes over the row", [2, 1], [select([0], place(0, 0, 1), place(0, 0, 1))], result, .output(layer: 0)),
            ("leaves a gap", [2, 3], [select([0], place(0, 0, 1), place(1, 1, 1))], result, .output(layer: 0)),
            (
                "writes twice", [2, 1], [select([0], place(0, 0, 1), result), select([0], place(0, 0, 1), result)],
                result,
                .output(layer: 1)
            ),
            (
                "writes past its buffer", [2, 1], [select([0, 1], place(0, 0, 2), place(1, 0, 2))], result,
                .output(layer: 0)
            ),
            ("selects outside its input", [2, 1], [select([2], place(0, 0, 2), result)], result, .shape(layer: 0)),
            (
                "has too few weights", [2, 1],
                [Network.Layer(.dense(weights: [1], bias: [1]), input: place(0, 0, 2), output: result)], result,
                .shape(layer: 0)
            ),
            (
                "has a second input that it does not read", [2, 1],
                [Network.Layer(.select([0]), input: place(0, 0, 1), second: place(0, 0, 1), output: result)], result,
                .shape(layer: 0)
            ),
            ("has no result", [2, 1], [], result, .result),
        ]
    }()

    @Test(arguments: unsound.indices) func whatIsUnsoundIsRefused(index: Int) {
        let (what, widths, layers, output, error) = Self.unsound[index]
        #expect(throws: error, "\(what)") { try Network(widths: widths, layers: layers, output: output) }
    }
}
