/// What cannot work, or leads nowhere, in `models` and on routes that go by them.
extension Validation {
    func checkModels() {
        for model in config.models {
            guard reading.isSound(Self.path(of: model)), !reading.isFull else { continue }
            checkStripping(model)
        }
        warnUnusedTargets()
    }

    static func path(of model: ModelConfig) -> ConfigPath { .key(.key(.root, "models"), model.name) }

    /// Where a target stands.
    func place(of target: Int, in model: ModelConfig) -> ConfigPath {
        let path = Self.path(of: model)
        let list = ConfigPath.key(path, "first_of")
        return reading.node(at: list) == nil ? written("upstream", of: path) : .index(list, target)
    }

    private func checkStripping(_ model: ModelConfig) {
        guard model.stripPrefix else { return }
        let place = ConfigPath.key(Self.path(of: model), "strip_prefix")
        if !model.isPattern {
            note("`\(place.text)` has no effect: the name is no pattern", hint: "remove it", at: place)
        } else if model.literalPrefix.isEmpty {
            note(
                "`\(place.text)` has nothing to remove: the pattern begins with `*`", hint: "remove it",
                at: place)
        } else if model.targets.isEmpty {
            note(
                "`\(place.text)` has no effect: the entry says nothing of where to",
                hint: "add `upstream` or `first_of`", at: place)
        } else if let index = model.targets.firstIndex(where: { $0.model != nil }) {
            let target = self.place(of: index, in: model)
            note(
                "`\(place.text)` cannot stand with another name in `\(target.text)`",
                hint: "write the upstream alone, or remove `strip_prefix`", at: place)
        }
    }

    private func warnUnusedTargets() {
        guard let model = config.models.first(where: { !$0.targets.isEmpty }),
            reading.isSound(.key(.root, "models")), reading.isSound(.key(.root, "routes")),
            !config.routes.contains(where: { $0.action == .models }), !reading.isFull
        else { return }
        let place = self.place(of: 0, in: model)
        let message = "`\(place.text)` leads nowhere: no route has `to: models`"
        reading.note(.warning, message, at: reading.span(of: place), path: place)
    }

    // MARK: Routes

    /// An entry says where to; true also where nobody can tell.
    private var areTargetsKnown: Bool {
        !reading.isSound(.key(.root, "models")) || !modelUpstreams.isEmpty
    }

    /// `to: models`, and what is put into bodies.
    func checkBodyKeys(_ route: RouteConfig, _ path: ConfigPath) {
        guard route.action.proxies else {
            let own = reading.node(at: .key(path, "action")) == nil ? "respond" : "action"
            for key in ["default_model", "default_temperature", "transform"] {
                let place = ConfigPath.key(path, key)
                guard reading.node(at: place) != nil else { continue }
                note(
                    "`\(place.text)` has no effect beside `\(own)`", hint: "remove it", at: place, isKey: true
                )
            }
            return
        }
        guard case .models = route.action else { return }
        guard areTargetsKnown else {
            let example = config.upstreams.first?.name ?? "UPSTREAM"
            let place = ConfigPath.key(path, "to")
            return note(
                "`\(place.text)` leads nowhere: no entry of `models` says where to",
                hint: "add one such as `\"*\": \(example)` to `models`", at: place)
        }
        // Why a bound: among thousands of patterns the answer is not worth the wait.
        guard let model = route.defaultModel, reading.isSound(.key(.root, "models")),
            config.models.count <= 1000,
            !config.models.contains(where: { !$0.targets.isEmpty && $0.fits(model) })
        else { return }
        let place = ConfigPath.key(path, "default_model")
        let isShown = !usesVariable(at: place)
        let names = config.models.lazy.filter { !$0.targets.isEmpty && !$0.isPattern }.map(\.name)
        note(
            "`\(place.text)` leads nowhere: no entry of `models` that fits it says where to",
            hint: isShown ? Suggestion.hint(for: model, among: names) : nil, at: place)
    }

    func checkListed(_ route: RouteConfig) {
        guard !areTargetsKnown, !reading.isFull else { return }
        let path = ConfigPath.key(Self.path(of: route), "action")
        let message = "`models` of routes[\(route.index)] lists nothing: no entry of `models` says where to"
        reading.note(.warning, message, at: reading.span(of: path), path: path)
    }

    private func note(_ message: String, hint: String?, at place: ConfigPath, isKey: Bool = false) {
        let span = isKey ? reading.keySpan(of: place) : reading.span(of: place)
        reading.note(.error, message, hint: hint, at: span, path: place)
    }
}

extension ModelConfig {
    /// A request for a model of that name may be for this entry.
    func fits(_ model: String) -> Bool {
        guard isPattern else { return name == model }
        let parts = name.utf8.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false)
        guard let first = parts.first, let last = parts.last, model.utf8.starts(with: first) else {
            return false
        }
        var rest = model.utf8.dropFirst(first.count)
        for part in parts.dropFirst().dropLast() where !part.isEmpty {
            guard let start = rest.indices.first(where: { rest[$0...].starts(with: part) }) else {
                return false
            }
            rest = rest[start...].dropFirst(part.count)
        }
        return rest.count >= last.count && rest.suffix(last.count).elementsEqual(last)
    }
}
