import Store
import TestSupport
import Testing

/// Random moves of a cursor over each store, between the same bounds: every answer must be the same.
/// - Parameter place: a bound, or where to seek.
func compareIterators(
    _ store: any OrderedStore, _ model: MemoryStore, _ random: inout SeededGenerator,
    at place: (inout SeededGenerator) -> [UInt8]
) throws {
    let lower = random.next() % 3 == 0 ? [] : place(&random)
    let upper = random.next() % 3 == 0 ? nil : place(&random)
    let actual = store.iterator(from: lower, upTo: upper)
    let expected = model.iterator(from: lower, upTo: upper)
    for _ in 0..<12 {
        let key = place(&random)
        let move = random.next() % 8
        for iterator in [actual, expected] {
            switch move {
            case 0: iterator.seekToFirst()
            case 1: iterator.seekToLast()
            case 2: iterator.seek(key)
            case 3: iterator.seekForPrevious(key)
            case 4, 5: if iterator.isValid { iterator.next() } else { iterator.seekToFirst() }
            default: if iterator.isValid { iterator.previous() } else { iterator.seekToLast() }
            }
        }
        #expect(actual.isValid == expected.isValid)
        if actual.isValid && expected.isValid {
            #expect(actual.key == expected.key)
            #expect(actual.value == expected.value)
        }
    }
    try actual.checkStatus()
    #expect(entries(actual).map(\.0) == entries(expected).map(\.0))
}

func entries(_ iterator: any StoreIterator) -> [([UInt8], [UInt8])] {
    var result: [([UInt8], [UInt8])] = []
    iterator.seekToFirst()
    while iterator.isValid {
        iterator.withEntry { result.append(([UInt8]($0), [UInt8]($1))) }
        iterator.next()
    }
    return result
}
