import S3Wire
import Synchronization
import Testing

@testable import S3Service

@Suite(.timeLimit(.minutes(1))) struct DocumentTurnsTests {
    private static let large = DocumentTurns.smallBytes + 1

    private final class Order: Sendable {
        private let numbers = Mutex<[Int]>([])
        func append(_ number: Int) { numbers.withLock { $0.append(number) } }
        var all: [Int] { numbers.withLock { $0 } }
    }

    @Test func largeDocumentsAreReadOneAfterAnotherInTheirOrder() async throws {
        let documents = DocumentTurns()
        let order = Order()
        await documents.turns.take()
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for number in 0..<5 {
                tasks.addTask {
                    try await documents.read(byteCount: Self.large) { order.append(number) }
                }
                while documents.turns.waitingCount <= number { await Task.yield() }
            }
            #expect(order.all.isEmpty)
            documents.turns.pass()
            try await tasks.waitForAll()
        }
        #expect(order.all == [0, 1, 2, 3, 4])
        #expect(documents.turns.waitingCount == 0)
    }

    @Test func smallDocumentsWaitForNobody() async throws {
        let documents = DocumentTurns()
        await documents.turns.take()
        #expect(try await documents.read(byteCount: DocumentTurns.smallBytes) { 1 } == 1)
        documents.turns.pass()
    }

    @Test func aDocumentThatIsRefusedPassesTheTurnOn() async throws {
        let documents = DocumentTurns()
        for _ in 0..<2 {
            await #expect(throws: S3Error.self) {
                try await documents.read(byteCount: Self.large) { () throws(S3Error) in throw S3Error(.malformedXML) }
            }
        }
        #expect(try await documents.read(byteCount: Self.large) { 1 } == 1)
    }
}
