/// How a staged file begins that is to take the place of a finished one.
struct Beginning {
    /// Bytes of the old one that it begins with.
    var keeping: UInt64 = 0
    /// What is added belongs at the end, whatever the name leads to by then.
    var appends = false
    var isDirect = false
    /// For a file that is open: the name that it had then, should it have none any more.
    var formerPlace: Place?
}
