/// The part of `headgate status` about sources of keys for upstreams: what is wrong with them, as far as
/// somebody's key was looked for there.
struct KeySourceStatus {
    private let upstreams: [(name: String, problems: [String])]

    init(_ served: [String: KeyRegistry.Entry]) {
        upstreams = served.compactMap { name, entry in entry.chain.map { (name, $0.problems) } }
            .sorted { $0.name < $1.name }
    }

    /// For people. None where all is well.
    var lines: [String] {
        upstreams.flatMap { upstream in upstream.problems.map { "keys        \(upstream.name): \($0)" } }
    }

    func append(to json: inout JSONText) {
        json.array("keys") { json in
            for upstream in upstreams {
                json.object { json in
                    json.string("upstream", upstream.name)
                    json.array("problems") { json in
                        for problem in upstream.problems { json.string(nil, problem) }
                    }
                }
            }
        }
    }
}
