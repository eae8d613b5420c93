/// A cursor over an `OverlayStore`: the base and the changes side by side.
///
/// Both cursors stand on the entry that is nearest to the current key in the direction of travel, or behind the end.
final class OverlayIterator: StoreIterator {
    private enum Direction {
        case forwards, backwards
    }

    private let base: any StoreIterator
    private let changes: MemoryIterator
    private var direction = Direction.forwards
    /// Whether the entry under this cursor is that of the changes; nil when there is none.
    private var isChanged: Bool?

    init(base: any StoreIterator, changes: MemoryIterator) {
        self.base = base
        self.changes = changes
    }

    var isValid: Bool { isChanged != nil }

    func seekToFirst() {
        base.seekToFirst()
        changes.seekToFirst()
        settle(.forwards)
    }

    func seekToLast() {
        base.seekToLast()
        changes.seekToLast()
        settle(.backwards)
    }

    func seek(_ key: [UInt8]) {
        base.seek(key)
        changes.seek(key)
        settle(.forwards)
    }

    func seekForPrevious(_ key: [UInt8]) {
        base.seekForPrevious(key)
        changes.seekForPrevious(key)
        settle(.backwards)
    }

    func next() {
        precondition(isValid, "the cursor does not stand on an entry")
        let key = key
        if direction == .backwards {
            base.seek(key)
            changes.seek(key)
            direction = .forwards
        }
        pass(key)
        settle(.forwards)
    }

    func previous() {
        precondition(isValid, "the cursor does not stand on an entry")
        let key = key
        if direction == .forwards {
            base.seekForPrevious(key)
            changes.seekForPrevious(key)
            direction = .backwards
        }
        pass(key)
        settle(.backwards)
    }

    /// Moves each cursor that stands on `key` on by one.
    private func pass(_ key: [UInt8]) {
        if base.isValid, base.key == key { step(base) }
        if changes.isValid, changes.key == key { step(changes) }
    }

    private func step(_ cursor: any StoreIterator) {
        if direction == .forwards { cursor.next() } else { cursor.previous() }
    }

    /// Finds the nearer of the two entries, past deleted ones.
    private func settle(_ direction: Direction) {
        self.direction = direction
        while changes.isValid {
            let order = base.isValid ? distance(changes.key, base.key) : -1
            guard order <= 0 else { break }
            guard OverlayStore.isDeleted(changes.value) else {
                isChanged = true
                return
            }
            if order == 0 { step(base) }
            step(changes)
        }
        isChanged = base.isValid ? false : nil
    }

    /// Negative when `left` comes first in the direction of travel.
    private func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        let order = KeyOrder.compare(left, right)
        return direction == .forwards ? order : -order
    }

    var key: [UInt8] {
        precondition(isValid, "the cursor does not stand on an entry")
        return isChanged == true ? changes.key : base.key
    }

    var value: [UInt8] {
        precondition(isValid, "the cursor does not stand on an entry")
        return isChanged == true ? [UInt8](changes.value.dropFirst()) : base.value
    }

    func withEntry(_ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void) {
        precondition(isValid, "the cursor does not stand on an entry")
        guard isChanged == true else { return base.withEntry(body) }
        changes.withEntry { key, value in body(key, UnsafeRawBufferPointer(rebasing: value.dropFirst())) }
    }

    func checkStatus() throws(StoreError) {
        try base.checkStatus()
    }
}
