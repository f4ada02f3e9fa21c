import Foundation
import S3Types
import Testing

@Suite(.timeLimit(.minutes(3))) struct CivilDateTests {
    @Test func agreesWithFoundationOverFourCenturies() throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(identifier: "UTC"))
        for days in stride(from: Int64(0), to: 146_097, by: 13) {
            let parts = calendar.dateComponents(
                [.year, .month, .day], from: Date(timeIntervalSince1970: Double(days) * 86_400))
            let date = CivilDate(daysSince1970: days)
            #expect([date.year, date.month, date.day] == [parts.year, parts.month, parts.day].map { Int64($0 ?? 0) })
            #expect(CivilDate.daysSince1970(year: date.year, month: date.month, day: date.day) == days)
        }
    }
}
