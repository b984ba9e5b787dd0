/// Why an operation or a request of the Job family had no effect. Numbers 64 to 111.
package enum JobFailure: UInt8, FamilyFailure {
    case unknown = 64
}
