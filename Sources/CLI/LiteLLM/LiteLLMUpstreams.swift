/// Deployments gathered into upstreams: one for each server, kind of key and clocks.
struct LiteLLMUpstreams {
    struct Upstream: Equatable {
        let provider: String
        /// As they are written, each with its weight.
        var bases: [Weighted<String>]
        var keys: [Weighted<LiteLLMDeployment.Key>]
        let isExpanded: Bool
        let keyField: String?
        let timeout: Int64?
        let retries: Int64?
    }
    struct Weighted<Value: Equatable>: Equatable {
        let value: Value
        let weight: Int64?
    }
    /// Where a model goes.
    struct Target: Equatable {
        let upstream: String
        let model: String
    }

    /// With their names, in the order of the file.
    private(set) var named: [(name: String, upstream: Upstream)] = []
    /// Variables that stand for keys in clear.
    private var variables: [LiteLLMDeployment.Key: String] = [:]
    /// What the file uses otherwise.
    private let taken: Set<String>

    init(taken: Set<String>) { self.taken = taken }

    /// - Parameter deployments: of one model name.
    mutating func targets(of deployments: [LiteLLMDeployment]) -> [Target] {
        var groups: [(model: String, upstream: Upstream)] = []
        for deployment in deployments {
            let upstream = Upstream(deployment)
            let joined = groups.firstIndex {
                $0.model == deployment.model && $0.upstream.canTake(upstream)
            }
            if let joined {
                groups[joined].upstream.take(upstream)
            } else {
                groups.append((deployment.model, upstream))
            }
        }
        return groups.map { Target(upstream: name(of: $0.upstream), model: $0.model) }
    }

    private mutating func name(of upstream: Upstream) -> String {
        if let found = named.first(where: { $0.upstream == upstream }) { return found.name }
        var name = upstream.provider
        var number = 2
        while named.contains(where: { $0.name == name }) {
            name = "\(upstream.provider)-\(number)"
            number += 1
        }
        named.append((name, upstream))
        for key in upstream.keys { note(key.value, upstream.provider) }
        return name
    }

    /// A key that stood in clear gets a variable of its own.
    private mutating func note(_ key: LiteLLMDeployment.Key, _ provider: String) {
        guard case .inClear = key, variables[key] == nil else { return }
        let mark = String(provider.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
        let taken = taken.union(variables.values)
        var name = "\(mark)_API_KEY"
        var number = 2
        while taken.contains(name) {
            name = "\(mark)_API_KEY_\(number)"
            number += 1
        }
        variables[key] = name
    }

    /// Variables that have to be set because their keys are not passed on.
    var newVariables: [String] { variables.values.sorted() }

    /// nil: no key.
    func variable(_ key: LiteLLMDeployment.Key) -> String? {
        switch key {
        case .none: nil
        case .variable(let name): name
        case .inClear: variables[key]
        }
    }
}

extension LiteLLMUpstreams.Upstream {
    init(_ deployment: LiteLLMDeployment) {
        provider = deployment.provider
        bases = [.init(value: deployment.base, weight: deployment.weight)]
        keys = [.init(value: deployment.key, weight: deployment.weight)]
        isExpanded = deployment.isBaseExpanded
        keyField = deployment.keyField
        timeout = deployment.timeout
        retries = deployment.retries
    }

    /// Either the servers are the same, and the keys may be several, or the key is the same, and the servers
    /// may be.
    func canTake(_ other: Self) -> Bool {
        let isAlike =
            provider == other.provider && isExpanded == other.isExpanded && timeout == other.timeout
            && retries == other.retries
        let haveKeys = keys.allSatisfy { $0.value != .none } && other.keys.allSatisfy { $0.value != .none }
        let sameBases = bases.map(\.value) == other.bases.map(\.value)
        let sameKeys = keys.map(\.value) == other.keys.map(\.value)
        return isAlike && (sameBases && (haveKeys || sameKeys) || sameKeys)
    }

    mutating func take(_ other: Self) {
        for base in other.bases where !bases.contains(where: { $0.value == base.value }) {
            bases.append(base)
        }
        for key in other.keys where !keys.contains(where: { $0.value == key.value }) { keys.append(key) }
    }
}
