import Protocol

// What becomes of a file whose shard has given it up: nobody could renew it in time, because the machine was suspended
// or cut off. Nothing of it is lost as long as the collector has not come by.

extension FileWriter {
    /// Called now and then while the file is open.
    func renew() async {
        defer { core.openFiles.renewalEnded(self) }
        // Whose name leads elsewhere by now is still read by who lays its bytes onto that.
        guard failure.map({ $0.isRefusal(.mismatchingTarget) || $0.isRefusal(.cannotOverrideName) }) ?? true else {
            return
        }
        guard published == nil else { return }
        let (present, since) = (handle, core.openFiles.clock())
        if let successor = rebuilding?.successor {
            // Storing in it renews it as well, but it may have to wait. Whether one was lost shows when it is used.
            try? await client.renew(successor)
            if !isLost, present != successor { try? await client.renew(present) }
            return core.openFiles.touched(self, at: since)
        }
        do throws(ClientError) {
            try await client.renew(present)
            core.openFiles.touched(self, at: since)
            restorations = 0
            client.loop.task { [client] in await client.learnLifetime(of: present) }
        } catch {
            // Anything else passes, or shows when something is stored. The next turn tries again.
            guard error.isRefusal(.fileNotFound), present == handle else { return }
            lost()
        }
        await renewTail()
    }

    /// The shard does not know the file any more.
    func lost() {
        guard failure == nil, rebuilding == nil, published == nil else { return }
        isLost = true
        startStoring()
    }
}
