import Glibc

/// The steps that end a service. What it served, its data and its user stay.
struct ServiceRemoval {
    private let plan: ServicePlan
    private let files: ServiceFiles
    private let systemd: Systemd

    init(_ plan: ServicePlan) {
        self.plan = plan
        files = ServiceFiles(prefix: plan.prefix)
        systemd = Systemd(prefix: plan.prefix)
    }

    /// - Throws: where there is no such service, or it is not one of headgate's.
    func steps() throws(ServiceError) -> [ServiceStep] {
        let isOwn = files.isThere(plan.unitPath)
        guard let path = isOwn ? plan.unitPath : plan.packagedUnitPaths.first(where: files.isThere) else {
            throw ServiceError("there is no service `\(plan.name)`")
        }
        guard files.isUnitOfHeadgate(path) else {
            throw ServiceError("\(path) is no unit of headgate's: it stays")
        }
        var steps = [stopStep]
        if isOwn { steps += [removeStep, reloadStep] }
        return steps + [kept(isOwn ? nil : path)]
    }

    private var stopStep: ServiceStep {
        let (plan, systemd) = (plan, systemd)
        let words = plan.prefix.isEmpty ? ["disable", "--now", plan.unit] : ["disable", plan.unit]
        let text = "systemctl " + words.joined(separator: " ")
        return ServiceStep(plan: text) { () throws(ServiceError) in
            try systemd.control(words)
            return text
        }
    }

    private var removeStep: ServiceStep {
        let (plan, files) = (plan, files)
        return ServiceStep(plan: "remove \(plan.prefix)\(plan.unitPath)") { () throws(ServiceError) in
            try files.remove(plan.unitPath)
        }
    }

    private var reloadStep: ServiceStep {
        let (plan, systemd) = (plan, systemd)
        guard plan.prefix.isEmpty else {
            return ServiceStep(plan: "") { () throws(ServiceError) in nil }
        }
        return ServiceStep(plan: "systemctl daemon-reload") { () throws(ServiceError) in
            try systemd.control("daemon-reload")
            // It fails where the unit had not failed before.
            try? systemd.control("reset-failed", plan.unit)
            return nil
        }
    }

    /// - Parameter package: the unit, where it is a package's.
    private func kept(_ package: String?) -> ServiceStep {
        var lines: [String] = []
        let places = ["/etc/\(plan.name)", plan.statePath, "/var/log/\(plan.name)", plan.unitPath + ".d"]
        for place in places where files.isThere(place) { lines.append("kept: \(plan.prefix)\(place)") }
        if files.owner("headgate") != nil { lines.append("kept: user headgate") }
        if let package { lines.append("kept: \(plan.prefix)\(package), which a package has brought") }
        let text = lines.joined(separator: "\n")
        return ServiceStep(plan: text) { () throws(ServiceError) in text.isEmpty ? nil : text }
    }
}
