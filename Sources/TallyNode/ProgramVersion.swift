/// The version of the program.
package enum ProgramVersion {
    package static let number = "0.1.0"

    /// What `web3_clientVersion` answers.
    package static var client: String { "Tallystick/v\(number)/\(platform)/swift6" }

    package static var platform: String {
        #if arch(x86_64)
        "linux-x86_64"
        #elseif arch(arm64)
        "linux-arm64"
        #else
        "linux"
        #endif
    }
}
