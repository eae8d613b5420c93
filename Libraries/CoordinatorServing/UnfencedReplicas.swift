/// Shards of the base protocol cannot tell one leader of the coordinator from the next: what a former one sent may still
/// be carried out.
struct UnfencedReplicas: Error, CustomStringConvertible {
    let description = """
        a coordinator with --peers needs shards that know more than the base protocol; the registry tells of none, or \
        --base-protocol-only was given
        """
}
