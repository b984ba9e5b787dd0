/// Why an operation or a request of the Proof family had no effect. Numbers 40 to 63.
package enum ProofFailure: UInt8, FamilyFailure {
    case unknown = 40
}
