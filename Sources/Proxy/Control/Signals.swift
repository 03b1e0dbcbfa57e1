import CLinux
import Glibc

/// The signals that control acts on, read from a descriptor, so that no code ever runs inside a signal
/// handler.
final class Signals {
    enum Kind: Equatable {
        /// SIGHUP
        case reload
        /// SIGTERM, SIGINT
        case stop
        /// SIGUSR2
        case upgrade
        /// SIGUSR1
        case reopenLogs
    }

    let descriptor: Int32

    /// Blocks the signals for this thread and all that it starts later: call before the first thread.
    /// Ignores SIGPIPE: a peer that has gone is an EPIPE to whoever writes.
    init() throws(SystemError) {
        signal(SIGPIPE, SIG_IGN)
        var set = sigset_t()
        sigemptyset(&set)
        for number in [SIGHUP, SIGTERM, SIGINT, SIGUSR1, SIGUSR2] { sigaddset(&set, number) }
        let result = pthread_sigmask(SIG_BLOCK, &set, nil)
        guard result == 0 else { throw SystemError(call: "pthread_sigmask", errno: result) }
        descriptor = signalfd(-1, &set, Int32(SFD_NONBLOCK | SFD_CLOEXEC))
        guard descriptor >= 0 else { throw SystemError(call: "signalfd", errno: errno) }
    }

    deinit { close(descriptor) }

    /// What has arrived. The kernel merges equal signals that wait.
    func takeAll() -> [Kind] {
        var kinds: [Kind] = []
        var info = signalfd_siginfo()
        while read(descriptor, &info, MemoryLayout<signalfd_siginfo>.size)
            == MemoryLayout<signalfd_siginfo>.size
        {
            switch Int32(bitPattern: info.ssi_signo) {
            case SIGHUP: kinds.append(.reload)
            case SIGUSR2: kinds.append(.upgrade)
            case SIGUSR1: kinds.append(.reopenLogs)
            default: kinds.append(.stop)
            }
        }
        return kinds
    }
}
