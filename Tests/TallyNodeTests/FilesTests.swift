import Foundation
import Testing

@testable import TallyNode

@Suite struct FilesTests {
    @Test func replacesAFileAsAWhole() throws {
        let scratch = try Scratch()
        let path = scratch["file"]
        try scratch.write("abc", to: "file")
        try Files.write([4], to: path, mode: 0o600)
        #expect(try Files.read(path) == [4])
        #expect(try Files.mode(of: path) == 0o600)
        #expect(try Files.entries(of: scratch.path) == ["file"])
    }

    /// `--out /dev/stdout` of root must not put a file in the place of the device.
    @Test func linksAndDevicesStayWhatTheyAre() throws {
        let scratch = try Scratch()
        let target = scratch["target"]
        let link = scratch["link"]
        try scratch.write("abc", to: "target")
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
        try Files.write([4], to: link)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == target)
        #expect(try Files.read(target) == [4])
        let null = scratch["null"]
        try FileManager.default.createSymbolicLink(atPath: null, withDestinationPath: "/dev/null")
        try Files.write([4], to: null)
        #expect(try Files.read(null) == [])
        let full = scratch["full"]
        try FileManager.default.createSymbolicLink(atPath: full, withDestinationPath: "/dev/full")
        #expect(throws: FileError(operation: .write, path: full, errno: ENOSPC)) {
            try Files.write([4], to: full)
        }
        #expect(throws: FileError(operation: .write, path: scratch.path, errno: EISDIR)) {
            try Files.write([4], to: scratch.path)
        }
    }
}
