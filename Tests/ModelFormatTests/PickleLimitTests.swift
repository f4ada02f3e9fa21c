import ModelFormat
import Testing

@Suite(.timeLimit(.minutes(3))) struct PickleLimitTests {
    /// Each opcode of one byte makes a list of some thirty.
    @Test func aPickleOfNothingButListsIsRefusedWhereItIsTooMany() {
        let pickle = [0x80, 0x04] + [UInt8](repeating: UInt8(ascii: "]"), count: 5_000_000)
        #expect {
            try ModelParser.parse(pickle.span)
        } throws: {
            "\($0)".contains("pickle opcodes")
        }
    }
}
