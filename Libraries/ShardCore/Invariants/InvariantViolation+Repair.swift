extension InvariantViolation.Rule {
    /// What to do about a violation of this rule. Nothing repairs the state of a shard in place: it follows from its
    /// log, so a copy from before the damage or the removal of what is damaged are the ways out.
    public var repair: String {
        switch self {
        case .s1, .d:
            "the record was not written by a shard: restore the data directory from its last copy or snapshot"
        case .s2, .s21:
            "do not create files in this shard (ids could be given out twice); restore the last copy or snapshot"
        case .s3, .s6, .s12:
            "restore the last copy or snapshot; without one, unlink the name, which leads nowhere"
        case .s4, .s7:
            "the name cannot be found or changed reliably; restore the last copy or snapshot"
        case .s5:
            "touch the directory (create and delete a file in it): that moves its time beyond its entries"
        case .s8, .s9:
            "none needed: the next run of the garbage collector removes the marker"
        case .s10, .s11:
            "stop the garbage collector before it deletes what is still in use; restore the last copy or snapshot"
        case .s13, .s17:
            "copy what can still be read of the file, delete it, and restore it from a copy"
        case .s14:
            "the spans keep blocks on the disks that nobody reads; restore the last copy or snapshot"
        case .s15, .s16:
            "delete the file if it has a name; the garbage collector cannot remove its last span by itself"
        case .s18:
            "fewer losses are survivable than the policy promises: copy the file and delete the old one"
        case .s19:
            "no data is at risk, but evacuating a disk may miss files; restore the last copy or snapshot"
        case .s20:
            "stop the garbage collector: erasing one file could erase a block of another; copy both files to new names"
        case .s22:
            "the state and its log do not belong together; restore both from the same copy"
        case .s23:
            "part of the file cannot be read: copy what can be, delete it, and restore it from a copy"
        case .s24, .s25:
            "stop the garbage collector: it could erase what files still refer to; restore the last copy or snapshot"
        case .s26:
            "stop the garbage collector; remove the name only after the last copy or snapshot was restored"
        case .m:
            "no data is at risk, but a late copy of a request could act again: stop all clients for ten minutes"
        case .n:
            "no data is at risk, but who asks for a file by its number may get an older version: edit the file"
        case .a:
            "no data is at risk: set owner, mode and extended attributes of the inode again"
        case .c:
            "restart the shard; a record in memory differs from the stored one, which is a defect to report"
        }
    }
}
