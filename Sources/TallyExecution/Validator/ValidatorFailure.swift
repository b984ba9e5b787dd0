/// Why an operation or a request of the Validator family had no effect. Numbers 144 to 175.
package enum ValidatorFailure: UInt8, FamilyFailure {
    case unknown = 144
}
