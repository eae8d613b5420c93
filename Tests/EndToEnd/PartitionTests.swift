import Foundation
import Testing

extension EndToEnd {
    /// Machines that do not reach each other, while programs on a mount go on.
    @Suite(.serialized) struct PartitionTests {
        @Test("machines are cut off one after the other, and every write succeeds and stays", .timeLimit(.minutes(5)))
        func machinesAreCutOff() throws {
            let machines = try ThreeMachines()
            let writes = try Writes(on: machines.mount, record: machines.directory + "/record")
            for machine in ThreeMachines.numbers {
                try machines.cutOff(machine)
                try writes.goOn(for: 10)
                // Longer than any time-out between replicas.
                usleep(3_000_000)
                try writes.goOn(for: 5)
                try machines.reconnect(machine)
                try machines.awaitReplicas()
            }
            try writes.finish()
            try writes.check()
        }

        /// A leader that followers do not hear and that hears them; a machine that hears the clients and none of the
        /// others; one whose answers do not reach the clients.
        @Test("messages get lost in one direction only", .timeLimit(.minutes(5)))
        func oneWay() throws {
            let machines = try ThreeMachines()
            let writes = try Writes(on: machines.mount, record: machines.directory + "/record")
            for (machine, others) in [(1, [2]), (2, [1, 3]), (3, [4]), (1, [3, 4])] {
                for other in others { try machines.silence(machine, towards: other) }
                try writes.goOn(for: 10)
                usleep(2_000_000)
                try writes.goOn(for: 5)
                for other in others { try machines.hear(machine, at: other) }
                try machines.awaitReplicas()
            }
            try writes.finish()
            try writes.check()
        }

        @Test("two of three are gone: nothing is done until one is back, and then it is", .timeLimit(.minutes(4)))
        func noMajority() throws {
            let machines = try ThreeMachines()
            try sh("mkdir '\(machines.mount)/before'")
            try machines.cutOff(1)
            try machines.cutOff(2)
            usleep(3_000_000)
            let waiting = BackgroundShell("mkdir '\(machines.mount)/during' && touch '\(machines.directory)/made'")
            usleep(3_000_000)
            #expect(access("\(machines.directory)/made", F_OK) != 0)
            try machines.reconnect(2)
            #expect(waiting.wait(seconds: 60).status == 0)
            try sh("ls -d '\(machines.mount)/before' '\(machines.mount)/during'")
            try machines.reconnect(1)
            try machines.awaitReplicas()
        }
    }
}
