import Glibc

/// One program by two names: the daemon that serves a mount, and mount(8)'s helper, which starts it.
@main
enum MountProgram {
    static func main() {
        if MountHelper.isCalled { exit(MountHelper.run()) }
        MountCommand.main()
    }
}
