import Config
import Stores

/// `action: models`: from what the file says to what the action asks.
extension ActionBinder {
    /// - Parameter refresh: nanoseconds.
    func modelsAction(_ discovers: Bool, _ refresh: UInt64, _ errors: ErrorFormat) -> ModelsAction {
        let catalog = ModelCatalog(loaded.config.models.compactMap(entry), since: models.since)
        var lists: [String: UpstreamModels] = [:]
        for name in discovers ? catalog.listedUpstreams : [] {
            guard let upstream = loaded.config.upstreams.first(where: { $0.name == name }) else { continue }
            lists[name] = models.models(of: source(upstream, refresh), keyLine: keyLine(upstream))
        }
        return ModelsAction(catalog, lists: lists, errors: errors)
    }

    /// nil: it says nothing of where to.
    private func entry(_ config: ModelConfig) -> ModelCatalog.Entry? {
        guard config.isRefused || !config.targets.isEmpty else { return nil }
        let targets = config.targets.map {
            ModelCatalog.Target(upstream: $0.upstream, passesName: $0.model == nil)
        }
        return ModelCatalog.Entry(
            name: config.name, prefix: config.stripPrefix ? config.literalPrefix : "", targets: targets)
    }

    private func source(_ config: UpstreamConfig, _ refresh: UInt64) -> UpstreamModels.Source {
        UpstreamModels.Source(
            name: config.name, urls: config.endpoints.map { ActionBinder.listURL($0.url) },
            authorities: config.tls.ca.flatMap { loaded.authorities[$0] }, serverName: config.tls.serverName,
            verifies: !config.tls.insecureSkipVerify, refresh: refresh)
    }

    /// `/models` behind the path of the endpoint; where it has none, the API is at `/v1`.
    static func listURL(_ url: EndpointURL) -> String {
        "\(url.scheme.rawValue)://\(url.authority)\(url.basePath.isEmpty ? "/v1" : url.basePath)/models"
    }

    private func keyLine(_ config: UpstreamConfig) -> UpstreamModels.KeyLine {
        let field = KeyFieldLine(config: config.keyField)
        switch config.key {
        case nil: return { nil }
        case .one(let text)?:
            let key = loaded.secret(text)
            return { field.line(key) }
        case .anyOf(let keys)?:
            guard let first = keys.first else { return { nil } }
            let key = loaded.secret(first.source)
            return { field.line(key) }
        case .chain?:
            let chain = keys[config.name]
            return { chain?.lineForNobody() }
        }
    }
}
