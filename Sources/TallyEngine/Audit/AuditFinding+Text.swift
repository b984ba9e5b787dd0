import TallyExecution
import TallyJournal
import TallyPrimitives
import TallySharding

extension AuditFinding: CustomStringConvertible {
    /// A name for programs, the same whatever the place.
    package var name: String {
        // `booksMissing` is the one case without values, and so without a child.
        Mirror(reflecting: self).children.first?.label ?? "booksMissing"
    }

    package var description: String {
        switch self {
        case .state, .leafSum, .stateRoot, .object, .invariant, .checkpointMissing,
            .checkpointOrder, .checkpointHeader, .transactionCount, .booksMissing, .booksCorrupt,
            .booksHead, .booksRandomness, .books:
            checkpointText
        case .beaconBlockMissing, .beaconHashIndex, .electionRow, .seals, .blockMissing, .anchor,
            .anchorSummary, .header, .conservation, .supply, .headersUnchecked:
            headerText
        case .receiptsMissing, .receiptMisplaced, .receiptDoubled, .receiptBeyondEnd,
            .receiptCorrupt, .streamRoot, .streamValue, .consumedValue, .streamState, .legMissing,
            .legHeight, .legBeyondCursor, .consumptionEvents, .dueRow:
            receiptText
        case .transactionMissing, .transactionCorrupt, .txRoot, .resultRoot, .hashIndex,
            .signature, .corruptRow, .rowCount, .log, .logRecord, .logRecords, .logBlock,
            .logEnds, .tailNotReplayed:
            rowText
        }
    }

    private var checkpointText: String {
        switch self {
        case .state(let id, let error): "endpoint \(id): stored state is damaged: \(error)"
        case .leafSum(let id, let stored, let computed):
            "endpoint \(id): leaves hold \(computed), the header says \(stored) "
                + "(\(Self.difference(stored, computed)))"
        case .stateRoot(let id, let stored, let computed):
            "endpoint \(id): leaves have root \(computed), the header says \(stored)"
        case .object(let id, let kind, let error):
            "endpoint \(id): a stored \(kind) does not decode: \(error)"
        case .invariant(let id, let violation):
            "endpoint \(id): objects break an invariant: \(violation)"
        case .checkpointMissing(let id): "endpoint \(id): no checkpoint, but the beacon has one"
        case .checkpointOrder(let id, let checkpoint, let beacon):
            "endpoint \(id): checkpoint of height \(checkpoint), behind the beacon's \(beacon)"
        case .checkpointHeader(let id, let height):
            "endpoint \(id): the header of checkpoint \(height) is not that of the last block"
        case .transactionCount(let id, let stored, let counted):
            "endpoint \(id): checkpoint counts \(stored) transactions, its blocks \(counted)"
        case .booksMissing: "the beacon's books are missing"
        case .booksCorrupt(let error): "the beacon's books do not decode: \(error)"
        case .booksHead(let books, let checkpoint):
            "the beacon's books are of height \(books), its checkpoint of \(checkpoint)"
        case .booksRandomness(let checkpoint):
            "the beacon's books of height \(checkpoint) have another state of the randomness than "
                + "the headers say"
        case .books(let id): "the beacon's books of endpoint \(id) are not what its headers say"
        default: name
        }
    }

    private var headerText: String {
        switch self {
        case .beaconBlockMissing(let height): "height \(height): the beacon block is missing"
        case .beaconHashIndex(let height):
            "height \(height): the beacon block's hash does not lead to it"
        case .electionRow(let height):
            "height \(height): the set that the beacon block carries is not among the elections"
        case .seals(let height, let power, let quorum):
            "height \(height): seals of power \(power) make the beacon block final, which takes "
                + "\(quorum)"
        case .blockMissing(let height, let id):
            "height \(height): the block of endpoint \(id) is missing"
        case .anchor(let height, let id, let anchored, let stored):
            "height \(height): endpoint \(id)'s stored header is \(stored), anchored was \(anchored)"
        case .anchorSummary(let height, let id):
            "height \(height): the beacon's row about endpoint \(id) is not what its block says"
        case .header(let height, let rejection): "height \(height): \(rejection)"
        case .conservation(let height, let id, let expected, let actual):
            "height \(height): endpoint \(id) holds \(actual), from its streams and burns follows "
                + "\(Self.text(expected)) (\(Self.difference(expected, actual)))"
        case .supply(let height, let assets, let claims):
            "height \(height): held, in flight and burned are \(Self.text(assets)), genesis and "
                + "minted \(Self.text(claims)) (\(Self.difference(claims, assets)))"
        case .headersUnchecked(let height):
            "headers after height \(height) were not checked: the sums exceed 2^128 - 1"
        default: name
        }
    }

