import TallyClient
import TallyEngine
import TallyPrimitives

/// Blocks and what is in them. What is not there is null.
enum BlockMethods {
    static func byNumber(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        try answer(ledger, try arguments.block(0), try arguments.flag(1), &out)
    }

    static func byHash(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        try answer(ledger, .hash(try arguments.hash(0)), try arguments.flag(1), &out)
    }

    private static func answer(
        _ ledger: LedgerDispatcher, _ selector: BlockSelector, _ full: Bool,
        _ out: inout JSONWriter
    ) throws(RPCFailure) {
        try find(ledger, selector, &out) { (view, block, out) throws(ReadError) in
            try view.write(block, full: full, to: &out)
        }
    }

    static func receipts(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        try find(ledger, try arguments.block(0), &out) { (view, block, out) throws(ReadError) in
            let offsets = try view.offsets(block)
            out.beginArray()
            try block.forEachEntry { entry throws(ReadError) in
                if !out.isFull { try view.writeReceipt(entry, offsets, to: &out) }
            }
            out.endArray()
        }
    }

    static func countByNumber(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) { try count(ledger, try arguments.block(0), &out) }

    static func countByHash(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) { try count(ledger, .hash(try arguments.hash(0)), &out) }

    private static func count(
        _ ledger: LedgerDispatcher, _ selector: BlockSelector, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        try find(ledger, selector, &out) { (_, block, out) throws(ReadError) in
            out.quantity(UInt64(block.entryCount))
        }
    }

    static func transactionByNumber(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        try transaction(ledger, try arguments.block(0), try arguments.quantity(1), &out)
    }

    static func transactionByHash(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        try transaction(ledger, .hash(try arguments.hash(0)), try arguments.quantity(1), &out)
    }

    private static func transaction(
        _ ledger: LedgerDispatcher, _ selector: BlockSelector, _ index: UInt64,
        _ out: inout JSONWriter
    ) throws(RPCFailure) {
        try find(ledger, selector, &out) { (view, block, out) throws(ReadError) in
            if let entry = try block.entry(at: Int(clamping: index)) {
                try view.write(entry, to: &out)
            } else {
                out.null()
            }
        }
    }

    static func unclesByNumber(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) { try uncles(ledger, try arguments.block(0), &out) }

    static func unclesByHash(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) { try uncles(ledger, .hash(try arguments.hash(0)), &out) }

    private static func uncles(
        _ ledger: LedgerDispatcher, _ selector: BlockSelector, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        try find(ledger, selector, &out) { (_, _, out) throws(ReadError) in out.quantity(UInt64(0))
        }
    }

    /// There never is one.
    static func uncle(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) { out.null() }

    /// Answers by the block that a selector names, or null.
    private static func find(
        _ ledger: LedgerDispatcher, _ selector: BlockSelector, _ out: inout JSONWriter,
        _ body: (ChainView, ViewBlock, inout JSONWriter) throws(ReadError) -> Void
    ) throws(RPCFailure) {
        let view = ledger.view
        do throws(ReadError) {
            guard let block = try view.block(selector) else {
                out.null()
                return
            }
            try body(view, block, &out)
        } catch { throw RPCFailure(error) }
    }
}

extension ChainView {
    func block(_ selector: BlockSelector) throws(ReadError) -> ViewBlock? {
        switch selector {
        case .latest, .pending: try block(snapshot.height)
        case .height(let height): try block(height)
        case .hash(let hash): try block(hash)
        }
    }
}
