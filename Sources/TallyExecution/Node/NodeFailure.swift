/// Why an operation or a request of the Node family had no effect. Numbers 16 to 39.
package enum NodeFailure: UInt8, FamilyFailure {
    case unknown = 16
}
