extension InodeAttributeChange {
    /// Leaves everything as it is.
    public static let nothing = InodeAttributeChange(ownership: .default, mtime: 0, atime: 0, extended: [])

    /// The time that a field of the change sets; nil: it stays.
    public static func time(_ field: UInt64) -> Timestamp? {
        field >> 63 == 1 ? Timestamp(nanoseconds: field & ~(1 << 63)) : nil
    }

    /// The field that sets a time; nil: that leaves it. Only the lowest 63 bits count.
    public static func field(_ time: Timestamp?) -> UInt64 {
        time.map { $0.nanoseconds | 1 << 63 } ?? 0
    }

    /// Refuses what is possible for no inode, and what would not fit into a datagram together with whatever carries it.
    public func validate() throws(ProtocolError) {
        guard ownership.isPossible else { throw .malformedRequest }
        guard encodedSize <= AttributeLimits.changeBytes else { throw .attributesTooLarge }
        var names: Set<[UInt8]> = []
        for change in extended {
            guard !change.name.isEmpty, !change.name.contains(0), names.insert(change.name).inserted,
                change.value.isEmpty || !change.operation.removes
            else { throw .malformedRequest }
            guard change.value.count <= AttributeLimits.extendedBytes else { throw .attributesTooLarge }
        }
    }
}

extension [ExtendedAttribute] {
    /// Carries changes out, one after the other.
    public mutating func apply(_ changes: [ExtendedAttributeChange]) throws(ProtocolError) {
        for change in changes { try apply(change) }
        guard reduce(0, { $0 + $1.countedBytes }) <= AttributeLimits.extendedBytes else { throw .attributesTooLarge }
    }

    private mutating func apply(_ change: ExtendedAttributeChange) throws(ProtocolError) {
        let place = firstIndex { $0.name == change.name }
        switch change.operation {
        case .create: guard place == nil else { throw .attributeExists }
        case .replace, .remove: guard place != nil else { throw .attributeNotFound }
        default: break
        }
        if change.operation.removes {
            if let place { remove(at: place) }
        } else if let place {
            self[place].value = change.value
        } else {
            append(ExtendedAttribute(name: change.name, value: change.value))
        }
    }
}
