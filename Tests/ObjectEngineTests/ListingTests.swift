import ObjectEngine
import PropertyTesting
import S3Types
import Testing

@Suite(.timeLimit(.minutes(3))) struct ListingTests {
    /// The listing as its definition has it, over all keys.
    private func naive(_ keys: [ObjectKey], _ query: ListQuery) -> (items: [String], isTruncated: Bool) {
        var items: [String] = []
        let marker = query.startAfter.map { Array($0.utf8) }
        for key in keys.sorted() where key.utf8.starts(with: query.prefix.utf8) {
            let bytes = Array(key.utf8)
            var item = bytes
            if !query.delimiter.isEmpty {
                let delimiter = Array(query.delimiter.utf8)
                for start in stride(from: query.prefix.utf8.count, through: bytes.count - delimiter.count, by: 1)
                where Array(bytes[start..<start + delimiter.count]) == delimiter {
                    item = Array(bytes[..<(start + delimiter.count)])
                    break
                }
            }
            if let marker {
                guard marker.lexicographicallyPrecedes(bytes), item != marker else { continue }
            }
            let text = String(decoding: item, as: UTF8.self)
            if items.last.map({ Array($0.utf8) }) != item { items.append(text) }
        }
        return (Array(items.prefix(query.limit)), items.count > query.limit)
    }

    private func merged(_ page: ListPage) -> [String] {
        (page.objects.map { Array($0.key.utf8) } + page.commonPrefixes.map { Array($0.utf8) })
            .sorted { $0.lexicographicallyPrecedes($1) }.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func listingsAgreeWithTheDefinitionOnRandomKeys() async throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        let alphabet = ["a", "b", "/", "//", "é", "\u{0}", "-", "c"]
        var names: Set<String> = []
        for _ in 0..<400 {
            names.insert(
                (0..<Int.random(in: 1...7, using: &random)).map { _ in alphabet.randomElement(using: &random)! }
                    .joined())
        }
        for index in 0..<40 { names.insert("deep/many/\(index)") }
        let keys = names.map(key)
        var queries: [ListQuery] = []
        for _ in 0..<400 {
            let start = Bool.random(using: &random) ? nil : names.randomElement(using: &random)
            queries.append(
                ListQuery(
                    prefix: ["", "", "a", "a/", "//", "deep/", "é", "\u{0}", "zz"].randomElement(using: &random)!,
                    delimiter: ["", "/", "//", "a", "\u{0}", "é"].randomElement(using: &random)!, startAfter: start,
                    limit: [1, 2, 3, 10, 1000].randomElement(using: &random)!))
        }
        let asked = queries
        try await EngineFixture().withEngine { engine in
            let bucket = try await engine.makeBucket()
            let other = try await engine.makeBucket("other-bucket")
            for key in keys {
                try await engine.put(key.text, [1], in: bucket)
                try await engine.put("x" + key.text.prefix(5), [1], in: other)
            }
            for query in asked {
                let page = try engine.list(query, in: bucket)
                let expected = naive(keys, query)
                #expect(
                    merged(page).map { Array($0.utf8) } == expected.items.map { Array($0.utf8) },
                    "seed \(seed): \(query)")
                #expect((page.next != nil) == expected.isTruncated, "seed \(seed): \(query)")
            }
            // Followed from page to page, nothing is missed and nothing shown twice.
            for delimiter in ["", "/", "a"] {
                var query = ListQuery(delimiter: delimiter, limit: 7)
                var all: [String] = []
                repeat {
                    let page = try engine.list(query, in: bucket)
                    all += merged(page)
                    query.startAfter = page.next
                } while query.startAfter != nil
                let expected = naive(keys, ListQuery(delimiter: delimiter, limit: .max)).items
                #expect(all.map { Array($0.utf8) } == expected.map { Array($0.utf8) }, "seed \(seed)")
            }
        }
    }

    @Test func summariesShowTheObject() async throws {
        try await EngineFixture().withEngine({ $0.now = { 77 } }) { engine in
            let bucket = try await engine.makeBucket()
            let record = try await engine.put("key", pattern(5000), in: bucket)
            let page = try engine.list(ListQuery(), in: bucket)
            let summary = try #require(page.objects.first)
            #expect(summary.key == key("key"))
            #expect(summary.sizeBytes == 5000)
            #expect(summary.etag == record.etag)
            #expect(summary.modifiedMilliseconds == 77)
            #expect(summary.storageClass == "STANDARD")
            #expect(summary.owner == "alice")
            #expect(page.next == nil)
            #expect(try engine.list(ListQuery(limit: 0), in: bucket).objects.isEmpty)
        }
    }
}
