import Testing

/// Everything here runs real processes and a real mount, one test after the other: two cores are few.
@Suite(.serialized) enum EndToEnd {}
