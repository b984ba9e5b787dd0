import TallyClient
import TallyCrypto
import TallyExecution
import TallyNode
import TallyPrimitives

/// The funded accounts of a development network, as people and programs are shown them.
extension DevNetwork {
    private static let accountsShown = 16

    var accountsJSON: JSON {
        .array(
            accounts.map { account in
                [
                    "address": .string(account.address.description),
                    "privateKey": .string(Hex.encode(account.key.exportBytes())),
                    "shard": JSON(account.shard.value),
                ]
            })
    }

    /// Economies count in tokens of their own decimals.
    private var balanceText: String {
        guard let economy = parameters.economy, let token else { return "1,000,000 ether" }
        let millions = balance.units / token.units / 1_000_000
        return "\(millions) million tokens of 10^\(economy.decimals) base units"
    }

    /// What `tx send` is shown with: 1.5 of the unit that people count in.
    var exampleAmount: String {
        token.map { "--value \($0.units / 2 * 3)" } ?? "--ether 1.5"
    }

    /// Base units of a token; `nil` without an economy.
    private var token: Amount? {
        parameters.economy.flatMap { EconomyParameters.tokens(1, decimals: $0.decimals) }
    }

    var accountLines: [String] {
        var lines = [
            "  Accounts, each opened with \(balanceText). Their keys are known to everybody:",
            "  use them on this ledger only.",
            "",
            "  shard  address                                     private key",
        ]
        for account in accounts.prefix(Self.accountsShown) {
            let number = String(account.shard.value)
            lines.append(
                "  " + String(repeating: " ", count: max(0, 5 - number.count)) + number
                    + "  \(account.address)  \(Hex.encode(account.key.exportBytes()))")
        }
        if accounts.count > Self.accountsShown {
            lines.append("         and \(accounts.count - Self.accountsShown) more: see --json")
        }
        return lines
    }
}
