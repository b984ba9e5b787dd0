/// What a frame is (NET-6).
package enum FrameKind: UInt8, Hashable, Sendable, CaseIterable {
    case hello = 1
    case goodbye = 2
    case ping = 3
    case pong = 4
    case vote = 5
    case block = 6
    case head = 7
    case bodyRequest = 8
    case body = 9
    case finalsRequest = 10
    case transactions = 11
    case outline = 12
    case missingRequest = 13
    case missing = 14

    package var trafficClass: TrafficClass {
        switch self {
        case .hello, .goodbye, .ping, .pong, .vote, .head, .bodyRequest, .finalsRequest,
            .missingRequest:
            .votes
        case .block, .body, .outline, .missing: .bodies
        case .transactions: .gossip
        }
    }
}

/// What leaves first when there is more than one can send (NET-16).
package enum TrafficClass: Int, Hashable, Sendable, CaseIterable, Comparable {
    case votes = 0
    case bodies = 1
    case gossip = 2

    package static func < (a: TrafficClass, b: TrafficClass) -> Bool { a.rawValue < b.rawValue }
}
