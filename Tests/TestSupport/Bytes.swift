/// Whether two contents are the same. A failing expectation about megabytes must ask this: the testing library would
/// list how they differ, for hours and in gigabytes of memory.
package func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool { left == right }
