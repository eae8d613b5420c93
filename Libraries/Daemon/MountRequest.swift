/// What programs can ask of a mount beyond what files can do: numbers for ioctl(2), on any file or directory of it.
public enum MountRequest {
    /// As syncfs(2), which the kernel keeps to itself. Nothing is passed; answers 0, or the errno of the first file that
    /// could not be published.
    public static let synchronize: UInt32 = 0xF501
}
