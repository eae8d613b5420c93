/// A creation, renaming or deletion that is not on the medium yet. All of its steps get there or none.
struct NameChange {
    struct Step {
        let directory: Node
        let name: Node.Name
        let old: Node?
        let new: Node?
    }

    let steps: [Step]

    func touches(_ directory: Node) -> Bool { steps.contains { $0.directory === directory } }

    /// Directories that are not anywhere afterwards.
    var removedDirectories: [Node] {
        steps.compactMap(\.old).filter { old in old.isDirectory && !steps.contains { $0.new === old } }
    }
}

/// What changes of names have to do with each other: the same name, the same file, or a directory that went after its
/// entries did. Of two that have, the later one is never on the medium without the earlier one.
struct NameTies {
    private struct Slot: Hashable {
        let directory: ObjectIdentifier
        let name: Node.Name
    }

    private var slots: Set<Slot> = []
    private var nodes: Set<ObjectIdentifier> = []
    /// Directories that are taken away, whose entries' changes come first.
    private var removed: Set<ObjectIdentifier> = []
    /// Directories with changes.
    private var changed: Set<ObjectIdentifier> = []

    mutating func insert(_ change: NameChange) {
        for step in change.steps {
            slots.insert(Slot(directory: ObjectIdentifier(step.directory), name: step.name))
            changed.insert(ObjectIdentifier(step.directory))
            for node in [step.old, step.new].compactMap(\.self) { nodes.insert(ObjectIdentifier(node)) }
        }
        for directory in change.removedDirectories { removed.insert(ObjectIdentifier(directory)) }
    }

    /// Whether a change comes before one of these, or after.
    func tie(_ change: NameChange) -> Bool {
        change.steps.contains { step in
            slots.contains(Slot(directory: ObjectIdentifier(step.directory), name: step.name))
                || removed.contains(ObjectIdentifier(step.directory))
                || [step.old, step.new].compactMap(\.self).contains { nodes.contains(ObjectIdentifier($0)) }
        } || change.removedDirectories.contains { changed.contains(ObjectIdentifier($0)) }
    }
}
