import Testing
import sterna_torture

/// Which trees of names are right.
@Suite struct NameJudgeTests {
    private func tree(_ build: (inout NameTree) -> Void) -> NameTree {
        var tree = NameTree(root: "t")
        tree.makeDirectory("a")
        tree.makeDirectory("a/b")
        tree.makeFile("a/b/f", [1])
        build(&tree)
        return tree
    }

    private func closed(_ tree: NameTree) -> NameJudge.Case {
        let judge = NameJudge()
        judge.close(tree)
        return judge.all[0]
    }

    @Test("a directory moves with all that is in it") func moves() {
        let moved = tree { $0.move("a/b", to: "c") }
        #expect(moved.directories == ["", "a", "c"])
        #expect(moved.files == ["c/f": [1]])
        #expect(moved.isEmpty("a") && !moved.isEmpty("c"))
    }

    @Test("missing, additional and different names are faults") func faults() {
        let wanted = closed(tree { _ in })
        #expect(NameJudge.fault(tree { _ in }, wanted) == nil)
        #expect(NameJudge.fault(nil, wanted) == "t: it is not there")
        #expect(NameJudge.fault(tree { $0.removeFile("a/b/f") }, wanted) == "t: -a/b/f")
        #expect(NameJudge.fault(tree { $0.makeDirectory("x") }, wanted) == "t: +x/")
        #expect(NameJudge.fault(tree { $0.makeFile("a/b/f", [2]) }, wanted) == "t: ≠a/b/f")
    }

    @Test("a change that was cut off may have happened or not, and nothing between") func doubts() {
        let judge = NameJudge()
        let (before, after) = (tree { _ in }, tree { $0.move("a/b", to: "c") })
        judge.doubt("rename", "t", before: before, after: after)
        let doubt = judge.all[0]
        #expect(NameJudge.fault(before, doubt) == nil)
        #expect(NameJudge.fault(after, doubt) == nil)
        var half = after
        half.makeDirectory("a/b")
        #expect(NameJudge.fault(half, doubt) != nil)
        #expect(NameJudge.fault(nil, doubt) != nil)
        judge.doubt("mkdir", "u", before: nil, after: NameTree(root: "u"))
        #expect(NameJudge.fault(nil, judge.all[1]) == nil)
    }
}
