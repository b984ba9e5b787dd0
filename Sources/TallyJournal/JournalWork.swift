/// Effects of one log that are under way, to be gone on with when the disk was full (LOG-10).
///
/// What found no space is undone at once: the file is as long as before, or not there. So whoever
/// reads the log meanwhile, or after a crash, finds at most an unfinished end.
package struct JournalWork: Hashable, Sendable {
    private var rest: [JournalEffect]

    package init(_ effects: [JournalEffect] = []) { rest = effects }

    package var isDone: Bool { rest.isEmpty }

    /// Adds effects behind those that are left.
    package mutating func add(_ effects: [JournalEffect]) { rest += effects }

    /// Performs what is left, in order.
    ///
    /// - Returns: the segment that the disk has no space for, or `nil` when all is done. Run it again
    ///   when there may be space.
    /// - Throws: `failed`: what is on the disk is unknown, and nothing is tried again (LOG-7).
    package mutating func run(
        on storage: inout some JournalStorage
    ) throws(JournalStorageError) -> JournalSegment? {
        var done = 0
        defer { rest.removeFirst(done) }
        while done < rest.count {
            let effect = rest[done]
            guard let full = try Self.perform(effect, on: &storage) else {
                done += 1
                continue
            }
            guard let undo = effect.undo else { return full }
            if try Self.perform(undo, on: &storage) != nil { rest.insert(undo, at: done) }
            return full
        }
        return nil
    }

    /// - Returns: the segment that there was no space for.
    private static func perform(
        _ effect: JournalEffect, on storage: inout some JournalStorage
    ) throws(JournalStorageError) -> JournalSegment? {
        do throws(JournalStorageError) {
            try storage.perform([effect])
            return nil
        } catch {
            guard case .diskFull(let segment) = error else { throw error }
            precondition(effect.mayLackSpace, "a sync that failed is not tried again (LOG-7)")
            return segment
        }
    }
}

extension JournalEffect {
    /// What takes away the part of this effect that found room.
    fileprivate var undo: JournalEffect? {
        switch self {
        case .create(let segment, _): .discard(segment)
        // Records are appended: what was there before ends where they begin.
        case .write(let segment, let offset, _): .truncate(segment, length: offset)
        case .sync, .syncDirectory, .truncate, .delete, .discard: nil
        }
    }

    fileprivate var mayLackSpace: Bool {
        switch self {
        case .create, .write, .truncate, .delete, .discard: true
        case .sync, .syncDirectory: false
        }
    }
}
