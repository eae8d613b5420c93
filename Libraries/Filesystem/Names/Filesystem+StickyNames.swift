import Client
import Glibc
import Mutations
import Protocol

// In a directory with the sticky bit nobody takes the name from what is somebody else's. A kernel judges by what it
// believes for a moment to have the name; here it is judged by what has it, and nothing else loses it.

extension Filesystem {
    /// Whether somebody can take names in a directory from some of what is there only.
    func keepsNames(_ directory: InodeID, from caller: Caller) async throws(FilesystemError) -> Bool {
        guard storesOwnership, !isSuperuser(caller), !Mutation.stickyNamesAreAnybodys.isPlanted else { return false }
        let node = nodes.node(for: NodeID(directory))
        defer { nodes.dropIfUnused(node) }
        guard let there = try await permissions(of: node) else { return false }
        return there.mode & Permissions.sticky != 0 && there.user != caller.user
    }

    /// What has a name, where somebody can take it from that and nothing else; nil: from whatever has it.
    /// - Throws: EPERM where he cannot.
    func takeable(_ place: Place, by caller: Caller) async throws(FilesystemError) -> InodeID? {
        guard try await keepsNames(place.directory, from: caller) else { return nil }
        let target = try await named(place.name) { () throws(ClientError) in
            try await client.lookup(place.name, in: place.directory)
        }.targetId
        let found = try await posix { () throws(ClientError) in try await client.attributes(of: target) }
        guard let there = permissions(found.stored?.ownership ?? Ownership(), of: target.type),
            await owns(caller, there.user, group: there.group)
        else { throw FilesystemError(EPERM, "the directory is sticky, and somebody else has the name by now") }
        return target
    }

    /// Checks that somebody can give a name to something else, if anything has it.
    func checkReplaceable(_ place: Place, by caller: Caller) async throws(FilesystemError) {
        do throws(FilesystemError) {
            _ = try await takeable(place, by: caller)
        } catch {
            guard error.isRefusal(.nameNotFound) else { throw error }
        }
    }

    /// Runs a step that takes a name from what it gets, and from whatever has it if that is nil.
    func taking(
        _ place: Place, by caller: Caller,
        _ step: nonisolated(nonsending) (InodeID?) async throws(ClientError) -> Void
    ) async throws(FilesystemError) {
        while true {
            let target = try await takeable(place, by: caller)
            do throws(FilesystemError) {
                return try await named(place.name) { () throws(ClientError) in try await step(target) }
            } catch {
                // Something else has it since.
                guard target != nil, error.isRefusal(.mismatchingTarget) else { throw error }
            }
        }
    }

    /// What a new file was renamed over goes with the name that it loses, if that leads there still.
    func unlinkReplaced(by staged: StagedFile) async throws(FilesystemError) {
        guard let known = staged.replaced else { return }
        let replaced = Mutation.othersGoWithReplacedFiles.isPlanted ? nil : known
        do throws(ClientError) {
            try await client.unlink(staged.place.name, in: staged.place.directory, expecting: replaced)
        } catch {
            let isOthers = replaced != nil && error.isRefusal(.mismatchingTarget)
            guard isOthers || error.isRefusal(.nameNotFound) else { throw FilesystemError(error) }
        }
    }
}
