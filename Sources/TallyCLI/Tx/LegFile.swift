import Foundation
import TallyClient
import TallyPrimitives
import TallyTransactions

/// Transfers listed in a file: CSV, or one JSON object a line.
enum LegFile {
    struct Entry: Hashable {
        /// In the file, from 1.
        let line: Int
        let leg: TransferLeg
    }

    /// - Parameter name: of the file, for complaints.
    /// - Throws: `legs`, with the line.
    static func entries(_ text: String, name: String) throws(CommandFailure) -> [Entry] {
        var entries: [Entry] = []
        var timeColumn: String?
        // Spreadsheets write a byte order mark in front.
        let lines = (text.first == "\u{feff}" ? text.dropFirst() : text[...])
            .split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() {
            let line = line.trimmed
            if line.isEmpty || line.first == "#" { continue }
            do throws(LegFault) {
                if line.first == "{" {
                    entries.append(Entry(line: index + 1, leg: try leg(json: line)))
                } else if entries.isEmpty, line.hasPrefix("address,") {
                    timeColumn = try header(line)
                } else {
                    entries.append(Entry(line: index + 1, leg: try leg(csv: line, timeColumn)))
                }
            } catch {
                throw CommandFailure("legs", "\(name), line \(index + 1): \(error.reason)")
            }
        }
        guard !entries.isEmpty else { throw CommandFailure("legs", "\(name) lists no transfer") }
        return entries
    }

    /// The name of the third column, if there is one.
    private static func header(_ line: Substring) throws(LegFault) -> String? {
        let columns = line.split(separator: ",", omittingEmptySubsequences: false)
            .map { String($0.trimmed) }
        guard columns.count <= 3, columns[1] == "amount",
            columns.count < 3 || columns[2] == "deadline" || columns[2] == "at"
        else { throw LegFault("the columns are address,amount and then deadline or at") }
        return columns.count == 3 ? columns[2] : nil
    }

    private static func leg(
        csv line: Substring, _ timeColumn: String?
    ) throws(LegFault) -> TransferLeg {
        let fields = line.split(separator: ",", omittingEmptySubsequences: false).map(\.trimmed)
        guard fields.count == 2 || fields.count == 3 else {
            throw LegFault("there are \(fields.count) fields, not address,amount and a time")
        }
        var terms = LegTerms.immediate
        if fields.count == 3, !fields[2].isEmpty {
            let parts = fields[2].split(separator: "=", maxSplits: 1)
            if parts.count == 2 {
                terms = try Self.terms(String(parts[0].trimmed), time(parts[1].trimmed))
            } else if let timeColumn {
                terms = try Self.terms(timeColumn, time(fields[2]))
            } else {
                throw LegFault("say what the time is: deadline=TIME or at=TIME")
            }
        }
        return try leg(String(fields[0]), String(fields[1]), terms)
    }

    private static func leg(json line: Substring) throws(LegFault) -> TransferLeg {
        guard let object = try? JSON.parse(Array(line.utf8)), let members = object.objectValue
        else { throw LegFault("this is no JSON object") }
        var address: String?
        var amount: String?
        var terms = LegTerms.immediate
        for member in members.members {
            let text = member.value.stringValue ?? member.value.uint64Value.map(String.init)
            guard let text else { throw LegFault("'\(member.key)' is no string and no integer") }
            switch member.key {
            case "address", "to":
                guard address == nil else { throw LegFault("'address' and 'to' are the same") }
                address = text
            case "amount", "value":
                guard amount == nil else { throw LegFault("'amount' and 'value' are the same") }
                amount = text
            case "deadline", "at":
                guard terms == .immediate else {
                    throw LegFault("a transfer has a deadline or a time to run at, not both")
                }
                terms = try Self.terms(member.key, time(text[...]))
            default: throw LegFault("unknown member '\(member.key)'")
            }
        }
        guard let address, let amount else { throw LegFault("address or amount is missing") }
        return try leg(address, amount, terms)
    }

    private static func leg(
        _ address: String, _ amount: String, _ terms: LegTerms
    ) throws(LegFault) -> TransferLeg {
        guard let to = Address(hex: address) else {
            throw LegFault("'\(address)' is no address of 0x and 40 digits")
        }
        guard !ReservedAddress.contains(to) else {
            throw LegFault("\(to) is reserved and takes no transfer")
        }
        guard let value = AmountArgument(argument: amount)?.value else {
            throw LegFault("'\(amount)' is no amount, such as 250 or 1.5ether")
        }
        guard !value.isZero else { throw LegFault("the amount is 0") }
        return TransferLeg(to: to, value: value, terms: terms)
    }

    private static func terms(_ name: String, _ time: BeaconTime) throws(LegFault) -> LegTerms {
        switch name {
        case "deadline": .creditBy(time)
        case "at": .runAt(time)
        default: throw LegFault("'\(name)' is no time: use deadline or at")
        }
    }

    /// Milliseconds since 1970, or a date and time of ISO 8601.
    private static func time(_ text: Substring) throws(LegFault) -> BeaconTime {
        if let milliseconds = UInt64(text), milliseconds > 0 {
            return BeaconTime(milliseconds: milliseconds)
        }
        if let date = try? Date(String(text), strategy: .iso8601),
            let milliseconds = UInt64(exactly: (date.timeIntervalSince1970 * 1_000).rounded()),
            milliseconds > 0
        {
            return BeaconTime(milliseconds: milliseconds)
        }
        throw LegFault(
            "'\(text)' is no time: use 2026-01-31T12:00:00Z or milliseconds since 1970")
    }
}

/// What is wrong with a line.
private struct LegFault: Error {
    let reason: String
    init(_ reason: String) { self.reason = reason }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var text = self
        while text.first?.isWhitespace == true { text = text.dropFirst() }
        while text.last?.isWhitespace == true { text = text.dropLast() }
        return text
    }
}
