import Protocol
import Simulator
import Store
import Testing

extension EndToEnd {
    /// A directory with hundreds of names of one hash, as earlier versions let anybody make them.
    @Suite(.serialized) struct HashGroupTests {
        private static let count = 300

        /// Gives files of a directory, whose stopped cluster is in `path`, names of one hash.
        private func rename(in path: String) throws {
            let store = try RocksStore(
                directory: path + "/shard/state", options: RocksOptions(writeAheadLog: false))
            var batch = WriteBatch()
            var renamed = 0
            for shard in UInt8.min...UInt8.max {
                let edges = store.iterator(from: [shard, 5], upTo: [shard, 6])
                edges.seekToFirst()
                while edges.isValid {
                    // Shard, collection, directory, hash, length, name.
                    let key = edges.key
                    if key.count > 19, String(decoding: key[19...], as: UTF8.self).hasPrefix("collide-") {
                        let name = CollidingNames.name(renamed)
                        let hash = withUnsafeBytes(of: NameHash(of: name).rawValue.bigEndian) { Array($0) }
                        batch.delete(key)
                        batch.put(key[..<10] + hash + [UInt8(name.count)] + name, edges.value)
                        renamed += 1
                    }
                    edges.next()
                }
            }
            try store.write(batch, durable: false)
            try store.close()
            try #require(renamed == Self.count)
        }

        @Test("it is listed, and rm -rf removes it", .timeLimit(.minutes(5)))
        func listedAndRemoved() throws {
            let cluster = try TestCluster()
            let directory = cluster.mount + "/d"
            try sh(
                """
                mkdir '\(directory)' && cd '\(directory)'
                for i in $(seq \(Self.count)); do echo $i > collide-$i; done
                for i in $(seq 50); do echo $i > other-$i; done
                """)
            cluster.stop()
            try rename(in: cluster.directory)
            try cluster.start()
            #expect(try sh("ls -f '\(directory)' | wc -l") == "\(Self.count + 52)")
            // With attributes, and by small steps.
            #expect(try sh("ls -l '\(directory)' | wc -l") == "\(Self.count + 51)")
            #expect(try sh("cat '\(directory)'/* | sort -n | uniq | wc -l") == "\(Self.count)")
            // One more is refused, and what is there stays.
            let name = CollidingNames.name(Self.count).map { "\\x" + String($0, radix: 16) }.joined()
            let refused = shell("cd '\(directory)' && mkdir \"$(printf '\(name)')\"")
            #expect(refused.status != 0 && refused.output.contains("Invalid argument"), "\(refused.output)")
            #expect(try sh("ls -f '\(directory)' | wc -l") == "\(Self.count + 52)")
            try sh("rm -rf '\(directory)'")
            #expect(try sh("ls -A '\(cluster.mount)'") == "")
            let check = shell("exec '\(TestCluster.binaries)/sterna' fsck --registry "
                + "$(cat '\(cluster.directory)/run/registry.address') --key-file '\(cluster.directory)/key' --rate 2000",
                seconds: 120)
            #expect(check.status == 0, "\(check.output)")
        }
    }
}
