import TallyCrypto
package import TallyPrimitives

/// Name of a program in an operator's list: 1 to 64 of `a`–`z`, `0`–`9`, `-`, `_`, `.` (WORK-2).
package struct ProgramName: Hashable, Comparable, Sendable, CustomStringConvertible {
    package static let maximumLength = 64
    package let description: String

    /// `nil` for text that is no name.
    package init?(_ text: String) {
        guard (1...Self.maximumLength).contains(text.utf8.count),
            text.utf8.allSatisfy(Self.isAllowed)
        else { return nil }
        description = text
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    package static func < (a: ProgramName, b: ProgramName) -> Bool {
        a.description < b.description
    }
}

/// The specification of an order for a listed program (WORK-2).
package struct ListedCall: Hashable, Sendable {
    package let name: ProgramName
    package let input: [UInt8]

    package init(name: ProgramName, input: [UInt8]) {
        self.name = name
        self.input = input
    }
}

extension ListedCall: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(name.description.utf8)
            out.append(input)
        }
    }

    /// - Throws: also `.unknownValue` for a name that is none.
    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        let text = try list.nextString(limit: ProgramName.maximumLength)
        guard let name = ProgramName(String(decoding: text, as: UTF8.self)) else {
            throw .unknownValue(UInt64(text.count))
        }
        self.init(name: name, input: Array(try list.nextString()))
        try list.finish()
    }
}

/// An entry of the operator's list: buyers choose among them and give them input, nothing else.
package struct ListedProgram: Hashable, Sendable {
    /// Absolute.
    package let executable: String
    package let arguments: [String]

    package init(executable: String, arguments: [String] = []) {
        self.executable = executable
        self.arguments = arguments
    }
}

/// What a listed program may use (WORK-4).
package struct ProgramLimits: Hashable, Sendable {
    package var wallMilliseconds: UInt64 = 60_000
    package var cpuSeconds: UInt64 = 60
    package var addressSpaceBytes: UInt64 = 1 << 30
    /// Largest file that it can write.
    package var fileBytes: UInt64 = 0
    /// Processes and threads, one of the cage's own included.
    package var processes: UInt64 = 16
    package var openFiles: UInt64 = 64
    package var outputBytes = 1 << 20

    package init() {}
}

/// What a program answered.
package struct ProgramOutput: Hashable, Sendable {
    /// 0 … 123: what the program itself chose to say.
    package let status: UInt8
    package let bytes: [UInt8]

    package init(status: UInt8, bytes: [UInt8]) {
        self.status = status
        self.bytes = bytes
    }

    /// The result that is delivered (WORK-3).
    package var result: Hash32 {
        SHA256.hash(.jobOutput) {
            $0.update(status)
            $0.update(bytes)
        }
    }
}

/// How a run ended. Only an output is a result.
package enum ProgramOutcome: Hashable, Sendable {
    case output(ProgramOutput)
    /// The name is not in the list.
    case refused
    /// The program did not end by itself, or did not start: 124 and above, of a signal 128 and its
    /// number.
    case failed(exit: Int32)
    case timedOut
    case outputTooLong
    /// The system refused a process, pipe or folder: its `errno`.
    case notStarted(errno: Int32)
}
