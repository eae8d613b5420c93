import Testing

extension EndToEnd {
    /// Mounts in user namespaces: as containers have them, and users who are nobody outside.
    @Suite(.serialized) struct ContainerTests {
        /// A command that runs others in the namespaces of a mount, as root there.
        private static func inside(_ cluster: TestCluster) -> String {
            "nsenter --user --mount --wdns=/ -t $(cat '\(cluster.directory)/second.pid')"
        }

        private static let namespace = "unshare --user --map-root-user --mount --propagation private"

        @Test("ids that are not mapped are nobody's, and nobody gets anything by that", .timeLimit(.minutes(3)))
        func unmapped() throws {
            let cluster = try TestCluster("--with mount:--allow-other")
            try sh(
                """
                umask 022; cd '\(cluster.mount)'; mkdir -p tree/deep; echo open > tree/open; echo secret > tree/secret
                echo mine > tree/mine; mkfifo tree/pipe; ln -s open tree/link
                setfacl -m u:2000:rw tree/open; chmod 600 tree/secret
                echo shared > tree/shared; setfacl -m u:2000:rw,u:0:r,o:- tree/shared
                chown -h 1000:2000 tree/open tree/secret tree/pipe tree/link tree/deep
                """)
            let other = try SecondMount(of: cluster, wrapper: Self.namespace)
            try sh(
                """
                \(Self.inside(cluster)) bash -e <<'END'
                cd '\(other.path)/tree'
                is() { [ "$(stat -c "$3" "$1")" = "$2" ] || { echo "$1 is $(stat -c "$3" "$1"), not $2"; return 1; }; }
                refused() { local said; if said=$(LC_ALL=C "${@:2}" 2>&1); then echo "was not refused: $*"; return 1; fi
                    echo "$said" | grep -q "$1" || { echo "$*: $said"; return 1; }; }
                for name in open secret pipe link deep; do is $name '65534 65534' '%u %g'; done; is mine '0 0' '%u %g'
                grep -qx open open; grep -qx mine mine
                # Root of a namespace is nobody to files whose owners it does not know.
                refused 'Permission denied' cat secret
                refused 'Permission denied' touch deep/new
                refused 'too large' chmod 644 secret; refused 'too large' chown 0 secret
                refused 'Invalid argument' chown 1000 mine
                # Of a list there is what is about somebody, and who sees a part does not replace the whole.
                getfacl -cn shared | paste -sd, | grep -qx 'user::rw-,user:0:r--,group::r--,mask::rw-,other::---,'
                refused 'not permitted' setfacl -m u:0:rw shared; refused 'not permitted' setfacl -b shared
                setfacl -m u:0:rw mine; setfacl -b mine
                ls -lR . > /dev/null; find . -type f | sort | paste -sd' ' | grep -qx './mine ./open ./secret ./shared'
                mkdir made; echo here > made/f; cp open made/; cp -a mine made/; is made/f '0 0' '%u %g'
                rm mine; mv made/mine mine
                # In use it stays.
                exec 5> busy; echo one >&5; cd /
                refused busy umount '\(other.path)'
                echo two >&5; exec 5>&-
                paste -sd, '\(other.path)/tree/busy' | grep -qx one,two
                umount '\(other.path)'
                END
                """)
            #expect(other.wait(seconds: 30).status == 0)
            try sh(
                """
                cd '\(cluster.mount)/tree'; paste -sd, busy | grep -qx one,two
                [ "$(stat -c '%u %g' made/f made/mine mine secret open 2> /dev/null | paste -sd,)" = '0 0,0 0,1000 2000,1000 2000' ]
                grep -qx here made/f; grep -qx secret secret; getfacl -cn shared | grep -qx 'user:2000:rw-'
                """)
        }

        @Test("a user who is nobody mounts as root of a namespace of his own", .timeLimit(.minutes(3)))
        func unprivileged() throws {
            let cluster = try TestCluster("--with mount:--allow-other")
            try sh("cd '\(cluster.mount)'; mkdir -m 1777 shared; echo 'of root' > shared/f; chmod 600 shared/f")
            let user = UnprivilegedUser(in: cluster.directory)
            try user.own("second", "second.log")
            let other = try SecondMount(of: cluster, wrapper: "\(user.inOwnNamespace) \(Self.namespace)")
            try sh(
                """
                \(Self.inside(cluster)) bash -e <<'END'
                [ "$(id -u)" = 0 ]; cd '\(other.path)/shared'
                # Ids are those of the namespace: this root is the cluster's root for all that he sees.
                [ "$(stat -c '%u %g' f)" = '0 0' ]; grep -qx 'of root' f
                echo new > g; [ "$(stat -c '%u %g' g)" = '0 0' ]
                grep ' \(other.path) .* - fuse.sterna ' /proc/self/mountinfo | grep nosuid | grep -q nodev
                exec 5> busy; echo one >&5; cd /
                if umount '\(other.path)' 2> /dev/null; then exit 1; fi
                echo two >&5; exec 5>&-
                mount -i -o remount,ro '\(other.path)'; if touch '\(other.path)/shared/h' 2> /dev/null; then exit 1; fi
                umount '\(other.path)'
                END
                """)
            #expect(other.wait(seconds: 30).status == 0)
            try sh("cd '\(cluster.mount)/shared'; grep -qx new g; paste -sd, busy | grep -qx one,two; [ ! -e h ]")
        }
    }
}
