import Testing

@testable import Proxy

/// Files that hold `text`; nil: the file is missing.
private func files(_ text: String?, folder: TemporaryFolder) -> InputFiles {
    let path = folder.path + "/" + (text ?? "missing")
    if let text { folder.write(text, text) }
    return InputFiles(reading: [path])
}

private enum Event: String, CaseIterable {
    case triggered, filesRead, built, buildFailed, resolved, adopted, drained, reported
}

private enum Expectation {
    case becomes(Reload.State, Reload.Action)
    case traps
}

private enum Stage: Int, CaseIterable {
    case idle, settling, building, resolving, publishing, draining

    /// A machine that has come this far by a signal.
    func machine(_ new: InputFiles) -> Reload {
        var machine = Reload()
        guard self != .idle else { return machine }
        _ = machine.triggered(.signal)
        guard self != .settling else { return machine }
        _ = machine.filesRead(new, served: nil)
        guard self != .building else { return machine }
        _ = machine.built()
        guard self != .resolving else { return machine }
        _ = machine.resolved()
        guard self != .publishing else { return machine }
        _ = machine.adopted()
        return machine
    }

    func outcome(of event: Event) -> Expectation {
        let settling = Reload.State.settling(.request, .init())
        switch (self, event) {
        case (.idle, .triggered), (.draining, .triggered):
            return .becomes(settling, .read(afterMilliseconds: 0))
        case (.settling, .triggered): return .becomes(.settling(.signal, .init()), .wait)
        case (.building, .triggered): return .becomes(.building(.signal), .wait)
        case (.resolving, .triggered): return .becomes(.resolving(.signal), .wait)
        case (.publishing, .triggered): return .becomes(.publishing(.signal), .wait)
        case (.settling, .filesRead): return .becomes(.building(.signal), .build(.signal))
        case (.building, .built): return .becomes(.resolving(.signal), .resolve)
        case (.building, .buildFailed): return .becomes(.idle, .reportFailure(.signal))
        case (.resolving, .resolved): return .becomes(.publishing(.signal), .publish(.signal))
        case (.publishing, .adopted): return .becomes(.draining, .closeRemoved(.signal))
        case (.draining, .drained): return .becomes(.idle, .wait)
        case (.idle, .drained), (.idle, .reported): return .becomes(.idle, .wait)
        case (.settling, .drained), (.settling, .reported):
            return .becomes(.settling(.signal, .init()), .wait)
        case (.building, .drained), (.building, .reported): return .becomes(.building(.signal), .wait)
        case (.resolving, .drained), (.resolving, .reported): return .becomes(.resolving(.signal), .wait)
        case (.publishing, .drained), (.publishing, .reported): return .becomes(.publishing(.signal), .wait)
        case (.draining, .reported): return .becomes(.draining, .wait)
        case (_, .filesRead), (_, .built), (_, .buildFailed), (_, .resolved), (_, .adopted): return .traps
        }
    }
}

extension Reload {
    fileprivate mutating func feed(_ event: Event, _ new: InputFiles) -> Action {
        switch event {
        case .triggered: triggered(.request)
        case .filesRead: filesRead(new, served: nil)
        case .built: built()
        case .buildFailed: buildFailed()
        case .resolved: resolved()
        case .adopted: adopted()
        case .drained: drained()
        case .reported: reported()
        }
    }
}

@Test(arguments: Stage.allCases, Event.allCases)
private func `every event moves every state as the table says`(stage: Stage, event: Event) async {
    let folder = TemporaryFolder()
    let new = files("new", folder: folder)
    switch stage.outcome(of: event) {
    case .becomes(let state, let action):
        var machine = stage.machine(new)
        #expect(machine.feed(event, new) == action)
        #expect(machine.state == state)
    case .traps:
        let (stage, event) = (stage.rawValue, event.rawValue)
        await #expect(processExitsWith: .failure) { [stage = stage as Int, event = event as String] in
            var machine = Stage(rawValue: stage)!.machine(InputFiles())
            _ = machine.feed(Event(rawValue: event)!, InputFiles())
        }
    }
}

@Test func `a changed file is built once two reads agree`() {
    let folder = TemporaryFolder()
    var machine = Reload()
    #expect(machine.triggered(.file) == .read(afterMilliseconds: 0))
    #expect(machine.filesRead(files("a", folder: folder), served: nil) == .read(afterMilliseconds: 20))
    #expect(machine.filesRead(files("b", folder: folder), served: nil) == .read(afterMilliseconds: 20))
    #expect(machine.filesRead(files("b", folder: folder), served: nil) == .build(.file))
}

