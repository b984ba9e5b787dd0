package import TallyPrimitives

/// Why an effect, or reading, failed.
package enum JournalStorageError: Error, Hashable, Sendable {
    /// There is no space to create, extend or delete the file. Never thrown by a sync, whatever the
    /// system calls its failure (LOG-10).
    case diskFull(JournalSegment)
    /// `code` is an `errno`; `segment` is `nil` for the directory.
    case failed(JournalSegment?, code: Int32)
}

/// The files of one log: a directory on a disk, or the simulator's.
package protocol JournalStorage {
    /// Performs the effects in order and stops at the first that fails, of which any part may have
    /// been done. After `failed` the caller tells the writer (`effectFailed`), and nothing is tried
    /// again (LOG-7); for `diskFull` see `JournalWork`.
    mutating func perform(_ effects: [JournalEffect]) throws(JournalStorageError)
    /// The segments there are, in any order; files of other names are ignored.
    func list() throws(JournalStorageError) -> [JournalSegment]
    /// The whole file.
    func read(_ segment: JournalSegment) throws(JournalStorageError) -> [UInt8]
}

/// Why a log could not be opened.
package enum JournalOpenError: Error, Hashable, Sendable {
    case storage(JournalStorageError)
    case log(JournalError)
}

extension JournalStorage {
    /// Recovers the log: hands each record with its payload to `visit`, in order and one segment in
    /// memory at a time, performs the effects of recovery, and returns what goes on.
    ///
    /// - Throws: `storage`, `log`. Records were visited then that the caller must forget.
    package mutating func recover(
        logID: Hash32, freshSalt: JournalSalt, limits: JournalLimits = JournalLimits(),
        firstSequence: UInt64 = 1, visit: (JournalRecord, ArraySlice<UInt8>) -> Void
    ) throws(JournalOpenError) -> RecoveredJournal {
        let segments: [JournalSegment]
        do throws(JournalStorageError) { segments = try list() } catch { throw .storage(error) }
        var recovery = JournalRecovery(
            logID: logID, freshSalt: freshSalt, limits: limits, segments: segments,
            firstSequence: firstSequence)
        while let segment = recovery.wanted {
            let bytes: [UInt8]
            do throws(JournalStorageError) {
                bytes = try read(segment)
            } catch {
                throw .storage(error)
            }
            do throws(JournalError) {
                for record in try recovery.segment(bytes) { visit(record, bytes[record.payload]) }
            } catch {
                throw .log(error)
            }
        }
        let recovered = recovery.finish()
        do throws(JournalStorageError) {
            try perform(recovered.effects)
        } catch {
            throw .storage(error)
        }
        return recovered
    }
}
