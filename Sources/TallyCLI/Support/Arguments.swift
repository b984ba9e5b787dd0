import ArgumentParser
import TallyClient
import TallyNode
import TallyPrimitives

/// A 20-byte address on the command line.
struct AddressArgument: ExpressibleByArgument {
    let value: Address

    init?(argument: String) {
        guard let value = Address(hex: argument) else { return nil }
        self.value = value
    }
}

/// A transaction or block hash on the command line.
struct HashArgument: ExpressibleByArgument {
    let value: Hash32

    init?(argument: String) {
        guard let value = Hash32(hex: argument) else { return nil }
        self.value = value
    }
}

/// A chain's number, in decimal or as JSON-RPC writes it.
struct ChainIDArgument: ExpressibleByArgument {
    let value: ChainID

    init?(argument: String) {
        let number =
            argument.hasPrefix("0x")
            ? JSON.string(argument).quantity(ChainID.self) : ChainID(argument)
        guard let number, number > 0 else { return nil }
        value = number
    }
}

/// An amount in base units, or in ether with the suffix `ether`.
struct AmountArgument: ExpressibleByArgument {
    let value: Amount

    init?(argument: String) {
        let parsed =
            argument.hasSuffix("ether")
            ? Ether.amount(String(argument.dropLast(5))) : Amount(decimal: argument)
        guard let parsed else { return nil }
        value = parsed
    }
}

/// An amount in ether.
struct EtherArgument: ExpressibleByArgument {
    let value: Amount

    init?(argument: String) {
        guard let value = Ether.amount(argument) else { return nil }
        self.value = value
    }
}

/// Ether, the unit people use: 10^18 base units.
enum Ether {
    private static let decimals = 18

    /// Base units of decimal text such as `1.5`; `nil` for signs, exponents and more than 18
    /// decimals.
    static func amount(_ text: String) -> Amount? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, let whole = Amount(decimal: parts[0]) else { return nil }
        let fraction = parts.count == 2 ? String(parts[1]) : "0"
        guard !fraction.isEmpty, fraction.utf8.count <= decimals,
            fraction.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let units = UInt128(
                fraction + String(repeating: "0", count: decimals - fraction.utf8.count))
        else { return nil }
        return whole.multiplied(by: 1_000_000_000_000_000_000)?.adding(Amount(units))
    }

    /// Decimal text without trailing zeros.
    static func text(_ amount: Amount) -> String {
        let (whole, rest) = amount.units.quotientAndRemainder(
            dividingBy: 1_000_000_000_000_000_000)
        guard rest > 0 else { return String(whole) }
        let digits = String(rest)
        var fraction = Substring(
            String(repeating: "0", count: decimals - digits.utf8.count) + digits)
        while fraction.last == "0" { fraction = fraction.dropLast() }
        return "\(whole).\(fraction)"
    }
}

extension NetworkProfile: ExpressibleByArgument {}
