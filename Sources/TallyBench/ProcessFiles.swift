/// Reads what Linux tells about a process below `/proc` (proc(5)).
package enum ProcessFiles {
    /// Ticks of processor time that a process has used, of `/proc/PID/stat`: its own, in user and in
    /// kernel mode; those of ended children are not among them.
    package static func cpuTicks(stat text: String) -> UInt64? {
        // The program's name stands in brackets and may hold anything, brackets too.
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        // utime and stime are fields 14 and 15; the first one here is the third.
        guard fields.count > 12, let user = UInt64(fields[11]), let system = UInt64(fields[12])
        else { return nil }
        return user + system
    }

    /// Bytes that a process caused to be sent to disks, of `/proc/PID/io`.
    package static func bytesWritten(io text: String) -> UInt64? {
        for line in text.split(separator: "\n") where line.hasPrefix("write_bytes: ") {
            return UInt64(line.dropFirst("write_bytes: ".count))
        }
        return nil
    }

    /// Bytes of memory that a process holds, of `/proc/PID/status`.
    package static func residentBytes(status text: String) -> UInt64? { bytes("VmRSS", text) }

    /// Of these, pages of mapped files, which are the system's to take back: the program, and what of its
    /// databases it touched.
    package static func mappedBytes(status text: String) -> UInt64? { bytes("RssFile", text) }

    private static func bytes(_ name: String, _ text: String) -> UInt64? {
        guard let value = value(of: name, in: text), value.hasSuffix(" kB") else { return nil }
        return UInt64(value.dropLast(3)).map { $0 << 10 }
    }

    /// The value of a line `name : value` or `name: value kB`, of `/proc/cpuinfo` or `meminfo`.
    package static func value(of name: String, in text: String) -> String? {
        for line in text.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            guard trimmed(line[..<colon]) == name else { continue }
            return trimmed(line[line.index(after: colon)...])
        }
        return nil
    }

    private static func trimmed(_ text: Substring) -> String {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        let start = text.drop(while: isBlank)
        return String(start.reversed().drop(while: isBlank).reversed())
    }
}
