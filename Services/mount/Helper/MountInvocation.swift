/// What mount(8) asks a helper for: `mount.sterna REGISTRY DIRECTORY [-sfnv] [-o OPTIONS] [-t TYPE]`.
package struct MountInvocation: Hashable, Sendable {
    /// The first column of fstab: addresses of the registry.
    package var registry = ""
    package var directory = ""
    package var words: [String] = []
    /// Only say whether it could be: `mount -f`.
    package var isFake = false
    /// Options that nobody knows are left out: `mount -s`.
    package var isSloppy = false
    package var isVerbose = false

    /// Why an invocation cannot be understood, in a sentence.
    package struct UsageError: Error, CustomStringConvertible {
        package let description: String
    }

    /// - Parameter arguments: without the program's name.
    package init(_ arguments: [String]) throws(UsageError) {
        var (places, rest) = ([String](), arguments[...])
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("-"), argument.count > 1 else {
                places.append(argument)
                continue
            }
            try take(argument.dropFirst(), &rest)
        }
        guard places.count == 2 else {
            throw UsageError(description: "usage: mount.sterna REGISTRY DIRECTORY [-sfnv] [-o OPTIONS]")
        }
        (registry, directory) = (places[0], places[1])
    }

    /// Short options, perhaps several in one argument; one that has a value takes what is left, or the next argument.
    private mutating func take(_ letters: Substring, _ rest: inout ArraySlice<String>) throws(UsageError) {
        var letters = letters
        while let letter = letters.popFirst() {
            switch letter {
            case "f": isFake = true
            case "s": isSloppy = true
            case "v": isVerbose = true
            // There has been no file to leave the mount out of for long.
            case "n": break
            case "o", "t":
                guard let value = letters.isEmpty ? rest.popFirst() : String(letters) else {
                    throw UsageError(description: "-\(letter) needs a value")
                }
                // The type is that of whoever was called.
                if letter == "o" { words += value.split(separator: ",").map(String.init) }
                return
            default: throw UsageError(description: "there is no option -\(letter)")
            }
        }
    }
}
