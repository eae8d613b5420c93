/// Random steps; the same seed gives the same ones.
public struct OperationGenerator<Random: RandomNumberGenerator> {
    private var random: Random

    public init(_ random: Random) { self.random = random }

    public mutating func script(_ count: Int) -> [ModelOperation] {
        (0..<count).map { _ in next() }
    }

    private mutating func number(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }

    private mutating func size() -> Int { number(3) == 0 ? number(2) * 4 + 1 : 0 }

    private mutating func directory() -> Int { number(3) == 0 ? 0 : number(ModelOperation.labels) }
    private mutating func file() -> Int { number(ModelOperation.labels) }

    /// Now and then what is not a name.
    private mutating func name() -> Int {
        number(40) == 0 ? ModelOperation.names.count - 1 : number(ModelOperation.names.count - 1)
    }

    /// Mostly the names that files have, and those that directories have, so that what is asked for is often there.
    private mutating func fileName() -> Int { number(8) == 0 ? name() : number(3) }
    private mutating func directoryName() -> Int { number(8) == 0 ? name() : 2 + number(2) }

    private mutating func aim() -> ModelOperation.Aim {
        switch number(16) {
        case 0: .wrongTime
        case 1: .wrongTarget
        default: .right
        }
    }

    private mutating func expectation() -> ModelOperation.Expectation {
        switch number(12) {
        case 0: .wrong
        case 1: .nothing
        case 2..<4: .anything
        default: .present
        }
    }

    private mutating func variant() -> Int { number(AttributeVariants.count) }

    private mutating func attributes() -> ModelOperation.Attributes? {
        if number(2) == 0 { return nil }
        let kind = number(4) == 0 ? number(AttributeVariants.kinds.count) : 0
        return ModelOperation.Attributes(inherits: number(3) > 0, variant(), kind: kind)
    }

    public mutating func next() -> ModelOperation {
        switch number(61) {
        case 0..<8: .create(file: file(), in: directory(), name: fileName(), size: size())
        case 8..<13:
            .makeDirectory(
                directory: number(ModelOperation.labels - 1) + 1, in: directory(), name: directoryName(),
                variant: number(3) == 0 ? variant() : nil)
        case 13..<18: .move(in: directory(), name: name(), to: directory(), as: name(), aim())
        case 18..<21: .rename(in: directory(), name: name(), to: name(), aim(), brings: number(2) == 0)
        case 21..<25: .unlink(in: directory(), name: fileName(), aim())
        case 25..<29: .removeDirectory(in: directory(), name: directoryName(), aim())
        case 29..<32: .resurrect(in: directory(), name: fileName(), version: number(3), to: name(), aim())
        case 32..<35: .hardUnlink(in: directory(), name: fileName(), version: number(3), aim())
        case 35..<37: .forget(in: directory(), name: name(), version: number(3))
        case 37..<45:
            .edit(
                file: file(), in: directory(), name: fileName(), size: size(), expectation(),
                continues: number(4) > 0, supersedes: number(3) > 0, attributes: attributes())
        case 45..<48: .setAttributes(file: file(), variant: variant())
        case 48: .setDirectoryAttributes(directory: directory(), variant: variant())
        case 49..<52:
            .replace(in: directory(), name: directoryName(), over: directory(), as: directoryName(), aim())
        default: rare()
        }
    }

    private mutating func rare() -> ModelOperation {
        switch number(13) {
        case 12:
            .publish(
                file: file(), in: directory(), name: fileName(), expectation(), continues: number(4) > 0,
                supersedes: number(3) > 0, attributes: attributes())
        case 0: .construct(file: file(), in: directory())
        case 1:
            number(2) == 0
                ? .link(file: file(), in: directory(), name: name())
                : .linkOver(file: file(), in: directory(), name: fileName(), aim())
        case 2: .lock(in: directory(), name: name(), aim())
        case 3, 4: .unlock(in: directory(), name: name(), aim())
        case 5: .setTime(file: file(), number(1000))
        case 6: .scrap(file: file())
        case 7: .removeSpan(file: file())
        case 8: .removeFile(file: file())
        case 9: .setInfo(directory: directory(), variant: number(4))
        case 10: .hardUnlinkDirectory(directory: directory())
        default: number(3) == 0 ? .wait : .hardUnlinkDirectory(directory: directory())
        }
    }
}
