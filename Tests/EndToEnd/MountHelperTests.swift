import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// mount(8) and umount(8), fstab, and the helper that they call. Each test in a mount namespace of its own, in which
    /// the helper is installed.
    @Suite(.serialized) struct MountHelperTests {
        /// Runs a script where `mount.sterna` is installed and `/etc/fstab` is `fstab`; `$dir` is a mount point,
        /// `$registry` the cluster's, `$log` the usual log. No mount is left behind.
        private func run(
            _ cluster: TestCluster, fstab: String = "", _ script: String, seconds: Double = 60,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let place = cluster.directory + "/helper"
            try sh("mkdir -p '\(place)/sbin' '\(place)/dir' '\(place)/log'; touch /etc/fstab")
            for name in ["mount.sterna", "mount.fuse.sterna"] {
                try sh("ln -sf '\(TestCluster.binaries)/sterna-mount' '\(place)/sbin/\(name)'")
            }
            let inner = """
                set -e; export LC_ALL=C dir='\(place)/dir' registry=$(cat '\(cluster.directory)/run/registry.address')
                export log=/var/log/sterna-mount.log
                mount -t overlay overlay -o 'lowerdir=\(place)/sbin:/usr/sbin' /usr/sbin
                mount --bind '\(place)/log' /var/log
                mount -t tmpfs tmpfs /run
                cat > '\(place)/fstab' <<END
                \(fstab)
                END
                mount --bind '\(place)/fstab' /etc/fstab
                trap 'umount -l "$dir" 2> /dev/null || true' EXIT
                \(script)
                """
            try inner.write(toFile: place + "/script", atomically: true, encoding: .utf8)
            try sh(
                "unshare --mount --propagation private bash '\(place)/script'", seconds: seconds,
                sourceLocation: sourceLocation)
        }

        @Test("mount -t sterna returns when the mount is there; umount ends it", .timeLimit(.minutes(2)))
        func mountAndUnmount() throws {
            let cluster = try TestCluster()
            try run(
                cluster,
                """
                mount -t sterna $registry "$dir" -o noexec,log_level=debug,fsync=store
                echo there > "$dir/file"; cat "$dir/file" | grep -qx there
                # The source is what people mounted.
                grep " $dir .* - fuse.sterna $registry " /proc/self/mountinfo | grep nosuid | grep nodev | grep -q noexec
                # Root's mount of a cluster that stores permissions is everybody's.
                setpriv --reuid 65534 --regid 65534 --clear-groups cat "$dir/file" | grep -qx there
                ! setpriv --reuid 65534 --regid 65534 --clear-groups touch "$dir/new" 2> /dev/null
                cp /bin/true "$dir/true"; status=0; "$dir/true" 2> /dev/null || status=$?; [ $status = 126 ]
                grep -q ready $log
                umount "$dir"; ! mountpoint -q "$dir"
                # Mounted again with what was written there.
                mount -t sterna $registry "$dir"; grep -qx there "$dir/file"; umount "$dir"
                """)
        }

        @Test("what cannot be mounted has mount(8)'s exit code and a reason", .timeLimit(.minutes(2)))
        func failures() throws {
            let cluster = try TestCluster()
            try run(
                cluster,
                """
                fails() { expected=$1; shift; status=0; said=$("$@" 2>&1) || status=$?
                    [ $status = $expected ] && [ -n "$said" ] || { echo "$*: $status $said"; exit 1; }; }
                fails 1 mount.sterna $registry
                fails 1 mount.sterna $registry "$dir" -o no_such_option
                fails 1 mount.sterna $registry "$dir" -o uid=nobody
                fails 1 mount.sterna $registry "$dir" -o registry=other:1
                fails 32 mount.sterna $registry "$dir/none"
                fails 32 mount.sterna $registry "$dir" -o remount,ro
                fails 32 mount -t sterna $registry "$dir" -o log_file=/var/log/other,spool=/none
                grep -q 'spool directory' /var/log/other
                ! mountpoint -q "$dir"
                # Only asked: nothing happens.
                mount.sterna -f $registry "$dir" -o ro; mount -f -t sterna $registry "$dir"; ! mountpoint -q "$dir"
                mount.sterna -s $registry "$dir" -o no_such_option,noexec
                grep " $dir " /proc/self/mountinfo | grep -q noexec; umount "$dir"
                """)
        }

        @Test("lines of fstab: mount -a, _netdev, nofail, by directory, by a user", .timeLimit(.minutes(2)))
        func fstab() throws {
            let cluster = try TestCluster()
            let registry = try sh("cat '\(cluster.directory)/run/registry.address'")
            let dir = cluster.directory + "/helper/dir"
            try run(
                cluster,
                fstab: """
                    \(registry) \(dir) sterna defaults,_netdev,nofail,x-systemd.requires=network.target,allow_other 0 0
                    \(registry) \(dir)2 sterna noauto,user,ro,allow_other 0 0
                    """,
                """
                mkdir "${dir}2"
                mount -a -O _netdev; mountpoint -q "$dir"; ! mountpoint -q "${dir}2"
                grep -q " $dir .*allow_other" /proc/self/mountinfo
                echo one > "$dir/file"
                mount "${dir}2"; grep -qx one "${dir}2/file"
                status=0; touch "${dir}2/new" 2> /dev/null || status=$?; [ $status = 1 ] && [ ! -e "$dir/new" ]
                umount "${dir}2"; umount "$dir"; umount -a -t fuse.sterna
                """)
        }

        @Test("remount,ro and remount,rw; who has a file open to write is in the way", .timeLimit(.minutes(2)))
        func remount() throws {
            let cluster = try TestCluster()
            try run(
                cluster,
                """
                mount -t sterna $registry "$dir" -o noexec
                exec 5> "$dir/file"; echo one >&5
                status=0; mount -o remount,ro "$dir" 2> "$dir/../said" || status=$?
                [ $status = 32 ] && grep -qi busy "$dir/../said"
                echo two >&5; exec 5>&-
                mount -o remount,ro "$dir"
                ! touch "$dir/other" 2> "$dir/../said"; grep -q 'Read-only' "$dir/../said"
                paste -sd, "$dir/file" | grep -qx one,two
                mount -o remount,rw "$dir"; touch "$dir/other"
                # What was not mentioned has stayed.
                grep " $dir " /proc/self/mountinfo | grep nosuid | grep nodev | grep -q noexec
                mount.sterna $registry "$dir" -o remount,exec,allow_suid
                grep " $dir " /proc/self/mountinfo > "$dir/../line"
                ! grep -q 'noexec\\|nosuid' "$dir/../line"; grep -q nodev "$dir/../line"
                mount.sterna $registry "$dir" -o remount,noatime,nosymfollow
                grep " $dir " /proc/self/mountinfo | grep noatime | grep -q nosymfollow
                mount.sterna $registry "$dir" -o remount,atime
                grep " $dir " /proc/self/mountinfo > "$dir/../line"
                ! grep -q noatime "$dir/../line"; grep -q nosymfollow "$dir/../line"
                umount "$dir"
                """)
        }

        @Test("umount of a busy mount is refused and leaves all well", .timeLimit(.minutes(2)))
        func busy() throws {
            let cluster = try TestCluster()
            try run(
                cluster,
                """
                mount -t sterna $registry "$dir"
                exec 5> "$dir/file"; echo one >&5
                status=0; said=$(umount "$dir" 2>&1) || status=$?; [ $status = 32 ]; echo "$said" | grep -q busy
                echo two >&5; exec 5>&-; paste -sd, "$dir/file" | grep -qx one,two
                umount "$dir"
                """)
        }

        @Test("a mount whose daemon was killed is mounted anew, over nothing dead", .timeLimit(.minutes(2)))
        func killed() throws {
            let cluster = try TestCluster()
            try run(
                cluster,
                """
                mount -t sterna $registry "$dir"; echo kept > "$dir/file"
                daemon=$(pgrep -f -- "^sterna-mount .* -- $dir\\$")
                [ "$(readlink /proc/$daemon/cwd)" = / ] && [ "$(readlink /proc/$daemon/fd/0)" = /dev/null ]
                kill -9 $daemon; while [ -e /proc/$daemon ]; do sleep 0.05; done
                mount -t sterna $registry "$dir"; grep -qx kept "$dir/file"
                [ $(grep -c " $dir " /proc/self/mountinfo) = 1 ]
                umount "$dir"; ! mountpoint -q "$dir"
                """)
        }

        @Test("a user's line of fstab mounts as that user, by fusermount3", .timeLimit(.minutes(2)))
        func ordinaryUser() throws {
            let cluster = try TestCluster()
            let registry = try sh("cat '\(cluster.directory)/run/registry.address'")
            let dir = cluster.directory + "/helper/dir"
            try run(
                cluster, fstab: "\(registry) \(dir) sterna noauto,user,log_file=\(cluster.directory)/user.log 0 0",
                """
                mknod -m 666 "$dir/../fuse" c 10 229; mount --bind "$dir/../fuse" /dev/fuse
                as="setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all"
                chown 65534 "$dir"; touch '\(cluster.directory)/user.log'; chown 65534 '\(cluster.directory)/user.log'
                chmod 1777 '\(cluster.mount)'
                $as mount "$dir"
                $as bash -c "echo mine > '$dir/file'; grep -qx mine '$dir/file'"
                [ $($as stat -c %u "$dir/file") = 65534 ]
                ! ls "$dir" 2> /dev/null
                grep " $dir .* - fuse.sterna $registry " /proc/self/mountinfo | grep nosuid | grep -q nodev
                $as umount "$dir"; ! grep -q " $dir " /proc/self/mountinfo
                # Without a log nothing of the caller's is kept: this waits for the end of a pipe.
                said=$($as mount.sterna $registry "$dir" 2>&1 | cat); [ $($as stat -c %u "$dir/file") = 65534 ]
                daemon=$(pgrep -f -- "^sterna-mount .* -- $dir\\$"); [ "$(readlink /proc/$daemon/fd/2)" = /dev/null ]
                $as umount "$dir"
                # But what is wrong it says there.
                status=0; said=$($as mount.sterna $registry "$dir/none" 2>&1) || status=$?
                [ $status = 32 ] && echo "$said" | grep -q 'No such file'
                """)
        }
    }
}
