import SystemIO

/// Where the parts of this installation lie: the folder can be moved, so all is found from the command itself.
enum Installation {
    private static let libraries = ["libibverbs.so.1", "librdmacm.so.1"]

    /// The folder with Verbena's libraries, `../lib/verbena` as seen from the command.
    static func libraryFolder() throws -> String {
        let executable: String
        do {
            executable = try ProcessImage.executablePath()
        } catch {
            throw CommandFailure("the command's own place cannot be found: \(error.message).")
        }
        let folders = executable.split(separator: "/").dropLast(2)
        let folder = folders.map { "/\($0)" }.joined() + "/lib/verbena"
        for library in Self.libraries where ProcessImage.resolvedPath("\(folder)/\(library)") == nil {
            throw CommandFailure(
                "\(folder)/\(library) is not there. The command belongs into the bin folder beside lib/verbena, "
                    + "as 'make build' lays them out in dist/."
            )
        }
        return folder
    }
}
