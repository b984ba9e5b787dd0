import ArgumentParser
import TallyNode

/// The flags of `tally start` that say who a node is and whom it meets.
struct NodeRoleSettings: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Keystore file of the node's key, if it is not in keys/.", valueName: "file"))
    var keyFile: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "File whose first line is the key's password, instead of asking for it.",
            valueName: "file"))
    var passwordFile: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Place for other validators' connections, port 0 for any free one (default: "
                + "127.0.0.1:8600).", valueName: "host:port"))
    var peerListen: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Where other validators are: address@host:port, with commas between.",
            valueName: "places"))
    var peerPlaces: String?
    @Flag(name: .long, help: "Follow the ledger and serve it, without a vote.")
    var observe = false
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Who may connect as an observer: addresses, with commas between.",
            valueName: "addresses"))
    var peerObservers: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Most base units that a validator puts into one hidden task, which checks the work of "
                + "others (default: 0, no tasks).", valueName: "amount"))
    var hiddenPrice: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "How many of 10,000 orders that the validator sees lead to a hidden task (default: 500).",
            valueName: "bps"))
    var hiddenShare: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Keystore file of an account that posts the hidden tasks instead of the validator's.",
            valueName: "file"))
    var hiddenKeyFile: String?

    /// Those that were given.
    var flags: [Setting: String] {
        var flags: [Setting: String] = [:]
        flags[.keyFile] = keyFile
        flags[.passwordFile] = passwordFile
        flags[.peerListen] = peerListen
        flags[.peerPlaces] = peerPlaces
        flags[.peerRole] = observe ? "observer" : nil
        flags[.peerObservers] = peerObservers
        flags[.hiddenPrice] = hiddenPrice
        flags[.hiddenShare] = hiddenShare
        flags[.hiddenKeyFile] = hiddenKeyFile
        return flags
    }
}
