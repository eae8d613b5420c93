import Client
import Filesystem
import Protocol

/// What the kernel is told. Sent exactly once per request, by the one place that runs operations.
enum Answer {
    case done
    case failed(FilesystemError)
    case entry(Entry)
    case created(CreatedFile)
    case attributes(Attributes)
    case opened(OpenedFile)
    case target([UInt8])
    case data(FileData)
    case written(Int)
    case statistics(InfoResponse)
    case listing(DirectoryBuffer)
    /// An extended attribute, or the names of all; for whoever has room for so many bytes, 0: who only asks how many.
    case extended([UInt8], room: Int)
    /// Of an ioctl(2) that asks for nothing back.
    case controlled

    /// The kernel did not take it: what it would have held through it is given back.
    func takeBack(from filesystem: isolated Filesystem) async {
        switch self {
        case .entry(let entry): filesystem.takeBack(entry)
        case .created(let created): await filesystem.takeBack(created)
        case .opened(let opened): await filesystem.takeBack(opened)
        case .listing(let buffer):
            for entry in buffer.counted { filesystem.takeBack(entry) }
        case .done, .failed, .attributes, .target, .data, .written, .statistics, .extended, .controlled: break
        }
    }
}