    private var receiptText: String {
        switch self {
        case .receiptsMissing(let source, let destination, let range):
            "stream \(source)→\(destination): receipts \(range.lowerBound)..<\(range.upperBound) "
                + "are missing"
        case .receiptMisplaced(let place, let named):
            "receipt \(Self.text(place)) names itself \(Self.text(named))"
        case .receiptDoubled(let reference, let place):
            "receipt \(Self.text(reference)) lies at \(Self.text(place)) a second time"
        case .receiptBeyondEnd(let place, let end):
            "receipt \(Self.text(place)) lies past its stream's end \(end)"
        case .receiptCorrupt(let place): "receipt \(Self.text(place)) does not decode"
        case .streamRoot(let height, let source, let destination, let range):
            "stream \(source)→\(destination), height \(height): receipts \(range.lowerBound)..<"
                + "\(range.upperBound) do not give the root in the header"
        case .streamValue(let height, let source, let destination, let header, let receipts):
            "stream \(source)→\(destination), height \(height): header says \(header) was sent, "
                + "receipts \(Self.text(receipts)) (\(Self.difference(header, receipts)))"
        case .consumedValue(let height, let source, let destination, let header, let receipts):
            "stream \(source)→\(destination), height \(height): header says \(header) was "
                + "consumed, receipts \(Self.text(receipts)) "
                + "(\(Self.difference(header, receipts)))"
        case .streamState(let id, let peer, let side):
            "endpoint \(id): what its state says was \(side.rawValue) "
                + "\(side == .sent ? "to" : "from") endpoint \(peer) is not what the receipts say"
        case .legMissing(let reference, let height):
            "receipt \(Self.text(reference)) was consumed at height \(height), but no row says so"
        case .legHeight(let reference, let stored, let height):
            "receipt \(Self.text(reference)) was consumed at height \(height), its row says "
                + (stored?.description ?? "nothing legible")
        case .legBeyondCursor(let reference, let cursor):
            "a row says that receipt \(Self.text(reference)) was consumed, but the cursor is at "
                + "\(cursor)"
        case .consumptionEvents(let height, let id):
            "height \(height): events of endpoint \(id) tell of other receipts than were consumed"
        case .dueRow(let height, let id, let entry):
            "height \(height): no row says that endpoint \(id) ran due entry \(entry)"
        default: name
        }
    }

    private var rowText: String {
        switch self {
        case .transactionMissing(let height, let id, let index):
            "height \(height): transaction \(index) of endpoint \(id) is missing"
        case .transactionCorrupt(let height, let id, let index):
            "height \(height): transaction \(index) of endpoint \(id) does not decode"
        case .txRoot(let height, let id):
            "height \(height): endpoint \(id)'s transactions do not give its txRoot"
        case .resultRoot(let height, let id):
            "height \(height): endpoint \(id)'s results do not give its resultRoot"
        case .hashIndex(let height, let id, let index):
            "height \(height): transaction \(index) of endpoint \(id) is not found by its hash"
        case .signature(let height, let id, let index):
            "height \(height): transaction \(index) of endpoint \(id) is not its sender's"
        case .corruptRow(let id, let database, let key):
            "endpoint \(id): the row \(Hex.encode(key)) of database \(database) is damaged"
        case .rowCount(let id, let database, let expected, let actual):
            "endpoint \(id): database \(database) has \(actual) rows, expected \(expected)"
        case .log(let error): error.description
        case .logRecord(let height, let error):
            "the logged block \(height) does not decode: \(error)"
        case .logRecords(let error): error.description
        case .logBlock(let height):
            "the logged block \(height) is not the one that was checkpointed"
        case .logEnds(let height, let checkpoint):
            "the log ends at height \(height), before the checkpoint of height \(checkpoint)"
        case .tailNotReplayed(let height, let error):
            "the log from height \(height) on cannot be replayed and was not audited: \(error)"
        default: name
        }
    }

    private static func text(_ amount: Amount?) -> String {
        amount?.description ?? "not in 0 … 2^128 - 1"
    }

    private static func text(_ place: ReceiptReference) -> String {
        "\(place.source)→\(place.destination)#\(place.index)"
    }

    /// How much more or less `actual` is, with its sign.
    private static func difference(_ expected: Amount?, _ actual: Amount?) -> String {
        guard let expected, let actual else { return "out of range" }
        if let more = actual.subtracting(expected) { return "+\(more)" }
        return "-\(expected.subtracting(actual) ?? .zero)"
    }
}
