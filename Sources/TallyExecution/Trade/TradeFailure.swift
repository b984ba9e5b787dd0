/// Why an operation or a request of the Trade family had no effect. Numbers 112 to 143.
package enum TradeFailure: UInt8, FamilyFailure {
    case unknown = 112
}
