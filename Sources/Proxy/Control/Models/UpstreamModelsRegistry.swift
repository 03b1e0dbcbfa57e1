import CLinux

/// Gives an upstream the same list of models in every generation, as long as it is asked in the same way, so
/// that a reload does not ask anew. Generations own the lists; the registry only remembers them while one
/// does.
///
/// Belongs to the control thread.
final class UpstreamModelsRegistry {
    /// Seconds since 1970: when the process began, near enough.
    let since = Int64(headgate_realtime_ns() / 1_000_000_000)
    private var known = Remembered<UpstreamModels.Source, UpstreamModels>()

    /// Begins to ask the upstream, unless that is not due. A key that has changed is used from now on.
    /// - Returns: nil: the system gives no more descriptors, which was said.
    func models(
        of source: UpstreamModels.Source, keyLine: @escaping UpstreamModels.KeyLine
    ) -> UpstreamModels? {
        known.sweep()
        do throws(SystemError) {
            let models: UpstreamModels
            if let served = known[source] {
                models = served
                models.use(keyLine)
            } else {
                models = try UpstreamModels(source, keyLine: keyLine)
                known[source] = models
            }
            models.refreshIfDue()
            return models
        } catch {
            Log.error("upstreams.\(source.name): its models cannot be listed: \(error)")
            return nil
        }
    }
}
