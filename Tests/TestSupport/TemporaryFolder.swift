import Foundation

/// A folder for the files of this test process, removed when it ends.
package final class TemporaryFolder: Sendable {
    package static let shared = TemporaryFolder()

    private let path = FileManager.default.temporaryDirectory.appendingPathComponent("verbena-test-\(getpid())").path

    /// A path in the folder, which is made when it is not there.
    package func file(_ name: String) throws(TestFailure) -> String {
        if !FileManager.default.fileExists(atPath: self.path) {
            do {
                try FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: true)
            } catch {
                throw TestFailure("\(self.path) cannot be made: \(error)")
            }
            atexit { try? FileManager.default.removeItem(atPath: TemporaryFolder.shared.path) }
        }
        return "\(self.path)/\(name)"
    }
}
