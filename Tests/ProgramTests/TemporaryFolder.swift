import Foundation
import TestSupport

/// A folder for the files of this test process, removed when it ends.
final class TemporaryFolder: Sendable {
    static let shared = TemporaryFolder()

    private let path = FileManager.default.temporaryDirectory.appendingPathComponent("verbena-test-\(getpid())").path

    /// A path in the folder, which is made when it is not there.
    func file(_ name: String) throws -> String {
        if !FileManager.default.fileExists(atPath: self.path) {
            try FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: true)
            atexit { try? FileManager.default.removeItem(atPath: TemporaryFolder.shared.path) }
        }
        return "\(self.path)/\(name)"
    }
}