@Test func `files that never stop changing are built after the last read that is allowed`() {
    let folder = TemporaryFolder()
    var machine = Reload()
    _ = machine.triggered(.file)
    for index in 1..<Reload.readsMax {
        let next = files("\(index)", folder: folder)
        #expect(machine.filesRead(next, served: nil) == .read(afterMilliseconds: 20))
    }
    #expect(machine.filesRead(files("last", folder: folder), served: nil) == .build(.file))
}

@Test(arguments: [Reload.Trigger.file, .signal, .request])
func `a file that has gone is waited for, then built without it`(trigger: Reload.Trigger) {
    let folder = TemporaryFolder()
    var machine = Reload()
    _ = machine.triggered(trigger)
    for _ in 1..<Reload.readsWithMissingMax {
        #expect(machine.filesRead(files(nil, folder: folder), served: nil) == .read(afterMilliseconds: 20))
    }
    #expect(machine.filesRead(files(nil, folder: folder), served: nil) == .build(trigger))
}

@Test func `a file that comes back goes on settling`() {
    let folder = TemporaryFolder()
    var machine = Reload()
    _ = machine.triggered(.file)
    #expect(machine.filesRead(files(nil, folder: folder), served: nil) == .read(afterMilliseconds: 20))
    #expect(machine.filesRead(files("a", folder: folder), served: nil) == .read(afterMilliseconds: 20))
    #expect(machine.filesRead(files("a", folder: folder), served: nil) == .build(.file))
}

@Test func `a start does not wait for a file that is missing`() {
    let folder = TemporaryFolder()
    var machine = Reload()
    _ = machine.triggered(.start)
    #expect(machine.filesRead(files(nil, folder: folder), served: nil) == .build(.start))
}

@Test func `a file that has been missing all along is not waited for`() {
    let folder = TemporaryFolder()
    let path = folder.write("a", "1")
    let served = InputFiles(reading: [path, folder.path + "/missing"])
    folder.write("a", "2")
    var machine = Reload()
    _ = machine.triggered(.request)
    let now = InputFiles(reading: [path, folder.path + "/missing"])
    #expect(machine.filesRead(now, served: served) == .build(.request))
}

@Test func `equal files are no reload`() {
    let folder = TemporaryFolder()
    var machine = Reload()
    _ = machine.triggered(.signal)
    let same = files("same", folder: folder)
    #expect(machine.filesRead(same, served: same) == .reportUnchanged(.signal))
    #expect(machine.state == .idle)
}

@Test func `a request while files settle is read at once, with whoever changed them`() {
    let folder = TemporaryFolder()
    var machine = Reload()
    _ = machine.triggered(.file)
    _ = machine.filesRead(files("a", folder: folder), served: nil)
    #expect(machine.triggered(.request) == .read(afterMilliseconds: 0))
    #expect(machine.filesRead(files("b", folder: folder), served: nil) == .build(.request))
}

@Test func `a thousand triggers during a reload make one more`() {
    let folder = TemporaryFolder()
    let (one, two) = (files("one", folder: folder), files("two", folder: folder))
    var machine = Stage.building.machine(one)
    for _ in 0..<1000 { #expect(machine.triggered(.signal) == .wait) }
    #expect(machine.built() == .resolve)
    #expect(machine.resolved() == .publish(.signal))
    #expect(machine.adopted() == .closeRemoved(.signal))
    #expect(machine.reported() == .read(afterMilliseconds: 0))
    #expect(machine.filesRead(two, served: one) == .build(.signal))
    #expect(machine.pending == nil)
}

@Test func `what was asked during a failing reload begins after it`() {
    let folder = TemporaryFolder()
    var machine = Stage.building.machine(files("one", folder: folder))
    #expect(machine.triggered(.request) == .wait)
    #expect(machine.buildFailed() == .reportFailure(.signal))
    #expect(machine.reported() == .read(afterMilliseconds: 0))
    #expect(machine.state == .settling(.request, .init()))
}

@Test func `a failure while older exchanges run goes back to draining`() {
    let folder = TemporaryFolder()
    let one = files("one", folder: folder)
    var machine = Stage.draining.machine(one)
    _ = machine.triggered(.signal)
    _ = machine.filesRead(files("two", folder: folder), served: one)
    #expect(machine.buildFailed() == .reportFailure(.signal))
    #expect(machine.state == .draining)
    #expect(machine.drained() == .wait)
    #expect(machine.state == .idle)
}
