import TallyPrimitives
import TallyTesting
import TallyTransactions

/// What ABI data say, by the types of a published document: a reader that shares nothing with the code that writes them.
enum ABIAnswer {
    struct Malformed: Error, CustomStringConvertible {
        let description: String
    }

    /// The values by their names: numbers decimal up to 128 bits and hexadecimal above, words, addresses and
    /// bytes hexadecimal, lists in brackets.
    static func values(
        _ data: [UInt8], _ parameters: [PublishedABI.Parameter]
    ) throws -> [String: String] {
        var values: [String: String] = [:]
        var end = 32 * parameters.count
        for (place, parameter) in parameters.enumerated() {
            let head = try word(data, at: 32 * place)
            let text: String
            switch parameter.type {
            case "bytes":
                let count = try length(data, head, end, parameter)
                let padded = (count + 31) / 32 * 32
                guard data.count >= end + 32 + padded else { throw Malformed(description: "cut") }
                let all = data[(end + 32)..<(end + 32 + padded)]
                guard all.dropFirst(count).allSatisfy({ $0 == 0 }) else {
                    throw Malformed(description: "padding of \(parameter.name)")
                }
                text = Hex.encode(Array(all.prefix(count)))
                end += 32 + padded
            case let type where type.hasSuffix("[]"):
                let count = try length(data, head, end, parameter)
                let items = try (0..<count).map { item in
                    try scalar(word(data, at: end + 32 + 32 * item), String(type.dropLast(2)))
                }
                text = "[\(items.joined(separator: ","))]"
                end += 32 + 32 * count
            default: text = try scalar(head, parameter.type)
            }
            values[parameter.name] = text
        }
        guard end == data.count, values.count == parameters.count else {
            throw Malformed(description: "\(data.count) bytes, \(end) of them read")
        }
        return values
    }

    /// One static word, which must have no bits outside of its type.
    static func scalar(_ word: Hash32, _ type: String) throws -> String {
        let bytes = word.bytes
        func number(_ bits: Int) throws -> String {
            guard bytes.prefix(32 - bits / 8).allSatisfy({ $0 == 0 }) else {
                throw Malformed(description: "\(word) is no \(type)")
            }
            guard bytes.prefix(16).allSatisfy({ $0 == 0 }) else { return word.description }
            return "\(bytes.suffix(16).reduce(UInt128(0)) { $0 << 8 | UInt128($1) })"
        }
        switch type {
        case "bool":
            let text = try number(8)
            guard text == "0" || text == "1" else {
                throw Malformed(description: "a bool of \(text)")
            }
            return text == "1" ? "true" : "false"
        case "bytes32": return word.description
        case "address":
            guard bytes.prefix(12).allSatisfy({ $0 == 0 }) else {
                throw Malformed(description: "\(word) is no address")
            }
            return Hex.encode(Array(bytes.suffix(20)))
        default:
            guard type.hasPrefix("uint"), let bits = Int(type.dropFirst(4)) else {
                throw Malformed(description: "type \(type)")
            }
            return try number(bits)
        }
    }

    /// The count of a dynamic value, which follows what was read so far.
    private static func length(
        _ data: [UInt8], _ offset: Hash32, _ expected: Int, _ parameter: PublishedABI.Parameter
    ) throws -> Int {
        guard offset == Hash32(words: (0, 0, 0, UInt64(expected))) else {
            throw Malformed(description: "\(parameter.name) at \(offset), not \(expected)")
        }
        let count = try word(data, at: expected)
        guard count.words.0 == 0, count.words.1 == 0, count.words.2 == 0,
            count.words.3 <= UInt64(data.count)
        else { throw Malformed(description: "\(parameter.name) of \(count)") }
        return Int(count.words.3)
    }

    private static func word(_ data: [UInt8], at start: Int) throws -> Hash32 {
        guard start + 32 <= data.count, let word = Hash32(data[start..<(start + 32)]) else {
            throw Malformed(description: "no word at \(start) of \(data.count)")
        }
        return word
    }
}
