import DurableFiles
import RocksKit
import S3Types

/// Checks a directory that no process serves, whatever state it is in, and changes nothing in it.
package enum StoreCheck {
    /// - Parameter readsBodies: also reads every object and holds it to its CRC64NVME.
    /// - Throws: only where there is no store to be checked, or it is in use, or of another format.
    package static func run(_ directory: String, readsBodies: Bool) throws(EngineError) -> CheckReport {
        let layout = StoreLayout(directory)
        let disk = SystemDisk()
        let state = try filing { () throws(FileError) in try layout.state(disk) }
        guard state != .unfinishedSalvage else {
            var report = CheckReport()
            report.problems = [.damage(.unfinishedSalvage(directory: directory))]
            return report
        }
        guard state == .complete || state == .unfinished else {
            throw .damaged(
                .file(DirectoryFault(directory, StoreLayout.databaseName, "missing: there is no store here")))
        }
        let lock = try StoreOpening.lock(directory)
        defer { withExtendedLifetime(lock) {} }
        var report = CheckReport()
        // Nothing was acknowledged before its making was finished; the next start finishes it.
        if state == .unfinished { return report }
        var inspection = DirectoryInspection(layout, disk: disk)
        inspection.run()
        if let format = inspection.foreignFormat {
            throw .unsupportedFormat(found: format, supported: Recovery.format)
        }
        report.problems = inspection.faults.map { .damage(.file($0)) }
        report.tornTail = inspection.tornTail
        let wanted = Family.allCases.map(\.settings.name)
        guard let families = inspection.families, wanted.allSatisfy(families.contains) else { return report }
        do throws(EngineError) {
            try compareRecords(layout, inspection, families, readsBodies: readsBodies, &report)
        } catch {
            report.problems.append(.unreadable(family: "buckets", message: "\(error)"))
        }
        return report
    }

    private static func compareRecords(
        _ layout: StoreLayout, _ inspection: DirectoryInspection, _ families: [String], readsBodies: Bool,
        _ report: inout CheckReport
    ) throws(EngineError) {
        let known = Family.allCases.map(\.settings.name)
        let rule: ReadingRule = inspection.faults.isEmpty ? .strict : .forgiving
        // Tables whose own description is damaged are read by the wrong rules: better not at all.
        guard inspection.unreadableFiles.isEmpty else { return }
        let database = try storing { () throws(RocksError) in
            try Database.reading(
                layout.database, rule: rule, families: known + families.filter { !known.contains($0) })
        }
        let sink = BlobSink(
            database: database, stagingDirectory: layout.staging, disk: inspection.disk, reached: { _ in })
        let values = try storing { () throws(RocksError) in try SystemFacts.values(in: database) }
        let facts = (try? SystemFacts(values)) ?? inspection.facts
        let mark = facts.mark ?? CommitMark(sequence: .max, blobFloor: 0, nextBlob: .max)
        var check = EngineCheck(
            sink: sink, buckets: try BucketRecord.all(in: database), mark: mark, readsBodies: readsBodies)
        check.run()
        let before = report
        report = check.report
        report.problems = before.problems + check.report.problems
        report.tornTail = before.tornTail
        if readsBodies, check.report.problems.contains(where: { if case .body = $0 { true } else { false } }) {
            nameDamagedFiles(layout, inspection.liveFiles, &report)
        }
    }

    /// RocksDB tells that a value is damaged and not where it lies.
    private static func nameDamagedFiles(_ layout: StoreLayout, _ files: [LiveFile], _ report: inout CheckReport) {
        for live in files where live.holdsValues {
            let name = StoreLayout.databaseName + "/" + live.name
            do throws(FileError) {
                let file = try InspectedFile(layout.database + "/" + live.name)
                try file.populate(0..<file.byteCount)
                guard let fault = file.faultOfValues() else { continue }
                let told = DirectoryFault(layout.directory, name, at: UInt64(fault.offset), fault.reason)
                report.problems.append(.damage(.file(told)))
            } catch {
                report.problems.append(.damage(.file(DirectoryFault(layout.directory, name, "\(error)"))))
            }
        }
    }
}
