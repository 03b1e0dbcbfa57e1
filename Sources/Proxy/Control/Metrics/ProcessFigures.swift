import Glibc
import Stores

/// What the process takes of the machine, as the kernel says at this moment.
struct ProcessFigures {
    /// Nanoseconds of processor time, in the program and in the kernel, of all threads.
    let processorTime: UInt64
    /// Bytes of memory that are in use (VmRSS); 0: unknown.
    let residentBytes: UInt64
    /// Descriptors, this look included; 0: unknown.
    let openDescriptors: UInt64
    /// As many as there may be.
    let descriptorsMax: UInt64

    init() {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        processorTime =
            ProcessFigures.nanoseconds(usage.ru_utime) + ProcessFigures.nanoseconds(usage.ru_stime)
        residentBytes = ProcessFigures.residentPages() * UInt64(sysconf(Int32(_SC_PAGESIZE)))
        openDescriptors = ProcessFigures.countDescriptors()
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        descriptorsMax = UInt64(limit.rlim_cur)
    }

    private static func nanoseconds(_ time: timeval) -> UInt64 {
        UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_usec) * 1000
    }

    /// The second number of `/proc/self/statm`.
    private static func residentPages() -> UInt64 {
        guard let bytes = try? readFile("/proc/self/statm", limitBytes: 4096) else { return 0 }
        let words = String(decoding: bytes, as: UTF8.self).split(separator: " ")
        return words.count > 1 ? UInt64(words[1]) ?? 0 : 0
    }

    private static func countDescriptors() -> UInt64 {
        guard let folder = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(folder) }
        var count: UInt64 = 0
        while readdir(folder) != nil { count += 1 }
        // "." and "..".
        return count - min(count, 2)
    }
}
