import Foundation

// What whoever does a step may do.

extension FilesystemModel {
    static func parentName(of name: String) -> String { name.contains("/") ? "d" : "." }

    /// The directory that has a name. It is there from the beginning.
    func parent(of name: String) -> FileID? { directories[Self.parentName(of: name)] }

    /// What a mount shows; nil: what the cluster has. Times are nobody else's before they are published, and the rights
    /// of a program, which a write takes from its next version, may be taken at once.
    func shown(_ file: FileID, on mount: Int?) -> Attributes? {
        guard var shown = attributes[file] else { return nil }
        var less = shown
        less.takeProgramRights(keepsGroup: true)
        if let mount, mounts[mount].nodes[file]?.losesProgramRights == true {
            shown = less
        } else if mounts.contains(where: { $0.nodes[file]?.losesProgramRights == true }) {
            shown.doubtful |= shown.mode & ~less.mode
        }
        if mounts.indices.contains(where: { $0 != mount && mounts[$0].nodes[file]?.isStaged == true }) {
            (shown.modified, shown.accessed) = (.unknown, .unknown)
        }
        return shown
    }

    // MARK: Checks

    func need(_ rights: Rights, of file: FileID?) throws(Refusal) {
        guard let file, let known = attributes[file], known.permits(rights, user) else { throw Refusal(EACCES) }
    }

    /// Goes through the directories to a name.
    func reach(_ name: String) throws(Refusal) {
        try need(.execute, of: directories["."])
        if name.contains("/") { try need(.execute, of: directories["d"]) }
    }

    func find(_ name: String, on mount: Int) throws(Refusal) -> FileID {
        try reach(name)
        guard let found = directories[name] ?? lookup(name, on: mount) else { throw Refusal(ENOENT) }
        return found
    }

    /// A file loses its name.
    func needToTake(_ name: String, from file: FileID) throws(Refusal) {
        let directory = parent(of: name)
        try need(.changeNames, of: directory)
        guard let directory, let own = attributes[directory], let taken = attributes[file] else { return }
        if own.isProtected(taken, from: user) { throw Refusal(EPERM) }
    }

    /// What begins to be under a name.
    func made(_ kind: Attributes.Kind, _ name: String, _ mode: Int, by process: Int) throws(Refusal) -> Attributes {
        let directory = parent(of: name)
        try need(.changeNames, of: directory)
        guard let directory, let own = attributes[directory] else { throw Refusal(ENOENT) }
        return own.made(kind, mode: mode, umask: processes[process]?.umask ?? ProcessState().umask, by: user)
    }

    /// Whether the sysctl `fs.protected_regular` says if a file may be opened with O_CREAT.
    func dependsOnProtection(_ file: FileID, _ name: String) -> Bool {
        guard let directory = parent(of: name), let own = attributes[directory], let found = attributes[file] else {
            return false
        }
        return own.mode & Attributes.sticky != 0 && own.mode & 0o022 != 0 && found.owner != user.id
            && found.owner != own.owner
    }

    // MARK: What changes take and leave

    func hasProgramRights(_ file: FileID, on mount: Int) -> Bool {
        shown(file, on: mount).map { $0.mode & Attributes.programRights != 0 } == true
    }

    /// Whether nothing is promised of what a write does, since no mount knows the groups of whoever writes.
    func dependsOnGroups(_ file: FileID, on mount: Int) -> Bool {
        !capabilities.contains(.isLocal) && shown(file, on: mount)?.dependsOnGroups(user) == true
    }

    /// A file's bytes were changed on a mount.
    mutating func wrote(_ file: FileID, on mount: Int) {
        attributes[file]?.modified = .recent
        attributes[file]?.accessed = .unknown
        guard !user.isRoot else { return }
        if published[file] != nil, !capabilities.contains(.isLocal) {
            mounts[mount].nodes[file]?.losesProgramRights = true
        } else {
            takeProgramRights(file)
        }
    }

    private mutating func takeProgramRights(_ file: FileID) {
        guard let known = attributes[file] else { return }
        attributes[file]?.takeProgramRights(keepsGroup: user.isIn(known.group))
    }

    /// A change that leaves every byte. False: nothing is promised.
    mutating func changesNothing(_ file: FileID, on mount: Int) -> Bool {
        guard !user.isRoot, hasProgramRights(file, on: mount) else {
            attributes[file]?.modified = .unknown
            return true
        }
        guard !isTaken(file, byOtherThan: mount), !dependsOnGroups(file, on: mount) else { return false }
        attributes[file]?.modified = .unknown
        takeProgramRights(file)
        return true
    }

    /// A name begins or ends.
    /// - Parameter isKnown: every mount knows when; of what is published one may be a moment late to know.
    mutating func namesChanged(by name: String, isKnown: Bool) {
        guard let directory = parent(of: name) else { return }
        attributes[directory]?.modified = isKnown || capabilities.contains(.isLocal) ? .recent : .unknown
    }

    /// Files may have got their names, or not.
    mutating func forgetTimesOfDirectories() {
        for directory in directories.values { attributes[directory]?.modified = .unknown }
    }
}
