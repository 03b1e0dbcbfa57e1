/// Threads of low priority that do nothing but hash passwords.
final class HashPool: Sendable {
    init() {}
}
