import Client
import Protocol
import Testing

/// A shard may listen where another one was before.
@Suite(.timeLimit(.minutes(1))) struct ForeignShardTests {
    @Test func aFileThatAnotherShardMadeIsNotTaken() async throws {
        let (made, read) = try await FakeCluster.run { cluster in
            cluster.shards.foreignFiles = 2
            let id = try await FileRoundTripTests.write([1, 2, 3], cluster)
            return (cluster.shards.files.count, try await FileRoundTripTests.readAll(id, cluster))
        }
        #expect(made == 3 && read == [1, 2, 3])
    }

    @Test func whereOnlyOthersAnswerNothingIsMade() async throws {
        let error = try await FakeCluster.run { cluster in
            cluster.shards.foreignFiles = .max
            do throws(ClientError) {
                _ = try await cluster.client.createFile(in: .root, note: [])
                return ClientError?.none
            } catch {
                return error
            }
        }
        #expect(error?.cause == .unavailable)
    }
}
