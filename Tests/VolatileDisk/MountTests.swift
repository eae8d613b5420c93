import Foundation
import TestSupport
import Testing

/// The disk through the kernel, with the system calls that Sterna uses.
@Suite struct MountTests {
    private static let script = """
        import fcntl, mmap, os, signal, socket, subprocess, sys, time
        program, base = sys.argv[1:]
        mount, medium = base + '/mnt', base + '/medium'
        os.mkdir(mount); os.mkdir(medium)
        disk = subprocess.Popen([program, '--medium', medium, '--seed', '1', '--lazy', mount])
        def control(line):
            with open(mount + '/.control', 'r+b', buffering=0) as f:
                f.write(line.encode()); f.seek(0)
                return f.read().decode()
        def sync(path):
            d = os.open(path, os.O_RDONLY); os.fsync(d); os.close(d)
        def names(): return sorted(os.listdir(mount))
        try:
            deadline = time.monotonic() + 20
            while not os.path.exists(mount + '/.control'):
                assert time.monotonic() < deadline and disk.poll() is None, 'not mounted'
                time.sleep(0.01)
            # What RocksDB and the logs do.
            f = os.open(mount + '/f', os.O_RDWR | os.O_CREAT | os.O_EXCL)
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.posix_fallocate(f, 0, 1 << 20)
            os.pwrite(f, b'a' * 300000, 5)
            os.fdatasync(f); sync(mount)
            os.pwrite(f, b'b' * 10, 0)
            assert os.pread(f, 12, 0) == b'b' * 10 + b'aa'
            d = os.open(mount + '/f', os.O_RDONLY | os.O_DIRECT)
            memory = mmap.mmap(-1, 8192)
            assert os.preadv(d, [memory], 4096) == 8192 and memory[:] == b'a' * 8192
            a, b = socket.socketpair()
            assert os.sendfile(a.fileno(), f, 5, 1000) == 1000
            assert b.recv(1000) == b'b' * 5 + b'a' * 995
            os.link(mount + '/f', mount + '/g')
            assert os.stat(mount + '/g').st_nlink == 2
            os.makedirs(mount + '/x/y'); os.rename(mount + '/x/y', mount + '/z')
            assert names() == ['f', 'g', 'x', 'z'], names()
            with open(mount + '/g', 'rb') as g:
                assert mmap.mmap(g.fileno(), 0, prot=mmap.PROT_READ)[4096:4100] == b'aaaa'
            os.makedirs(mount + '/x/w'); open(mount + '/x/w/f', 'w').close()
            subprocess.run(['rm', '-r', mount + '/x/w'], check=True)
            for i in range(3000): open(mount + '/z/%d' % i, 'w').close()
            assert len(os.listdir(mount + '/z')) == 3000
            # Power.
            print(control('cut / none'))
            try: os.pwrite(f, b'c', 0); assert False
            except OSError as e: assert e.errno in (116, 2), e
            assert names() == ['f'], names()
            with open(mount + '/f', 'rb') as f: assert f.read(300005) == b'\\0' * 5 + b'a' * 300000
            assert os.path.getsize(mount + '/f') == 1 << 20
            # Errors.
            control('fail-sync /f 1')
            f = os.open(mount + '/f', os.O_RDWR)
            os.pwrite(f, b'new', 0)
            try: os.fsync(f); assert False
            except OSError as e: assert e.errno == 5, e
            os.fsync(f)
            assert os.pread(f, 3, 0) == b'new'
            control('full /')
            assert os.statvfs(mount).f_bavail == 0
            try: os.pwrite(f, b'x', 1 << 21); assert False
            except OSError as e: assert e.errno == 28, e
            control('heal /')
            os.close(f)
            control('cut /')
            with open(mount + '/f', 'rb') as f: assert f.read(5) == b'\\0' * 5
            for wrong in ['cut', 'cut /nothing', 'burn /', 'fail-sync / 0']:
                try: control(wrong); assert False, wrong
                except OSError as e: assert e.errno in (2, 22), e
        finally:
            disk.send_signal(signal.SIGTERM)
            try: status = disk.wait(20)
            except subprocess.TimeoutExpired: disk.kill(); status = disk.wait()
            if os.path.ismount(mount): subprocess.run(['umount', '-l', mount])
        assert status == 0, status
        assert os.listdir(mount) == [] and os.listdir(medium) == []
        """

    @Test(
        "files behave as on any disk until the power is cut, and then what was synced is there",
        .timeLimit(.minutes(2)))
    func kernel() throws {
        let directory = try TemporaryDirectory("volatile")
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let bundles = CommandLine.arguments.filter { $0.hasSuffix(".xctest") } + [own]
        let program = bundles.map { ($0 as NSString).deletingLastPathComponent + "/sterna-volatile-disk" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/timeout")
        process.arguments = [
            "-k", "30", "60", "python3", "-c", Self.script, try #require(program, "it was not built"), directory.path,
        ]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(text)")
        #expect(text.contains("cut 1 of /"), "\(text)")
    }
}
