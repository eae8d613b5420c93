import Client
import Protocol

/// What all repairs of a process share.
struct RepairContext<Cluster: RepairCluster>: Sendable {
    let cluster: Cluster
    let options: RepairOptions
    let memory: Allowance
    let services: ServiceLimits
    let rate: ByteRate
    let scratchFiles: ScratchFiles<Cluster>

    init(cluster: Cluster, options: RepairOptions) {
        self.cluster = cluster
        self.options = options
        memory = Allowance(max(1, options.memoryBytes))
        services = ServiceLimits(
            operationsPerService: options.operationsPerService, avoidNanoseconds: options.avoidNanoseconds)
        rate = ByteRate(bytesPerSecond: options.bytesPerSecond)
        scratchFiles = ScratchFiles(cluster: cluster)
    }

    /// Fetches a range of a block; the error, if it fails.
    func fetch(_ source: BlockSource, _ range: Range<Int>, into memory: PooledBuffer, at offset: Int) async
        -> ClientError?
    {
        let id = source.service.id
        let error = await services.run(at: id) { () async -> ClientError? in
            do throws(ClientError) {
                try await cluster.fetch(source, range, into: memory, at: offset)
                return nil
            } catch {
                return error
            }
        }
        if let error, !error.provesBlockBroken { services.avoid(id, now: cluster.monotonicNanoseconds) }
        return error
    }
}
