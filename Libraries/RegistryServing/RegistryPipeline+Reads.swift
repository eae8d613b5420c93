import Consensus
import Mutations
import Protocol
import RegistryCore

extension RegistryPipeline {
    /// Answers from the applied state, where another replica may lead only when it is known that none does.
    func read(_ request: AnyRegistryRequest, _ answer: @escaping Answer) {
        if log.mayReadNow || Mutation.deposedRegistriesAnswer.isPlanted { return answerRead(request, answer) }
        readCount += 1
        let number = readCount
        reads[number] = answer
        do throws(ReadRefusal) {
            try log.read { [weak self] in
                guard let self, let answer = reads.removeValue(forKey: number) else { return }
                answerRead(request, answer)
            }
        } catch {
            reads[number] = nil
            answer(nil)
        }
    }

    private func answerRead(_ request: AnyRegistryRequest, _ answer: Answer) {
        do throws(ProtocolError) {
            answer(.success(try core.read(request, at: now)))
        } catch {
            answer(.failure(error))
        }
    }

    /// The log has forgotten them. Each holds a connection.
    func letReadsGo() {
        if Mutation.lostReadsHoldTheirConnections.isPlanted { return }
        let answers = reads.sorted { $0.key < $1.key }.map(\.value)
        reads = [:]
        for answer in answers { answer(nil) }
    }
}
