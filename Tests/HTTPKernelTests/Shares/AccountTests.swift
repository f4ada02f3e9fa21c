import Dispatch
import Testing

@testable import HTTPKernel

@Suite(.timeLimit(.minutes(3))) struct AccountTests {
    // MARK: Memory

    @Test func eachPurposeHasItsBound() {
        // 800 bytes: 100 are the strangers', 700 the signers'.
        let bounds: [(MemoryAccount.Purpose, Int)] = [(.stranger, 100), (.speed, 175), (.ease, 261), (.need, 700)]
        for (purpose, bound) in bounds {
            let account = MemoryAccount(limitBytes: 800)
            #expect(account.charge(bound, for: purpose), "\(purpose)")
            #expect(!account.charge(1, for: purpose), "\(purpose)")
            account.release(bound, for: purpose)
            #expect(account.usedBytes == 0)
        }
    }

    @Test func whatIsComfortableLeavesRoomForWhatIsNeeded() {
        let account = MemoryAccount(limitBytes: 800)
        #expect(account.charge(300, for: .need))
        #expect(!account.charge(1, for: .speed))
        #expect(!account.charge(1, for: .ease))
        #expect(account.charge(400, for: .need))
        #expect(!account.charge(1, for: .need))
        // A refusal has taken nothing.
        #expect(account.usedBytes == 700)
    }

    @Test func strangersTakeNothingFromSigners() {
        let account = MemoryAccount(limitBytes: 800)
        #expect(account.charge(100, for: .stranger))
        #expect(!account.charge(1, for: .stranger))
        #expect(account.charge(700, for: .need))
        #expect(account.isTight)
        account.release(700, for: .need)
        #expect(!account.isTight)
        #expect(!account.charge(1, for: .stranger))
    }

    @Test func thePeakIsOfTheTimeSinceItWasAsked() {
        let account = MemoryAccount(limitBytes: 800)
        #expect(account.charge(500, for: .need))
        account.release(450, for: .need)
        #expect(account.takePeak() == 500)
        #expect(account.takePeak() == 50)
    }

    @Test func chargesOfManyThreadsComeOutEven() {
        let account = MemoryAccount(limitBytes: 8000)
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            for _ in 0..<2000 where account.charge(3000, for: .need) { account.release(3000, for: .need) }
        }
        #expect(account.usedBytes == 0)
        #expect(account.charge(7000, for: .need))
    }

    @Test func aShareGivesBackWhatItHas() {
        let account = MemoryAccount(limitBytes: 800)
        do {
            let share = MemoryShare(account)
            #expect(share.resize(to: 600, for: .need))
            #expect(share.resize(to: 100, for: .need))
            #expect(!share.resize(to: 300, for: .speed))
            #expect(share.bytes == 100)
            #expect(account.usedBytes == 100)
        }
        #expect(account.usedBytes == 0)
        #expect(MemoryShare(nil).resize(to: .max, for: .speed))
    }

    // MARK: Descriptors

    private static let limits = DescriptorAccount.Limits(connectionCount: 4, strangerCount: 3, tableCount: 1)

    @Test func strangersHaveLessThanSigners() {
        let account = DescriptorAccount(Self.limits)
        for _ in 0..<3 { #expect(account.charge(.stranger)) }
        #expect(!account.charge(.stranger))
        // One has signed: a place of the strangers' is free, and the last one of all.
        account.promote()
        #expect(account.charge(.stranger))
        #expect(!account.charge(.stranger))
        #expect(!account.charge(.signer))
        account.release(.signer)
        #expect(!account.charge(.stranger))
        #expect(account.charge(.signer))
        #expect(account.count(of: .stranger) == 3)
        #expect(account.count(of: .signer) == 1)
    }

    @Test func connectionsTakeNoTables() {
        let account = DescriptorAccount(Self.limits)
        for _ in 0..<4 { #expect(account.charge(.signer)) }
        #expect(!account.charge(.signer))
        #expect(account.charge(.table))
        #expect(!account.charge(.table))
        account.release(.table)
        #expect(account.charge(.table))
    }

    // MARK: The oldest stranger

    @Test func theOldestThatWaitsIsTaken() {
        var queue = StrangerQueue()
        for id in 1...4 as ClosedRange<UInt64> { queue.enter(id) }
        queue.leave { $0 != 1 }
        // 1 has signed, 2 is being answered.
        func verdict(_ id: UInt64) -> StrangerQueue.Verdict { id == 1 ? .drop : id == 2 ? .spare : .take }
        #expect(queue.takeOldest(verdict) == 3)
        #expect(queue.takeOldest(verdict) == 4)
        // 2 has gone to the end and is still there.
        #expect(queue.takeOldest(verdict) == nil)
        #expect(queue.takeOldest { _ in .take } == 2)
        #expect(queue.takeOldest { _ in .take } == nil)
    }

    @Test func numbersOfThoseWhoHaveGoneDoNotGather() {
        var queue = StrangerQueue()
        for id in 0..<100_000 as Range<UInt64> {
            queue.enter(id)
            queue.leave { _ in false }
        }
        #expect(queue.count == 0)
        var looks = 0
        #expect(
            queue.takeOldest { _ in
                looks += 1
                return .drop
            } == nil)
        #expect(looks <= StrangerQueue.lookCount)
    }
}
