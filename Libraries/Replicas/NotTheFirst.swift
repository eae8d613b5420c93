/// A process was to begin a group that was there before: an empty disk must not take the place of what others have
/// (design R3).
package struct NotTheFirst: Error, CustomStringConvertible {
    let group: String

    /// - Parameter group: for people.
    package init(_ group: String) { self.group = group }

    package var description: String {
        """
        \(group) has been served before, and there is nothing of it here: start without --found to join the other \
        replicas, or bring back the data of this one
        """
    }
}
