import DurableFiles
import Glibc
import Testing

@testable import Launch

@Suite(.timeLimit(.minutes(3))) struct DescriptorWatchTests {
    @Test func anEpisodeIsSaidOnceUntilItIsOver() {
        var episode = DescriptorWatch.Episode()
        let counts = [10, 80, 81, 99, 85, 75, 81, 70, 69, 80, 81, 82]
        #expect(
            counts.map { episode.begins(count: $0, limit: 100) } == [
                false, false, true, false, false, false, false, false, false, false, true, false,
            ])
    }

    @Test func theLimitIsTheHardOneAndTheCountIsOfThisProcess() throws {
        let limit = OpenDescriptors.raiseLimit()
        var found = rlimit()
        #expect(getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &found) == 0)
        #expect(found.rlim_cur == found.rlim_max)
        #expect(OpenDescriptors.limit == limit)
        let before = try #require(OpenDescriptors.count)
        var descriptors: [Int32] = []
        for _ in 0..<100 { descriptors.append(dup(0)) }
        let after = try #require(OpenDescriptors.count)
        for descriptor in descriptors { close(descriptor) }
        // Other tests open and close some at the same time.
        #expect(after > before + 50)
    }

    @Test(arguments: [(64, 10), (96, 16), (384, 64), (1_048_576, 64)])
    func aReserveIsKept(limit: Int, reserve: Int) {
        #expect(OpenDescriptors.reserve(of: limit) == reserve)
    }
}
