package import TallyPrimitives

/// What of the records a restart still needs.
package enum VoteLog {
    /// The records that matter once `final` is: those of open heights, and the newest word on
    /// whether votes were lost. In their order, so that a log can be rewritten with them (IBFT-L4).
    package static func live(
        _ records: [ConsensusRecord], final: Height
    ) -> [ConsensusRecord] {
        let lastObservation = records.lastIndex { $0.height == nil }
        return records.indices.filter { i in
            records[i].height.map { $0 > final } ?? (i == lastObservation)
        }.map { records[$0] }
    }
}
