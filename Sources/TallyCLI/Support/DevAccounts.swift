import TallyClient
import TallyCrypto
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

    var accountLines: [String] {
        var lines = [
            "  Accounts, each opened with 1,000,000 ether. Their keys are known to everybody:",
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
