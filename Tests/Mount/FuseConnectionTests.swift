import CFUSE
import Glibc
import Testing
import sterna_mount

/// What is agreed with the kernel beyond what libfuse agrees, and what is shown to callbacks of what it hides.
@Suite struct FuseConnectionTests {
    private static let offered = UInt32(FUSE_HANDLE_KILLPRIV_V2 | FUSE_SETXATTR_EXT | FUSE_POSIX_ACL)

    /// The flags that the kernel gets when libfuse answers `number` with none.
    private func answer(
        _ connection: FuseConnection, number: UInt64, error: Int32 = 0, length: Int = MemoryLayout<fuse_init_out>.size
    ) -> UInt32 {
        var header = fuse_out_header(len: 0, error: error, unique: number)
        var body = fuse_init_out()
        withUnsafeMutableBytes(of: &header) { header in
            withUnsafeMutableBytes(of: &body) { body in
                var vectors = [
                    iovec(iov_base: header.baseAddress, iov_len: header.count),
                    iovec(iov_base: body.baseAddress, iov_len: length),
                ]
                vectors.withUnsafeMutableBufferPointer { connection.amend($0) }
            }
        }
        return body.flags
    }

    @Test(arguments: [false, true]) func killingOfSetuidIsOursWhereItIsOffered(_ storesPermissions: Bool) {
        let connection = FuseConnection(storesPermissions: storesPermissions)
        connection.note(Self.offered, request: 2)
        #expect(answer(connection, number: 4) == 0, "of another request")
        #expect(answer(connection, number: 2) == UInt32(FUSE_HANDLE_KILLPRIV_V2), "and nothing else")
        #expect(answer(connection, number: 2) == 0, "numbers come again")
    }

    @Test func itIsNotAgreedWhereItIsNotOffered() {
        let old = FuseConnection(storesPermissions: true)
        old.note(Self.offered & ~UInt32(FUSE_HANDLE_KILLPRIV_V2), request: 2)
        #expect(answer(old, number: 2) == 0)
    }

    @Test func refusalsAndShortAnswersStayAsTheyAre() {
        for (error, length) in [(-EPROTO, MemoryLayout<fuse_init_out>.size), (0, 24)] {
            let connection = FuseConnection(storesPermissions: true)
            connection.note(Self.offered, request: 2)
            #expect(answer(connection, number: 2, error: error, length: length) == 0)
        }
    }

    @Test func offersOfOldKernelsAreShort() {
        for argument in [16, MemoryLayout<fuse_init_in>.size] {
            var request = [UInt8](repeating: 0, count: MemoryLayout<fuse_in_header>.size + argument)
            request.withUnsafeMutableBytes { bytes in
                var header = fuse_in_header()
                header.opcode = FUSE_INIT.rawValue
                bytes.storeBytes(of: header, as: fuse_in_header.self)
                bytes.storeBytes(
                    of: Self.offered, toByteOffset: MemoryLayout<fuse_in_header>.size + 12, as: UInt32.self)
                #expect(KernelRequest(bytes)?.offeredFlags == Self.offered)
                let cut = UnsafeMutableRawBufferPointer(rebasing: bytes[..<(MemoryLayout<fuse_in_header>.size + 15)])
                #expect(KernelRequest(cut)?.offeredFlags == nil)
            }
        }
    }

    @Test func capabilitiesAreThoseOfThePermissions() {
        for stores in [false, true] {
            var info = fuse_conn_info()
            info.capable = .max
            FuseConnection(storesPermissions: stores).configure(&info)
            #expect((info.want & UInt32(FUSE_CAP_POSIX_ACL) != 0) == stores)
            #expect((info.want & UInt32(FUSE_CAP_DONT_MASK) != 0) == stores)
            #expect(info.want & UInt32(FUSE_CAP_EXPORT_SUPPORT) != 0)
            #expect(info.want & UInt32(FUSE_CAP_WRITEBACK_CACHE) == 0)
        }
        // A kernel that offers nothing is asked for nothing.
        var poor = fuse_conn_info()
        FuseConnection(storesPermissions: true).configure(&poor)
        #expect(poor.want == 0)
    }

    // MARK: Requests

    private func flagsShown<T: BitwiseCopyable>(
        _ kind: fuse_opcode, _ argument: T, cutTo length: Int? = nil, _ read: (T) -> UInt32
    ) -> UInt32 {
        var header = fuse_in_header()
        header.opcode = kind.rawValue
        var bytes = withUnsafeBytes(of: header) { Array($0) } + withUnsafeBytes(of: argument) { Array($0) }
        if let length { bytes.removeLast(bytes.count - length) }
        return bytes.withUnsafeMutableBytes { bytes in
            KernelRequest(bytes)?.showKilling()
            let start = MemoryLayout<fuse_in_header>.size
            guard bytes.count >= start + MemoryLayout<T>.size else { return 0 }
            return read(bytes.loadUnaligned(fromByteOffset: start, as: T.self))
        }
    }

    @Test func killingIsShownAmongTheFlags() {
        let write = UInt32(O_WRONLY)
        for (said, shown) in [(UInt32(0), write), (1, write | OpenFlags.killsSetuid)] {
            var open = fuse_open_in()
            (open.flags, open.open_flags) = (write, said)
            #expect(flagsShown(FUSE_OPEN, open) { $0.flags } == shown)
            var create = fuse_create_in()
            (create.flags, create.open_flags) = (write, said)
            #expect(flagsShown(FUSE_CREATE, create) { $0.flags } == shown)
            var data = fuse_write_in()
            (data.flags, data.write_flags) = (write, said << 2 | 1)
            #expect(flagsShown(FUSE_WRITE, data) { $0.flags } == shown)
            // Something else has other things there.
            #expect(flagsShown(FUSE_READ, open) { $0.flags } == write)
        }
    }

    @Test func shortRequestsAreNoRequests() {
        var nothing: [UInt8] = []
        nothing.withUnsafeMutableBytes { #expect(KernelRequest($0) == nil) }
        #expect(flagsShown(FUSE_WRITE, fuse_write_in(), cutTo: 41) { $0.flags } == 0)
    }
}
