import TallyPrimitives
import TallyState

/// What always holds of the Job family's objects, recounted from scratch.
extension StateAudit {
    /// - Returns: due entries that the objects have reserved (RCPT-11).
    /// - Throws: the first invariant that does not hold.
    func checkJob() throws(InvariantViolation) -> Int { 0 }
}
