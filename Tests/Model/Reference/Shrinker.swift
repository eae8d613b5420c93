/// Finds out which steps of a failing script it fails because of (delta debugging).
public enum Shrinker {
    /// A script that fails and is made of steps of `script`, in order: no single one of them can go, and no rewrite
    /// would do.
    ///
    /// - Parameters:
    ///   - rewrites: what makes a script simpler as a whole; done twice, each must do no more than done once.
    ///   - fails: whether a script fails; called many times, so it must not depend on earlier calls.
    public static func shrink<Step: Equatable>(
        _ script: [Step], rewrites: [@Sendable ([Step]) -> [Step]] = [], fails: ([Step]) throws -> Bool
    ) rethrows -> [Step] {
        var script = try removing(from: script, fails: fails)
        var index = 0
        while index < rewrites.count {
            let simpler = rewrites[index](script)
            index += 1
            guard simpler != script, try fails(simpler) else { continue }
            script = try removing(from: simpler, fails: fails)
            // What another rewrite could not do before it may do now.
            index = 0
        }
        return script
    }

    private static func removing<Step>(
        from script: [Step], fails: ([Step]) throws -> Bool
    ) rethrows -> [Step] {
        var script = script
        var size = max(script.count / 2, 1)
        while true {
            let before = script.count
            var start = 0
            while start < script.count {
                var fewer = script
                fewer.removeSubrange(start..<min(start + size, script.count))
                if try fails(fewer) { script = fewer } else { start += size }
            }
            // Steps that could not go before may go now that others have.
            if size == 1 && script.count == before { return script }
            size = max(size / 2, 1)
        }
    }
}
