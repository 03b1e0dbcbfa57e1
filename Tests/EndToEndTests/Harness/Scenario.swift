import Glibc
import Synchronization
import Testing

/// What one end-to-end test has running: processes, sockets, folders. All of it ends with the test, however
/// that ends.
final class Scenario: Sendable {
    @TaskLocal static var current: Scenario?

    private let resources = Guarded<[any Resource]>([])

    /// Keeps it running until the test's end, also past its last use in the test's code.
    static func keep(_ resource: any Resource) {
        guard let current else { preconditionFailure("a resource needs a test with the trait `.scenario`") }
        current.resources.withLock { $0.append(resource) }
    }

    /// It has ended already.
    static func forget(_ resource: any Resource) {
        current?.resources.withLock { $0.removeAll { $0 === resource } }
    }

    /// What the processes have said, for whoever reads about a failure.
    var story: String {
        resources.withLock { $0 }.compactMap(\.story).joined(separator: "\n")
    }

    /// The youngest first: a proxy before its upstream, a process before its folder.
    func end() {
        let all = resources.withLock { resources in
            defer { resources = [] }
            return resources
        }
        for resource in all.reversed() {
            resource.end()
            if let problem = resource.problem { Issue.record(Comment(rawValue: problem)) }
        }
    }
}

/// Something that a test must not leave behind.
protocol Resource: AnyObject, Sendable {
    func end()
    var story: String? { get }
    /// What is wrong with it once it has ended, whatever the test was about.
    var problem: String? { get }
}

extension Resource {
    var story: String? { nil }
    var problem: String? { nil }
}

/// Runs a test on a thread of its own, among few others, with a `Scenario` that is ended afterwards.
///
/// Why threads: these tests block in system calls, and the pool that Swift Testing runs on has one thread per
/// core.
struct ScenarioTrait: TestTrait, SuiteTrait, TestScoping {
    let isRecursive = true

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        guard !test.isSuite else { return try await function() }
        let scenario = Scenario()
        await ScenarioSlots.shared.take()
        do {
            try await withTaskExecutorPreference(ThreadExecutor.shared) {
                try await Scenario.$current.withValue(scenario) {
                    try await IssueHandlingTrait.compactMapIssues(Self.explain)
                        .provideScope(for: test, testCase: testCase, performing: function)
                }
            }
        } catch {
            // Why not thrown on: then nobody could tell what the processes had to say about it.
            let location = test.sourceLocation
            Issue.record(error, Comment(rawValue: scenario.story), sourceLocation: location)
        }
        await withTaskExecutorPreference(ThreadExecutor.shared) { await Self.end(scenario) }
        await ScenarioSlots.shared.giveBack()
    }

    @Sendable private static func explain(_ issue: Issue) -> Issue? {
        var issue = issue
        if let story = Scenario.current?.story, !story.isEmpty {
            issue.comments.append(Comment(rawValue: story))
        }
        return issue
    }

    private static func end(_ scenario: Scenario) async { scenario.end() }
}

extension Trait where Self == ScenarioTrait {
    static var scenario: ScenarioTrait { ScenarioTrait() }
}

/// How many scenarios run at once: most of them wait most of the time.
private actor ScenarioSlots {
    static let shared = ScenarioSlots()
    private static let slotsMax = 5

    private var free = slotsMax
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func take() async {
        if free > 0 {
            free -= 1
        } else {
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    func giveBack() {
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
}

/// Runs each job on a thread of its own, so that a job may block.
private final class ThreadExecutor: TaskExecutor {
    static let shared = ThreadExecutor()

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        startBareThread { job.runSynchronously(on: ThreadExecutor.shared.asUnownedTaskExecutor()) }
    }
}

/// A thread that belongs to the scenario of whoever starts it.
func startThread(_ body: @escaping @Sendable () -> Void) {
    let scenario = Scenario.current
    startBareThread { Scenario.$current.withValue(scenario, operation: body) }
}

/// A detached thread.
func startBareThread(_ body: @escaping @Sendable () -> Void) {
    final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    var thread = pthread_t()
    let box = Unmanaged.passRetained(Box(body))
    let result = pthread_create(
        &thread, &attributes,
        { argument in
            Unmanaged<Box>.fromOpaque(argument!).takeRetainedValue().body()
            return nil
        }, box.toOpaque())
    precondition(result == 0, "pthread_create: \(result)")
}
