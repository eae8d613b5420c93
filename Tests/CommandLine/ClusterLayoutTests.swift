import Foundation
import Testing
import sterna

@Suite struct ClusterLayoutTests {
    private let path = NSTemporaryDirectory() + "sterna-layout-" + UUID().uuidString

    @Test(
        "a policy is read as it is written",
        arguments: ["single", "mirror:2", "mirror:16", "rs:2,1", "rs:10,4", "rs:15,15"])
    func policyText(text: String) throws {
        #expect(try #require(RedundancyPolicy(text)).description == text)
    }

    @Test(
        "what is no policy is refused",
        arguments: [
            "", "none", "mirror", "mirror:", "mirror:1", "mirror:17", "rs:1,1", "rs:4", "rs:4,0", "rs:16,2", "rs:4,2,1",
            "rs:-4,2",
        ])
    func notAPolicy(text: String) {
        #expect(RedundancyPolicy(text) == nil)
    }

    @Test("the default policy is one the failure domains can hold", arguments: 1...40)
    func suited(domains: Int) throws {
        #expect(RedundancyPolicy.suited(toFailureDomains: domains).blocks <= domains)
        let layout = try ClusterLayout(blockServices: domains, failureDomains: nil, policy: nil)
        #expect(layout.failureDomains == domains)
    }

    @Test("a layout comes back from its file")
    func roundTrip() throws {
        defer { unlink(path) }
        var layout = try ClusterLayout(blockServices: 14, failureDomains: 7, policy: .reedSolomon(data: 4, parity: 2))
        layout.registryPort = 4711
        try layout.save(path)
        #expect(try ClusterLayout.load(path) == layout)
        #expect(try ClusterLayout.load(path + "-none") == nil)
    }

    @Test(
        "a damaged file is refused, not guessed",
        arguments: [
            "", "block-services", "block-services = x\nfailure-domains = 1\npolicy = single\nregistry-port = 1",
            "block-services = 1\nfailure-domains = 2\npolicy = single\nregistry-port = 1",
            "block-services = 8\nfailure-domains = 8\npolicy = rs:9,2\nregistry-port = 1",
            "block-services = 8\nfailure-domains = 8\npolicy = single\nregistry-port = 99999", "\0\0\0\0",
        ])
    func damaged(text: String) throws {
        defer { unlink(path) }
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        #expect(throws: ClusterLayout.LayoutError.self) { try ClusterLayout.load(path) }
    }

    @Test("disks can be added at a later start, not taken away, and domains stay")
    func changes() throws {
        let layout = try ClusterLayout(blockServices: 8, failureDomains: 4, policy: .mirror(copies: 2))
        #expect(try layout.changed(blockServices: 10, failureDomains: nil, policy: nil).blockServices == 10)
        #expect(throws: ClusterLayout.LayoutError.self) {
            try layout.changed(blockServices: 7, failureDomains: nil, policy: nil)
        }
        #expect(throws: ClusterLayout.LayoutError.self) {
            try layout.changed(blockServices: nil, failureDomains: 5, policy: nil)
        }
        #expect(throws: ClusterLayout.LayoutError.self) {
            try layout.changed(blockServices: nil, failureDomains: nil, policy: .reedSolomon(data: 4, parity: 2))
        }
    }

    @Test("replicas may be added, and are remembered") func replicas() throws {
        defer { unlink(path) }
        let layout = try ClusterLayout(blockServices: nil, failureDomains: nil, policy: nil)
        #expect(layout.replicas == 1)
        let more = try layout.changed(blockServices: nil, failureDomains: nil, policy: nil, replicas: 3)
        try more.save(path)
        #expect(try ClusterLayout.load(path) == more)
        #expect(throws: ClusterLayout.LayoutError.self) {
            try more.changed(blockServices: nil, failureDomains: nil, policy: nil, replicas: 1)
        }
        for none in [-1, 0, 2, 4, 6] {
            #expect(throws: ClusterLayout.LayoutError.self) {
                try ClusterLayout(blockServices: nil, failureDomains: nil, policy: nil, replicas: none)
            }
        }
    }
}
