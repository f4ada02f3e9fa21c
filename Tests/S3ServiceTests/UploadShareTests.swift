import HTTPKernel
import S3Wire
import Testing

@testable import S3Service

@Suite(.timeLimit(.minutes(3))) struct UploadShareTests {
    private static func shares(bytes: Int, tables: Int = 8) -> ConnectionShares {
        ConnectionShares(
            memory: MemoryAccount(limitBytes: bytes),
            descriptors: DescriptorAccount(
                DescriptorAccount.Limits(connectionCount: 8, strangerCount: 8, tableCount: tables)))
    }

    private static let largeBytes: UInt64 = 256 << 20

    @Test func aLargeUploadHasItsTableWhileThereIsRoom() throws {
        let shares = Self.shares(bytes: 64 << 20)
        do {
            let share = try UploadShare(shares, sizeBytes: Self.largeBytes)
            #expect(share.expectedSizeBytes == Self.largeBytes)
            #expect(shares.descriptors.count(of: .table) == 1)
            try share.grow(to: Self.largeBytes)
            #expect(shares.descriptors.count(of: .table) == 1)
        }
        #expect(shares.descriptors.count(of: .table) == 0)
        #expect(shares.memory.usedBytes == 0)
    }

    @Test func withoutRoomItGoesThroughTheLogUntilItMustBeATable() throws {
        let shares = Self.shares(bytes: 8 << 20)
        do {
            let share = try UploadShare(shares, sizeBytes: Self.largeBytes)
            #expect(share.expectedSizeBytes == nil)
            #expect(shares.descriptors.count(of: .table) == 0)
            try share.grow(to: TransferCost.tableThresholdBytes - 1)
            #expect(shares.descriptors.count(of: .table) == 0)
            try share.grow(to: TransferCost.tableThresholdBytes)
            #expect(shares.descriptors.count(of: .table) == 1)
            #expect(shares.memory.usedBytes == TransferCost.tableUploadBytes)
        }
        #expect(shares.memory.usedBytes == 0)
    }

    @Test func anUploadForWhichThereIsNoTableIsToldToSlowDown() throws {
        let shares = Self.shares(bytes: 64 << 20, tables: 1)
        let first = try UploadShare(shares, sizeBytes: Self.largeBytes)
        let second = try UploadShare(shares, sizeBytes: Self.largeBytes)
        #expect(second.expectedSizeBytes == nil)
        #expect(throws: S3Error(.slowDown)) { try second.grow(to: TransferCost.tableThresholdBytes) }
        withExtendedLifetime(first) {}
    }

    @Test func thoseThatFindNoMemoryAtAllAreRefused() throws {
        let shares = Self.shares(bytes: 2 << 20)
        var admitted: [UploadShare] = []
        #expect(throws: S3Error(.slowDown)) {
            for _ in 0..<100 { admitted.append(try UploadShare(shares, sizeBytes: 1 << 20)) }
        }
        #expect(admitted.count > 2)
        #expect(admitted.last?.readsAhead == false)
        #expect(shares.memory.usedBytes <= 2 << 20)
        admitted = []
        #expect(shares.memory.usedBytes == 0)
        // A small one takes little.
        #expect(try UploadShare(shares, sizeBytes: 1000).readsAhead)
    }
}
